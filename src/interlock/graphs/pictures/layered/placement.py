"""Boxes and lines on a plane: rows, their order, coordinates, and the way of every line between the boxes.

Every line has an item of its own in each row that it passes, kept apart from the boxes and labels of that row, and
bends only between rows.  So no box, label or line can lie on another's box or label, whatever the graph is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from interlock.graphs.pictures.layered.chart import Chart, charted
from interlock.graphs.pictures.layered.columns import Widths, columns
from interlock.graphs.pictures.layered.plane import LINE_GAP, Block, Box, Link, Placed, Point, simplified
from interlock.graphs.pictures.layered.ports import ports
from interlock.graphs.pictures.layered.settling import settled

BOX_GAP, LABEL_GAP = 28.0, 12.0
"""Least distance to the neighbour in a row, for a box and for a label."""
ROW_GAP, SLOPE, MOST_SLOPE = 22.0, 0.055, 26.0
"""Least distance between rows; lines that go far sideways between two rows get more."""


def place(blocks: Sequence[Block], links: Sequence[Link], first: int | None = None, last: int | None = None) -> Placed:
    """Place the blocks from top to bottom along the links; the upper left corner is (0, 0).

    `first`, which no link reaches, stands alone in the highest row, and `last`, which none leaves, in the lowest.
    """
    if not blocks:
        return Placed()
    chart = charted(blocks, links, first, last)
    row_of, _ = chart.numbered()
    x = _columns(chart)
    touching = ports(chart, x)
    tracks = [
        [start, *(x[item] for item in chain[1:-1]), end]
        for chain, (start, end) in zip(chart.chains, touching, strict=True)
    ]
    rows = _bands(chart, tracks, row_of)
    boxes = []
    for item, block in enumerate(blocks):
        top, bottom = rows[row_of[item]]
        boxes.append(Box(x[item] - block.width / 2, (top + bottom - block.height) / 2, block.width, block.height))
    placed = Placed(boxes, back=set(chart.back), height=rows[-1][1])
    for number, (chain, track) in enumerate(zip(chart.chains, tracks, strict=True)):
        bands = [rows[row_of[item]] for item in chain]
        bands[0] = boxes[chain[0]].bottom, bands[0][1]
        bands[-1] = bands[-1][0], boxes[chain[-1]].top
        line = simplified([(at, y) for at, band in zip(track, bands, strict=True) for y in band])
        placed.lines.append(line[::-1] if number in chart.back else line)
        placed.labels.append(
            next((_label(chart, item, x, rows[row_of[item]]) for item in chain if item in chart.labels), None)
        )
    rights = [box.right + block.room for box, block in zip(boxes, blocks, strict=True)]
    rights += [label.right for label in placed.labels if label is not None]
    placed.width = max([*rights, *(at for track in tracks for at in track)])
    return placed


def _columns(chart: Chart) -> list[float]:
    """The coordinate of each item; the outermost thing on the left begins at 0."""
    left, right, gap = [], [], []
    for item in range(chart.count):
        if item < len(chart.blocks):
            block = chart.blocks[item]
            left.append(block.width / 2)
            right.append(block.width / 2 + block.room)
            gap.append(BOX_GAP)
        else:
            half = chart.labels.get(item, (0.0, 0.0))[0] / 2
            left.append(half)
            right.append(half)
            gap.append(LABEL_GAP if half else LINE_GAP)
    widths = Widths(left, right, gap)
    thin = [item >= len(chart.blocks) for item in range(chart.count)]
    xs = columns(chart.rows, chart.above, chart.below, thin, widths)
    xs = settled(xs, chart.rows, chart.above, chart.below, widths)
    first = min(x - reach for x, reach in zip(xs, left, strict=True))
    return [x - first for x in xs]


def _bands(chart: Chart, tracks: Sequence[Sequence[float]], row_of: Sequence[int]) -> list[Point]:
    """Where each row begins and ends from top to bottom."""
    sideways = [0.0] * len(chart.rows)  # how far lines go sideways below each row
    for chain, track in zip(chart.chains, tracks, strict=True):
        for item, (at, following) in zip(chain, pairwise(track), strict=False):
            sideways[row_of[item]] = max(sideways[row_of[item]], abs(following - at))
    found: list[Point] = []
    y = 0.0
    for row, far in zip(chart.rows, sideways, strict=True):
        bottom = y + max(map(chart.height, row))
        found.append((y, bottom))
        y = bottom + ROW_GAP + min(MOST_SLOPE, far * SLOPE)
    return found


def _label(chart: Chart, item: int, x: Sequence[float], band: Point) -> Box:
    width, height = chart.labels[item]
    return Box(x[item] - width / 2, (band[0] + band[1] - height) / 2, width, height)
