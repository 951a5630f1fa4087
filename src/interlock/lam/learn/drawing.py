"""The batches of a fine-tuning: at most half of each are lessons, the rest is what the model was trained on before."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.lam.batches import Batch, chosen_tools, make_batch, read_tools
from interlock.lam.context import Context, read_context
from interlock.lam.examples import Example
from interlock.lam.generator.mixture import Mixture
from interlock.lam.learn.lessons import Lesson
from interlock.lam.protocol import ActionSchema
from interlock.lam.toolbox import Tool
from interlock.lam.vocabulary import any_words

BASE_SEED = 61_000
"""Base data of a fine-tuning begins here, far from the seeds of training, calibrating and measuring."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch, and where in it a reviewer replaced what was proposed."""

    batch: Batch
    rows: tuple[int, ...]
    """Rows of `batch.pointed`, one for each replaced place."""
    tokens: tuple[int, ...]
    """The first token of each."""
    base: int
    """How many of the examples are base data."""


def base_examples(seed: int, data: Mixture | None = None) -> Iterator[Example]:
    """Examples of the base data, without end."""
    mixture = data or Mixture(BASE_SEED + seed, words=any_words())
    index = 0
    while True:
        yield mixture.example(index)
        index += 1


def draw(
    lessons: Sequence[Lesson], base: Iterator[Example], steps: int, sizes: tuple[int, int], seed: int
) -> Iterator[Drawn]:
    """`steps` batches; every lesson comes equally often, in an order of the seed.

    Args:
        sizes: the most lessons of a batch, which half of it bounds, and all its examples.
    """
    chance = random.Random(seed)
    most, size = sizes
    share = min(most, size // 2, len(lessons))
    deck: list[Lesson] = []
    for _ in range(steps):
        while len(deck) < share:
            deck = chance.sample(list(lessons), len(lessons)) + deck
        taken = [deck.pop() for _ in range(share)]
        rows = [(lesson.example, _tools_of(lesson, chance)) for lesson in taken]
        for _ in range(size - share):
            example = next(base)
            rows.append((example, chosen_tools(example, 0.7, chance)))
        contexts = [read_context(example.observation) for example, _ in rows]
        tools = [read_tools(schemas) for _, schemas in rows]
        batch = make_batch([example for example, _ in rows], contexts, tools)
        rows_of, tokens = _replaced(taken, contexts, tools, batch)
        yield Drawn(batch, rows_of, tokens, size - share)


def _tools_of(lesson: Lesson, chance: random.Random) -> list[ActionSchema]:
    """The tools that a lesson is read with: the right ones, those that were refused, and another one."""
    example = lesson.example
    if example.kind == "abstain":
        refused = [schema for schema in example.space if schema.name in lesson.refused]
        return refused or list(example.space)
    names = {call.name for call in example.calls} | set(lesson.refused)
    chosen = [schema for schema in example.space if schema.name in names]
    others = [schema for schema in example.space if schema.name not in names]
    return chosen + chance.sample(others, min(1, len(others)))


def _replaced(
    lessons: Sequence[Lesson], contexts: Sequence[Context], tools: Sequence[Sequence[Tool]], batch: Batch
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the first token of each replaced place stands, and the question that it must not answer."""
    asked = {
        place: row
        for row, place in enumerate(zip(batch.pointed.pair.tolist(), batch.pointed.mark.tolist(), strict=True))
    }
    rows: list[int] = []
    tokens: list[int] = []
    pair = 0
    for lesson, context, read in zip(lessons, contexts, tools, strict=False):  # the lessons come first
        for tool in read:
            marks = dict(zip((p.name for p in tool.parameters), tool.places, strict=True))
            for wrong in lesson.wrong:
                if wrong.tool != tool.schema.name or marks.get(wrong.parameter, -1) < 0:
                    continue
                row = asked.get((pair, len(context.ids) + marks[wrong.parameter]))
                span = wrong.span
                found = context.tokens_of(span.source, span.start, span.end)
                token = context.markers.get(span.source) if span.whole else found[0] if found else None
                if row is not None and token is not None and not bool(batch.pointed.right[row, token]):
                    rows.append(row)
                    tokens.append(token)
            pair += 1
    return tuple(rows), tuple(tokens)
