"""How right a model is when it acts only above a confidence: accuracy against coverage (El-Yaniv and Wiener 2010)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.lam.confidence.risk_coverage import area, best_coverage
from interlock.lam.confidence.risk_coverage import selective as points_of
from interlock.lam.measures.outcomes import Outcome

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
COVERAGES = (20, 40, 60, 80)
WRONG = 0.10
"""The share of wrong calls that the threshold chosen in hindsight allows."""


def at_threshold(outcomes: Sequence[Outcome], threshold: float) -> dict[str, Any]:
    """Coverage and accuracy when only calls of at least this confidence are made.

    Returns:
        `coverage`: percent of the requests that ask for a call and are acted on; `acted`: how many are
        acted on in all; `accuracy`: percent of those that are fully right, `None` when there are none.
    """
    made = [outcome for outcome in outcomes if outcome.acted and outcome.confidence >= threshold]
    asking = sum(bool(outcome.case.gold) for outcome in outcomes)
    covered = sum(bool(outcome.case.gold) for outcome in made)
    return {
        "threshold": round(threshold, 4),
        "coverage": round(100 * covered / asking, 2) if asking else None,
        "acted": len(made),
        "accuracy": round(100 * sum(outcome.right for outcome in made) / len(made), 2) if made else None,
    }


def curve(outcomes: Sequence[Outcome], points: int = 100) -> list[dict[str, Any]]:
    """Accuracy from the strictest threshold to none, at up to `points` confidences that occur."""
    levels = sorted({outcome.confidence for outcome in outcomes if outcome.acted}, reverse=True)
    step = max(1, len(levels) // points)
    chosen = levels[step - 1 :: step]
    if levels and chosen[-1] != levels[-1]:
        chosen.append(levels[-1])
    return [at_threshold(outcomes, level) for level in chosen]


def at_coverage(outcomes: Sequence[Outcome], share: float) -> dict[str, Any] | None:
    """The figures at the strictest threshold that acts on `share` percent of the requests that ask for a call.

    Returns:
        `None` where even acting on every call reaches less.
    """
    asking = sum(bool(outcome.case.gold) for outcome in outcomes)
    levels = sorted((o.confidence for o in outcomes if o.acted and o.case.gold), reverse=True)
    needed = math.ceil(share * asking / 100)
    return at_threshold(outcomes, levels[needed - 1]) if 0 < needed <= len(levels) else None


def selective(outcomes: Sequence[Outcome], certified: Mapping[str, float | None] | None = None) -> dict[str, Any]:
    """Figures at fixed thresholds, at fixed coverages, and at the certified threshold of each risk class.

    Args:
        certified: the certified threshold of each risk class; `None` where a person is always asked.

    Returns:
        Also `area`, the mean share of wrong calls over all coverages, and `hindsight`, the figures at the threshold of
        these very rows that covers most with at most one wrong call in ten: what a perfect threshold would give.
    """
    made = [outcome for outcome in outcomes if outcome.acted]
    points = points_of([outcome.confidence for outcome in made], [outcome.right for outcome in made])
    best = best_coverage(points, WRONG)
    found = {
        name: None if level is None else at_threshold(outcomes, level) for name, level in (certified or {}).items()
    }
    return {
        "thresholds": [at_threshold(outcomes, level) for level in THRESHOLDS],
        "coverages": {str(share): at_coverage(outcomes, share) for share in COVERAGES},
        "certified": found,
        "area": round(area(points), 4),
        "hindsight": at_threshold(outcomes, best.threshold) if best else None,
    }


def rejected_at(outcomes: Sequence[Outcome], accepted: float = 0.95) -> dict[str, Any] | None:
    """How many requests that nothing fits are turned away when a share of the valid ones must pass.

    The threshold on the probability that nothing fits is the least that lets `accepted` of the valid ones pass.

    Returns:
        `rejected` in percent with the threshold and both counts; `None` without requests of both sorts.
    """
    valid = sorted(outcome.decision.p_null for outcome in outcomes if outcome.case.gold)
    others = [outcome.decision.p_null for outcome in outcomes if not outcome.case.gold]
    if not valid or not others:
        return None
    level = valid[max(1, math.ceil(accepted * len(valid))) - 1]
    return {
        "accepted": round(100 * sum(p <= level for p in valid) / len(valid), 2),
        "rejected": round(100 * sum(p > level for p in others) / len(others), 2),
        "p_null": round(level, 4),
        "n_valid": len(valid),
        "n_none": len(others),
    }
