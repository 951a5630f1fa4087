"""Every run ends: cycles carry visit limits.

A step with `visits` that is entered once more than that leaves by `exhausted` without being carried
out, and nothing limits how often.  So it stands in the graph twice: once as the limited step, once as
the unlimited way out; the graph without the limited halves must have no cycle.  A branch counts its
visits anew at every entry of its fork, so each branch is looked at by itself, and for what lies
around it the fork leads straight to its join.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from interlock.graphs.fault import Fault
from interlock.graphs.flow import Arc, Flow, components, cycle, failing, shown
from interlock.graphs.parallel import FAILING, Inside
from interlock.graphs.spec import END, START, Spec

Half = tuple[str, bool]
"""A node, and whether this is its unlimited half."""


def regions(spec: Spec, paths: Flow) -> dict[Inside | None, Flow]:
    """The run itself (None) and each branch, as a flow of its own from START to END.

    A branch that fails ends at the failing half of END.
    """
    found: dict[Inside | None, dict[str, list[Arc]]] = {None: {START: list(paths.leaving[START])}}
    for fork, block in paths.blocks.of.items():
        for branch in block.branches:
            entry = [arc for arc in paths.leaving[fork] if arc.outcome == branch]
            found[fork, branch] = {START: [arc._replace(source=START, outcome="") for arc in entry]}
    entered = {arc.target for arc in paths.arcs}
    for name, arcs in paths.leaving.items():
        if name in (START, END):
            continue
        inside = paths.blocks.home.get(name.removesuffix(FAILING))
        if name in paths.blocks.of:
            join = paths.blocks.of[name].join
            nodes = (join, failing(join))
            found[inside][name] = [Arc(name, "joined", node, None) for node in nodes if node in entered]
            continue
        out = paths.blocks.of[inside[0]].join if inside else END
        ends = (out, failing(out))
        found[inside][name] = [
            arc._replace(target=END if arc.edge is not None or inside is None else failing(END))
            if arc.target in ends
            else arc
            for arc in arcs
        ]
    return {inside: Flow({**leaving, END: [], failing(END): []}) for inside, leaving in found.items()}


def limited(spec: Spec, node: str) -> int | None:
    """The visit limit of a node."""
    step = spec.steps.get(node)
    return step.visits if step is not None else None


def halves(spec: Spec, paths: Flow) -> dict[Half, list[Half]]:
    """The graph of outcomes in which each limited step has two halves."""

    def entered(name: str) -> list[Half]:
        return [(name, True)] if limited(spec, name) is None else [(name, False), (name, True)]

    graph: dict[Half, list[Half]] = {half: [] for name in paths.leaving for half in entered(name)}
    for arc in paths.arcs:
        unlimited = limited(spec, arc.source) is None or arc.outcome == "exhausted"
        graph[arc.source, unlimited] += entered(arc.target)
    return {half: list(dict.fromkeys(following)) for half, following in graph.items()}


def bounded(spec: Spec, paths: Flow) -> Iterator[Fault]:
    """A cycle that no visit limit ends, one for each part of the graph that has one."""
    for region in regions(spec, paths).values():
        yield from _endless(spec, paths, region)


def _endless(spec: Spec, paths: Flow, region: Flow) -> Iterator[Fault]:
    graph = halves(spec, region)
    free = {half: [other for other in following if other[1]] for half, following in graph.items() if half[1]}
    for component in reversed(components(free)):
        if len(component) == 1 and component[0] not in free[component[0]]:
            continue
        members = set(component)
        found = cycle(free, [half for half in free if half in members])
        if found is None:
            continue
        path = list(_across(paths, [half[0] for half in found]))
        pairs = list(pairwise(path))[::-1]
        closing = next(arc.edge for pair in pairs for arc in paths.leaving[pair[0]] if _edge(arc, pair[1]))
        names = shown(path)
        counted = [name for name in names if limited(spec, name) is not None]
        message = f"nothing limits the cycle through `{names[0]}`"
        hint = "give one of its steps `visits`"
        if counted:
            message = f"the limit of `{counted[0]}` ends nothing: its way out by `exhausted` leads back into the cycle"
            hint = "lead `exhausted` out of the cycle"
            if paths.blocks.home.get(counted[0]) != paths.blocks.home.get(names[0]):
                message = f"the limit of `{counted[0]}` ends nothing: it counts anew whenever its branch is entered"
                hint = "give a step around the fork `visits`"
        yield Fault("G203", message, ("edges", closing or 0, "to"), hint=hint, path=names)


def _edge(arc: Arc, target: str) -> bool:
    return arc.target == target and arc.edge is not None


def _across(paths: Flow, walk: list[str]) -> Iterator[str]:
    """The walk with a shortest way through a branch wherever it goes from a fork to its join."""
    for node, following in pairwise(walk):
        yield node
        if node in paths.blocks.of:
            yield from _through(paths, node, following)
    yield walk[-1]


def _through(paths: Flow, fork: str, join: str) -> list[str]:
    """The nodes between `fork` and a node of its join, on a shortest way."""
    came: dict[str, str] = {}
    waiting = [fork]
    for node in waiting:
        for arc in paths.leaving[node]:
            if arc.target not in came:
                came[arc.target] = node
                if arc.target not in (join, END):
                    waiting.append(arc.target)
    found = []
    at = came[join]
    while at != fork:
        found.append(at)
        at = came[at]
    return found[::-1]


def homes(graph: Mapping[Half, list[Half]]) -> tuple[list[list[Half]], dict[Half, int]]:
    """The strongly connected parts, each after all that it leads to, and the part of each half."""
    groups = components(graph)
    return groups, {half: number for number, group in enumerate(groups) for half in group}
