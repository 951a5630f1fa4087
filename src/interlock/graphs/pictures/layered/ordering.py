"""In which order the things of each row stand, so that few arrows cross (Sugiyama, Tagawa and Toda 1981).

A row holds nodes and, for every arrow that passes, one thin item; so links only go from a row to the next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

SWEEPS = 24
"""How often the rows are sorted, down and up in turn."""
PATIENCE = 6
"""How many sweeps may bring nothing before the rest is left out."""
SMALL, LARGE = 600, 1500
"""Links up to which every beginning is tried, and above which neighbours are swapped only at the end."""

Rows = list[list[int]]


def ordered(rows: Rows, above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> Rows:
    """The rows in the order with the fewest crossings that was found; the same input gives the same order.

    `above` and `below` name the items each is linked with in the row before and after.  The search begins with
    the rows as a walk down meets their items, and with the rows as they stand, sweeping down and sweeping up.
    """
    walked = _first(rows, below)
    beginnings = [(walked, True), (walked, False), (rows, True), (rows, False)]
    found: tuple[int, Rows] | None = None
    for beginning, down in beginnings if sum(map(len, below)) <= SMALL else beginnings[:2]:
        fewer = _search([list(row) for row in beginning], above, below, down=down)
        if found is None or fewer[0] < found[0]:
            found = fewer
        if found[0] == 0:
            break
    assert found is not None
    return found[1]


def _search(
    rows: Rows, above: Sequence[Sequence[int]], below: Sequence[Sequence[int]], *, down: bool
) -> tuple[int, Rows]:
    """The fewest crossings of all sweeps, with the rows that have them."""
    links, place = sum(map(len, below)), [0] * len(above)
    _number(rows, place)
    best, fewest = [list(row) for row in rows], _all_crossings(rows, below, place)
    idle = 0
    for sweep in range(SWEEPS):
        if fewest == 0 or idle == PATIENCE:
            break
        downwards = (sweep % 2 == 0) == down
        # Items that want the same place change sides every second time, which leads out of dead ends.
        _sort(rows, above if downwards else below, place, down=downwards, turn=sweep % 4 > 1)
        if links <= LARGE:
            _swap(rows, above, below, place)
        crossings = _all_crossings(rows, below, place)
        idle += 1
        if crossings < fewest:
            best, fewest, idle = [list(row) for row in rows], crossings, 0
    _number(best, place)
    _swap(best, above, below, place)
    return _all_crossings(best, below, place), best


def crossings(upper: Sequence[int], below: Sequence[Sequence[int]], place: Sequence[int]) -> int:
    """How many links between a row and the next cross."""
    ends: list[int] = []
    for item in upper:
        others = below[item]
        if len(others) == 1:
            ends.append(place[others[0]])
        else:
            ends += sorted(place[other] for other in others)
    seen: list[int] = []
    found = 0
    for end in ends:
        if not seen or end >= seen[-1]:
            seen.append(end)
        else:
            at = bisect_right(seen, end)
            found += len(seen) - at
            seen.insert(at, end)
    return found


def _all_crossings(rows: Rows, below: Sequence[Sequence[int]], place: Sequence[int]) -> int:
    return sum(crossings(row, below, place) for row in rows)


def _number(rows: Rows, place: list[int]) -> None:
    for row in rows:
        for position, item in enumerate(row):
            place[item] = position


def _first(rows: Rows, below: Sequence[Sequence[int]]) -> Rows:
    """An order to begin with: as a depth-first walk down from the top meets the items."""
    row_of = {item: number for number, row in enumerate(rows) for item in row}
    found: Rows = [[] for _ in rows]
    seen = [False] * len(below)
    for row in rows:
        for root in row:
            waiting = [root]
            while waiting:
                item = waiting.pop()
                if not seen[item]:
                    seen[item] = True
                    found[row_of[item]].append(item)
                    waiting += reversed(below[item])
    return found


def _sort(rows: Rows, beside: Sequence[Sequence[int]], place: list[int], *, down: bool, turn: bool) -> None:
    """Sort each row by where the neighbours in the row already sorted stand; those without stay put."""
    for row in rows if down else reversed(rows):
        keys: dict[int, float] = {}
        for item in row:
            others = beside[item]
            if len(others) == 1:
                keys[item] = place[others[0]]
            elif others:
                keys[item] = sum([place[other] for other in others]) / len(others)
        moving = iter(sorted(keys, key=lambda item: (keys[item], -place[item] if turn else place[item])))
        row[:] = [next(moving) if item in keys else item for item in row]
        for position, item in enumerate(row):
            place[item] = position


def _swap(
    rows: Rows, above: Sequence[Sequence[int]], below: Sequence[Sequence[int]], place: list[int], rounds: int = 4
) -> None:
    """Swap neighbours wherever that leaves fewer crossings, until nothing improves."""
    for _ in range(rounds):
        better = False
        for row in rows:
            for position in range(len(row) - 1):
                left, right = row[position], row[position + 1]
                gain = 0
                for beside in (above, below):
                    first, second = beside[left], beside[right]
                    if first and second:
                        gain += _gain([place[item] for item in first], [place[item] for item in second])
                if gain > 0:
                    row[position], row[position + 1] = right, left
                    place[left], place[right] = position + 1, position
                    better = True
        if not better:
            break


def _gain(left: list[int], right: list[int]) -> int:
    """Crossings saved when the item with the ends `left` goes to the right of the one with the ends `right`."""
    if len(left) == 1 and len(right) == 1:
        return (left[0] > right[0]) - (left[0] < right[0])
    return sum((first > second) - (first < second) for first in left for second in right)
