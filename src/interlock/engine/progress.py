"""How far a run has come in its graph: the state of each step, for pictures and pages.

It is read from the store alone, so it is there while the run waits, after it has ended, and without its files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from interlock.graphs.branches import branch
from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.figure import Marks, State
from interlock.graphs.spec import FAILED, START, ForkStep, Spec
from interlock.store.runs import Runs
from interlock.store.tables import Run, Visit

_OPEN: dict[str, State] = {"created": "running", "running": "running", "waiting": "waiting"}
"""The state of a step that has not been left, by the status of its run; one of an ended run has failed."""

_WORST: tuple[State, ...] = ("failed", "waiting", "running", "done")
"""Of several child runs that stand for one step, the state that is shown."""


def progress(runs: Runs, run_id: str, *, below: bool = True) -> tuple[Spec, Marks]:
    """The spec a run is pinned to, and how far it has come in it.

    A step entered twice has the state of its last visit.  The steps of a fork's branches are part of the
    same picture; those of graphs that run as a step are named `step/inner`.

    Args:
        below: whether child runs are looked at too; of a thousand that takes as many reads.

    Raises:
        NotFound: there is no such run.
    """
    run = runs.get(run_id)
    spec = Spec.model_validate_json(runs.spec_body(run.spec_digest))
    return spec, _marks(runs, run, spec, below)


def _marks(runs: Runs, run: Run, spec: Spec, below: bool = True) -> Marks:
    visits = runs.visits(run.id)
    states: dict[str, State] = {START: "done"} if visits else {}
    taken = {visit.entered_by for visit in visits} | {visit.left_by for visit in visits if visit.left_by is not None}
    for visit in visits:
        states[visit.step] = _state(run, visit)
    states |= _end(run, visits, spec)
    last = {visit.step: visit.visit for visit in visits}
    for step, number in last.items() if below else ():
        inner: dict[str, list[State]] = {}
        for child in runs.children(run.id, step, number):
            inner_spec = Spec.model_validate_json(runs.spec_body(child.spec_digest))
            marks = _marks(runs, child, inner_spec)
            if isinstance(spec.steps.get(step), ForkStep):
                # A branch was cut out of this spec: its steps have their own names, its edges other places.
                places = branch(spec, step, child.graph.rpartition(".")[2]).edges
                taken |= {places[index] for index in marks.taken if 0 <= index < len(places)}
                states |= {name: state for name, state in marks.states.items() if name in inner_spec.steps}
            else:
                for name, state in marks.states.items():
                    inner.setdefault(f"{step}/{name}", []).append(state)
        states |= {name: _worst(found) for name, found in inner.items()}
    return Marks(states, frozenset(index for index in taken if index >= 0))


def _state(run: Run, visit: Visit) -> State:
    if visit.outcome is None:
        return _OPEN.get(run.status, "failed")
    return "failed" if visit.outcome in FAILED else "done"


def _end(run: Run, visits: Sequence[Visit], spec: Spec) -> dict[str, State]:
    """The end that the run has reached, if it has."""
    left_by = visits[-1].left_by if visits else None
    reached = [edge.target for edge in depicted(spec).edges if edge.index == left_by and edge.target.startswith("END:")]
    return dict.fromkeys(reached, "failed" if run.status == "failed" else "done")


def _worst(found: Iterable[State]) -> State:
    return min(found, key=_WORST.index)
