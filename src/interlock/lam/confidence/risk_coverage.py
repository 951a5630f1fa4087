"""How often a model is wrong when it acts only above a confidence (El-Yaniv and Wiener 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """Acting on every decision of at least `threshold`."""

    threshold: float
    acted: int
    coverage: float
    """Share of all that could be acted on, 0 to 1."""
    risk: float
    """Share of those acted on that is wrong, 0 to 1; 0 of none."""


def at(confidence: Sequence[float], right: Sequence[bool], threshold: float, of: int | None = None) -> Point:
    """The point of one threshold.

    Args:
        of: how many could be acted on at best; the number of confidences when `None`.
    """
    made = [ok for value, ok in zip(confidence, right, strict=True) if value >= threshold]
    total = len(confidence) if of is None else of
    return Point(threshold, len(made), len(made) / total if total else 0.0, 1 - sum(made) / len(made) if made else 0.0)


def selective(confidence: Sequence[float], right: Sequence[bool], of: int | None = None) -> list[Point]:
    """A point for each confidence that occurs, the strictest first."""
    total = len(confidence) if of is None else of
    pairs = sorted(zip(confidence, right, strict=True), key=lambda pair: -pair[0])
    points: list[Point] = []
    wrong = 0
    for count, (value, ok) in enumerate(pairs, 1):
        wrong += not ok
        if count == len(pairs) or pairs[count][0] != value:
            points.append(Point(value, count, count / total if total else 0.0, wrong / count))
    return points


def area(points: Sequence[Point]) -> float:
    """Mean risk over the coverages reached: 0 when every wrong decision is less sure than every right one."""
    before, total = 0.0, 0.0
    for point in points:
        total += (point.coverage - before) * point.risk
        before = point.coverage
    return total / before if before else 0.0


def best_coverage(points: Sequence[Point], risk: float) -> Point | None:
    """The point of most coverage whose risk is at most `risk`, in hindsight; `None` where no point's is."""
    return max((point for point in points if point.risk <= risk), key=lambda point: point.coverage, default=None)
