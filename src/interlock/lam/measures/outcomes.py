"""Runs a model over cases and keeps what each came to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from interlock.lam.functions import named
from interlock.lam.invented import invented_values
from interlock.lam.measures.ast_match import decision_fault
from interlock.lam.measures.cases import Case
from interlock.lam.parameters import faults
from interlock.lam.protocol import ActionModel, ActionSchema, Decision


@dataclass(frozen=True)
class Outcome:
    """One case decided."""

    case: Case
    decision: Decision
    fault: str | None
    """What is wrong with it, in words; `None` when it is right."""
    milliseconds: float
    """Of the whole decision, tools not met before included."""
    invented: int
    """Values that their evidence does not give."""
    invalid: int
    """Calls it acts on that break their JSON Schema."""

    @property
    def right(self) -> bool:
        return self.fault is None

    @property
    def acted(self) -> bool:
        return self.decision.kind == "act"

    @property
    def confidence(self) -> float:
        """That of the least sure of its calls; 0 without any."""
        return min((action.confidence for action in self.decision.actions), default=0.0)

    def row(self) -> dict[str, Any]:
        """For people to read: the request, what was right and what came."""
        sources = dict(self.case.observation.sources)
        decision = self.decision
        return {
            "id": self.case.id,
            "request": sources.pop("request", ""),
            "sources": sources,
            "gold": [call.document() for call in self.case.gold],
            "got": {
                "kind": decision.kind,
                "calls": [{"name": action.name, "arguments": action.arguments} for action in decision.actions],
                "missing": decision.missing,
                "confidence": round(self.confidence, 4),
                "p_null": round(decision.p_null, 4),
            },
            "fault": self.fault,
            "functions": [schema.name for schema in self.case.space],
        }


def invalid_calls(decision: Decision, space: Iterable[ActionSchema]) -> int:
    """How many calls of an `act` are not in the space or break their schema."""
    if decision.kind != "act":
        return 0
    known = list(space)
    found = 0
    for action in decision.actions:
        schema = named(known, action.name)
        found += schema is None or bool(faults(schema, action.arguments))
    return found


def run(
    model: ActionModel, cases: Iterable[Case], *, risk: float = 1.0, progress: Callable[[int], None] | None = None
) -> list[Outcome]:
    """Decide every case.

    Args:
        risk: how wrong an `act` may be; 1 is the model's own word.
        progress: called with the number of cases done.
    """
    found: list[Outcome] = []
    for case in cases:
        space = list(case.space)
        begun = time.perf_counter()
        decision = model.decide(case.observation, space, risk=risk)
        spent = 1000 * (time.perf_counter() - begun)
        fault = decision_fault(case.gold, decision, space)
        invented = len(invented_values(case.observation, space, decision))
        found.append(Outcome(case, decision, fault, spent, invented, invalid_calls(decision, space)))
        if progress:
            progress(len(found))
    return found
