"""How a step can end: which of its outcomes are possible, and which end the run where no edge takes them."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.graphs.spec import UNROUTED_ENDS, ActStep, GraphStep, Spec, Step, WaitStep, ends, outcomes


def possible(step: Step, outcome: str) -> bool:
    """Whether `step` can end with `outcome` at all."""
    if outcome == "exhausted":
        return step.visits is not None
    match step:
        case ActStep() if outcome == "abstained":
            return step.card.on_abstain == "edge"
        case WaitStep() if outcome == "expired":
            return step.event is not None
        case WaitStep() if outcome == "failed":
            return step.until is not None
        case GraphStep() if outcome == "done":
            return "done" in ends(step.spec)
    return True


def unrouted(spec: Spec) -> Iterator[tuple[str, str]]:
    """Every possible outcome that no edge takes and that therefore ends the run as failed, with its step."""
    routed = {(edge.source, outcome) for edge in spec.edges for outcome in edge.on}
    for name, step in spec.steps.items():
        for outcome in outcomes(step):
            if outcome in UNROUTED_ENDS and (name, outcome) not in routed and possible(step, outcome):
                yield name, outcome
