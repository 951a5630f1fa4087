"""Where in its row each item stands: long arrows straight, nodes above their followers, nothing touching.

Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001): items are stacked in four ways, each
stack gets one coordinate by a longest path over the gaps that must be kept, and the middle of the four is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Rows = Sequence[Sequence[int]]
Beside = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Widths:
    """How far each item reaches to both sides of its coordinate, and the gap it keeps on each side."""

    left: Sequence[float]
    right: Sequence[float]
    gap: Sequence[float]

    def apart(self, item: int, following: int) -> float:
        """The least distance between the coordinates of two items that stand side by side."""
        return self.right[item] + self.left[following] + max(self.gap[item], self.gap[following])


def columns(rows: Rows, above: Beside, below: Beside, thin: Sequence[bool], widths: Widths) -> list[float]:
    """The coordinate of each item; `thin` are the items that an arrow passes by, the others are nodes."""
    count = len(thin)
    if count == 0:
        return []
    place = [0] * count
    for row in rows:
        for position, item in enumerate(row):
            place[item] = position
    conflicts = _conflicts(rows, above, thin, place)
    mirrored = Widths(widths.right, widths.left, widths.gap)
    found: list[list[float]] = []
    for upward in (False, True):
        for leftward in (False, True):
            ways = [list(row) for row in (reversed(rows) if upward else rows)]
            at = place
            if leftward:
                ways = [row[::-1] for row in ways]
                at = [0] * count
                for row in ways:
                    for position, item in enumerate(row):
                        at[item] = position
            root = _stacks(ways, below if upward else above, conflicts, at)
            xs = _compact(ways, root, mirrored if leftward else widths)
            found.append([-x for x in xs] if leftward else xs)
    return _middle(found, widths)


def _conflicts(rows: Rows, above: Beside, thin: Sequence[bool], place: Sequence[int]) -> set[tuple[int, int]]:
    """Links that cross a straight part of a long arrow; the arrow stays straight and they give way."""
    found: set[tuple[int, int]] = set()
    for upper, lower in pairwise(rows):
        first, scanned = 0, 0
        for position, item in enumerate(lower):
            inner = next((other for other in above[item] if thin[item] and thin[other]), None)
            if inner is None and position < len(lower) - 1:
                continue
            last = place[inner] if inner is not None else len(upper) - 1
            for passed in lower[scanned : position + 1]:
                for other in above[passed]:
                    if not first <= place[other] <= last and not (thin[other] and thin[passed]):
                        found.add((other, passed))
            scanned, first = position + 1, last
    return found


def _stacks(rows: Rows, beside: Beside, conflicts: set[tuple[int, int]], place: Sequence[int]) -> list[int]:
    """The topmost item of the stack that each item belongs to."""
    root = list(range(len(place)))
    taken: set[int] = set()  # what has an item below it already
    for row in rows:
        border = -1
        for item in row:
            others = sorted(beside[item], key=place.__getitem__)
            middle = others[(len(others) - 1) // 2 : len(others) // 2 + 1]
            for other in middle:
                if root[item] != item:
                    break
                free = (other, item) not in conflicts and (item, other) not in conflicts
                if free and place[other] > border and other not in taken:
                    root[item] = root[other]
                    taken.add(other)
                    border = place[other]
    return root


def _compact(rows: Rows, root: Sequence[int], widths: Widths) -> list[float]:
    """Each stack as far left as the gaps allow, then back to the right where nothing holds it on the left."""
    gaps: dict[tuple[int, int], float] = {}
    for row in rows:
        for item, following in pairwise(row):
            pair = root[item], root[following]
            gaps[pair] = max(gaps.get(pair, 0.0), widths.apart(item, following))
    after: dict[int, list[tuple[int, float]]] = {}
    before: dict[int, list[tuple[int, float]]] = {}
    waiting: dict[int, int] = dict.fromkeys(root, 0)
    for (left, right), gap in gaps.items():
        after.setdefault(left, []).append((right, gap))
        before.setdefault(right, []).append((left, gap))
        waiting[right] += 1
    order = [stack for stack, number in waiting.items() if number == 0]
    for stack in order:  # grows while it is walked
        for following, _ in after.get(stack, ()):
            waiting[following] -= 1
            if waiting[following] == 0:
                order.append(following)
    at: dict[int, float] = {}
    for stack in order:
        at[stack] = max((at[other] + gap for other, gap in before.get(stack, ())), default=0.0)
    for stack in reversed(order):
        if stack in after:
            at[stack] = max(at[stack], min(at[other] - gap for other, gap in after[stack]))
    return [at[stack] for stack in root]


def _middle(found: Sequence[Sequence[float]], widths: Widths) -> list[float]:
    """The mean of the two middle coordinates of each item, all four laid over the narrowest."""

    def ends(xs: Sequence[float]) -> tuple[float, float]:
        return (
            min(x - left for x, left in zip(xs, widths.left, strict=True)),
            max(x + right for x, right in zip(xs, widths.right, strict=True)),
        )

    low, high = min(map(ends, found), key=lambda pair: pair[1] - pair[0])
    laid = []
    for number, xs in enumerate(found):
        own_low, own_high = ends(xs)
        shift = high - own_high if number % 2 else low - own_low
        laid.append([x + shift for x in xs])
    result = []
    for four in zip(*laid, strict=True):
        _, second, third, _ = sorted(four)
        result.append((second + third) / 2 - low)
    return result
