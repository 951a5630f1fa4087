"""The graph of outcomes: which step follows which, and searches over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from interlock.graphs.endings import possible, unrouted
from interlock.graphs.fault import Fault
from interlock.graphs.parallel import FAILING, Blocks, blocks
from interlock.graphs.spec import END, START, Spec

N = TypeVar("N", bound=Hashable)
S = TypeVar("S", bound=Hashable)


class Arc(NamedTuple):
    """One outcome of one edge; START leaves with the outcome ``""``.

    Without an edge it is a failure that no edge takes: the end of the run, or of the branch.
    """

    source: str
    outcome: str
    target: str
    edge: int | None


def failing(join: str) -> str:
    """The node of a join that is entered when one of the branches has failed."""
    return join + FAILING


def shown(nodes: Iterable[str]) -> tuple[str, ...]:
    """A walk as the names of steps."""
    return tuple(node.removesuffix(FAILING) for node in nodes)


@dataclass(frozen=True)
class Flow:
    """All arcs of a spec, by their source, in authored order.

    A walk takes one branch of each fork.  That says all there is to say about any single fact: what
    one branch does, no other can undo, and where all of them must agree the proof looks at `blocks`.
    """

    leaving: Mapping[str, Sequence[Arc]]
    blocks: Blocks = field(default_factory=Blocks)
    disjointed: tuple[Fault, ...] = ()
    """What keeps forks and joins from being blocks; with such faults nothing is said about paths."""

    @property
    def arcs(self) -> Iterable[Arc]:
        return (arc for arcs in self.leaving.values() for arc in arcs)

    def successors(self) -> dict[str, list[str]]:
        return {name: list(dict.fromkeys(arc.target for arc in arcs)) for name, arcs in self.leaving.items()}


def flow(spec: Spec) -> Flow:
    """The arcs of `spec`.  Conditions are not looked at: each may hold."""
    known, faults = blocks(spec)
    leaving: dict[str, list[Arc]] = {name: [] for name in (START, *spec.steps, END)}
    leaving |= {failing(join): [] for join in known.joins}
    for index, edge in enumerate(spec.edges):
        step = spec.steps.get(edge.source)
        for outcome in edge.on or [""]:
            if step is None or possible(step, outcome):
                node = _left(edge.source, outcome, known)
                leaving[node].append(Arc(node, outcome, edge.target, index))
    for name, outcome in unrouted(spec):
        inside = known.home.get(name)
        node = _left(name, outcome, known)
        if node != name or name not in known.joins:
            target = failing(known.of[inside[0]].join) if inside else END
            leaving[node].append(Arc(node, outcome, target, None))
    for fork in known.inner_first():
        _join(leaving, known, fork)
    return Flow(leaving, known, tuple(faults))


def _left(name: str, outcome: str, known: Blocks) -> str:
    """The node that is left when a step ends so."""
    return failing(name) if name in known.joins and outcome == "failed" else name


def _join(leaving: dict[str, list[Arc]], known: Blocks, fork: str) -> None:
    """Lead each branch to its join where all branches can end, and to its failing half where another may fail."""
    join = known.of[fork].join
    ending: set[str] = set()
    losing: set[str] = set()
    reached: dict[str, list[str]] = {}
    for arc in leaving[fork]:
        reached[arc.outcome] = nodes = [arc.target]
        seen = {arc.target}
        for node in nodes:
            for further in leaving[node]:
                if further.target == join:
                    ending.add(arc.outcome)
                elif further.target == failing(join):
                    losing.add(arc.outcome)
                elif further.target not in seen:
                    seen.add(further.target)
                    nodes.append(further.target)
    for branch, nodes in reached.items():
        others = reached.keys() - {branch}
        over = others <= ending | losing  # the join waits until every branch has ended
        together, apart = others <= ending, over and bool(others & losing)
        for node in nodes:
            arcs: list[Arc] = []
            for arc in leaving[node]:
                if arc.target == join:
                    arcs += [arc] if together else []
                    arcs += [arc._replace(target=failing(join))] if apart else []
                elif over or arc.target != failing(join):
                    arcs.append(arc)
            leaving[node] = arcs
    found = {node for nodes in reached.values() for node in nodes}
    for name in (name for names in known.of[fork].branches.values() for name in names):
        for node in (name, failing(name)):
            if node in leaving and node not in found:  # behind a block that never ends
                leaving[node] = [arc for arc in leaving[node] if arc.target not in (join, failing(join))]
    if not losing:
        leaving[failing(join)] = []


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


def may(flow: Flow, start: int, after: Callable[[Arc, int], int]) -> dict[str, int]:
    """The facts, as bits, that may hold when each reached node is entered: those of some way to it.

    Args:
        start: the facts at START.
        after: the facts once an arc is taken, from those at its source; it must be monotone.
    """
    found: dict[str, int] = {START: start}
    waiting = deque([START])
    queued = {START}
    while waiting:
        name = waiting.popleft()
        queued.discard(name)
        for arc in flow.leaving.get(name, ()):
            before = found.get(arc.target)
            now = after(arc, found[name]) | (before or 0)
            if now != before:
                found[arc.target] = now
                if arc.target not in queued and arc.target != END:
                    queued.add(arc.target)
                    waiting.append(arc.target)
    return found


def shortest(
    flow: Flow, state: S, step: Callable[[Arc, S], S], goal: Callable[[Arc, S], bool]
) -> tuple[list[str], Arc] | None:
    """The shortest walk from START to an arc for which `goal` holds, with that arc.

    `state` is carried along: `step` gives the state after an arc from the one before it.
    """
    return shortest_of(flow, state, lambda arc, here: (step(arc, here),), goal)


MOST_STATES = 200_000
"""More states than these are not searched: what nobody could follow is refused."""


class TooMany(Exception):
    """A search has come to more than `MOST_STATES` states."""


def shortest_of(
    flow: Flow, state: S, steps: Callable[[Arc, S], Iterable[S]], goal: Callable[[Arc, S], bool]
) -> tuple[list[str], Arc] | None:
    """The same where an arc may lead to one of several states.

    Raises:
        TooMany: there are too many states to be searched.
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
                return list(shown(walk[::-1])), arc
            for following in steps(arc, here[1]):
                there = (arc.target, following)
                if there not in came:
                    came[there] = here
                    waiting.append(there)
        if len(came) > MOST_STATES:
            raise TooMany
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
