"""LangChain's Agent Inbox.

It shows a `HumanInterrupt`, `{"action_request": {"action", "args"}, "config": {allow_…}, "description"}`, and answers
with a list of one `HumanResponse`, `{"type": "accept" | "ignore" | "response" | "edit", "args": …}`.  An `accept`
carries the unchanged action.  Source: `langgraph.prebuilt.interrupt` and the page's own `use-interrupted-actions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.nodes.dialects import fields
from interlock.nodes.dialects.answer import Answer
from interlock.nodes.dialects.question import Question

TYPES = ("accept", "edit", "response")


def shape(question: Question) -> dict[str, Any]:
    """The request as a `HumanInterrupt`; feedback is read as the reason of a rejection."""
    allowed = question.allowed
    return {
        "action_request": {"action": question.action, "args": question.arguments},
        "config": {
            "allow_ignore": False,
            "allow_respond": "reject" in allowed or "respond" in allowed,
            "allow_edit": "edit" in allowed,
            "allow_accept": "approve" in allowed,
        },
        "description": question.title,
    }


def read(body: Mapping[str, Any], question: Question) -> Answer:
    """The answer in one `HumanResponse`.

    Raises:
        DecisionRefused: it has not one plain meaning.
    """
    fields.closed(body, question, "a HumanResponse", "type args")
    if question.action is None:
        raise question.unclear("a HumanResponse is about an action, and this question is about none")
    args = body.get("args")
    match body.get("type"):
        case "accept":
            if args is not None:
                fields.repeats(args, question, "args", "action")
            return fields.approval(question, "agent-inbox")
        case "edit":
            named = fields.mapping(args, question, "args")
            fields.closed(named, question, "args", "action args arguments")
            fields.action(named, question, "action")
            return fields.edit(question, "agent-inbox", fields.either(named, question, "args", "arguments"))
        case "response" if question.kind == "doubt":
            return fields.response(question, "agent-inbox", args)
        case "response":
            return fields.rejection(question, "agent-inbox", _feedback(body, question))
        case "ignore":
            raise question.unclear("ignore is no decision")
    raise question.unclear(f"the type of a HumanResponse is one of {', '.join(TYPES)}, not {body.get('type')!r:.60}")


def _feedback(body: Mapping[str, Any], question: Question) -> str:
    text = fields.reason(body, question, "args")
    if not text:
        raise question.unclear("a response without text says nothing")
    return text
