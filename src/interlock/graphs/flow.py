"""The graph of outcomes: which step follows which, and searches over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from interlock.graphs.spec import END, START, Spec

N = TypeVar("N", bound=Hashable)
S = TypeVar("S", bound=Hashable)


class Arc(NamedTuple):
    """One outcome of one edge; START leaves with the outcome ``""``."""

    source: str
    outcome: str
    target: str
    edge: int


@dataclass(frozen=True)
class Flow:
    """All arcs of a spec, by their source, in authored order."""

    leaving: Mapping[str, Sequence[Arc]]

    @property
    def arcs(self) -> Iterable[Arc]:
        return (arc for arcs in self.leaving.values() for arc in arcs)

    def successors(self) -> dict[str, list[str]]:
        return {name: list(dict.fromkeys(arc.target for arc in arcs)) for name, arcs in self.leaving.items()}


def flow(spec: Spec) -> Flow:
    """The arcs of `spec`.  Conditions are not looked at: each may hold."""
    leaving: dict[str, list[Arc]] = {name: [] for name in (START, *spec.steps, END)}
    for index, edge in enumerate(spec.edges):
        for outcome in edge.on or [""]:
            leaving[edge.source].append(Arc(edge.source, outcome, edge.target, index))
    return Flow(leaving)


def reachable(successors: Mapping[N, Iterable[N]], start: Iterable[N]) -> set[N]:
    """Everything that can be reached from `start`, which is included."""
    found = set(start)
    waiting = list(found)
    while waiting:
        for following in successors.get(waiting.pop(), ()):
            if following not in found:
                found.add(following)
                waiting.append(following)
    return found


def reverse(successors: Mapping[N, Iterable[N]]) -> dict[N, list[N]]:
    """The same graph with every arrow turned round."""
    turned: dict[N, list[N]] = {node: [] for node in successors}
    for node, following in successors.items():
        for target in following:
            turned.setdefault(target, []).append(node)
    return turned


def shortest(
    flow: Flow, state: S, step: Callable[[Arc, S], S], goal: Callable[[Arc, S], bool]
) -> tuple[list[str], Arc] | None:
    """The shortest walk from START to an arc for which `goal` holds, with that arc.

    `state` is carried along: `step` gives the state after an arc from the one before it.
    """
    first: tuple[str, S] = (START, state)
    came: dict[tuple[str, S], tuple[str, S] | None] = {first: None}
    waiting = deque([first])
    while waiting:
        here = waiting.popleft()
        for arc in flow.leaving.get(here[0], ()):
            if goal(arc, here[1]):
                walk = [arc.target]
                at: tuple[str, S] | None = here
                while at is not None:
                    walk.append(at[0])
                    at = came[at]
                return walk[::-1], arc
            there = (arc.target, step(arc, here[1]))
            if there not in came:
                came[there] = here
                waiting.append(there)
    return None


def components(successors: Mapping[N, Sequence[N]]) -> list[list[N]]:
    """The strongly connected components, each after all that it leads to (Tarjan 1972, without recursion)."""
    number: dict[N, int] = {}
    low: dict[N, int] = {}
    stack: list[N] = []
    on_stack: set[N] = set()
    found: list[list[N]] = []
    for root in successors:
        if root in number:
            continue
        work: list[tuple[N, int]] = [(root, 0)]
        while work:
            node, place = work.pop()
            if place == 0:
                number[node] = low[node] = len(number)
                stack.append(node)
                on_stack.add(node)
            following = successors.get(node, ())
            while place < len(following):
                target = following[place]
                place += 1
                if target not in number:
                    work += [(node, place), (target, 0)]
                    break
                if target in on_stack:
                    low[node] = min(low[node], number[target])
            else:
                if low[node] == number[node]:
                    component: list[N] = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                    found.append(component)
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
    return found


def cycle(successors: Mapping[N, Sequence[N]], among: Iterable[N]) -> list[N] | None:
    """A cycle that stays `among` these nodes, first node repeated at the end; None where there is none."""
    allowed = dict.fromkeys(among)
    done: set[N] = set()
    for root in allowed:
        trail: list[N] = []
        placed: dict[N, int] = {}
        work: list[tuple[N, bool]] = [(root, True)]
        while work:
            node, entering = work.pop()
            if not entering:
                trail.pop()
                del placed[node]
                done.add(node)
            elif node in placed:
                return [*trail[placed[node] :], node]
            elif node not in done:
                placed[node] = len(trail)
                trail.append(node)
                work.append((node, False))
                work += [(target, True) for target in reversed(successors.get(node, ())) if target in allowed]
    return None
