"""Boxes, links and lines on a plane; y grows downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]

LINE_GAP = 18.0
"""Distance between lines side by side, where they pass a row and where they touch a block."""


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> Point:
        return self.left + self.width / 2, self.top + self.height / 2

    def moved(self, x: float, y: float) -> Box:
        return Box(self.left + x, self.top + y, self.width, self.height)


@dataclass(frozen=True)
class Block:
    """A box to be placed."""

    width: float
    height: float
    top: Point
    """From where to where lines may reach its top side, counted from its left."""
    bottom: Point
    room: float = 0.0
    """What is kept free on its right."""


@dataclass(frozen=True)
class Link:
    """A line between two different blocks, by their places; `label` is the size of what stands on it."""

    source: int
    target: int
    label: Point | None = None


@dataclass
class Placed:
    """Where everything is.  A line goes straight between points above each other and bends between others."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[list[Point]] = field(default_factory=list)
    labels: list[Box | None] = field(default_factory=list)
    back: set[int] = field(default_factory=set)
    width: float = 0.0
    height: float = 0.0


def simplified(points: Sequence[Point]) -> list[Point]:
    """Without points that stand twice, or between two others right above each other."""
    found: list[Point] = []
    for point in points:
        if found and abs(found[-1][0] - point[0]) < 0.05:
            if abs(found[-1][1] - point[1]) < 0.05:
                continue
            if len(found) > 1 and abs(found[-2][0] - point[0]) < 0.05:
                found.pop()
            point = (found[-1][0], point[1])
        found.append(point)
    return found
