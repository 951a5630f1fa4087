"""LangChain's human-in-the-loop middleware, `batched` and `per_call`.

Batched asks `{"action_requests": [...], "review_configs": [...]}` and is answered `{"decisions": [...]}`, one
decision a request; per call asks `{"type": "tool_approval", "tool_call_id", "name", "args", "description"}` and is
answered by one decision.  Source: `langchain.agents.middleware.human_in_the_loop`.

LangChain's Agent Inbox answers such a request with its own arguments in these decisions: `args` holds null, the
text of a rejection, or the action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.nodes.dialects import fields
from interlock.nodes.dialects.answer import Answer
from interlock.nodes.dialects.question import Question

TYPES = ("approve", "edit", "reject", "respond")


def batched(question: Question) -> dict[str, Any]:
    """The request of `batched`, whose arguments stand under both names that clients read; empty without an action."""
    if question.action is None:
        return {"action_requests": [], "review_configs": []}
    return {
        "action_requests": [
            {
                "name": question.action,
                "args": question.arguments,
                "arguments": question.arguments,
                "description": question.title,
            }
        ],
        "review_configs": [{"action_name": question.action, "allowed_decisions": list(question.allowed)}],
    }


def per_call(question: Question) -> dict[str, Any]:
    """The request of `per_call`."""
    return {
        "type": "tool_approval",
        "tool_call_id": question.tool_call,
        "name": question.action,
        "args": question.arguments,
        "description": question.title,
    }


def read(body: Mapping[str, Any], question: Question) -> Answer:
    """The answer in `{"decisions": [decision]}`.

    Raises:
        DecisionRefused: it has not one plain meaning.
    """
    fields.closed(body, question, "an answer with decisions", "decisions")
    if question.action is None:
        raise question.unclear("decisions are about actions, and this question is about none")
    decision = fields.one(body["decisions"], question, "decisions")
    return read_decision(fields.mapping(decision, question, "a decision"), question)


def read_decision(body: Mapping[str, Any], question: Question) -> Answer:
    """The answer in one decision.

    Raises:
        DecisionRefused: it has not one plain meaning.
    """
    if question.action is None:
        raise question.unclear("a decision is about an action, and this question is about none")
    args = body.get("args")
    match body.get("type"):
        case "approve":
            fields.closed(body, question, "an approval", "type args")
            if args is not None:
                fields.repeats(args, question, "args", "action")
            return fields.approval(question, "langchain")
        case "edit":
            fields.closed(body, question, "an edit", "type edited_action args")
            if "edited_action" in body and "args" in body:
                raise question.unclear("it has edited_action and args, and only one of them can be meant")
            key = "action" if "args" in body else "name"
            named = fields.mapping(args if "args" in body else body.get("edited_action"), question, "the edited action")
            fields.closed(named, question, "the edited action", f"{key} args arguments")
            fields.action(named, question, key)
            return fields.edit(question, "langchain", fields.either(named, question, "args", "arguments"))
        case "reject":
            fields.closed(body, question, "a rejection", "type message reason args")
            because = fields.reason(body, question, "message", "reason", "args", default=fields.UNSAID)
            return fields.rejection(question, "langchain", because)
        case "respond":
            fields.closed(body, question, "a response", "type message")
            return fields.response(question, "langchain", body.get("message"))
    raise question.unclear(f"the type of a decision is one of {', '.join(TYPES)}, not {body.get('type')!r:.60}")
