"""What a client of AG-UI 1.0 sends: `RunAgentInput` of the protocol, as far as it is read here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from interlock.web.api.shapes.shape import JsonObject


class Sent(BaseModel):
    """Something of the protocol's, which may hold more than is read."""

    model_config = ConfigDict(extra="allow", strict=True, alias_generator=to_camel, populate_by_name=False)


class MessageShape(Sent):
    """One message of the thread."""

    model_config = ConfigDict(title="AgUiMessage")

    id: str
    role: str
    content: Any = None


class ResumeShape(Sent):
    """The answer to one interrupt."""

    model_config = ConfigDict(title="AgUiResumeEntry", extra="forbid")

    interrupt_id: str = Field(min_length=1, max_length=100, description="Id of the request.")
    status: Literal["resolved", "cancelled"]
    payload: Any = None
    metadata: JsonObject | None = None


class RunAgentInput(Sent):
    """A run of an agent: a new run, or answers to what one waits for."""

    model_config = ConfigDict(
        title="RunAgentInput",
        json_schema_extra={
            "examples": [
                {
                    "threadId": "thread-1",
                    "runId": "1",
                    "state": None,
                    "messages": [],
                    "tools": [],
                    "context": [],
                    "forwardedProps": {
                        "graph": "pay_invoice",
                        "input": {"payee": "Northwind Supplies", "amount": 480, "invoice": "2026-118"},
                    },
                },
                {
                    "threadId": "thread-1",
                    "runId": "2",
                    "state": None,
                    "messages": [],
                    "tools": [],
                    "context": [],
                    "forwardedProps": None,
                    "resume": [{"interruptId": "ap-a989819e21", "status": "resolved", "payload": {"approved": True}}],
                },
            ]
        },
    )

    thread_id: str = Field(min_length=1, max_length=200)
    run_id: str = Field(min_length=1, max_length=200, description="Sent again, it starts nothing a second time.")
    messages: list[MessageShape] = Field(
        description="The last text of the user is the one required text input that `forwardedProps.input` leaves out."
    )
    forwarded_props: JsonObject | None = Field(
        default=None, description="`graph`: the name of a graph of the project; `input`: what a run of it takes."
    )
    resume: list[ResumeShape] | None = Field(default=None, max_length=50)
