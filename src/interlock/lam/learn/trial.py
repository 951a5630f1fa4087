"""The trial of a candidate: it must hold what its parent could, and be better at what reviewers corrected.

Both are judged on the same cases, so the comparison is paired: resampling the cases says how surely the
candidate is better, rather than luckier.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.lam.examples import Call, Example
from interlock.lam.generator.mixture import Mixture
from interlock.lam.learn.lessons import Lesson
from interlock.lam.learn.pointing import alike
from interlock.lam.parameters import read_parameters
from interlock.lam.protocol import Action, ActionModel, Decision
from interlock.lam.spans import SpanModel, by_path
from interlock.lam.toolbox import is_bound
from interlock.lam.vocabulary import any_words
from interlock.lam.weights import load

DEV_SEED = 62_000
"""The base development set: requests of the generator that no training, calibration or measurement sees."""
RISK = 1.0
"""Both models are judged by their own word, before any confidence is asked for."""
LOSS = 1.0
"""Points of a hundred that the base score may fall."""
SURE = 0.95
"""How many of the resampled sets of new cases a candidate must win."""
RESAMPLES = 2000
LEAST = 8
"""Held-back verdicts below which no candidate is promoted: fewer say too little."""


@dataclass(frozen=True)
class Outcome:
    """What both models got right, case by case."""

    before: tuple[bool, ...]
    after: tuple[bool, ...]

    @property
    def points(self) -> tuple[float, float]:
        """Right answers of a hundred, before and after."""
        count = max(1, len(self.before))
        return 100 * sum(self.before) / count, 100 * sum(self.after) / count

    def likelihood(self, seed: int) -> float:
        """Share of resampled sets in which the candidate is better: the paired bootstrap (Efron 1979)."""
        gains = [after - before for before, after in zip(self.before, self.after, strict=True)]
        chance = random.Random(seed)
        won = sum(sum(chance.choices(gains, k=len(gains))) > 0 for _ in range(RESAMPLES)) if gains else 0
        return won / RESAMPLES

    def report(self, seed: int) -> dict[str, Any]:
        before, after = self.points
        return {
            "n": len(self.before), "before": round(before, 1), "after": round(after, 1),
            "likelihood_of_a_gain": round(self.likelihood(seed), 4),
        }  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """Whether a candidate is promoted, and why or why not."""

    promoted: bool
    because: str
    base: Outcome
    new: Outcome

    def figures(self, seed: int) -> dict[str, Any]:
        return {"base": self.base.report(seed), "new": self.new.report(seed)}


def judged(base: Outcome, new: Outcome, seed: int) -> Judged:
    """The rule of promotion: at most `LOSS` points down on the base, and a gain on the new cases that is no luck."""
    (base_before, base_after), (before, after) = base.points, new.points
    likelihood = new.likelihood(seed)
    if len(new.before) < LEAST:
        because = f"only {len(new.before)} verdicts were held back; a trial needs {LEAST}, so collect more"
    elif base_before - base_after > LOSS:
        because = f"the base score fell from {base_before:.1f} to {base_after:.1f}, more than {LOSS:g} point"
    elif likelihood < SURE:
        gain = f"on new verdicts {before:.1f} became {after:.1f}"
        because = f"{gain}, a gain in {100 * likelihood:.0f} % of resampled sets where {100 * SURE:.0f} % are needed"
    else:
        gain = f"on new verdicts {before:.1f} became {after:.1f}"
        return Judged(True, f"{gain}, on the base {base_before:.1f} became {base_after:.1f}", base, new)
    return Judged(False, because, base, new)


def development(count: int) -> Iterator[Example]:
    """The base development set; always the same one."""
    mixture = Mixture(DEV_SEED, words=any_words())
    return (mixture.example(index) for index in range(count))


def open_fresh(folder: Path) -> SpanModel:
    """The model of a folder as it is now, which may have learnt since the process opened it first.

    Raises:
        ModelError: the folder holds no intact model.
    """
    encoder, head, metadata = load(folder)
    return SpanModel(encoder, head, model_id=metadata["model_id"])


def on_base(model: ActionModel, examples: Sequence[Example], tick: Callable[[], None]) -> tuple[bool, ...]:
    """Which examples a model decides exactly right."""
    found = []
    for example in examples:
        found.append(is_exact(example, model.decide(example.observation, list(example.space), risk=RISK)))
        tick()
    return tuple(found)


def on_lessons(model: ActionModel, lessons: Sequence[Lesson], tick: Callable[[], None]) -> tuple[bool, ...]:
    """Which lessons a model does not need any more."""
    found = []
    for lesson in lessons:
        found.append(heeds(lesson, model.decide(lesson.example.observation, list(lesson.space), risk=RISK)))
        tick()
    return tuple(found)


def heeds(lesson: Lesson, decision: Decision) -> bool:
    """Whether a decision is what the reviewer wanted; after a rejection, anything but the rejected tool."""
    if lesson.rule == "rejected":
        return decision.kind != "act" or not any(action.name in lesson.refused for action in decision.actions)
    return is_exact(lesson.example, decision)


def is_exact(example: Example, decision: Decision) -> bool:
    """Whether kind, calls in any order, every argument and what is missing are right."""
    if decision.kind != example.kind:
        return False
    if example.kind == "ask" and set(decision.missing) != set(example.missing):
        return False
    left = list(decision.actions) if example.kind != "abstain" else []
    for call in example.calls:
        match = next((action for action in left if _same_call(call, action, example)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _same_call(call: Call, action: Action, example: Example) -> bool:
    if action.name != call.name:
        return False
    schema = next(schema for schema in example.space if schema.name == call.name)
    parameters = [p for p in read_parameters(schema) if not is_bound(p, example.observation.bound)]
    found = by_path(parameters, action.arguments)
    wanted = {p.name: call.arguments[p.name] for p in parameters if p.name in call.arguments}
    return found.keys() == wanted.keys() and all(alike(value, found[name]) for name, value in wanted.items())
