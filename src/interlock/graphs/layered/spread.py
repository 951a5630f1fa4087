"""Points on a line that keep their distance and stay near where they want to be."""

from __future__ import annotations

from collections.abc import Sequence


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
    wanted: Sequence[float], low: float, high: float, gap: float, weights: Sequence[float] | None = None
) -> list[float]:
    """The same between two ends; where there is no room for `gap`, the points share what there is."""
    if not wanted:
        return []
    step = min(gap, (high - low) / (len(wanted) - 1)) if len(wanted) > 1 else gap
    near = [min(max(want, low), high) for want in wanted]
    found = spread(near, [step] * len(near), weights)
    last = len(found) - 1
    return [min(max(x, low + step * place), high - step * (last - place)) for place, x in enumerate(found)]
