"""Each request in the shape that each client parses, by the client's own types."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from ag_ui.core import Interrupt, RunFinishedEvent
from langchain.agents.middleware.human_in_the_loop import HITLRequest, ToolApprovalRequest
from pydantic import TypeAdapter
from pydantic_ai import DeferredToolRequests

from interlock.cli.review import in_dialect
from interlock.digest import plain
from interlock.errors import UsageError
from interlock.nodes.dialects.answer import DIALECTS, Dialect
from interlock.nodes.dialects.emit import SHAPES, payload, shown
from tests.conformance.questions import FORM, asked
from tests.conformance.record import ARGS, CALL, INTERRUPT, NAME, RECORDERS, recorded

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from langgraph.prebuilt.interrupt import HumanInterrupt

TYPES: dict[Dialect, Any] = {
    "langchain": HITLRequest,
    "langchain-per-call": ToolApprovalRequest,
    "agent-inbox": HumanInterrupt,
    "ag-ui": Interrupt,
    "pydantic-ai": DeferredToolRequests,
}
KINDS = ("action", "question", "doubt", "form")


def parsed(dialect: Dialect, shape: Any) -> Any:
    """What the client's own type makes of a shape that came over the wire."""
    return TypeAdapter(TYPES[dialect]).validate_json(json.dumps(shape))


def test_every_recorded_dialect_has_a_shape() -> None:
    """There is a record, a shape and a type for each dialect besides our own."""
    assert set(SHAPES) == set(RECORDERS) == set(TYPES) == set(DIALECTS) - {"interlock"}


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("dialect", SHAPES)
def test_the_client_parses_the_shape(dialect: Dialect, kind: str) -> None:
    """The client's own type accepts the request of every kind that is about an action, and reads its arguments."""
    shape = shown(asked(kind), dialect)
    assert plain(shape) == shape
    read = parsed(dialect, shape)
    match dialect:
        case "langchain":
            [request], [config] = read["action_requests"], read["review_configs"]
            assert (request["name"], request["args"], config["action_name"]) == (NAME, ARGS, NAME)
        case "langchain-per-call":
            assert (read["type"], read["tool_call_id"], read["name"], read["args"]) == (
                "tool_approval", CALL, NAME, ARGS,
            )  # fmt: skip
        case "agent-inbox":
            assert read["action_request"] == {"action": NAME, "args": ARGS}
        case "ag-ui":
            assert (read.id, read.tool_call_id, read.reason) == (INTERRUPT, CALL, "tool_call")
            assert read.metadata == {"action": NAME, "arguments": ARGS}
        case "pydantic-ai":
            [call] = read.approvals
            assert (call.tool_name, call.args, call.tool_call_id) == (NAME, ARGS, CALL)
            assert read.kind(CALL) == "approval"


@pytest.mark.parametrize("dialect", SHAPES)
def test_the_shape_has_what_the_recorded_request_has(dialect: Dialect) -> None:
    """Every key that the client's own library sends with a value is in our shape, with a value of the same type."""

    def compare(theirs: Any, ours: Any, at: str) -> None:
        assert type(theirs) is type(ours), at
        if isinstance(theirs, dict):
            for key, value in theirs.items():
                if value is not None and key != "properties":
                    assert key in ours, f"{at}.{key}"
                    compare(value, ours[key], f"{at}.{key}")
        elif isinstance(theirs, list) and theirs:
            assert ours, at
            compare(theirs[0], ours[0], at)

    compare(recorded(dialect)["request"], shown(asked(), dialect), dialect)


@pytest.mark.parametrize("kind", KINDS)
def test_one_payload_serves_langchain_and_ag_ui(kind: str) -> None:
    """The value of every interrupt is plain JSON that both clients parse as it is, ours under one key of its own."""
    value = payload(asked(kind))
    assert plain(json.loads(json.dumps(value))) == value
    parsed("langchain", value)
    event = {"type": "RUN_FINISHED", "threadId": "run-1", "runId": "r1"}
    finished = RunFinishedEvent.model_validate(event | {"outcome": {"type": "interrupt", "interrupts": [value]}})
    assert finished.outcome is not None
    theirs = {"id", "reason", "message", "toolCallId", "responseSchema", "expiresAt"}
    assert set(value) - theirs == {"interlock", "action_requests", "review_configs"}
    assert value["interlock"]["id"] == value["id"] == INTERRUPT
    assert value["interlock"]["revision"] == 3


def test_arguments_stand_under_both_names() -> None:
    """`args` and `arguments` are always both there and equal, so no client shows a reviewer an empty action."""
    for kind in KINDS[:3]:
        [request] = payload(asked(kind))["action_requests"]
        assert request["args"] == request["arguments"] == ARGS


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("action", ["approve", "edit", "reject"]),
        ("question", ["edit", "reject"]),
        ("doubt", ["respond"]),
    ],
)
def test_each_client_is_told_which_decisions_count(kind: str, words: list[str]) -> None:
    """`allowed_decisions`, the flags of Agent Inbox and the response schema say the same."""
    [config] = shown(asked(kind), "langchain")["review_configs"]
    flags = shown(asked(kind), "agent-inbox")["config"]
    properties = shown(asked(kind), "ag-ui")["responseSchema"]["properties"]
    assert config["allowed_decisions"] == words
    assert flags == {
        "allow_ignore": False,
        "allow_accept": "approve" in words,
        "allow_edit": "edit" in words,
        "allow_respond": True,
    }
    assert ("editedArgs" in properties, "happened" in properties) == ("edit" in words, "respond" in words)


def test_an_action_asked_ahead_cannot_be_edited() -> None:
    """There is no proposal yet that an edit could replace, and clients are told so."""
    ahead = asked()
    ahead.effect_id = None
    assert shown(ahead, "langchain")["review_configs"][0]["allowed_decisions"] == ["approve", "reject"]
    assert shown(ahead, "ag-ui")["toolCallId"] == INTERRUPT


def test_a_form_is_shown_by_its_schema() -> None:
    """AG-UI gets the fields to fill; a dialect that only knows actions has no shape for a form and says so."""
    shape = shown(asked("form"), "ag-ui")
    assert shape["reason"] == "input_required"
    assert shape["responseSchema"]["properties"]["answer"] == FORM
    assert "toolCallId" not in shape
    for dialect in ("langchain", "langchain-per-call", "agent-inbox", "pydantic-ai"):
        with pytest.raises(UsageError, match=r"a question without an action.*try ag-ui"):
            shown(asked("form"), dialect)


def test_a_doubt_shows_no_end() -> None:
    """A doubt does not expire, so no client is told when it would."""
    assert "expiresAt" not in shown(asked("doubt"), "ag-ui")
    assert shown(asked(), "ag-ui")["expiresAt"] == "2026-01-05T10:00:00+00:00"


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    """`review show --dialect` says which there are."""
    with pytest.raises(UsageError, match="there is no dialect slack; there are interlock, langchain"):
        in_dialect(asked(), "slack")
