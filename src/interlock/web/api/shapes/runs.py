"""Runs, and what belongs to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from interlock.web.api.shapes.approvals import ApprovalShape
from interlock.web.api.shapes.shape import Asked, JsonObject, Shape

Status = Literal["created", "running", "waiting", "done", "failed", "cancelled"]

EXAMPLE: JsonObject = {
    "id": "run-b945d8cb02",
    "graph": "pay_invoice",
    "status": "waiting",
    "outcome": None,
    "error": None,
    "output": {},
    "requester": "clerk",
    "parent": None,
    "schedule": None,
    "scheduled_for": None,
    "spec": "sha256:" + "0" * 64,
    "steps": 1,
    "model_calls": 0,
    "tokens": 0,
    "cost_usd": 0.0,
    "created_at": "2026-01-05T09:00:00+00:00",
    "updated_at": "2026-01-05T09:00:00+00:00",
}


class RunShape(Shape):
    """A run."""

    model_config = ConfigDict(title="Run", extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    id: str
    graph: str
    status: Status
    outcome: str | None
    error: str | None
    output: JsonObject
    requester: str
    parent: str | None = Field(description="The run that it is part of.")
    schedule: str | None = Field(description="The schedule that started it.")
    scheduled_for: datetime | None = Field(description="The moment for which that started it.")
    spec: str = Field(description="The digest of the workflow that it goes by.")
    steps: int
    model_calls: int
    tokens: int
    cost_usd: float
    created_at: datetime
    updated_at: datetime


class RunList(Shape):
    """A page of runs, newest first."""

    runs: list[RunShape]
    next: str | None = Field(description="What `after` takes for the page that follows; null where this is the last.")


class VisitShape(Shape):
    """One visit of a step."""

    model_config = ConfigDict(title="Visit", extra="allow")

    step: str
    visit: int
    outcome: str | None
    note: str | None
    attempts: int
    entered_at: datetime
    left_at: datetime | None


class EffectShape(Shape):
    """An action, and how far it came."""

    model_config = ConfigDict(title="Effect", extra="allow")

    id: str
    state: str
    action: str
    arguments: JsonObject
    provenance: dict[str, str]
    digest: str | None
    routed: JsonObject | None
    verdict: JsonObject | None
    inputs: JsonObject | None
    approval: str | None
    undoes: str | None
    attempt: int
    result: JsonObject | None
    error: str | None


class ForkedFrom(Shape):
    """Where a fork began."""

    run: str
    at: str
    by: str


class RunInFull(RunShape):
    """A run with its steps, effects and requests."""

    model_config = ConfigDict(title="RunInFull", extra="allow", json_schema_extra={"examples": []})

    input: JsonObject
    visits: list[VisitShape]
    effects: list[EffectShape]
    approvals: list[ApprovalShape]
    children: list[RunShape]
    forked_from: ForkedFrom | None
    forks: list[str]
    inherited: list[EffectShape] = Field(description="What a fork's origin did.")


class RunCancelled(RunShape):
    """A run that was cancelled, and what it did, which stays done."""

    model_config = ConfigDict(title="RunCancelled", extra="allow", json_schema_extra={"examples": []})

    effects: list[EffectShape]


class RunEffects(Shape):
    """What a run did, or was about to do."""

    run: str
    effects: list[EffectShape]


class RunResumed(Shape):
    """A run that goes on beside this answer."""

    run: RunShape


class PositionShape(Shape):
    """A moment at which a run stood still."""

    model_config = ConfigDict(title="Position", extra="allow")

    position: str
    step: str
    visit: int
    outcome: str | None
    at: datetime
    waits: str | None
    changed: list[str]


class RunStates(Shape):
    """Where a run was."""

    run: str
    positions: list[PositionShape]


class DifferenceShape(Shape):
    """One value that is not the same at two positions."""

    model_config = ConfigDict(title="Difference", extra="allow")

    key: str
    before: Any
    after: Any
    known: bool = Field(description="False where a value was forgotten, and only its digest tells that it differs.")


class StateShape(PositionShape):
    """What a run held at a position."""

    model_config = ConfigDict(title="State", extra="allow")

    run: str
    values: JsonObject
    sources: JsonObject
    forgotten: JsonObject
    diff: str | None = Field(default=None, description="The other position, where one was named.")
    differences: list[DifferenceShape] | None = None


class HistoryEntry(Shape):
    """One entry of the record."""

    seq: int
    at: datetime
    actor: str
    event: str
    subject: str
    data: JsonObject


class RunHistory(Shape):
    """Everything that was written down of a run."""

    run: str
    entries: list[HistoryEntry]


class ApprovalHistory(Shape):
    """Everything that was written down of a request."""

    approval: str
    entries: list[HistoryEntry]


class RunAsked(Asked):
    """A run to be started."""

    model_config = ConfigDict(
        title="RunRequest",
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "graph": "pay_invoice",
                    "input": {"payee": "Northwind Supplies", "amount": 480, "invoice": "2026-118"},
                }
            ]
        },
    )

    graph: str = Field(description="The name of a graph of the project.")
    input: JsonObject = Field(default_factory=dict, description="As the graph's input schema has it.")


class EventAsked(Asked):
    """An event to be sent to a run."""

    model_config = ConfigDict(title="EventRequest", extra="forbid", strict=True)

    event: str = Field(min_length=1, max_length=200)
    data: JsonObject = Field(default_factory=dict)


class EventSent(Shape):
    """What became of an event."""

    run: str
    event: str
    taken: JsonObject | None = Field(description="The `step` and the `run` that took it.")
    kept: bool = Field(description="Whether it is kept until the run waits for it.")


class ForkAsked(Asked):
    """A run to be begun where another one was."""

    model_config = ConfigDict(title="ForkRequest", extra="forbid", strict=True)

    at: str = Field(min_length=1, max_length=40, description="A position of the run.")
    set: JsonObject = Field(default_factory=dict, description="Values to begin with in place of those there.")
