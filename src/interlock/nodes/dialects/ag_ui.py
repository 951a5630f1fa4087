"""AG-UI 1.0: an `Interrupt`, answered by an entry of `resume`.

An entry is `{"interruptId", "status": "resolved" | "cancelled", "payload"}`.  The payload is what our
`responseSchema` says: `approved`, with `editedArgs` (a full replacement) or a `reason`; `answer` for a form, `happened`
for a doubt.  Source: docs.ag-ui.com/concepts/interrupts and the package `ag-ui-protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.nodes.dialects import fields
from interlock.nodes.dialects.answer import Answer
from interlock.nodes.dialects.question import Question

CANCELLED = "cancelled in the client"
"""The reason on record of an entry that was cancelled: clients read that as a no, and so do we."""


def shape(question: Question) -> dict[str, Any]:
    """The request as an `Interrupt`, the action under its `metadata`."""
    told: dict[str, Any] = {
        "id": question.id,
        "reason": "tool_call" if question.action else "input_required",
        "message": question.title,
        "responseSchema": _schema(question),
        "expiresAt": question.decide_before,
    }
    if question.action:
        told["toolCallId"] = question.tool_call
        told["metadata"] = {"action": question.action, "arguments": question.arguments}
    if question.kind == "doubt":
        del told["expiresAt"]  # a doubt does not expire
    return told


def _schema(question: Question) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if question.kind == "doubt":
        properties["happened"] = {"type": "boolean", "description": "Whether the action happened."}
    else:
        properties["approved"] = {"type": "boolean"}
    if "edit" in question.allowed:
        properties["editedArgs"] = {
            "type": "object",
            "description": "Full replacement of the arguments: a new proposal, which somebody else decides.",
        }
    if question.form is not None:
        properties["answer"] = question.form
    required = list(properties)[:1]
    properties["reason"] = {"type": "string"}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def read(body: Mapping[str, Any], question: Question) -> Answer:
    """The answer in one entry of `resume`.

    Raises:
        DecisionRefused: it has not one plain meaning.
    """
    fields.closed(body, question, "a resume entry", "interruptId status payload metadata")
    if body.get("interruptId") != question.id:
        raise question.unclear(f"it answers the interrupt {body.get('interruptId')!r:.60}, not {question.id}")
    if "metadata" in body:
        fields.mapping(body["metadata"], question, "metadata")  # an envelope: who answers is who signed in
    payload = body.get("payload")
    match body.get("status"):
        case "cancelled":
            if payload is not None:
                raise question.unclear("a cancelled entry has no payload")
            return fields.rejection(question, "ag-ui", CANCELLED)
        case "resolved":
            return _payload(fields.mapping(payload, question, "the payload"), question)
    raise question.unclear(f"the status is resolved or cancelled, not {body.get('status')!r:.60}")


def _payload(payload: Mapping[str, Any], question: Question) -> Answer:
    known = [*_schema(question)["properties"], "message"]
    fields.closed(payload, question, "the payload", " ".join(known))
    because = fields.reason(payload, question, "reason", "message")
    if question.kind == "doubt":
        return fields.settled(question, "ag-ui", payload.get("happened"), reason=because)
    approved, new = payload.get("approved"), payload.get("editedArgs")
    answers = payload.get("answer")
    if not isinstance(approved, bool):
        raise question.unclear("approved is true or false")
    if not approved:
        if new is not None or answers is not None:
            raise question.unclear("it does not approve, but changes or answers something")
        return fields.rejection(question, "ag-ui", because or fields.UNSAID)
    if new is not None:
        return fields.edit(question, "ag-ui", new, because=because)
    form = fields.mapping({} if answers is None else answers, question, "answer")
    return fields.approval(question, "ag-ui", reason=because, form=form)
