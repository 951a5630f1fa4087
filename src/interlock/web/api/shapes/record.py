"""The record, what changed, and the graphs there are."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from interlock.web.api.shapes.runs import HistoryEntry
from interlock.web.api.shapes.shape import JsonObject, Shape


class AuditEntry(HistoryEntry):
    """One link of the audit chain, with what seals it."""

    previous: str
    mac: str


class AuditList(Shape):
    """A page of the audit."""

    entries: list[AuditEntry]
    next: int | None = Field(description="What `after` takes for the page that follows; null where this is the last.")


class AuditHead(Shape):
    """How long the record is, and its last seal: kept elsewhere, it shows a record that was cut."""

    entries: int
    mac: str


class AuditFault(Shape):
    """The first entry that does not fit."""

    seq: int
    because: str


class AuditVerified(Shape):
    """Whether the record is whole."""

    ok: bool
    fault: AuditFault | None
    head: AuditHead


class ChangeShape(Shape):
    """That something changed; the thing itself is asked for at its own address."""

    model_config = ConfigDict(
        title="Change",
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "seq": 812,
                    "at": "2026-01-05T09:00:00+00:00",
                    "event": "approval.requested",
                    "subject": "ap-a989819e21",
                    "run": "run-b945d8cb02",
                }
            ]
        },
    )

    seq: int
    at: datetime
    event: str
    subject: str
    run: str | None


class ChangeList(Shape):
    """What changed after a position."""

    changes: list[ChangeShape]
    position: int = Field(description="What `after` takes to go on from here.")


class GraphShape(Shape):
    """A graph of the project."""

    model_config = ConfigDict(title="Graph", extra="allow")

    graph: str
    version: int | None
    description: str | None
    spec: str | None = Field(description="The digest that a run started now would be pinned to.")
    input: JsonObject | None = Field(description="The JSON Schema of a run's input.")
    outcomes: list[str] | None
    fault: str | None = Field(description="Why no run of it can be started.")


class GraphList(Shape):
    """The graphs of the project."""

    graphs: list[GraphShape]
