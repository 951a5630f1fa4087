"""A figure: what is drawn of a workflow, before anything has a place.  It knows nothing of specs or pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

from interlock.graphs.pictures.layered.ranks import backward

NodeKind = Literal[
    "start", "end", "reason", "act", "call", "approve", "route", "python", "wait",
    "graph", "map", "fork", "join", "compensate",
]  # fmt: skip
"""What a node is; each has a shape, a colour and a word of its own."""

State = Literal["done", "running", "waiting", "failed"]
"""How far a run has come with a node."""

WORDS: dict[NodeKind, str] = {
    "start": "START", "end": "END", "reason": "REASON", "act": "ACT", "call": "CALL", "approve": "APPROVE",
    "route": "ROUTE", "python": "PYTHON", "wait": "WAIT", "graph": "GRAPH", "map": "MAP", "fork": "FORK",
    "join": "JOIN", "compensate": "COMPENSATE",
}  # fmt: skip
"""The word that a node of each kind carries."""


@dataclass(frozen=True)
class Node:
    """One box."""

    name: str
    """Unique in the whole figure; a node inside another's figure is called `outer/inner`."""
    kind: NodeKind
    title: str = ""
    details: tuple[tuple[str, ...], ...] = ()
    """What stands small below the title, each a short list: the actions, the people, the limits."""
    about: str = ""
    """One sentence for those who cannot see the picture."""
    inside: Figure | None = None
    """The figure of the graph that the node runs, where it is drawn too."""


@dataclass(frozen=True)
class Edge:
    """One arrow."""

    source: str
    target: str
    on: tuple[str, ...] = ()
    """The outcomes that take it; empty when it is what goes on as usual."""
    when: tuple[str, ...] = ()
    """Conditions, and other things that are to be read on it."""
    approval: tuple[str, ...] = ()
    """The human approval it needs: its name, then who must agree; empty when it needs none."""
    index: int = -1
    """Place of the spec's edge; -1 for an arrow that no edge of the spec stands for."""
    trouble: bool = False
    """Whether only outcomes take it with which a step did not do its work."""


@dataclass(frozen=True)
class Group:
    """Nodes that belong together, entered by the first alone and left by the last alone."""

    name: str
    title: str
    entry: str
    exit: str
    members: frozenset[str]


@dataclass(frozen=True)
class Figure:
    """What is drawn: nodes in authored order, the arrows between them, and the blocks they form."""

    name: str
    title: str
    about: str = ""
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    groups: tuple[Group, ...] = ()

    def every_node(self) -> Iterator[Node]:
        """All nodes, those inside others too."""
        for node in self.nodes:
            yield node
            if node.inside is not None:
                yield from node.inside.every_node()


def usual_first(edges: Iterable[Edge]) -> list[Edge]:
    """Arrows in the order in which a walk takes them: what goes on as usual, then choices, then trouble.

    So a loop is closed by the arrow that a reader would call the way back.
    """
    return sorted(edges, key=lambda edge: (edge.trouble, bool(edge.on)))


def returning(figure: Figure) -> set[Edge]:
    """The arrows that lead back to where a walk may have been before, to the node itself too."""
    number = {node.name: place for place, node in enumerate(figure.nodes)}
    edges = usual_first(figure.edges)
    links = [(number[edge.source], number[edge.target]) for edge in edges]
    return {edges[place] for place in backward(len(number), links)}


@dataclass(frozen=True)
class Marks:
    """What is lit in a figure without moving anything: the states of a run, and one path."""

    states: Mapping[str, State] = field(default_factory=dict)
    """The state of each node that a run has entered."""
    taken: frozenset[int] = frozenset()
    """Places of the spec's edges that the run took."""
    path: tuple[str, ...] = ()
    """A walk through the figure, by the names of nodes; `END` stands for any end."""

    def on_path(self, name: str) -> bool:
        """Whether the path goes through the node of this name; of ends, through those that it may mean."""
        return name in self.path

    def follows(self, edge: Edge) -> bool:
        """Whether the path goes along `edge`, or may: it names nodes, not arrows."""
        return (edge.source, edge.target) in self._pairs

    @cached_property
    def _pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset(pairwise(self.path))


def lit(figure: Figure, marks: Marks) -> Marks:
    """The marks with `END` of the path told as the ends of `figure` that the arrows from the step before lead to."""
    ends = {node.name for node in figure.nodes if node.kind == "end"}
    if "END" not in marks.path or "END" in ends:
        return marks
    before = marks.path[marks.path.index("END") - 1]
    meant = dict.fromkeys(edge.target for edge in figure.edges if edge.source == before and edge.target in ends)
    steps = [name for name in marks.path if name != "END"]
    walk = [word for end in meant for word in (end, before)][:-1]
    return replace(marks, path=(*steps, *walk))


def closed_groups(figure: Figure) -> list[Group]:
    """The groups that may be framed: entered at their entry and left at their exit only, nested or apart.

    A block that can be entered or left elsewhere, or that lies across another, is drawn without a frame.
    """
    framed: list[Group] = []
    for group in sorted(figure.groups, key=lambda group: len(group.members)):
        proper = {group.entry, group.exit} <= group.members and group.entry != group.exit
        if proper and _tight(group, figure.edges) and not any(_across(group, other) for other in framed):
            framed.append(group)
    return framed


def _tight(group: Group, edges: Iterable[Edge]) -> bool:
    for edge in edges:
        inward, outward = edge.target in group.members, edge.source in group.members
        if inward and not outward and edge.target != group.entry:
            return False
        if outward and not inward and edge.source != group.exit:
            return False
        if inward and outward and (edge.target == group.entry or edge.source == group.exit):
            return False
    return True


def _across(group: Group, other: Group) -> bool:
    common = group.members & other.members
    if not common:
        return False
    small, large = (group, other) if len(group.members) < len(other.members) else (other, group)
    return not small.members < large.members or bool({large.entry, large.exit} & small.members)
