"""Where links touch the blocks they join: straight where that can be, and side by side where there are many."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.graphs.pictures.layered.chart import Chart
from interlock.graphs.pictures.layered.plane import LINE_GAP, Point
from interlock.graphs.pictures.layered.spread import spread_within

NEAR = 22.0
"""How far from the middle of a block a line begins that comes from afar."""
CLOSE = 10.0
"""The distance between lines at a block where more would bend a line that can be straight."""
SLANT = 0.5
"""How far a straight line may be off."""
FIRM = 1000.0
"""How much more a straight line keeps its place than one that bends anyway."""


def ports(chart: Chart, x: Sequence[float]) -> list[Point]:
    """For each link the coordinates at which it leaves its upper block and reaches its lower one."""
    return _Ports(chart, x).found()


class _Ports:
    def __init__(self, chart: Chart, x: Sequence[float]) -> None:
        self.chart, self.x = chart, x
        self.into: list[list[int]] = [[] for _ in chart.blocks]
        self.out: list[list[int]] = [[] for _ in chart.blocks]
        _, position = chart.numbered()
        for number, chain in enumerate(chart.chains):
            self.out[chain[0]].append(number)
            self.into[chain[-1]].append(number)
        for numbers in self.out:
            numbers.sort(key=lambda number: (position[chart.chains[number][1]], number))
        for numbers in self.into:
            numbers.sort(key=lambda number: (position[chart.chains[number][-2]], number))

    def found(self) -> list[Point]:
        """Both sides in turn, each straight to where the other has put the link, as far as its order allows."""
        starts: list[float] = []
        ends: list[float] = []
        for _ in range(2):
            starts = self._sides(self.out, 1, ends)
            ends = self._sides(self.into, -2, starts)
        return list(zip(starts, ends, strict=True))

    def _sides(self, touching: Sequence[Sequence[int]], following: int, across: Sequence[float]) -> list[float]:
        """Where all links touch the lower, or the upper, sides; `across` is where they touch the other block."""
        found = [0.0] * len(self.chart.links)
        for number, block in enumerate(self.chart.blocks):
            side = block.bottom if following == 1 else block.top
            placed = self._side(number, side, touching[number], following, across)
            for link, at in zip(touching[number], placed, strict=True):
                found[link] = at
        return found

    def _side(
        self, block: int, side: Point, links: Sequence[int], following: int, across: Sequence[float]
    ) -> list[float]:
        """Coordinates along one side of a block; `following` is the place of the next item in each chain."""
        edge = self.x[block] - self.chart.blocks[block].width / 2
        low, high = edge + side[0], edge + side[1]
        middle = (low + high) / 2
        wanted, weights = [], []
        for link in links:
            other = self.chart.chains[link][following]
            at = self.x[other]
            if other < len(self.chart.blocks):
                at = across[link] if across else self._between(link)
            if low <= at <= high:
                wanted.append(at)
                weights.append(FIRM)
            else:
                far = min(NEAR, (high - low) / 2) if len(links) > 1 else 0.0
                wanted.append(middle + (far if at > middle else -far))
                weights.append(1.0)
        gaps = [LINE_GAP] * len(links)
        placed = spread_within(wanted, low, high, gaps, weights)
        pushed = [
            weight == FIRM and abs(at - want) > SLANT for at, want, weight in zip(placed, wanted, weights, strict=True)
        ]
        if not any(pushed):
            return placed
        for place in range(1, len(links)):
            if pushed[place] or pushed[place - 1]:
                gaps[place] = CLOSE
        return spread_within(wanted, low, high, gaps, weights)

    def _between(self, link: int) -> float:
        """Where a link between neighbouring rows is straight: at the middle of the block that has no other there."""
        upper, lower = self.chart.chains[link]
        if len(self.into[lower]) == 1:
            return self.x[lower]
        if len(self.out[upper]) == 1:
            return self.x[upper]
        return (self.x[upper] + self.x[lower]) / 2
