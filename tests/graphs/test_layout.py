"""The layout on random figures: nothing overlaps, nothing is cut, nothing is left to chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_figures import random_figure

from interlock.graphs.pictures.figure import Edge, Figure, Group, Node, closed_groups
from interlock.graphs.pictures.layered.ordering import crossings, ordered
from interlock.graphs.pictures.layered.plane import Box, Point
from interlock.graphs.pictures.layered.ranks import backward, ranks
from interlock.graphs.pictures.layered.spread import spread, spread_within
from interlock.graphs.pictures.layout import Layout, laid_out
from interlock.graphs.pictures.looks.boxes import header_height
from interlock.graphs.pictures.looks.routing import curves

HAIR = 0.01
"""Boxes that touch do not overlap."""

figures = st.builds(random_figure, st.integers(1, 120), st.integers(0, 2**32))
links = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.just(count), st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30)
    )
)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.left + HAIR < other.right
        and other.left + HAIR < one.right
        and one.top + HAIR < other.bottom
        and other.top + HAIR < one.bottom
    )


def holds(outer: Box, inner: Box) -> bool:
    return (
        outer.left - HAIR <= inner.left
        and outer.top - HAIR <= inner.top
        and inner.right <= outer.right + HAIR
        and inner.bottom <= outer.bottom + HAIR
    )


def inside(box: Box, point: Point) -> bool:
    x, y = point
    return box.left + HAIR < x < box.right - HAIR and box.top + HAIR < y < box.bottom - HAIR


def around(name: str) -> set[str]:
    """The nodes in whose figures `name` stands, itself included."""
    parts = name.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}


class Shelves:
    """Boxes by height, so that only those near a place are looked at."""

    def __init__(self, boxes: Iterable[tuple[object, Box]]) -> None:
        self.shelves: dict[int, list[tuple[object, Box]]] = {}
        for owner, box in boxes:
            for shelf in range(int(box.top // 64), int(box.bottom // 64) + 1):
                self.shelves.setdefault(shelf, []).append((owner, box))

    def pairs(self) -> Iterator[tuple[tuple[object, Box], tuple[object, Box]]]:
        for shelf in self.shelves.values():
            yield from combinations(shelf, 2)

    def at(self, y: float) -> list[tuple[object, Box]]:
        return self.shelves.get(int(y // 64), [])


def check(figure: Figure, layout: Layout) -> None:
    """Everything that a layout promises."""
    whole = Box(0, 0, layout.width, layout.height)
    assert set(layout.boxes) == {node.name for node in figure.every_node()}
    labels = [(route.edge, route.label) for route in layout.routes if route.label is not None]
    things: list[tuple[object, Box]] = [*layout.boxes.items(), *labels]
    assert all(holds(whole, box) for _, box in things), "something stands outside of the picture"
    for (owner, box), (other, second) in Shelves(things).pairs():
        if box is second or not overlap(box, second):
            continue
        # Only a node with a figure inside lies below other things: those of its figure, wholly.
        outer, thing, inner = (other, owner, box) if str(other) in around(named(owner)) else (owner, other, second)
        assert isinstance(outer, str), f"{owner} and {other} overlap"
        assert outer != named(thing), f"{owner} and {other} overlap"
        assert outer in around(named(thing)), f"{owner} and {other} overlap"
        assert holds(layout.boxes[outer], inner), f"{thing} sticks out of {outer}"
    for node in figure.every_node():
        for inner in node.inside.nodes if node.inside else ():
            room = layout.boxes[inner.name].top - layout.boxes[node.name].top
            assert room >= header_height(node), f"{inner.name} stands on the text of {node.name}"
    check_ways(layout, Shelves(things), whole)
    check_frames(layout)


def named(owner: object) -> str:
    """The name whose surroundings an owner shares: its own, or that of the node its arrow begins at."""
    return owner.source.rpartition("/")[0] + "/-" if isinstance(owner, Edge) else str(owner)


def check_ways(layout: Layout, things: Shelves, whole: Box) -> None:
    for route in layout.routes:
        edge = route.edge
        own = around(edge.source) | around(edge.target)
        way = curves(route)
        for point in [*way.sampled(10), *way.tip]:
            assert inside(Box(-1, -1, whole.width + 2, whole.height + 2), point), f"{edge} leaves the picture"
            for owner, box in things.at(point[1]):
                if inside(box, point):
                    assert owner is edge or owner in own, f"{edge} passes through {owner}"
        assert all(part[3] == following[0] for part, following in pairwise(way.parts)), f"{edge} is broken"


def check_frames(layout: Layout) -> None:
    for group, frame in layout.frames:
        for name, box in layout.boxes.items():
            member = bool(around(name) & group.members)
            assert holds(frame, box) if member else not overlap(frame, box) or holds(box, frame), f"{name}, {group}"
        for route in layout.routes:
            ends = [bool(around(name) & group.members) for name in (route.edge.source, route.edge.target)]
            if not any(ends):
                assert not any(inside(frame, point) for point in curves(route).sampled()), f"{route.edge}, {group}"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(figures)
@example(random_figure(120, 1))
@example(random_figure(120, 2))
@example(random_figure(1, 3))
def test_nothing_overlaps(figure: Figure) -> None:
    """On 200 random figures of up to 120 nodes no node, label or arrow lies on another's node or label."""
    check(figure, laid_out(figure))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(figures)
def test_arrows_reach_what_they_name(figure: Figure) -> None:
    """An arrow begins at the border of its source and ends at that of its target, or at its frame."""
    layout = laid_out(figure)
    frames = {name: frame for group, frame in layout.frames for name in (group.entry, group.exit)}
    for route in layout.routes:
        for (x, y), name in ((route.points[0], route.edge.source), (route.points[-1], route.edge.target)):
            boxes = [layout.boxes[name], *([frames[name]] if name in frames and route.back else [])]
            assert any(
                box.left - HAIR <= x <= box.right + HAIR and min(abs(y - box.top), abs(y - box.bottom)) < HAIR
                for box in boxes
            ) or (route.loop and abs(x - layout.boxes[name].right) < HAIR), f"{route.edge} at {name}"
        down = route.points[0][1] < route.points[-1][1]
        assert route.loop or down != route.back, f"{route.edge} goes the wrong way"


@settings(max_examples=20, deadline=None, derandomize=True)
@given(figures)
def test_the_same_figure_gets_the_same_places(figure: Figure) -> None:
    """A layout depends on nothing but its figure."""
    assert laid_out(figure) == laid_out(figure)


def test_an_empty_figure_has_a_layout() -> None:
    """A figure without nodes is an empty picture."""
    layout = laid_out(Figure("nothing", "nothing"))
    assert (layout.boxes, layout.routes) == ({}, [])
    assert layout.width > 0


def test_a_chain_stands_straight() -> None:
    """Steps that follow each other stand above each other, and their arrows are straight lines."""
    nodes = tuple(Node(name, "act", name) for name in ("fetch", "a_much_longer_name", "send"))
    edges = tuple(Edge(one.name, two.name) for one, two in pairwise(nodes))
    layout = laid_out(Figure("chain", "chain", "", nodes, edges))
    assert len({round(box.middle[0], 1) for box in layout.boxes.values()}) == 1
    assert all(len(route.points) == 2 for route in layout.routes)


@pytest.mark.parametrize("turn", [lambda names: names, lambda names: names[::-1]], ids=["in order", "reversed"])
def test_a_tree_is_drawn_without_crossings(turn: Callable[[list[int]], list[int]]) -> None:
    """Rows of a tree that were given in the worst order come out untangled."""
    rows = [[0], turn([1, 2, 3]), turn([6, 4, 9, 5, 7, 8])]
    below = [[1, 2, 3], [4, 5], [6, 7], [8, 9], [], [], [], [], [], []]
    above: list[list[int]] = [[] for _ in below]
    for item, others in enumerate(below):
        for other in others:
            above[other].append(item)
    found = ordered(rows, above, below)
    place = {item: position for row in found for position, item in enumerate(row)}
    assert sum(crossings(row, below, [place[item] for item in range(10)]) for row in found) == 0


@given(st.integers(0, 2**32))
def test_crossings_are_counted_as_by_hand(seed: int) -> None:
    """The count of crossings is that of all pairs of links."""
    chance = random.Random(seed)
    upper, lower = chance.randint(1, 6), chance.randint(1, 6)
    below = [[upper + chance.randrange(lower) for _ in range(chance.randint(0, 4))] for _ in range(upper)]
    place = [*range(upper), *range(lower)]
    pairs = [(item, place[other]) for item in range(upper) for other in below[item]]
    wanted = sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(pairs, 2))
    assert crossings(range(upper), below, place) == wanted


@given(links)
def test_every_link_goes_down_once_the_backward_ones_are_turned(graph: tuple[int, list[tuple[int, int]]]) -> None:
    """Without its backward links a graph has no cycle, and with them turned each link goes at least one row down."""
    count, pairs = graph
    pairs = [(source, target) for source, target in pairs if source != target]
    back = backward(count, pairs)
    rows = ranks(count, [pair[::-1] if place in back else pair for place, pair in enumerate(pairs)])
    for place, (source, target) in enumerate(pairs):
        assert (rows[target] < rows[source]) if place in back else (rows[source] < rows[target])
    assert min(rows) == 0


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 20)), min_size=1, max_size=8), st.integers(0, 2**32))
def test_points_are_spread_as_near_as_gaps_allow(points: list[tuple[int, int]], seed: int) -> None:
    """Gaps are kept, and no other points that keep them are nearer to where all want to be."""
    wanted, gaps = [float(want) for want, _ in points], [float(gap) for _, gap in points]
    found = spread(wanted, gaps)
    assert all(right - left >= gap - 1e-9 for (left, right), gap in zip(pairwise(found), gaps[1:], strict=True))
    cost = sum((x - want) ** 2 for x, want in zip(found, wanted, strict=True))
    chance = random.Random(seed)
    for _ in range(20):
        other = [found[0] + chance.uniform(-5, 5)]
        for before, after, gap in zip(found, found[1:], gaps[1:], strict=False):
            other.append(max(other[-1] + gap, after + (other[-1] - before) * chance.random()))
        assert sum((x - want) ** 2 for x, want in zip(other, wanted, strict=True)) >= cost - 1e-6


@given(st.lists(st.tuples(st.integers(-100, 200), st.integers(1, 30)), max_size=12))
def test_points_stay_between_their_ends(points: list[tuple[int, int]]) -> None:
    """Points between two ends stay inside, however many there are, and keep their gaps where there is room."""
    gaps = [float(gap) for _, gap in points]
    found = spread_within([float(want) for want, _ in points], 0, 60, gaps)
    assert all(-1e-9 <= x <= 60 + 1e-9 for x in found)
    share = min(1.0, 60 / sum(gaps[1:])) if gaps[1:] else 1.0
    assert all(right - left >= gap * share - 1e-9 for (left, right), gap in zip(pairwise(found), gaps[1:], strict=True))
    assert len(found) == len(points)


def block(extra: tuple[Edge, ...] = ()) -> Figure:
    names = ("START", "fork", "left", "right", "join", "after")
    kinds = ("start", "fork", "act", "act", "join", "act")
    nodes = tuple(Node(name, kind, name) for name, kind in zip(names, kinds, strict=True))  # type: ignore[arg-type]
    pairs = (("START", "fork"), ("fork", "left"), ("fork", "right"), ("left", "join"), ("right", "join"))
    edges = (*(Edge(source, target) for source, target in (*pairs, ("join", "after"))), *extra)
    group = Group("fork", "fork", "fork", "join", frozenset(names[1:5]))
    return Figure("block", "block", "", nodes, edges, (group,))


def test_a_block_is_framed() -> None:
    """A fork and its join stand in one frame with all branches."""
    [(group, frame)] = laid_out(block()).frames
    assert group.name == "fork"
    assert frame.width > 0


@pytest.mark.parametrize(
    "edge", [Edge("START", "left"), Edge("right", "after"), Edge("join", "fork"), Edge("left", "fork")]
)
def test_a_block_that_is_open_has_no_frame(edge: Edge) -> None:
    """A block that is entered or left elsewhere is drawn without a frame, and still nothing overlaps."""
    figure = block((edge,))
    assert closed_groups(figure) == []
    layout = laid_out(figure)
    assert layout.frames == []
    check(figure, layout)
