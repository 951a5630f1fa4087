"""Where links touch the blocks they join: straight where that can be, and side by side where there are many."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.graphs.layered.chart import Chart
from interlock.graphs.layered.plane import Point
from interlock.graphs.layered.spread import spread_within

PORT_GAP, NEAR = 18.0, 22.0
"""Distance between lines at a side of a block, and how far from its middle a line begins that comes from afar."""
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
        starts, ends = [0.0] * len(self.chart.links), [0.0] * len(self.chart.links)
        for number, block in enumerate(self.chart.blocks):
            out, into = self.out[number], self.into[number]
            for link, at in zip(out, self._side(number, block.bottom, out, 1), strict=True):
                starts[link] = at
            for link, at in zip(into, self._side(number, block.top, into, -2), strict=True):
                ends[link] = at
        return list(zip(starts, ends, strict=True))

    def _side(self, block: int, side: Point, links: Sequence[int], following: int) -> list[float]:
        """Coordinates along one side of a block; `following` is the place of the next item in each chain."""
        edge = self.x[block] - self.chart.blocks[block].width / 2
        low, high = edge + side[0], edge + side[1]
        middle = (low + high) / 2
        wanted, weights = [], []
        for link in links:
            other = self.chart.chains[link][following]
            at = self.x[other] if other >= len(self.chart.blocks) else self._between(link)
            if low <= at <= high:
                wanted.append(at)
                weights.append(FIRM)
            else:
                far = min(NEAR, (high - low) / 2) if len(links) > 1 else 0.0
                wanted.append(middle + (far if at > middle else -far))
                weights.append(1.0)
        return spread_within(wanted, low, high, PORT_GAP, weights)

    def _between(self, link: int) -> float:
        """Where a link between neighbouring rows is straight: at the middle of the block that has no other there."""
        upper, lower = self.chart.chains[link]
        if len(self.into[lower]) == 1:
            return self.x[lower]
        if len(self.out[upper]) == 1:
            return self.x[upper]
        return (self.x[upper] + self.x[lower]) / 2
