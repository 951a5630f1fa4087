"""Pydantic AI's deferred tools: a `DeferredToolRequests`, answered by a `DeferredToolResults`.

An approval is `true`, `false`, `{"kind": "tool-approved", "override_args"}` or `{"kind": "tool-denied", "message"}`
under the id of its tool call, or one of the two objects alone.  Source: `pydantic_ai.tools`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.nodes.dialects import fields
from interlock.nodes.dialects.answer import Answer
from interlock.nodes.dialects.question import Question

KINDS = ("tool-approved", "tool-denied")
DENIED = "The tool call was denied."
"""What `ToolDenied` says without a message."""


def shape(question: Question) -> dict[str, Any]:
    """The request as a `DeferredToolRequests` with one approval."""
    call = {
        "tool_name": question.action,
        "args": question.arguments,
        "tool_call_id": question.tool_call,
        "part_kind": "tool-call",
    }
    about = {"interlock": question.id, "title": question.title, "allowed_decisions": list(question.allowed)}
    return {"calls": [], "approvals": [call], "metadata": {question.tool_call: about}}


def read(body: Mapping[str, Any], question: Question) -> Answer:
    """The answer in a `DeferredToolResults`.

    Raises:
        DecisionRefused: it has not one plain meaning.
    """
    _about_an_action(question)
    fields.closed(body, question, "a DeferredToolResults", "approvals calls metadata answered_by")
    for name in ("calls", "metadata", "answered_by"):
        if fields.mapping(body.get(name, {}), question, name):
            raise question.unclear(f"{name} has no meaning here; who answers is who signed in")
    approvals = fields.mapping(body["approvals"], question, "approvals")
    if list(approvals) != [question.tool_call]:
        raise question.unclear(f"approvals takes one entry, for the tool call {question.tool_call}")
    match approvals[question.tool_call]:
        case True:
            return fields.approval(question, "pydantic-ai")
        case False:
            return fields.rejection(question, "pydantic-ai", DENIED)
        case result:
            return read_result(fields.mapping(result, question, "an approval"), question)


def read_result(body: Mapping[str, Any], question: Question) -> Answer:
    """The answer in one `ToolApproved` or `ToolDenied`.

    Raises:
        DecisionRefused: it has not one plain meaning.
    """
    _about_an_action(question)
    match body.get("kind"):
        case "tool-approved":
            fields.closed(body, question, "a ToolApproved", "kind override_args")
            if body.get("override_args") is not None:
                return fields.edit(question, "pydantic-ai", body["override_args"])
            return fields.approval(question, "pydantic-ai")
        case "tool-denied":
            fields.closed(body, question, "a ToolDenied", "kind message reason")
            because = fields.reason(body, question, "message", "reason", default=DENIED)
            return fields.rejection(question, "pydantic-ai", because)
    raise question.unclear(f"the kind of an approval is one of {', '.join(KINDS)}, not {body.get('kind')!r:.60}")


def _about_an_action(question: Question) -> None:
    if question.action is None:
        raise question.unclear("a deferred tool is an action, and this question is about none")
