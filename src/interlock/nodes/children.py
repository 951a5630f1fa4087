"""Steps that run other graphs: a subgraph, one for each item of a list, the branches of a fork.

Each is a child run of its own, with its own state, position, questions and effects, pinned to its own
spec.  All children of a visit are created in one transaction, so a crash finds all or none; driving
them again is always safe.  What they have used counts for the run above them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.digest import digest, plain
from interlock.errors import InputError, Refused
from interlock.graphs.branches import branch, join_of
from interlock.graphs.labels import bound_spec, labels
from interlock.graphs.spec import ForkStep, GraphStep, JoinStep, MapStep, Spec, outcomes
from interlock.nodes.given import Given, shapes_of, source_of, value_of
from interlock.nodes.inputs import complete
from interlock.nodes.moves import Leave, Move, Onward
from interlock.nodes.reducers import CannotReduce, reduced
from interlock.nodes.services import Place, Services
from interlock.nodes.trace import Trace, recorded, trace
from interlock.store.runs import Child
from interlock.store.spend import ENDED
from interlock.store.tables import Run

Values = Mapping[str, Any]


def start(place: Place, values: Values, services: Services) -> Move:
    """Create the visit's child runs where they are not there yet, and drive them until each ends or waits."""
    if not services.runs.children(place.run, place.step, place.visit):
        try:
            wanted = _children(place, values, services)
        except InputError as error:
            return Leave("failed", note=error.message, kind="invalid")
        parent = services.runs.get(place.run)
        services.runs.create_children(parent, place.step, place.visit, wanted, parent.requester)
    return drive(place, values, services)


def drive(place: Place, values: Values, services: Services) -> Move:
    """Drive the children that have not ended; go on once every one has, until then wait for them."""
    step = place.spec.steps[place.step]
    found = services.runs.children(place.run, place.step, place.visit)
    living = [run.id for run in found if run.status not in ENDED]
    if living:
        services.drive_children(living, step.concurrency if isinstance(step, MapStep | ForkStep) else 1)
        found = services.runs.children(place.run, place.step, place.visit)
    if any(run.status not in ENDED for run in found):
        waiting = [run.id for run in found if run.status not in ENDED]
        return Onward("wait", request={"interlock": {"id": None, "kind": "children", "runs": waiting}})
    match step:
        case GraphStep():
            return _graph_ended(step, found[0])
        case MapStep():
            return _map_ended(step, found)
        case ForkStep():
            return _fork_ended(step, place, found, services)
    raise Refused(f"step {place.step} has no child runs.")


def _children(place: Place, values: Values, services: Services) -> list[Child]:
    """The child runs of a visit, with checked input, and on record where that came from.

    Raises:
        InputError: an input does not fit, or there are too many items; nothing was started.
    """
    step, name = place.spec.steps[place.step], f"{place.run}.{place.step}.{place.visit}"
    known = trace(place, values, services)
    match step:
        case GraphStep():
            bound = _bound(step, place, known, services)
            return [_child(name, *_nested(step, place, services), bound)]
        case MapStep():
            items = place.value(step.over, values)
            if not isinstance(items, list):
                raise InputError(f"{step.over} is no list")
            if len(items) > step.at_most:
                raise InputError(f"{step.over} has {len(items)} items; at most {step.at_most} are allowed")
            shared, over = _bound(step, place, known, services), known.path(step.over)
            pinned = _nested(step, place, services)
            return [
                _child(f"{name}.{number}", *pinned, shared.with_(step.item, item, over.inside([str(number - 1)])))
                for number, item in enumerate(items, start=1)
            ]
        case ForkStep():
            there = [key for key, value in values.items() if value is not None]
            cut = {label: branch(place.spec, place.step, label).spec for label in step.fork}
            return [
                _child(f"{name}.{label}", *_pinned(spec), _whole(known, [key for key in there if key in spec.input]))
                for label, spec in cut.items()
            ]
    raise Refused(f"step {place.step} has no child runs.")


def _nested(step: GraphStep | MapStep, place: Place, services: Services) -> tuple[Spec, dict[str, Any], str]:
    """The spec of a nested graph as its runs are pinned to it.

    What is bound keeps its label, or a nested graph would make a user's word of whatever it is given.
    """
    return _pinned(bound_spec(step, labels(place.spec, services.actions)))


def _pinned(spec: Spec) -> tuple[Spec, dict[str, Any], str]:
    """A spec with its JSON form and the digest of that."""
    body = spec.model_dump(mode="json", by_alias=True)
    return spec, body, digest(body)


def _child(run_id: str, spec: Spec, body: dict[str, Any], spec_digest: str, given: Given) -> Child:
    try:
        whole = plain(complete(spec, given.values))
    except InputError as error:
        raise InputError(f"{run_id}: {error.message}") from None
    assert isinstance(whole, dict)
    sources = {key: recorded(whole[key], source) for key, source in given.sources.items() if whole.get(key) is not None}
    return Child(run_id, body, spec_digest, whole, sources)


def _bound(step: GraphStep | MapStep, place: Place, known: Trace, services: Services) -> Given:
    """The inputs that the step binds, and where each came from; a path to nothing leaves its input out."""
    found = Given({}, {})
    for name, bound in step.bind.items():
        value = value_of(bound, place, known.values)
        if value is not None:
            found.values[name] = value
            found.sources[name] = source_of(name, bound, place, known, shapes_of(step, name, services))
    return found


def _whole(known: Trace, keys: Sequence[str]) -> Given:
    """The values of these keys as they stand."""
    return Given({key: known.values[key] for key in keys}, {key: known.key(key) for key in keys})


def _graph_ended(step: GraphStep, child: Run) -> Leave:
    ended = child.outcome if child.outcome in outcomes(step) else "failed"
    assert ended is not None
    if ended in ("failed", "exhausted"):
        return Leave("failed", note=child.error, kind="limit" if child.outcome == "limit" else "refused")
    return Leave(ended, writes={step.writes: child.output} if step.writes else {})


def _map_ended(step: MapStep, children: Sequence[Run]) -> Leave:
    failed = [run for run in children if run.status != "done"]
    if failed:
        return Leave("failed", note=f"{len(failed)} of {len(children)} items failed; {failed[0].error}", kind="refused")
    if not step.writes:
        return Leave("done")
    if step.reduce:
        try:
            value: Any = {key: reduced(how, _each(children, key)) for key, how in step.reduce.items()}
        except CannotReduce as error:
            return Leave("failed", note=str(error), kind="invalid")
        value = {key: found for key, found in value.items() if found is not None}
    else:
        value = [{"outcome": run.outcome, "output": run.output} for run in children]
    return Leave("done", writes={step.writes: value})


def _fork_ended(step: ForkStep, place: Place, children: Sequence[Run], services: Services) -> Leave:
    """On to the join: by the edge that the first branch came by, or any that leads there when it failed."""
    joint = join_of(place.spec, place.step)
    assert joint is not None
    failed = [run for run in children if run.status != "done"]
    if failed:
        edge = next(index for index, edge in enumerate(place.spec.edges) if edge.target == joint)
        return Leave("failed", note=f"{_label(failed[0])}: {failed[0].error}", kind="refused", edge=edge)
    first = children[0]
    last = services.runs.visits(first.id)[-1]
    assert last.left_by is not None
    return Leave("done", edge=branch(place.spec, place.step, step.fork[0]).edges[last.left_by])


def join(place: Place, values: Values, services: Services) -> Move:
    """What the branches wrote, each key reduced to one value; a failed branch fails the join."""
    step = place.spec.steps[place.step]
    assert isinstance(step, JoinStep)
    fork = [visit for visit in services.runs.visits(place.run) if visit.step == step.join][-1]
    children = services.runs.children(place.run, step.join, fork.visit)
    failed = [run for run in children if run.status != "done"]
    if failed:
        words = "; ".join(f"{_label(run)}: {run.error or run.outcome}" for run in failed)
        return Leave("failed", note=f"{len(failed)} of {len(children)} branches failed ({words})", kind="refused")
    writes: dict[str, Any] = {}
    for key in dict.fromkeys(key for run in children for key in run.output):
        try:
            writes[key] = reduced(step.reduce.get(key, "first"), _each(children, key))
        except CannotReduce as error:
            return Leave("failed", note=f"{key}: {error}", kind="invalid")
    return Leave("done", writes=writes)


def _each(children: Sequence[Run], key: str) -> list[Any]:
    return [run.output[key] for run in children if key in run.output]


def _label(run: Run) -> str:
    return run.id.rpartition(".")[2]
