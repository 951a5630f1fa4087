"""Which row each node stands in: arrows that close a cycle are turned, then every arrow goes down."""

from __future__ import annotations

from collections.abc import Sequence

Link = tuple[int, int]


def backward(count: int, links: Sequence[Link]) -> set[int]:
    """Places of the links that lead back, by a depth-first search in the order in which nodes and links stand."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    for place, (source, _) in enumerate(links):
        leaving[source].append(place)
    found: set[int] = set()
    state = [0] * count  # 0 not seen, 1 on the way, 2 done
    for root in range(count):
        if state[root]:
            continue
        state[root] = 1
        way = [(root, iter(leaving[root]))]
        while way:
            node, rest = way[-1]
            for place in rest:
                target = links[place][1]
                if state[target] == 1:
                    found.add(place)
                elif state[target] == 0:
                    state[target] = 1
                    way.append((target, iter(leaving[target])))
                    break
            else:
                state[node] = 2
                way.pop()
    return found


def ranks(count: int, links: Sequence[Link]) -> list[int]:
    """The row of each node, 0 at the top, so that every link goes at least one row down.

    The longest way from the top says how low a node must be; then each moves within its room to where
    its links are shortest together.  The links must form no cycle.
    """
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        below[source].append(target)
        above[target].append(source)
    order = _downwards(count, below, [len(sources) for sources in above])
    row = [0] * count
    for node in order:
        row[node] = max((row[source] + 1 for source in above[node]), default=0)
    for _ in range(8):
        moved = False
        for node in reversed(order):
            if len(below[node]) > len(above[node]):
                lowest = min(row[target] for target in below[node]) - 1
                moved |= lowest > row[node]
                row[node] = max(lowest, row[node])
        for node in order:
            if len(above[node]) > len(below[node]):
                highest = max(row[source] for source in above[node]) + 1
                moved |= highest < row[node]
                row[node] = min(highest, row[node])
        if not moved:
            break
    top = min(row, default=0)
    return [place - top for place in row]


def _downwards(count: int, below: Sequence[Sequence[int]], waiting: list[int]) -> list[int]:
    """All nodes, each after those above it; nodes that are free at once keep their order."""
    order = [node for node in range(count) if waiting[node] == 0]
    for node in order:  # grows while it is walked
        for target in below[node]:
            waiting[target] -= 1
            if waiting[target] == 0:
                order.append(target)
    return order
