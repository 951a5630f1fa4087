"""What runs is what is drawn: the path of a run, step by step and checkpoint by checkpoint, on its picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

from langchain_core.runnables import RunnableConfig

from interlock.engine.compiler import BEGIN, EDGE, FINISH, UNROUTED
from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.errors import NotFound, StoreUnavailable
from interlock.graphs.branches import branch, join_of
from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.spec import END, START, ForkStep, Spec
from interlock.nodes.kinds import nodes_of
from interlock.store.tables import Run, Visit


def off_the_drawing(project: Project, run: Run, *, checkpoints: bool = True) -> list[str]:
    """Every move of a run, and of the runs below it, that its picture does not show; none is expected.

    Args:
        checkpoints: also look at the nodes that the checkpoints name; an attack may have forged these.
    """
    found: list[str] = []
    for each in project.services.runs.family(run.id):
        spec = project.pinned(each.spec_digest).spec
        visits = project.services.runs.visits(each.id)
        found += _off_edges(project, each, spec, visits)
        if checkpoints:
            found += _off_nodes(project, each, spec)
    return found


def _off_edges(project: Project, run: Run, spec: Spec, visits: list[Visit]) -> Iterator[str]:
    """The recorded edges against the arrows of the picture."""
    arrows = {(edge.index, edge.source) for edge in depicted(spec).edges}
    came: int | None = None
    for visit in visits:
        if came is not None and visit.entered_by != came:
            yield f"{run.id}: entered {visit.step} by edge {visit.entered_by} after leaving by {came}"
        entered = spec.edges[visit.entered_by]
        if entered.target != visit.step or (visit.entered_by, entered.source) not in arrows:
            yield f"{run.id}: no arrow {visit.entered_by} leads to {visit.step}"
        came = visit.left_by
        if came is None or came == UNROUTED:
            continue
        left = spec.edges[came]
        inside = _branches(spec, visit.step)
        if left.source != visit.step and left.source not in inside:
            yield f"{run.id}: {visit.step} was left by edge {came}, which comes from {left.source}"
        if (came, left.source) not in arrows:
            yield f"{run.id}: edge {came} is not drawn"
    if visits and spec.edges[visits[0].entered_by].source != START:
        yield f"{run.id}: did not begin at START"
    if run.status == "done" and not visits:
        straight = any(edge.source == START and edge.target == END for edge in spec.edges)
        if not straight:
            yield f"{run.id}: no arrow leads from START to END"
    elif run.status == "done" and (came is None or spec.edges[came].target != END):
        yield f"{run.id}: did not end at END"


def _branches(spec: Spec, step: str) -> set[str]:
    """The steps between a fork and its join, by whose edges the fork's visit goes on."""
    fork = spec.steps[step]
    if not isinstance(fork, ForkStep) or join_of(spec, step) is None:
        return set()
    return {name for label in fork.fork for name in branch(spec, step, label).spec.steps}


def _off_nodes(project: Project, run: Run, spec: Spec) -> Iterator[str]:
    """The nodes that the checkpoints say ran, against the nodes of the steps and the edges between them."""
    graph, _ = project.driver.graph(run.spec_digest)
    config: RunnableConfig = {"configurable": {"thread_id": run.id}}
    trail: list[tuple[str, int | None]] = []
    for snapshot in reversed(list(graph.get_state_history(config))):
        trail += [(task.name, snapshot.values.get(EDGE)) for task in snapshot.tasks if task.name != "__start__"]
    homes = {node.of(name): name for name in spec.steps for node in nodes_of(spec, name)}
    firsts = {nodes_of(spec, name)[0].of(name) for name in spec.steps}
    for name, _ in trail:
        if name not in homes and name not in (BEGIN, FINISH):
            yield f"{run.id}: the checkpoints name {name}, which no step has"
    for (here, _), (there, edge) in pairwise(trail):
        if there in (FINISH, BEGIN) or here == there or homes.get(here) == homes.get(there):
            continue
        arrow = spec.edges[edge] if edge is not None and 0 <= edge < len(spec.edges) else None
        if there not in firsts or arrow is None or arrow.target != homes[there]:
            yield f"{run.id}: from {here} to {there} without an arrow"


class Watch:
    """Notes every project whose runs an engine of this process drives, so that a test can end by looking at them."""

    def __init__(self) -> None:
        self.projects: dict[int, Project] = {}
        self._begin = Engine.__init__

    def begin(self, engine: Engine, project: Project, *more: Any, **named: Any) -> None:
        """Make the engine, and remember its project."""
        self._begin(engine, project, *more, **named)
        self.projects[id(project)] = project

    def off(self, *, checkpoints: bool = True) -> list[str]:
        """Every move of every run that its picture does not show."""
        found: list[str] = []
        for project in self.projects.values():
            with suppress(StoreUnavailable, NotFound):  # what a test broke on purpose cannot be looked at
                for run in project.services.runs.list(limit=10_000):
                    found += off_the_drawing(project, run, checkpoints=checkpoints)
        return found
