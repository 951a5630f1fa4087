"""Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021): which threshold keeps the risk below alpha.

The risk of a threshold is the share of wrong decisions among those at or above it.  Thresholds are tested in a
sequence that was fixed beforehand, from strict to loose; the first that cannot be shown to hold ends it.  The
sequence is walked from two starts, a strict one for models that are seldom right and one a fifth of the way, each at
half of delta, and the loosest threshold that held counts.  So the chance that it has a risk above alpha is at most
delta, whatever the model is and whatever its confidence means, as long as decisions to come are drawn as these were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = {"read": 0.10, "reversible": 0.02}
"""How often an action of a risk class may be wrong without a person; irreversible ones always have one."""
DELTA = 0.1
"""How likely a certificate may be to promise too much."""
LEAST = 200
"""Calibration decisions below which nothing is certified."""
EXPECTED = 4
"""The strictest threshold tested lets so many decisions pass that as many as this would be wrong were the risk alpha:
fewer could hardly show anything, and the first failure ends the walk."""
STARTS = (0.0, 0.2)
"""Where the walks begin, as shares of the sequence."""
STEPS = 100


@dataclass(frozen=True)
class Tested:
    """What came of a sequence."""

    threshold: float | None
    """The loosest that holds; `None` when even the strictest does not."""
    n: int
    """Calibration decisions at or above it, or above the one that failed first."""
    wrong: int
    p_value: float
    tried: int
    because: str
    """A sentence for people."""


def p_value(n: int, wrong: int, alpha: float) -> float:
    """Probability of at most `wrong` in `n` were the risk alpha: exact binomial, valid for n decisions drawn alike."""
    if n <= 0 or wrong >= n:
        return 1.0
    log = n * math.log1p(-alpha)  # of the chance of exactly `count` wrong ones
    logs = [log]
    for count in range(1, wrong + 1):
        log += math.log((n - count + 1) / count) + math.log(alpha) - math.log1p(-alpha)
        logs.append(log)
    top = max(logs)
    return min(1.0, math.exp(top) * math.fsum(math.exp(log - top) for log in logs))


def sequence(planning: Sequence[float], count: int, alpha: float, steps: int = STEPS) -> list[float]:
    """Thresholds from strict to loose, at equal steps of the share of decisions that they let pass.

    Args:
        planning: confidences of decisions other than those the thresholds are tested on.
        count: how many they will be tested on.
    """
    if not planning or count < 1:
        return []
    ordered = sorted(planning, reverse=True)
    first = min(1.0, EXPECTED / alpha / count)
    shares = [first + (1 - first) * step / (steps - 1) for step in range(steps)]
    ranks = [min(len(ordered), max(1, math.ceil(share * len(ordered)))) for share in shares]
    return list(dict.fromkeys(ordered[rank - 1] for rank in ranks))


def certify(
    thresholds: Sequence[float], confidence: Sequence[float], right: Sequence[bool], alpha: float,
    delta: float = DELTA, least: int = LEAST,
) -> Tested:  # fmt: skip
    """Test a fixed sequence of thresholds, strict to loose, on calibration decisions.

    Args:
        confidence: of decisions that had no part in fixing the sequence.
    """
    count = len(confidence)
    if count < least:
        return Tested(None, count, count - sum(right), 1.0, 0, f"{count} decisions, {least} are needed")
    if not thresholds:
        return Tested(None, count, count - sum(right), 1.0, 0, "no thresholds were planned")
    begun = dict.fromkeys(int(share * len(thresholds)) for share in STARTS)
    walks = [_walked(thresholds[at:], confidence, right, alpha, delta / len(begun)) for at in begun]
    held = [walk for walk in walks if walk.threshold is not None]
    return min(held, key=lambda walk: walk.threshold or 0.0) if held else walks[0]


def _walked(
    thresholds: Sequence[float], confidence: Sequence[float], right: Sequence[bool], alpha: float, level: float
) -> Tested:
    """One walk along a sequence until the first threshold that cannot be shown to hold."""
    held: Tested | None = None
    for tried, threshold in enumerate(thresholds, 1):
        above = [ok for value, ok in zip(confidence, right, strict=True) if value >= threshold]
        wrong = len(above) - sum(above)
        p = p_value(len(above), wrong, alpha)
        if p > level:
            said = f"{wrong} of {len(above)} wrong at {threshold:.3f} does not show a risk of at most {alpha:g}"
            return held or Tested(None, len(above), wrong, p, tried, said)
        held = Tested(threshold, len(above), wrong, p, tried, f"{wrong} of {len(above)} wrong at {threshold:.3f}")
    assert held is not None
    return held
