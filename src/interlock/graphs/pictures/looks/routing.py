"""The curves of an arrow: straight where its way is, one cubic for each bend, and its tip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from interlock.graphs.pictures.layered.plane import Point
from interlock.graphs.pictures.layout import Route

TIP, HALF_TIP = 8.0, 4.5
"""Length of an arrow's tip, and half its width."""
LOOP_BEND = 12.0

Cubic = tuple[Point, Point, Point, Point]
"""Start, two handles, end."""


@dataclass(frozen=True)
class Curves:
    """One arrow as it is drawn."""

    parts: tuple[Cubic, ...]
    tip: tuple[Point, Point, Point]
    """Its point first."""

    def path(self) -> str:
        """The parts as path data of SVG; a part whose handles are its ends is a line."""
        words = [f"M{_pair(self.parts[0][0])}"]
        for start, one, two, end in self.parts:
            words.append(f"L{_pair(end)}" if (one, two) == (start, end) else f"C{_pair(one)} {_pair(two)} {_pair(end)}")
        return "".join(words)

    def tip_path(self) -> str:
        """The tip as path data of SVG."""
        return "M" + "L".join(map(_pair, self.tip)) + "Z"

    def sampled(self, each: int = 8) -> Iterator[Point]:
        """Points along the parts, `each` for a bend."""
        for start, one, two, end in self.parts:
            for step in range(each + 1):
                t, s = step / each, 1 - step / each
                weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
                corners = (start, one, two, end)
                yield (
                    sum(weight * x for weight, (x, _) in zip(weights, corners, strict=True)),
                    sum(weight * y for weight, (_, y) in zip(weights, corners, strict=True)),
                )


def curves(route: Route) -> Curves:
    """The curves of a way, its tip included."""
    if route.loop:
        return _loop(route)
    points = list(route.points)
    x, y = points[-1]
    down = y > points[-2][1]
    neck = (x, y - TIP if down else y + TIP)
    tip = ((x, y), (x - HALF_TIP, neck[1]), (x + HALF_TIP, neck[1]))
    points[-1] = neck
    return Curves(tuple(_part(start, end) for start, end in pairwise(points)), tip)


def _part(start: Point, end: Point) -> Cubic:
    if start[0] == end[0]:
        return start, start, end, end
    middle = (start[1] + end[1]) / 2
    return start, (start[0], middle), (end[0], middle), end


def _loop(route: Route) -> Curves:
    (left, top), (right, middle), (_, bottom) = route.points
    neck = (left + TIP, bottom)
    parts = (
        ((left, top), (left + LOOP_BEND, top), (right, top), (right, middle)),
        ((right, middle), (right, bottom), (left + LOOP_BEND, bottom), neck),
    )
    return Curves(parts, ((left, bottom), (neck[0], bottom - HALF_TIP), (neck[0], bottom + HALF_TIP)))


def number(value: float) -> str:
    """A coordinate with one digit after the point, and none where it is whole."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _pair(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"
