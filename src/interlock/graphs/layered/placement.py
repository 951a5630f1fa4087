"""Boxes and lines on a plane: rows, their order, coordinates, and the way of every line between the boxes.

Every line has an item of its own in each row that it passes, kept apart from the boxes and labels of that row, and
bends only between rows.  So no box, label or line can lie on another's box or label, whatever the graph is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from interlock.graphs.layered.columns import Widths, columns
from interlock.graphs.layered.ordering import ordered
from interlock.graphs.layered.ranks import backward, ranks
from interlock.graphs.layered.settling import settled
from interlock.graphs.layered.spread import spread_within

Point = tuple[float, float]

BOX_GAP, LABEL_GAP, LINE_GAP = 28.0, 12.0, 14.0
"""Least distance to the neighbour in a row, for a box, a label and a line that passes."""
ROW_GAP, SLOPE, MOST_SLOPE = 22.0, 0.055, 26.0
"""Least distance between rows; lines that go far sideways between two rows get more."""
PORT_GAP, NEAR = 18.0, 22.0
"""Distance between lines at a side of a box, and how far from the middle a line begins that comes from afar."""


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


def place(blocks: Sequence[Block], links: Sequence[Link], first: int | None = None, last: int | None = None) -> Placed:
    """Place the blocks from top to bottom along the links; the upper left corner is (0, 0).

    `first`, which no link reaches, stands alone in the highest row, and `last`, which none leaves, in the lowest.
    """
    return _Plan(blocks, links, first, last).placed() if blocks else Placed()


class _Plan:
    def __init__(self, blocks: Sequence[Block], links: Sequence[Link], first: int | None, last: int | None) -> None:
        self.blocks, self.links = blocks, links
        pairs = [(link.source, link.target) for link in links]
        self.back = backward(len(blocks), pairs)
        self.down = [pair[::-1] if number in self.back else pair for number, pair in enumerate(pairs)]
        held = [(first, block) for block in range(len(blocks)) if first is not None and block != first]
        held += [(block, last) for block in range(len(blocks)) if last is not None and block != last]
        self.row_of = ranks(len(blocks), [*self.down, *dict.fromkeys(held)])
        self.label_row = [
            None if link.label is None else 2 * self.row_of[link.source] + (-1 if number in self.back else 1)
            for number, link in enumerate(links)
        ]
        self.chains: list[list[int]] = []
        self.label_of: dict[int, Point] = {}
        self.rows: list[list[int]] = []
        self.above: list[list[int]] = [[] for _ in blocks]
        self.below: list[list[int]] = [[] for _ in blocks]
        self._items()

    def _items(self) -> None:
        """An item for each block, and one for each row that a link passes; rows that hold nothing are left out."""
        used = sorted({2 * row for row in self.row_of} | {row for row in self.label_row if row is not None})
        number_of = {row: number for number, row in enumerate(used)}
        self.rows = [[] for _ in used]
        for block, row in enumerate(self.row_of):
            self.rows[number_of[2 * row]].append(block)
        for number, (upper, lower) in enumerate(self.down):
            chain = [upper]
            for row in range(number_of[2 * self.row_of[upper]] + 1, number_of[2 * self.row_of[lower]]):
                item = len(self.above)
                self.above.append([])
                self.below.append([])
                self.rows[row].append(item)
                label = self.links[number].label
                if label is not None and used[row] == self.label_row[number]:
                    self.label_of[item] = label
                chain.append(item)
            chain.append(lower)
            for one, following in pairwise(chain):
                self.below[one].append(following)
                self.above[following].append(one)
            self.chains.append(chain)

    def placed(self) -> Placed:
        self.rows = ordered(self.rows, self.above, self.below)
        self.place = [0] * len(self.above)
        for row in self.rows:
            for position, item in enumerate(row):
                self.place[item] = position
        self.x = self._columns()
        ports = self._ports()
        tops, bottoms, height = self._heights(ports)
        boxes = []
        for number, block in enumerate(self.blocks):
            row = self.row_number[number]
            top = tops[row] + (bottoms[row] - tops[row] - block.height) / 2
            boxes.append(Box(self.x[number] - block.width / 2, top, block.width, block.height))
        lines, labels = [], []
        for number, chain in enumerate(self.chains):
            line, label = self._line(number, chain, ports[number], boxes, tops, bottoms)
            lines.append(line)
            labels.append(label)
        width = max(box.right + block.room for box, block in zip(boxes, self.blocks, strict=True))
        width = max([width, *(self.x[item] + size[0] / 2 for item, size in self.label_of.items())])
        width = max([width, *(x for line in lines for x, _ in line)])
        return Placed(boxes, lines, labels, self.back, width, height)

    def _columns(self) -> list[float]:
        left, right, gap, thin = [], [], [], []
        for item in range(len(self.above)):
            if item < len(self.blocks):
                block = self.blocks[item]
                left.append(block.width / 2)
                right.append(block.width / 2 + block.room)
                gap.append(BOX_GAP)
            else:
                half = self.label_of.get(item, (0.0, 0.0))[0] / 2
                left.append(half)
                right.append(half)
                gap.append(LABEL_GAP if half else LINE_GAP)
            thin.append(item >= len(self.blocks))
        widths = Widths(left, right, gap)
        xs = columns(self.rows, self.above, self.below, thin, widths)
        xs = settled(xs, self.rows, self.above, self.below, widths)
        first = min(x - reach for x, reach in zip(xs, left, strict=True))
        return [x - first for x in xs]

    # Ports --------------------------------------------------------------------------------------

    def _ports(self) -> list[Point]:
        """Where each link leaves its upper block and reaches its lower one, sideways."""
        upper: list[list[int]] = [[] for _ in self.blocks]
        lower: list[list[int]] = [[] for _ in self.blocks]
        for number, (above, below) in enumerate(self.down):
            upper[below].append(number)
            lower[above].append(number)
        starts, ends = [0.0] * len(self.links), [0.0] * len(self.links)
        for block in range(len(self.blocks)):
            for numbers, place, found in ((lower[block], 1, starts), (upper[block], -2, ends)):
                numbers.sort(key=lambda number: (self.place[self.chains[number][place]], number))
                side = self.blocks[block].bottom if place == 1 else self.blocks[block].top
                for number, x in zip(numbers, self._side(block, numbers, place, side, lower, upper), strict=True):
                    found[number] = x
        return list(zip(starts, ends, strict=True))

    def _side(
        self,
        block: int,
        numbers: Sequence[int],
        place: int,
        side: Point,
        lower: Sequence[Sequence[int]],
        upper: Sequence[Sequence[int]],
    ) -> list[float]:
        edge = self.x[block] - self.blocks[block].width / 2
        low, high = edge + side[0], edge + side[1]
        middle = (low + high) / 2
        wanted, weights = [], []
        for number in numbers:
            other = self.chains[number][place]
            x = self.x[other]
            if other < len(self.blocks):
                x = self._between(number, lower, upper)
            if low <= x <= high:
                wanted.append(x)
                weights.append(1000.0)
            else:
                far = min(NEAR, (high - low) / 2) if len(numbers) > 1 else 0.0
                wanted.append(middle + (far if x > middle else -far))
                weights.append(1.0)
        return spread_within(wanted, low, high, PORT_GAP, weights)

    def _between(self, number: int, lower: Sequence[Sequence[int]], upper: Sequence[Sequence[int]]) -> float:
        """Where a link between neighbouring rows would be straight: below the middle of the block it has to itself."""
        above, below = self.down[number]
        if len(upper[below]) == 1:
            return self.x[below]
        if len(lower[above]) == 1:
            return self.x[above]
        return (self.x[above] + self.x[below]) / 2

    # Heights and lines --------------------------------------------------------------------------

    def _heights(self, ports: Sequence[Point]) -> tuple[list[float], list[float], float]:
        """Where each row begins and ends from top to bottom, and the height of all."""
        self.row_number = [0] * len(self.above)
        for number, row in enumerate(self.rows):
            for item in row:
                self.row_number[item] = number
        sideways = [0.0] * len(self.rows)  # how far lines go sideways below each row
        for number, chain in enumerate(self.chains):
            xs = [ports[number][0], *(self.x[item] for item in chain[1:-1]), ports[number][1]]
            for item, x, following in zip(chain, xs, xs[1:], strict=False):
                row = self.row_number[item]
                sideways[row] = max(sideways[row], abs(following - x))
        tops, bottoms, y = [], [], 0.0
        for number, row in enumerate(self.rows):
            height = max(
                self.blocks[item].height if item < len(self.blocks) else self.label_of.get(item, (0.0, 0.0))[1]
                for item in row
            )
            tops.append(y)
            bottoms.append(y + height)
            y += height + ROW_GAP + min(MOST_SLOPE, sideways[number] * SLOPE)
        return tops, bottoms, bottoms[-1]

    def _line(
        self,
        number: int,
        chain: Sequence[int],
        ports: Point,
        boxes: Sequence[Box],
        tops: Sequence[float],
        bottoms: Sequence[float],
    ) -> tuple[list[Point], Box | None]:
        first, last = chain[0], chain[-1]
        points = [(ports[0], boxes[first].bottom), (ports[0], bottoms[self.row_number[first]])]
        label = None
        for item in chain[1:-1]:
            row = self.row_number[item]
            points += [(self.x[item], tops[row]), (self.x[item], bottoms[row])]
            if item in self.label_of:
                width, height = self.label_of[item]
                middle = (tops[row] + bottoms[row]) / 2
                label = Box(self.x[item] - width / 2, middle - height / 2, width, height)
        points += [(ports[1], tops[self.row_number[last]]), (ports[1], boxes[last].top)]
        points = simplified(points)
        return (points[::-1] if number in self.back else points), label


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
