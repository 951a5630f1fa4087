"""How often one visit of a step can ask a chat model, and look things up: proven, and enforced while it runs."""

from __future__ import annotations

from interlock.graphs.spec import ActStep, ReasonStep, RouteStep, Step

PROPOSING = 2
"""Chat-model calls for one proposal of an act step: the call, and once more where its arguments do not fit."""


def model_calls(step: Step) -> int:
    """The most chat-model calls of one visit, its own `limits.model_calls` aside.

    Each attempt asks once and once more for each repair; a loop asks once a turn before that.  An act step
    proposes once a visit, however often its action is tried.
    """
    match step:
        case ReasonStep(card=card):
            return step.retry.attempts * (card.repairs + 1 + (card.turns if card.actions else 0))
        case RouteStep(card=card):
            return step.retry.attempts * (card.repairs + 1) if card.model != "lam" else 0
        case ActStep(card=card):
            return PROPOSING if card.model == "auto" else 0
    return 0


def lookups(step: Step) -> int:
    """The most lookups of one visit: one a turn, in each attempt."""
    return step.retry.attempts * step.card.turns if isinstance(step, ReasonStep) and step.card.actions else 0
