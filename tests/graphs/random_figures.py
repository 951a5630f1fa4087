"""Random figures: tangled graphs with loops, labels, gates, framed blocks and figures inside of nodes."""

from __future__ import annotations

import random
from dataclasses import replace

from interlock.graphs.pictures.depiction import nested
from interlock.graphs.pictures.figure import Edge, Figure, Group, Node, NodeKind

KINDS: tuple[NodeKind, ...] = (
    "reason", "act", "call", "approve", "route", "python", "wait", "graph", "map", "compensate",
)  # fmt: skip
DETAILS = (
    ("email.send",),
    ("≤ 3 attempts", "≤ 2 visits", "timeout 30s"),
    ("a sentence that needs two lines to be told",),
)
OUTCOMES = ("done", "rejected", "expired", "denied", "abstained", "failed", "exhausted", "a_long_label_of_a_route")


def random_figure(size: int, seed: int, *, depth: int = 1) -> Figure:
    """A figure of exactly `size` nodes, those in blocks and inside of others included; the same for the same seed."""
    return _Maker(size, random.Random(seed), depth).figure()


class _Maker:
    def __init__(self, size: int, chance: random.Random, depth: int) -> None:
        self.left, self.chance, self.depth = size, chance, depth
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.groups: list[Group] = []

    def figure(self) -> Figure:
        ways: list[tuple[str, str]] = []  # what can be entered and left: nodes and whole blocks
        while self.left:
            block = self.left >= 4 and self.chance.random() < 0.08
            ways.append(self._block() if block else (name := self._node(), name))
        for place in range(1, len(ways)):
            self._edge(ways[max(0, place - self.chance.choice((1, 1, 1, 2, 5)))][1], ways[place][0])
        for _ in range(self.chance.randint(0, len(ways))):
            near = self.chance.random() < 0.8
            source = self.chance.randrange(len(ways))
            other = source + self.chance.randint(-4, 5) if near else self.chance.randrange(len(ways))
            target = min(max(other, 0), len(ways) - 1)
            if source != target or ways[source][0] == ways[source][1]:
                self._edge(ways[source][1], ways[target][0])
        return Figure("random", "random, version 1", "", tuple(self.nodes), tuple(self.edges), tuple(self.groups))

    def _node(self, kind: NodeKind | None = None) -> str:
        self.left -= 1
        name = f"step_{len(self.nodes)}"
        kind = kind or self.chance.choice(KINDS)
        if not self.nodes and self.chance.random() < 0.5:
            kind = "start"
        details = tuple(self.chance.choice(DETAILS) for _ in range(self.chance.randint(0, 2)))
        node = Node(name, kind, name * self.chance.choice((1, 1, 2, 4)), details)
        if kind in ("graph", "map") and self.depth and self.left > 1 and self.chance.random() < 0.3:
            size = self.chance.randint(1, min(self.left, 9))
            self.left -= size
            inner = random_figure(size, self.chance.randrange(2**32), depth=self.depth - 1)
            node = replace(node, inside=nested(inner, name))
        self.nodes.append(node)
        return name

    def _block(self) -> tuple[str, str]:
        """A fork, branches of a few nodes or a further block, and the join; its first and last node."""
        self.left -= 1  # kept for the join
        before = len(self.nodes)
        fork = self._node("fork")
        ends = []
        for _ in range(self.chance.randint(2, 4)):
            last = fork
            for _ in range(self.chance.randint(1, 3)):
                if self.left < 1:
                    break
                if self.left >= 5 and self.chance.random() < 0.1:
                    first, after = self._block()
                else:
                    first = after = self._node()
                self._edge(last, first)
                last = after
            if last != fork:
                ends.append(last)
        self.left += 1
        join = self._node("join")
        for end in ends:
            self._edge(end, join)
        members = frozenset(node.name for node in self.nodes[before:])
        self.groups.append(Group(fork, fork, fork, join, members))
        return fork, join

    def _edge(self, source: str, target: str) -> None:
        on = tuple(self.chance.sample(OUTCOMES, self.chance.choice((0, 0, 1, 1, 2, 4))))
        when = ("order.amount > 1000",) if self.chance.random() < 0.15 else ()
        gate = ("outbound_mail", "2 people", "role finance", "within 1d") if self.chance.random() < 0.1 else ()
        self.edges.append(Edge(source, target, on, when, gate, len(self.edges)))
