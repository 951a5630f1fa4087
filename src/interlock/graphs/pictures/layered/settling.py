"""Makes bends smaller where there is room: what stands in one line moves as one, and nothing is pushed."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from statistics import median_high, median_low

from interlock.graphs.pictures.layered.columns import Beside, Rows, Widths

ROUNDS = 6
SAME = 0.5
"""Coordinates that differ by less count as straight above each other."""


def settled(xs: Sequence[float], rows: Rows, above: Beside, below: Beside, widths: Widths) -> list[float]:
    """The coordinates after every stack has moved between its neighbours as far as those beside it allow.

    A stack moves to the mean of what it is linked with, but not past their median, where the links are
    shortest together.  Order and gaps of each row stay.
    """
    x = list(xs)
    beside: list[tuple[int | None, int | None]] = [(None, None)] * len(x)
    for row in rows:
        for position, item in enumerate(row):
            before = row[position - 1] if position else None
            after = row[position + 1] if position + 1 < len(row) else None
            beside[item] = before, after
    for _ in range(ROUNDS):
        moved = False
        for stack in _stacks(x, rows, below):
            members = set(stack)
            ends = sorted(x[other] for item in stack for other in (*above[item], *below[item]) if other not in members)
            if not ends:
                continue
            here = x[stack[0]]
            wanted = min(max(sum(ends) / len(ends), median_low(ends)), median_high(ends))
            low, high = _room(stack, x, beside, widths)
            step = min(max(wanted, low), high) - here
            if abs(step) > SAME / 2 and low <= high:
                moved = True
                for item in stack:
                    x[item] = here + step
        if not moved:
            break
    return x


def _stacks(x: list[float], rows: Rows, below: Beside) -> list[list[int]]:
    """What is linked and stands straight, from top to bottom; each item once."""
    found: list[list[int]] = []
    seen: set[int] = set()
    for row in rows:
        for item in row:
            if item in seen:
                continue
            stack = [item]
            seen.add(item)
            while True:
                straight = [other for other in below[stack[-1]] if abs(x[other] - x[item]) < SAME and other not in seen]
                if not straight:
                    break
                stack.append(straight[0])
                seen.add(straight[0])
            found.append(stack)
    return found


def _room(
    stack: list[int], x: list[float], beside: list[tuple[int | None, int | None]], widths: Widths
) -> tuple[float, float]:
    """From where to where a stack can go, if all of it takes the coordinate of its top."""
    low, high = -inf, inf
    for item in stack:
        before, after = beside[item]
        if before is not None:
            low = max(low, x[before] + widths.apart(before, item))
        if after is not None:
            high = min(high, x[after] - widths.apart(item, after))
    return low, high
