"""Measures an action model on generated requests with known right decisions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from interlock.lam.functions import named, shipped_space
from interlock.lam.invented import invented_values
from interlock.lam.parameters import faults
from interlock.lam.protocol import ActionModel, Decision
from interlock.lam.requests import Example, Generator
from interlock.lam.wordings.lexicon import read_lexicon

HELD_OUT_SEED = 7_000
RISK = 1.0
"""The risk that figures are measured at: the model's own word, before any confidence is asked for."""


@dataclass
class Figures:
    """Counts over a set of examples; shares come from `report`."""

    rows: int = 0
    right: int = 0
    invented: int = 0
    invalid: int = 0
    by_kind: dict[str, list[int]] = field(default_factory=lambda: {k: [0, 0] for k in ("act", "ask", "abstain")})
    tool: list[int] = field(default_factory=lambda: [0, 0])
    arguments: list[int] = field(default_factory=lambda: [0, 0])
    by_action: dict[str, list[int]] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Shares between 0 and 1 and counts, ready for JSON."""

        def share(pair: list[int]) -> float | None:
            return round(pair[0] / pair[1], 4) if pair[1] else None

        spent = sorted(self.milliseconds) or [0.0]
        return {
            "n": self.rows,
            "decision": share([self.right, self.rows]),
            "full_call": share(self.by_kind["act"]),
            "ask": share(self.by_kind["ask"]),
            "abstain": share(self.by_kind["abstain"]),
            "tool": share(self.tool),
            "arguments": share(self.arguments),
            "n_act": self.by_kind["act"][1], "n_ask": self.by_kind["ask"][1], "n_abstain": self.by_kind["abstain"][1],
            "invented_values": self.invented,
            "invalid_calls": self.invalid,
            "by_action": {name: share(pair) for name, pair in sorted(self.by_action.items())},
            "milliseconds_p50": round(spent[len(spent) // 2], 1),
            "milliseconds_p95": round(spent[int(len(spent) * 0.95)], 1),
        }  # fmt: skip


def is_right(example: Example, decision: Decision) -> bool:
    """Whether kind, action, every argument and what is missing are all exactly right."""
    if decision.kind != example.kind:
        return False
    if example.kind == "abstain":
        return True
    action = decision.actions[0]
    return (
        action.name == example.name
        and action.arguments == example.arguments
        and set(decision.missing) == set(example.missing)
    )


def measure(
    model: ActionModel, examples: Iterable[Example], *, risk: float = RISK,
    wrong: Callable[[Example, Decision], None] | None = None, progress: Callable[[int], None] | None = None,
) -> Figures:  # fmt: skip
    """Run a model over examples.

    Args:
        wrong: called with each example that was not decided exactly right.
        progress: called with the number of examples done.
    """
    figures = Figures()
    for example in examples:
        space = list(example.space)
        begun = time.perf_counter()
        decision = model.decide(example.observation, space, risk=risk)
        figures.milliseconds.append(1000 * (time.perf_counter() - begun))
        ok = is_right(example, decision)
        figures.rows += 1
        figures.right += ok
        pair = figures.by_kind[example.kind]
        pair[0], pair[1] = pair[0] + ok, pair[1] + 1
        if example.name is not None:
            chosen = decision.actions[0] if decision.actions else None
            hit = chosen is not None and chosen.name == example.name
            figures.tool = [figures.tool[0] + hit, figures.tool[1] + 1]
            row = figures.by_action.setdefault(example.name, [0, 0])
            row[0], row[1] = row[0] + ok, row[1] + 1
            for name, value in example.arguments.items():
                if name not in example.observation.bound:
                    given = hit and chosen is not None and chosen.arguments.get(name) == value
                    figures.arguments = [figures.arguments[0] + given, figures.arguments[1] + 1]
        figures.invented += len(invented_values(example.observation, space, decision))
        if decision.kind == "act":
            schema = named(space, decision.actions[0].name)
            figures.invalid += schema is None or bool(faults(schema, decision.actions[0].arguments))
        if not ok and wrong:
            wrong(example, decision)
        if progress:
            progress(figures.rows)
    return figures


def held_out(count: int = 2000, split: str = "heldout") -> Iterable[Example]:
    """Requests in other words than the training templates; always the same ones.

    Args:
        split: `heldout` for plain office words, `idioms` for rare verbs and turns of phrase.
    """
    return Generator(read_lexicon(split), shipped_space(), HELD_OUT_SEED).examples(0, count)
