"""Where what a visit wrote came from: the record that is kept of it when the run leaves the step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, cast

from interlock.graphs.prompts import prompt_paths
from interlock.graphs.spec import (
    ActStep,
    ApproveStep,
    CallStep,
    CompensateStep,
    GraphStep,
    JoinStep,
    MapStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    WaitStep,
)
from interlock.nodes.moves import Leave
from interlock.nodes.services import Place, Services
from interlock.nodes.trace import ended, recorded, trace
from interlock.policies.origins import AUTHOR, Kind, Mark, Origin, Traced, holding, least, traced
from interlock.policies.provenance import EACH, Label, Part, join, through_model
from interlock.store.tables import Effect, Run
from interlock.store.written import Value

STANDS = ("executed", "verified")


def recorded_writes(
    place: Place,
    move: Leave,
    writes: Mapping[str, Any],
    errors: Set[str],
    values: Mapping[str, Any],
    services: Services,
) -> dict[str, Value]:
    """What is kept of all that leaving a step wrote.

    Args:
        writes: plain values by key.
        errors: the keys of these that tell what went wrong.
        values: what the step found in the state.
    """
    step = place.spec.steps[place.step]
    found: dict[str, Traced] = {}
    for key in writes:
        if key in errors:
            found[key] = traced("untrusted", Origin(kind="error", of=place.step))
        elif isinstance(step, JoinStep):
            found |= _joined(step, place, services, [key])
        elif key == step.writes:
            found[key] = _own(place, move, values, services)
        else:  # the answer of a review of the step's action
            found[key] = traced("user", Origin(kind="person", of=place.step))
    return {key: recorded(writes[key], source) for key, source in found.items()}


def _own(place: Place, move: Leave, values: Mapping[str, Any], services: Services) -> Traced:
    """Where what the step itself wrote came from."""
    step = place.spec.steps[place.step]
    match step:
        case ReasonStep():
            read = trace(place, values, services).read([f"$.{path}" for path in prompt_paths(step.card.prompt)])
            return by_model(place, {**read, **looked_up(place, services)})
        case RouteStep():
            return by_model(place, trace(place, values, services).read([f"$.{key}" for key in step.reads]))
        case PythonStep():
            marks = trace(place, values, services).read([f"$.{key}" for key in step.reads])
            return _made("function", place, marks, join(label for label, _ in marks.values()))
        case ApproveStep():
            return traced("user", Origin(kind="person", of=place.step))
        case WaitStep():
            return traced("untrusted", Origin(kind="event", of=step.event or place.step))
        case ActStep() | CallStep():
            effect = services.ledger.latest(place.run, place.step, place.visit)
            return result_of(effect, services) if effect is not None else _text(place.step)
        case GraphStep():
            (child,) = services.runs.children(place.run, place.step, place.visit)
            return holding({(key,): source for key, source in _outputs(child, services).items()})
        case MapStep():
            children = services.runs.children(place.run, place.step, place.visit)
            each = [_outputs(child, services) for child in children]
            return _reduced_items(step, place, each) if step.reduce else _items(each)
        case CompensateStep():
            effect = services.ledger.latest(place.run, place.step, place.visit)
            return _text(effect.action if effect is not None else place.step)
    return _text(place.step)


def _text(of: str) -> Traced:
    return traced("untrusted", Origin(kind="text", of=of))


def _made(kind: Kind, place: Place, marks: Mapping[str, Mark], label: Label) -> Traced:
    by: dict[str, str] = {path.removeprefix("$."): mark[0] for path, mark in marks.items()}
    return traced(label, Origin(kind=kind, of=place.step, by=by))


def by_model(place: Place, marks: Mapping[str, Mark]) -> Traced:
    return _made("model", place, marks, through_model(label for label, _ in marks.values()))


def result_of(effect: Effect, services: Services) -> Traced:
    """Where the parts of an action's result came from: its records are as trusted as what they were looked up by.

    A result of nothing but records is one as a whole, as the proofs take it.
    """
    action = services.action(effect.action)
    label = join(["record", *(cast(Label, label) for label in effect.labels.values())])
    by = {name: Origin.model_validate(_bare(origin)).short() for name, origin in (effect.origins or {}).items()}
    parts: dict[Part, Mark] = {}
    for part in action.record_parts:
        field = ".".join(name for name in part if name != EACH)
        parts[part] = label, Origin(kind="record", of=effect.action, field=field, by=by)
    if action.all_records:
        return traced(label, Origin(kind="record", of=effect.action, field=", ".join(action.records), by=by), parts)
    return traced("untrusted", Origin(kind="text", of=effect.action), parts)


def _bare(origin: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in origin.items() if name != "parts"}


def looked_up(place: Place, services: Services) -> dict[str, Mark]:
    """What the lookups of a reason step's visit told its model."""
    found: dict[str, Mark] = {}
    for effect in services.ledger.of_run(place.run):
        if (effect.step, effect.visit) != (place.step, place.visit):
            continue
        if effect.state in STANDS:
            found[effect.action] = least([found.get(effect.action, ("user", AUTHOR)), result_of(effect, services).at()])
        elif effect.state == "failed":  # its model has read what the provider said
            found[effect.action] = "untrusted", Origin(kind="error", of=effect.action)
    return found


def _outputs(child: Run, services: Services) -> dict[str, Traced]:
    """Where each value that a child run gave back came from."""
    known = ended(child, services)
    return {key: known.key(key) for key in child.output}


def _items(each: Sequence[Mapping[str, Traced]]) -> Traced:
    """The list of what the items gave back; what is the same for all of them is told once."""
    found: dict[Part, Traced] = {}
    for key in dict.fromkeys(key for item in each for key in item):
        sources = [item[key] for item in each if key in item]
        if all(source == sources[0] for source in sources):
            found[(EACH, "output", key)] = sources[0]
        else:
            found |= {(str(n), "output", key): item[key] for n, item in enumerate(each) if key in item}
    return holding(found)


def _reduced_items(step: MapStep, place: Place, each: Sequence[Mapping[str, Traced]]) -> Traced:
    return holding({(key,): _reduced(place, [item[key] for item in each if key in item]) for key in step.reduce})


def _reduced(place: Place, sources: Sequence[Traced]) -> Traced:
    label, origin = least(source.at() for source in sources)
    if len(sources) > 1:
        origin = Origin(kind="reduced", of=place.step, by={origin.short(): label})
    return traced(label, origin)


def _joined(step: JoinStep, place: Place, services: Services, keys: Sequence[str]) -> dict[str, Traced]:
    """Where each key of a join came from: the branch whose value it is, or all whose values were put together."""
    fork = [visit for visit in services.runs.visits(place.run) if visit.step == step.join][-1]
    branches = services.runs.children(place.run, step.join, fork.visit)
    found: dict[str, Traced] = {}
    for key in keys:
        wrote = [ended(run, services).key(key) for run in branches if key in run.output]
        first = step.reduce.get(key, "first") == "first" or len(wrote) == 1
        found[key] = wrote[0] if first else _reduced(place, wrote)
    return found
