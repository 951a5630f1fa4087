"""Forking a run: a new run, pinned to the same spec, that begins at a position of another, with edits.

The rows of the fork are one transaction, which holds the state that it begins with; its checkpoint is written from that
by whoever drives it first.  It waits for nothing that the other run waits for, and is asked for everything itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.digest import Json, canonical
from interlock.engine.compiler import BEGIN, EDGE, FINISH, NEXT, REQUEST, UNROUTED, VISITS, WROTE, choose
from interlock.engine.project import Project
from interlock.engine.settling import forks_of, upgrades_of
from interlock.engine.states import Position, State, States, seen
from interlock.errors import InputError, Refused
from interlock.graphs.bind import path_parts
from interlock.graphs.formats import FORMATS
from interlock.graphs.proofs.shapes import state_shapes
from interlock.graphs.spec import END, START, ApproveStep, ForkStep, GraphStep, MapStep, Spec, keys_of
from interlock.graphs.upgrades.mapping import misfit
from interlock.nodes.inputs import complete
from interlock.nodes.kinds import nodes_of
from interlock.nodes.trace import recorded
from interlock.policies.origins import Origin, traced
from interlock.source import did_you_mean
from interlock.store.forks import Branching
from interlock.store.people import known_as
from interlock.store.tables import Run, Visit
from interlock.store.written import Value


def fork(project: Project, run_id: str, at: str, edits: Mapping[str, Json], person: str) -> Run:
    """A new run that begins where `run_id` was at a position; it is stored, not yet driven.

    Args:
        at: the name of a position, as `States.positions` gives them; in a visit that is open or waits, the fork
            enters that visit anew.
        edits: values to begin with in place of those of the state.

    Raises:
        NotFound: there is no such run, or it was never there.
        Refused: a run cannot begin there; the message says why, and where it can.
        InputError: an edit has no such key, or does not fit it.
        DecisionRefused: `person` is no person's name.
        Conflict: the run was changed meanwhile.
    """
    name = known_as(person)
    services = project.services
    run = services.runs.get(run_id)
    if run.parent_id:
        base = services.runs.root(run_id).id
        raise Refused(f"run {run_id} is part of {run.parent_id}, so it is not forked by itself; fork {base}.")
    if upgrades_of(services).unsettled(run_id) is not None:
        raise Refused(f"the last move of run {run_id} is not finished; resume it first.")
    states = States(project)
    state = states.at(run_id, at)
    spec = project.pinned(run.spec_digest).spec
    visits = services.runs.visits(run_id)[: state.position.visits]
    possible(run, spec, states, state.position, visits)
    _fits(spec, edits, project)
    _decided_nothing_before(spec, edits, visits, states.written_at(run, state.position.visits))
    given = {key: recorded(value, traced("user", Origin(kind="person", of=name))) for key, value in edits.items()}
    plan = _plan(run, spec, state, visits, edits, given) if visits else _from_input(run, spec, state, edits, given)
    return forks_of(services).make(plan, name)


def possible(run: Run, spec: Spec, states: States, position: Position, visits: Sequence[Visit]) -> None:
    """Refuse a position that a run cannot begin at."""
    since = states.known_from(run.id)
    if position.visits < since:
        raise Refused(f"run {run.id} went by another version of its workflow at {position.name}; it can be forked from "
                      f"position {since} on.")  # fmt: skip
    inside = spec.steps.get(position.step)
    if position.outcome is None and isinstance(inside, ForkStep | MapStep | GraphStep):
        raise Refused(
            f"position {position.name} is inside {position.step}, whose child runs belong to {run.id} and are not "
            f"forked with it; fork at {position.visits}, before it, or once it is left."
        )
    last = visits[-1] if visits else None
    if last is None:
        return
    if isinstance(spec.steps.get(last.step), ForkStep):
        raise Refused(f"position {position.name} is between the branches of {last.step} and where they meet, and those "
                      f"branches belong to {run.id}; fork at {last.position - 1} or {last.position + 1}.")  # fmt: skip
    if last.left_by is None or not UNROUTED <= last.left_by < len(spec.edges):
        raise Refused(f"run {run.id} left {last.step} by no edge that its workflow has; fork it at another position.")


def _fits(spec: Spec, edits: Mapping[str, Json], project: Project) -> None:
    """Refuse an edit of no key, or that is not of its type."""
    for key, why in edit_faults(project, spec, edits).items():
        raise InputError(f"--set {key}: {why}; nothing was started.")


def edit_faults(project: Project, spec: Spec, edits: Mapping[str, Json]) -> dict[str, str]:
    """What is wrong with each edit by itself, by its key."""
    shapes = state_shapes(spec, project.actions)
    known, answers = keys_of(spec), answered_keys(spec)
    faults: dict[str, str] = {}
    for key, value in edits.items():
        if key not in known:
            close = did_you_mean(key, known)
            hint = f"did you mean {close}?" if close else f"it has {', '.join(known)}"
            faults[key] = f"{spec.graph} has no such key; {hint.rstrip('?')}"
        elif value is None:
            faults[key] = "null is no value; leave the key out, or give it one"
        elif key in answers:
            faults[key] = "it holds what people answered, which nobody sets for them; fork before they are asked"
        elif why := _inexact(value) or misfit(value, shapes.get(key, []), FORMATS):
            faults[key] = f"it does not fit: {why}"
    return faults


def _inexact(value: Json) -> str | None:
    try:
        canonical(value)
    except (ValueError, TypeError, RecursionError) as error:
        return f"it cannot be kept exactly as JSON: {error}"
    return None


def answered_keys(spec: Spec) -> set[str]:
    """The keys that hold what people answered."""
    steps = {step.writes for step in spec.steps.values() if isinstance(step, ApproveStep)}
    return {key for key in steps | {edge.writes for edge in spec.edges if edge.approval is not None} if key}


def _decided_nothing_before(
    spec: Spec, edits: Mapping[str, Json], visits: Sequence[Visit], written_at: Mapping[str, int]
) -> None:
    """Refuse an edit of a value that an earlier condition has read: with it the run may have gone another way.

    Args:
        written_at: the position at which each key got the value that is edited; 0 for the input.
    """
    passed = [START, *(visit.step for visit in visits)][:-1]  # the edge out of the last visit is chosen anew
    for position, step in enumerate(passed):
        for edge in spec.leaving(step):
            for key in {path_parts(path)[0] for path in edge.when or {}} & set(edits):
                if written_at.get(key, 0) <= position:
                    raise Refused(
                        f"the way out of {step} was chosen by {key}, so with another value the run may not have come "
                        f"here; set it at position {position}."
                    )


def _from_input(run: Run, spec: Spec, state: State, edits: Mapping[str, Json], given: Mapping[str, Value]) -> Branching:
    """A fork that begins from its input alone."""
    strange = sorted(set(edits) - set(spec.input))
    if strange:
        raise InputError(f"at position {state.position.name} nothing is written yet but the input, "
                         f"so {strange[0]} cannot be set there.")  # fmt: skip
    values = complete(spec, {**run.input, **edits})
    return Branching(run.id, run.spec_digest, state.position.name, dict(values), seen=[], edited=given)


def _plan(
    run: Run, spec: Spec, state: State, visits: Sequence[Visit], edits: Mapping[str, Json], given: Mapping[str, Value]
) -> Branching:
    """A fork that begins after these visits."""
    lost = sorted(set(state.forgotten) - set(edits))
    if lost:
        raise Refused(
            f"at position {state.position.name} the value of {', '.join(lost)} was forgotten: only the newest "
            f"checkpoints of a large run are kept. Set it (--set {lost[0]}=JSON), or fork at a later position."
        )
    last, values = visits[-1], {**state.values, **edits}
    edge = _edge(spec, last, state.values, values)
    if edge == UNROUTED and last.left_by != UNROUTED:
        raise Refused(f"with these edits no edge leaves {last.step} by {last.outcome}; nothing was started.")
    counts: dict[str, int] = {}
    for visit in visits:
        counts[visit.step] = counts.get(visit.step, 0) + 1
    source = last.step if edge == UNROUTED else spec.edges[edge].source
    checkpoint: dict[str, Any] = {
        **{key: values.get(key) for key in keys_of(spec)},
        VISITS: counts,
        EDGE: edge,
        NEXT: _entry(spec, edge),
        REQUEST: None,
        WROTE: sorted(values),
    }
    return Branching(
        run.id, run.spec_digest, state.position.name, run.input, seen(visits), edge, given,
        BEGIN if source == START else nodes_of(spec, source)[0].of(source), checkpoint,
    )  # fmt: skip


def _edge(spec: Spec, last: Visit, before: Mapping[str, Json], after: Mapping[str, Json]) -> int:
    """The edge by which the last visit is left: an edit may lead another way, for conditions hold of what is there."""
    assert last.left_by is not None
    assert last.outcome is not None
    if before == after:
        return last.left_by
    return choose(spec, last.step, last.outcome, after)


def _entry(spec: Spec, edge: int) -> str:
    target = END if edge == UNROUTED else spec.edges[edge].target
    return FINISH if target == END else nodes_of(spec, target)[0].of(target)
