"""A compensate step: proposing the action that undoes what another step last performed.

The proposal is a ledger row like any other, with its own gate, approval and intent.  It names the effect
that it undoes, and the ledger moves both together, so no effect is undone twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import ValidationError

from interlock.digest import plain
from interlock.graphs.spec import CompensateStep
from interlock.nodes.act import bindings, normal_arguments, required
from interlock.nodes.given import Given
from interlock.nodes.moves import Leave, Move, Onward
from interlock.nodes.services import Place, Services
from interlock.nodes.trace import trace
from interlock.policies.origins import Origin, traced
from interlock.policies.provenance import Label, join
from interlock.store.effects import STANDING
from interlock.store.families import base_of
from interlock.store.tables import Effect

UNSURE = ("intent", "in_doubt", "compensating")
"""States in which nobody knows yet what there is to undo."""


def undo(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """Propose, once a visit, the compensating action; done where there is nothing to undo.

    Raises:
        ProjectError: an action is no longer declared.
    """
    step = place.spec.steps[place.step]
    assert isinstance(step, CompensateStep)
    known = services.ledger.latest(place.run, place.step, place.visit)
    if known is not None and known.state != "superseded":
        return Onward("gate")
    performed = _performed(step, place, services)
    unsure = next((row for row in performed if row.state in UNSURE), None)
    if unsure is not None:
        return Leave("failed", note=f"effect {unsure.id} is {unsure.state}; it cannot be undone yet", kind="refused")
    done = next((row for row in performed if row.state in STANDING), None)
    if done is None:
        return Leave("done", note="nothing to undo")
    undoing = services.action(done.action).compensate
    if undoing is None:
        return Leave("failed", note=f"{done.action} names no action that undoes it", kind="refused")
    proposal = _proposal(step, place, values, services, done, undoing)
    if known is None:
        services.ledger.propose(proposal)
    else:
        services.ledger.follow(proposal)
    return Onward("gate")


def _performed(step: CompensateStep, place: Place, services: Services) -> list[Effect]:
    """The effects of the step that is undone, in this run and in its branches, the newest first."""
    found: list[tuple[tuple[int, ...], Effect]] = []
    for run_id, place_in_time in _here(place.run, place.spec.graph, services):
        found += [
            ((*place_in_time, row.visit, row.slot), row)
            for row in services.ledger.of_run(run_id)
            if row.step == step.compensate
        ]
    own = [row for _, row in sorted(found, key=lambda item: item[0], reverse=True)]
    return [*own, *_inherited(step, place, services)]


def _inherited(step: CompensateStep, place: Place, services: Services) -> list[Effect]:
    """The same of the runs that a fork came from, in the visits that it stands after, the newest first."""
    found = services.ledger.inherited(place.run)
    names = {visit.position: visit.step for visit in services.runs.visits(place.run)} if found else {}
    own = [row for position, row in found if _name(position, row, names) == step.compensate]
    return list(reversed(own))


def _name(position: int, row: Effect, names: Mapping[int, str]) -> str:
    """The step of an inherited row: an upgrade of one of the two runs may have renamed it, but not moved it."""
    return names.get(position, "") if base_of(row.run_id) == row.run_id else row.step


def _here(
    run_id: str, graph: str, services: Services, before: tuple[int, ...] = ()
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The run and its branches: other child runs have steps of their own, whatever those are called."""
    yield run_id, before
    for child in services.runs.children(run_id):
        if child.graph.startswith(f"{graph}."):
            yield from _here(child.id, graph, services, (*before, child.parent_visit or 0))


def _proposal(
    step: CompensateStep, place: Place, values: Mapping[str, Any], services: Services, done: Effect, undoing: str
) -> Effect:
    """The compensating action as an unplaced ledger row."""
    action = services.action(undoing)
    given = _arguments(step, place, values, done, list(action.arguments.model_fields), services)
    try:
        written: dict[str, Any] = normal_arguments(action, given.values)
    except ValidationError:
        written = {name: plain(value) for name, value in given.values.items()}  # the gate says what is wrong
    return Effect(
        id="", run_id=place.run, step=place.step, visit=place.visit, slot=0, state="proposed",
        action=undoing, arguments=written, missing=[name for name in required(action) if name not in given.values],
        labels=given.labels, origins=given.origins, evidence={}, model={}, undoes=done.id,
        proposed_by=services.runs.requesters(place.run),
    )  # fmt: skip


def _arguments(
    step: CompensateStep, place: Place, values: Mapping[str, Any], done: Effect, names: list[str], services: Services
) -> Given:
    """Each argument by its name: what the graph binds, else a field of the result, else the original argument.

    The result stands in our own ledger, so its fields are records, save those that only repeat an argument;
    arguments keep the labels they had.
    """
    bound = bindings(step, place, trace(place, values, services), services)
    arguments = {name: value for name, value in bound.values.items() if name in names}
    found = {name: bound.sources[name] for name in arguments}
    origin = Origin(kind="effect", of=done.action)
    for name in names:
        if name in arguments:
            continue
        if (done.result or {}).get(name) is not None:
            value = (done.result or {})[name]
            repeated = [cast(Label, label) for key, label in done.labels.items() if done.arguments.get(key) == value]
            arguments[name], found[name] = value, traced(join(["record", *repeated]), origin)
        elif done.arguments.get(name) is not None:
            label = done.labels.get(name)  # none for a default, which is the tool author's
            arguments[name], found[name] = done.arguments[name], traced(cast(Label, label or "user"), origin)
    return Given(arguments, found)
