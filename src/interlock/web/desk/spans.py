"""Time on a line: what happens is drawn to scale, and long stretches in which nothing does are cut short."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

LONG = 0.15
"""An idle stretch is cut short where it would take more than this part of the line."""

SHORT = 1.0
"""Seconds; what is no longer is never cut."""

Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class Stretch:
    """A part of the line between two moments at which something happened."""

    start: datetime
    end: datetime
    left: float
    right: float
    """Places on the line, in its unit."""
    cut: bool
    """Whether it is drawn shorter than it was."""


@dataclass(frozen=True)
class Line:
    """A line of stretches that follow each other."""

    stretches: Sequence[Stretch]

    def place(self, moment: datetime) -> float:
        """Where a moment stands; what lies outside stands at the end next to it."""
        starts = [each.start for each in self.stretches]
        found = self.stretches[max(bisect_right(starts, moment) - 1, 0)]
        whole = (found.end - found.start).total_seconds()
        share = (moment - found.start).total_seconds() / whole if whole else 0.0
        return found.left + (found.right - found.left) * min(max(share, 0.0), 1.0)

    @property
    def cuts(self) -> list[Stretch]:
        return [each for each in self.stretches if each.cut]


def line(moments: Iterable[datetime], busy: Sequence[Interval], *, width: float, cut_to: float) -> Line:
    """A line of `width` over these moments.

    Args:
        moments: when something happened; at least one.
        busy: when something was being done; outside of that the line is idle.
        cut_to: the width of a stretch that is cut short.
    """
    known = sorted(set(moments))
    if len(known) == 1:
        return Line([Stretch(known[0], known[0], 0.0, width, False)])
    gaps = list(pairwise(known))
    lengths = [(end - start).total_seconds() for start, end in gaps]
    cut = _cut(gaps, lengths, busy)
    whole = sum(length for place, length in enumerate(lengths) if place not in cut)
    scale_width = max(width - cut_to * len(cut), width / 3) if whole else 0.0
    narrow = (width - scale_width) / len(cut) if cut else 0.0
    found, left = [], 0.0
    for place, ((start, end), length) in enumerate(zip(gaps, lengths, strict=True)):
        right = left + (narrow if place in cut else scale_width * length / whole if whole else 0.0)
        found.append(Stretch(start, end, left, right, place in cut))
        left = right
    return Line(found)


def _cut(gaps: Sequence[Interval], lengths: Sequence[float], busy: Sequence[Interval]) -> set[int]:
    """The places of gaps that are cut short: the longest first, as long as one would take too much of the line."""
    left, cut = sum(lengths), set[int]()
    for place in sorted(range(len(gaps)), key=lambda place: -lengths[place]):
        if lengths[place] <= max(SHORT, LONG * left):
            break
        start, end = gaps[place]
        if not any(begun < end and start < ended for begun, ended in busy):
            cut.add(place)
            left -= lengths[place]
    return cut
