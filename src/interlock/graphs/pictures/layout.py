"""A figure gets its places: every node a box, every arrow a way, every frame its room.

A framed block and a node with a figure inside are laid out first, and then stand in their surroundings as one box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from interlock.graphs.pictures.figure import Edge, Figure, Group, Node, closed_groups, usual_first
from interlock.graphs.pictures.layered.placement import place
from interlock.graphs.pictures.layered.plane import Block, Box, Link, Point, simplified
from interlock.graphs.pictures.looks.boxes import STACK, Size, header_height, label_size, node_size

MARGIN = 20.0
FRAME = 18.0
"""Room between a frame and what stands in it."""
LOOP, LOOP_GAP = 26.0, 8.0
"""How far an arrow from a node to itself sticks out, and the room between two of them."""


@dataclass(frozen=True)
class Route:
    """The way of one arrow: straight between points above each other, bent once between others."""

    edge: Edge
    points: tuple[Point, ...]
    label: Box | None = None
    back: bool = False
    loop: bool = False
    """From a node to itself: out of its right side and back."""


@dataclass
class Layout:
    """Where everything stands, in pixels from the upper left."""

    width: float = 0.0
    height: float = 0.0
    boxes: dict[str, Box] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    frames: list[tuple[Group, Box]] = field(default_factory=list)
    """The framed blocks, outer ones first."""


@lru_cache(maxsize=32)  # a page draws one figure again and again, as its run goes on
def laid_out(figure: Figure) -> Layout:
    """The places of a figure; the same figure always gets the same, which nobody changes."""
    inner = _arranged(figure.nodes, figure.edges, closed_groups(figure))
    found = Layout(inner.width + 2 * MARGIN, inner.height + 2 * MARGIN)
    _put(found, inner, MARGIN, MARGIN)
    return found


@dataclass(frozen=True)
class _Unit:
    """What stands as one box: a node, or a framed block."""

    names: frozenset[str]
    size: Size
    room: float
    node: Node | None = None
    group: Group | None = None
    inside: Layout | None = None
    offset: Point = (0.0, 0.0)
    """Where in the box its inside begins."""
    top: Point = (0.0, 0.0)
    bottom: Point = (0.0, 0.0)


def _arranged(
    nodes: Sequence[Node], edges: Sequence[Edge], groups: Sequence[Group], around: Group | None = None
) -> Layout:
    outer = [group for group in groups if not any(group.members < other.members for other in groups)]
    loops: dict[str, list[Edge]] = {}
    for edge in edges:
        if edge.source == edge.target:
            loops.setdefault(edge.source, []).append(edge)
    units: list[_Unit] = []
    unit_of: dict[str, int] = {}
    for node in nodes:
        if node.name in unit_of:
            continue
        group = next((group for group in outer if node.name in group.members), None)
        unit = _block(group, nodes, edges, groups) if group else _single(node, loops.get(node.name, []))
        unit_of |= dict.fromkeys(unit.names, len(units))
        units.append(unit)
    straight = [edge for edge in usual_first(edges) if unit_of[edge.source] != unit_of[edge.target]]
    placed = place(
        [Block(unit.size.width, unit.size.height, unit.top, unit.bottom, unit.room) for unit in units],
        [Link(unit_of[edge.source], unit_of[edge.target], label_size(edge)) for edge in straight],
        unit_of[around.entry] if around else None,
        unit_of[around.exit] if around else None,
    )
    found = Layout(placed.width, placed.height)
    for unit, box in zip(units, placed.boxes, strict=True):
        if unit.node is not None:
            found.boxes[unit.node.name] = box
            found.routes += _loops(box, loops.get(unit.node.name, []))
        if unit.group is not None:
            found.frames.append((unit.group, box))
        if unit.inside is not None:
            _put(found, unit.inside, box.left + unit.offset[0], box.top + unit.offset[1])
    for number, edge in enumerate(straight):
        points = list(placed.lines[number])
        back = number in placed.back
        if not back:  # an arrow to or from a framed block goes on to the node that it means
            start, end = found.boxes[edge.source].bottom, found.boxes[edge.target].top
            points = simplified([(points[0][0], start), *points, (points[-1][0], end)])
        found.routes.append(Route(edge, tuple(points), placed.labels[number], back))
    return found


def _put(found: Layout, inner: Layout, x: float, y: float) -> None:
    """Take over everything of `inner`, moved."""
    found.boxes |= {name: box.moved(x, y) for name, box in inner.boxes.items()}
    found.frames += [(group, box.moved(x, y)) for group, box in inner.frames]
    for route in inner.routes:
        points = tuple((left + x, top + y) for left, top in route.points)
        label = route.label.moved(x, y) if route.label else None
        found.routes.append(Route(route.edge, points, label, route.back, route.loop))


def _single(node: Node, loops: Sequence[Edge]) -> _Unit:
    size = node_size(node)
    names = frozenset([node.name])
    sizes = [label_size(edge) or (0.0, 0.0) for edge in loops]
    room = LOOP + max(width for width, _ in sizes) + 4 if sizes else 0.0
    height = max(size.height, sum(max(high, 14.0) + LOOP_GAP for _, high in sizes))
    if node.inside is None:
        side = (size.low, size.high)
        return _Unit(names, Size(size.width, height, *side), room, node, top=side, bottom=side)
    inner = _arranged(node.inside.nodes, node.inside.edges, closed_groups(node.inside))
    header = header_height(node)
    stack = STACK if node.kind == "map" else 0.0
    width = max(inner.width + 2 * FRAME + stack, size.width)
    side = (FRAME, width - FRAME)
    whole = Size(width, max(inner.height + header + 1.5 * FRAME, height), *side)
    offset = ((width - stack - inner.width) / 2, header + FRAME / 2)
    return _Unit(names, whole, room, node, None, inner, offset, side, side)


def _block(group: Group, nodes: Sequence[Node], edges: Sequence[Edge], groups: Sequence[Group]) -> _Unit:
    """A framed block; lines reach it above its entry and leave it below its exit."""
    inner = _arranged(
        [node for node in nodes if node.name in group.members],
        [edge for edge in edges if edge.source in group.members and edge.target in group.members],
        [other for other in groups if other.members < group.members],
        group,
    )
    by_name = {node.name: node for node in nodes}
    entry, leave = inner.boxes[group.entry], inner.boxes[group.exit]
    into, out = node_size(by_name[group.entry]), node_size(by_name[group.exit])
    size = Size(inner.width + 2 * FRAME, inner.height + 2 * FRAME, FRAME, inner.width + FRAME)
    top = (FRAME + entry.left + into.low, FRAME + entry.left + into.high)
    bottom = (FRAME + leave.left + out.low, FRAME + leave.left + out.high)
    return _Unit(group.members, size, 0.0, None, group, inner, (FRAME, FRAME), top, bottom)


def _loops(box: Box, edges: Sequence[Edge]) -> list[Route]:
    """Arrows from a node to itself, one below the other on its right side."""
    sizes = [label_size(edge) or (0.0, 0.0) for edge in edges]
    y = box.middle[1] - sum(max(high, 14.0) + LOOP_GAP for _, high in sizes) / 2
    found = []
    for edge, (width, high) in zip(edges, sizes, strict=True):
        room = max(high, 14.0) + LOOP_GAP
        middle = y + room / 2
        points = ((box.right, middle - 6), (box.right + LOOP - 6, middle), (box.right, middle + 6))
        label = Box(box.right + LOOP, middle - high / 2, width, high) if width else None
        found.append(Route(edge, points, label, back=True, loop=True))
        y += room
    return found
