"""Points on a line that keep their distance and stay near where they want to be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def spread(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """The points nearest to `wanted` (least squares) of which each is `gaps[i]` or more right of the one before.

    Pool adjacent violators (Ayer et al. 1955); `gaps[0]` is not used.
    """
    heavy = weights or [1.0] * len(wanted)
    offsets, total = [], 0.0
    for place, gap in enumerate(gaps):
        total += gap if place else 0.0
        offsets.append(total)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for place, want in enumerate(wanted):
        mean, weight, number = want - offsets[place], heavy[place], 1
        while pools and pools[-1][0] > mean:
            other, more, members = pools.pop()
            mean = (mean * weight + other * more) / (weight + more)
            weight, number = weight + more, number + members
        pools.append((mean, weight, number))
    found: list[float] = []
    for mean, _, number in pools:
        found += [mean + offset for offset in offsets[len(found) : len(found) + number]]
    return found


def spread_within(
    wanted: Sequence[float], low: float, high: float, gaps: Sequence[float], weights: Sequence[float] | None = None
) -> list[float]:
    """The same between two ends; where there is no room for the gaps, all of them shrink alike."""
    room = sum(gaps[1:])
    share = min(1.0, (high - low) / room) if room else 1.0
    steps = [gap * share for gap in gaps]
    found = spread([min(max(want, low), high) for want in wanted], steps, weights)
    before = list(accumulate([0.0, *steps[1:]]))[: len(found)]
    return [min(max(x, low + left), high - (before[-1] - left)) for x, left in zip(found, before, strict=True)]
