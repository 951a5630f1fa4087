"""Waiting for a span of time, until a moment, or for an event from outside.

The pause is a row: whoever wakes the step only makes it look at that row, so a forged wake-up ends
nothing, and no process has to live while the time passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator

from interlock.graphs.cards import object_schema
from interlock.graphs.formats import FORMATS
from interlock.graphs.spec import WaitStep
from interlock.nodes.moves import Leave, Move, Onward
from interlock.nodes.services import Place, Services
from interlock.store.tables import Pause


def begin_wait(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """Begin the pause of this visit, or find it again after a crash."""
    step = place.spec.steps[place.step]
    assert isinstance(step, WaitStep)
    pause = services.pauses.get(f"{place.run}/{place.step}/{place.visit}")
    if pause is None:
        now = services.clock()
        if step.until is not None:
            due_at = moment(place.value(step.until, values))
            if due_at is None:
                return Leave("failed", note=f"{step.until} holds no date-time with an offset", kind="invalid")
        else:
            span = step.duration if step.duration is not None else step.within
            assert span is not None
            due_at = now + span
        pause = services.pauses.open(
            place.run,
            place.step,
            place.visit,
            due_at,
            event=step.event,
            schema=object_schema(step.payload) if step.event else None,
            lineage=services.runs.lineage(place.run),
        )
    return _look(step, pause)


def waited(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """Go on when the pause is over; else wait on."""
    services.pauses.settle_due()
    step = place.spec.steps[place.step]
    assert isinstance(step, WaitStep)
    pause = services.pauses.get(f"{place.run}/{place.step}/{place.visit}")
    return begin_wait(place, values, services) if pause is None else _look(step, pause)


def _look(step: WaitStep, pause: Pause) -> Move:
    if pause.state == "waiting":
        told = {"id": pause.id, "kind": "wait", "event": pause.event, "due_at": pause.due_at.isoformat()}
        return Onward("wait", request={"interlock": told})
    if pause.state == "done":
        return Leave("done", writes={step.writes: pause.payload or {}} if step.writes else {})
    return Leave("expired", note=f"{pause.event} did not come before {pause.due_at.isoformat()}")


def moment(value: Any) -> datetime | None:
    """An ISO 8601 date-time with its offset; None when `value` is none, since no time zone is ever guessed."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def fits(payload: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether an event's data has the fields that a wait declares."""
    return not payload_fault(payload, schema)


def payload_fault(payload: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """What is wrong with an event's data, or None."""
    faults = Draft202012Validator(schema, format_checker=FORMATS).iter_errors(payload)
    fault = next(iter(faults), None)
    if fault is None:
        return None
    return f"{fault.json_path.removeprefix('$.')}: {fault.message}" if fault.path else fault.message
