"""Answers that have not one plain meaning, to try on whatever takes answers; public as `interlock.testing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.nodes.dialects.question import Question


def _decided(**decision: Any) -> Callable[[Question], Any]:
    return lambda asked: {"decisions": [decision]}


def _resumed(payload: Any, **entry: Any) -> Callable[[Question], Any]:
    return lambda asked: [{"interruptId": asked.id, "status": "resolved", "payload": payload} | entry]


def _edited(asked: Question, **action: Any) -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": asked.action} | action}


_YES = {"type": "approve"}
_HEX = "0123456789abcdef0123456789abcdef"

UNCLEAR_ANSWERS: dict[str, Callable[[Question], Any]] = {
    "nothing": lambda asked: None,
    "an empty object": lambda asked: {},
    "an empty list": lambda asked: [],
    "true": lambda asked: True,
    "one": lambda asked: 1,
    "a word": lambda asked: "yes",
    "the word": lambda asked: "approve",
    "a decision inside of a text": lambda asked: '{"type": "approve"}',
    "a text in a list": lambda asked: ["approve"],
    "a map of interrupt ids": lambda asked: {_HEX: _YES},
    "a map of two interrupt ids": lambda asked: {_HEX: _YES, _HEX[::-1]: _YES},
    "an unknown type": lambda asked: {"type": "allow"},
    "a type in other letters": lambda asked: {"type": "Approve"},
    "a type of another dialect": lambda asked: {"type": "accept"},
    "a type that is a list": lambda asked: {"type": ["approve"]},
    "no decisions": lambda asked: {"decisions": []},
    "more decisions than questions": lambda asked: {"decisions": [_YES, _YES]},
    "decisions that contradict": lambda asked: {"decisions": [_YES, {"type": "reject", "message": "late"}]},
    "a decision that is no list": lambda asked: {"decisions": _YES},
    "a decision in a decision": lambda asked: {"decisions": [{"decisions": [_YES]}]},
    "a decision as a word": lambda asked: {"decisions": ["approve"]},
    "two dialects": lambda asked: {"decisions": [_YES], "decision": "approve"},
    "two more dialects": lambda asked: {"type": "approve", "kind": "tool-denied", "message": "late"},
    "an entry of two dialects": lambda asked: [
        {"type": "accept", "interruptId": asked.id, "status": "resolved", "payload": {"approved": True}}
    ],
    "an approval with a word too many": _decided(type="approve", by="fay"),
    "an approval with a message": _decided(type="approve", message="looks good"),
    "an approval with an edit": lambda asked: _edited(asked, args=dict(asked.arguments)) | {"type": "approve"},
    "an approval of other arguments": lambda asked: {
        "type": "approve",
        "args": {"action": asked.action, "args": {**asked.arguments, "more": 1}},
    },
    "an approval of another action": lambda asked: {
        "type": "approve",
        "args": {"action": "x", "args": asked.arguments},
    },
    "an accept of other arguments": lambda asked: [{"type": "accept", "args": {"action": asked.action, "args": {}}}],
    "an accept of a text": lambda asked: [{"type": "accept", "args": "yes"}],
    "an ignore": lambda asked: [{"type": "ignore", "args": None}],
    "an empty response": lambda asked: [{"type": "response", "args": ""}],
    "a response that agrees": lambda asked: [{"type": "response", "args": "approve"}],
    "a response that is a decision": lambda asked: [{"type": "response", "args": '{"type": "accept"}'}],
    "two responses": lambda asked: [{"type": "accept", "args": None}, {"type": "ignore", "args": None}],
    "a rejection that agrees": _decided(type="reject", message="Yes!"),
    "a rejection with two reasons": _decided(type="reject", message="late", reason="early"),
    "a rejection whose reason is no text": _decided(type="reject", message={"text": "late"}),
    "an edit that names another action": lambda asked: _edited(asked, name="other.action", args=dict(asked.arguments)),
    "an edit that names no action": lambda asked: {"type": "edit", "edited_action": {"args": dict(asked.arguments)}},
    "an edit without arguments": lambda asked: _edited(asked),
    "an edit whose arguments differ": lambda asked: _edited(
        asked, args={**asked.arguments, "a": 1}, arguments={"a": 2}
    ),
    "an edit that leaves arguments out": lambda asked: _edited(asked, args={"other": 1}),
    "an edit that changes nothing": lambda asked: _edited(asked, args=dict(asked.arguments)),
    "an edit in two places": lambda asked: _edited(asked, args=dict(asked.arguments)) | {"args": {}},
    "an edit that is a text": lambda asked: {"type": "edit", "edited_action": "more"},
    "an entry for another interrupt": _resumed({"approved": True}, interruptId="ap-other"),
    "an entry without a status": lambda asked: [{"interruptId": asked.id, "payload": {"approved": True}}],
    "an entry of another status": _resumed({"approved": True}, status="approved"),
    "an entry that is cancelled and approved": _resumed({"approved": True}, status="cancelled"),
    "an entry without a payload": _resumed(None),
    "a payload that is true": _resumed(True),
    "a payload that is text": _resumed("approve"),
    "a payload that says 1": _resumed({"approved": 1}),
    "a payload that says yes": _resumed({"approved": "true"}),
    "a payload of another form": _resumed({"decisions": [_YES]}),
    "a payload that refuses and edits": lambda asked: _resumed(
        {"approved": False, "editedArgs": {**asked.arguments, "a": 1}}
    )(asked),
    "a payload with another key": _resumed({"approved": True, "editedargs": {}}),
    "two entries": lambda asked: {"resume": _resumed({"approved": True})(asked) * 2},
    "an empty resume": lambda asked: {"resume": []},
    "an approval of another tool call": lambda asked: {"approvals": {"call-other": True}},
    "approvals of two tool calls": lambda asked: {"approvals": {asked.tool_call: True, "call-other": True}},
    "no approvals": lambda asked: {"approvals": {}},
    "an approval that says 1": lambda asked: {"approvals": {asked.tool_call: 1}},
    "an approval that says yes": lambda asked: {"approvals": {asked.tool_call: "yes"}},
    "an approval with a result": lambda asked: {"approvals": {asked.tool_call: True}, "calls": {asked.tool_call: "x"}},
    "an approval in another's name": lambda asked: {
        "approvals": {asked.tool_call: True},
        "answered_by": {asked.tool_call: "fay"},
    },
    "an unknown kind": lambda asked: {"kind": "tool-allowed"},
    "a result with both meanings": lambda asked: {"kind": "tool-approved", "message": "denied"},
    "an empty override": lambda asked: {"kind": "tool-approved", "override_args": {}},
    "our form for another request": lambda asked: {"decision": "approve", "id": "ap-other"},
    "our form in another's name": lambda asked: {"decision": "approve", "by": "fay"},
    "our form with an unknown word": lambda asked: {"decision": "approved"},
    "our form that approves and says no": lambda asked: {"decision": "approve", "reason": "No."},
    "our form that approves and edits": lambda asked: {"decision": "approve", "changes": {"amount": 1}},
    "our form that rejects without a reason": lambda asked: {"decision": "reject"},
    "our form with a revision that is no number": lambda asked: {"decision": "approve", "revision": True},
}
"""Bodies by what is wrong with them; each is made for the action that is asked about."""
