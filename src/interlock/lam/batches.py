"""Turns examples into the tensors a training step needs, and a step's scores into its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from torch.nn import functional as F

from interlock.lam.context import Context
from interlock.lam.encoder import Encoder
from interlock.lam.examples import Example, Span
from interlock.lam.head import ActionHead, Pairs, pair_up
from interlock.lam.protocol import ActionSchema
from interlock.lam.toolbox import Tool, is_bound, options_of, read_tool, with_bound

NEVER = -1e4


@dataclass(frozen=True, eq=False)
class Asked:
    """R questions with several answers each: which of a row's places are right; none means the threshold wins."""

    pair: Tensor  # (R,) which pair
    mark: Tensor  # (R,) where the parameter's mark stands in the pair
    right: Tensor  # (R, A) true for right answers
    exists: Tensor  # (R, A) true where there is such an answer


@dataclass(frozen=True, eq=False)
class Batch:
    """Examples as N pairs over C contexts and K tools."""

    contexts: Tensor  # (C, T) word pieces
    context_mask: Tensor  # (C, T)
    tools: Tensor  # (K, S) word pieces
    tool_mask: Tensor  # (K, S)
    pairs: Pairs
    context_of: Tensor  # (N,)
    tool_of: Tensor  # (N,)
    fits: Tensor  # (N,) 1 where a pair belongs together, else 0
    pointed: Asked  # answers are tokens of the context
    optional: Asked  # answers are options, at `option_places`
    option_places: Tensor  # (R, A)
    flagged: Asked  # answers are false and true
    end_row: Tensor  # (E,) row of `pointed` each right span belongs to
    end_first: Tensor  # (E,)
    end_last: Tensor  # (E,)


def pad(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows of different length as one tensor, with the mask of what is there."""
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, row in enumerate(rows):
        ids[number, : len(row)], mask[number, : len(row)] = row, True
    return ids, mask


def states_of(encoder: Encoder, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """States of all contexts and tools alone, one after the other (M, WIDTH), and the means of both kinds."""
    contexts = encoder.alone(batch.contexts, batch.context_mask)
    tools = in_groups(encoder, batch.tools, batch.tool_mask)
    flat = torch.cat([contexts[batch.context_mask], tools[batch.tool_mask]])
    return flat, mean(contexts, batch.context_mask), mean(tools, batch.tool_mask)


def in_groups(encoder: Encoder, ids: Tensor, mask: Tensor, size: int = 16) -> Tensor:
    """`Encoder.alone` over rows of very different length, a few of like length at a time."""
    order = mask.sum(1).argsort()
    made: Tensor | None = None
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        longest = int(mask[rows].sum(1).max())
        states = encoder.alone(ids[rows, :longest], mask[rows, :longest])
        if made is None:
            made = states.new_zeros(*ids.shape, states.shape[-1])
        made[rows, :longest] = states
    assert made is not None
    return made


def mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean state of each row."""
    total = states.float().masked_fill(~mask[..., None], 0.0).sum(1)
    made: Tensor = total / mask.sum(1, keepdim=True)
    return made


class _Rows:
    """Questions of one kind while they are collected."""

    def __init__(self) -> None:
        self.pair: list[int] = []
        self.mark: list[int] = []
        self.right: list[set[int]] = []
        self.answers: list[list[int]] = []

    def add(self, pair: int, mark: int, right: set[int], answers: list[int]) -> int:
        self.pair.append(pair)
        self.mark.append(mark)
        self.right.append(right)
        self.answers.append(answers)
        return len(self.pair) - 1

    def asked(self) -> tuple[Asked, Tensor]:
        most = max([1, *map(len, self.answers)])
        shape = (len(self.pair), most)
        right, exists = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
        places = torch.zeros(shape, dtype=torch.long)
        for row, (good, answers) in enumerate(zip(self.right, self.answers, strict=True)):
            for number, place in enumerate(answers):
                exists[row, number], places[row, number] = place >= 0, max(place, 0)
                right[row, number] = number in good and place >= 0
        return Asked(torch.tensor(self.pair), torch.tensor(self.mark), right, exists), places


def _tokens(context: Context, span: Span) -> tuple[int, int] | None:
    if span.whole:
        return (context.markers[span.source],) * 2 if span.source in context.markers else None
    return context.tokens_of(span.source, span.start, span.end)


def chosen_tools(example: Example, wrong: float, chance: Random) -> list[ActionSchema]:
    """The tools of an example that are read in training: the right ones and, so often, one that is not."""
    names = {call.name for call in example.calls}
    right = [schema for schema in example.space if schema.name in names]
    others = [schema for schema in example.space if schema.name not in names]
    count = min(len(others), int(chance.random() < wrong) if right else 1 + int(chance.random() < wrong))
    return right + chance.sample(others, count)


def make_batch(examples: Sequence[Example], contexts: Sequence[Context], tools: Sequence[Sequence[Tool]]) -> Batch:
    """Stack examples, each with some of its tools, and their right answers."""
    flat = [tool for row in tools for tool in row]
    owners = [number for number, row in enumerate(tools) for _ in row]
    flags = [with_bound(tool, examples[c].observation.bound) for c, tool in zip(owners, flat, strict=True)]
    pairs = pair_up(
        [(context.ids, context.features) for context in contexts],
        [(tool.ids, tool.marks, flag) for tool, flag in zip(flat, flags, strict=True)],
        [(owner, number) for number, owner in enumerate(owners)],
    )
    pointed, optional, flagged = _Rows(), _Rows(), _Rows()
    ends: list[tuple[int, int, int]] = []
    fits = torch.zeros(len(flat))
    for number, (owner, tool) in enumerate(zip(owners, flat, strict=True)):
        example, context = examples[owner], contexts[owner]
        calls = [call for call in example.calls if call.name == tool.schema.name]
        if not calls:
            continue
        fits[number] = 1.0
        width = len(context.ids)
        for place, options, parameter in zip(tool.places, tool.options, tool.parameters, strict=True):
            if place < 0 or is_bound(parameter, example.observation.bound):
                continue
            spans = [call.spans[parameter.name] for call in calls if parameter.name in call.spans]
            given = [call.arguments[parameter.name] for call in calls if parameter.name in call.arguments]
            found = [tokens for span in spans if (tokens := _tokens(context, span)) is not None]
            mark = width + place
            if options:
                chosen = [item for value in given for item in (value if isinstance(value, list) else [value])]
                good = {k for k, option in enumerate(options_of(parameter)) if option in chosen}
                optional.add(number, mark, good, [width + at if at >= 0 else -1 for at in options])
            elif parameter.kind == "flag":
                flagged.add(number, mark, {int(bool(value)) for value in given}, [0, 1])
            if len(found) < len(spans) or (parameter.kind not in ("option", "flag") and len(spans) < len(given)):
                continue  # a value that stands nowhere or beyond the row teaches nothing
            if parameter.kind in ("option", "flag") and given and not found:
                continue
            row = pointed.add(number, mark, {first for first, _ in found}, list(range(width)))
            ends += [(row, first, last) for first, last in sorted(set(found))]
    (where, _), (option, option_places), (flag, _) = pointed.asked(), optional.asked(), flagged.asked()
    context_ids, context_mask = pad([context.ids for context in contexts])
    tool_ids, tool_mask = pad([tool.ids for tool in flat])
    end_row, end_first, end_last = (torch.tensor([end[part] for end in ends], dtype=torch.long) for part in range(3))
    return Batch(
        context_ids, context_mask, tool_ids, tool_mask, pairs, torch.tensor(owners), torch.arange(len(flat)), fits,
        where, option, option_places, flag, end_row, end_first, end_last,
    )  # fmt: skip


def read_tools(schemas: Sequence[ActionSchema]) -> list[Tool]:
    """The tools of one example."""
    return [read_tool(schema) for schema in schemas]


def threshold_loss(scores: Tensor, null: Tensor, asked: Asked) -> Tensor:
    """Adaptive-threshold loss (Zhou et al. 2021): right answers above a row's threshold, wrong ones below it.

    Args:
        scores: (R, A)
        null: (R,) the threshold of each row.
    """
    scores = scores.masked_fill(~asked.exists, NEVER)
    top = null[:, None]
    right = scores.masked_fill(~asked.right, NEVER)
    wrong = scores.masked_fill(asked.right, NEVER)
    count = asked.right.sum(1)
    above = torch.logsumexp(torch.cat([right, top], 1), 1)  # (R,)
    first = ((above[:, None] - scores) * asked.right).sum(1) / count.clamp(min=1)
    second = torch.logsumexp(torch.cat([wrong, top], 1), 1) - null
    third = torch.where(count > 0, torch.logsumexp(scores, 1) - torch.logsumexp(right, 1), torch.zeros_like(null))
    return (first + second + third).mean()


def loss(head: ActionHead, joint: Tensor, means: tuple[Tensor, Tensor], batch: Batch) -> dict[str, Tensor]:
    """The parts of a step's loss by name.

    Args:
        joint: (N, L, WIDTH) of `ActionHead.joint`.
        means: mean states of contexts (C, WIDTH) and tools (K, WIDTH) alone.
    """
    pairs, parts = batch.pairs, dict[str, Tensor]()
    width = batch.context_mask.shape[1]
    context = joint[:, :width]  # longer than some contexts; what is beyond them is masked
    first_tool = (pairs.side == 0).logical_and(pairs.mask).sum(1)
    fits = head.fits(joint[torch.arange(len(joint)), first_tool])[:, 0].float()  # (N,)
    parts["tool"] = F.binary_cross_entropy_with_logits(fits, batch.fits)
    rivals = (batch.context_of[:, None] == batch.context_of[None]) & (batch.fits[:, None] > batch.fits[None])
    if rivals.any():
        parts["rank"] = F.softplus(fits[None] - fits[:, None])[rivals].mean()
    glance = head.likeness(*means).float()  # (C, K)
    right = torch.zeros_like(glance, dtype=torch.bool)
    right[batch.context_of, batch.tool_of] = batch.fits.bool()
    rows = right.any(1)
    if rows.any():
        good = glance.masked_fill(~right, NEVER)
        parts["glance"] = (torch.logsumexp(glance, 1) - torch.logsumexp(good, 1))[rows].mean()
    for name, asked in (("pointed", batch.pointed), ("optional", batch.optional), ("flagged", batch.flagged)):
        if not len(asked.pair):
            continue
        marks = joint[asked.pair, asked.mark]  # (R, WIDTH)
        null = head.null(marks)[:, 0].float()
        if name == "pointed":
            scores = head.starts(marks[:, None], context[asked.pair])[:, 0].float()[:, : asked.exists.shape[1]]
        elif name == "optional":
            places = joint[asked.pair[:, None], batch.option_places]  # (R, A, WIDTH)
            scores = head.options(marks, places).float()
        else:
            scores = head.flag(marks).float()
        parts[name] = threshold_loss(scores, null, asked)
    if len(batch.end_row):
        pair = batch.pointed.pair[batch.end_row]
        marks = joint[pair, batch.pointed.mark[batch.end_row]]
        scores = head.ends(marks, context[pair], batch.end_first).float()
        exists = batch.pointed.exists[batch.end_row]
        scores = scores[:, : exists.shape[1]].masked_fill(~exists, NEVER)
        parts["ends"] = F.cross_entropy(scores, batch.end_last)
    return parts
