"""Blocks and links as rows of items: an item for each block, and one for each row that a link passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from interlock.graphs.pictures.layered.ordering import ordered
from interlock.graphs.pictures.layered.plane import Block, Link, Point
from interlock.graphs.pictures.layered.ranks import backward, ranks


@dataclass(frozen=True)
class Chart:
    """Items in rows from top to bottom, in their order; the items of blocks have the blocks' own places."""

    blocks: Sequence[Block]
    links: Sequence[Link]
    back: frozenset[int]
    """Links that lead back up."""
    rows: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    chains: list[list[int]]
    """For each link its items from top to bottom, both blocks included."""
    labels: dict[int, Point]
    """The size of the label that an item carries."""

    @property
    def count(self) -> int:
        """How many items there are."""
        return len(self.above)

    def numbered(self) -> tuple[list[int], list[int]]:
        """For each item the number of its row, and its position in that row."""
        row_of, position_of = [0] * self.count, [0] * self.count
        for number, row in enumerate(self.rows):
            for position, item in enumerate(row):
                row_of[item], position_of[item] = number, position
        return row_of, position_of

    def height(self, item: int) -> float:
        """The height of an item; a line has none."""
        return self.blocks[item].height if item < len(self.blocks) else self.labels.get(item, (0.0, 0.0))[1]


def charted(blocks: Sequence[Block], links: Sequence[Link], first: int | None, last: int | None) -> Chart:
    """The chart of blocks and links; `first` and `last` are alone in the highest and the lowest row.

    Between any two rows of blocks there is room for a row of labels, where one stands: right after the block
    that the link comes from.
    """
    pairs = [(link.source, link.target) for link in links]
    back = frozenset(backward(len(blocks), pairs))
    down = [pair[::-1] if number in back else pair for number, pair in enumerate(pairs)]
    held = [(first, block) for block in range(len(blocks)) if first is not None and block != first]
    held += [(block, last) for block in range(len(blocks)) if last is not None and block != last]
    level = [2 * rank for rank in ranks(len(blocks), [*down, *dict.fromkeys(held)])]
    label_level = {
        number: level[link.source] + (-1 if number in back else 1)
        for number, link in enumerate(links)
        if link.label is not None
    }
    used = sorted({*level, *label_level.values()})  # rows that would hold nothing are left out
    row_of = {one: number for number, one in enumerate(used)}
    rows: list[list[int]] = [[] for _ in used]
    for block, one in enumerate(level):
        rows[row_of[one]].append(block)
    above: list[list[int]] = [[] for _ in blocks]
    below: list[list[int]] = [[] for _ in blocks]
    chains: list[list[int]] = []
    labels: dict[int, Point] = {}
    for number, (upper, lower) in enumerate(down):
        chain = [upper]
        for row in range(row_of[level[upper]] + 1, row_of[level[lower]]):
            item = len(above)
            above.append([])
            below.append([])
            rows[row].append(item)
            chain.append(item)
            label = links[number].label
            if label is not None and used[row] == label_level[number]:
                labels[item] = label
        chain.append(lower)
        for one, following in pairwise(chain):
            below[one].append(following)
            above[following].append(one)
        chains.append(chain)
    return Chart(blocks, links, back, ordered(rows, above, below), above, below, chains, labels)
