"""The address for clients of AG-UI, read with the protocol's own package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ag_ui.core import Event, ResumeEntry, RunAgentInput, RunFinishedEvent
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from interlock.engine.service import Engine
from interlock.web import feed
from tests.attacks.house import Run
from tests.web.site import Site

EVENTS: TypeAdapter[Any] = TypeAdapter(Event)


def asked(run_id: str, resume: list[ResumeEntry] | None = None, **props: Any) -> dict[str, Any]:
    """What a client of the protocol sends."""
    sent = RunAgentInput(
        thread_id="thread-1", run_id=run_id, state=None, messages=[], tools=[], context=[],
        forwarded_props=props or None, resume=resume,
    )  # fmt: skip
    body: dict[str, Any] = sent.model_dump(mode="json", by_alias=True)
    return body


def events(client: TestClient, body: dict[str, Any], status: int = 200) -> list[Any]:
    """The events of an answer, each read as the protocol has it."""
    answer = client.post("/api/ag-ui", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block for block in answer.text.split("\n\n") if block]
    return [EVENTS.validate_python(json.loads(block.removeprefix("data: "))) for block in blocks]


def the_only_run(place: Site) -> Run:
    return Run(place.house, place.engine, place.engine.services.runs.list()[0].id)


def test_a_run_is_started_interrupted_and_resumed(place: Site) -> None:
    """Anna starts it, the question comes as an interrupt, fay answers it, and the result is what the run put out."""
    told = events(place.program("anna"), asked("1", graph="pay", input={"amount": 10}))
    assert [told[0].type.value, told[-1].type.value] == ["RUN_STARTED", "RUN_FINISHED"]
    assert (told[0].thread_id, told[0].run_id) == ("thread-1", "1")
    run = the_only_run(place)
    (interrupt,) = told[-1].outcome.interrupts
    assert (interrupt.id, interrupt.reason) == (run.asked.id, "tool_call")
    assert interrupt.metadata["arguments"] == {"amount": 10, "to": "anna"}
    assert "approved" in interrupt.response_schema["properties"]
    entry = ResumeEntry(interrupt_id=interrupt.id, status="resolved", payload={"approved": True})
    told = events(place.program("fay"), asked("2", [entry]))
    assert [each.step_name for each in told if each.type.value == "STEP_FINISHED"] == ["pay"]
    last = told[-1]
    assert isinstance(last, RunFinishedEvent)
    assert last.outcome is not None
    assert (last.outcome.type, last.result) == ("success", place.engine.services.runs.get(run.id).output)
    assert len(place.house.effects) == 1


def test_the_same_request_again_moves_nothing(place: Site) -> None:
    """It watches the run that it started; another body under the same ids is refused."""
    anna, body = place.program("anna"), asked("1", graph="pay", input={"amount": 10})
    first, again = events(anna, body), events(anna, body)
    assert first[-1] == again[-1]
    assert len(place.engine.services.runs.list()) == 1
    assert anna.post("/api/ag-ui", json=body | {"forwardedProps": {"graph": "chain"}}).status_code == 422


def test_an_answer_is_judged_like_any_other(place: Site) -> None:
    """Not by who asked for it, not unclear, not in somebody's name, and not twice."""
    events(place.program("anna"), asked("1", graph="pay", input={"amount": 10}))
    run = the_only_run(place)

    def answer(person: str, key: str, **payload: Any) -> int:
        entry = ResumeEntry(interrupt_id=run.asked.id, status="resolved", payload=payload)
        return place.program(person).post("/api/ag-ui", json=asked(key, [entry])).status_code

    assert answer("anna", "2", approved=True) == 409  # she asked for it
    assert answer("fay", "3", approved="yes") == 409
    assert answer("fay", "4", approved=True, by="finn") == 400
    assert answer("arthur", "5", approved=True) == 403
    assert (run.asked.state, place.house.effects) == ("waiting", [])


def test_what_cannot_be_started_says_why(place: Site) -> None:
    """The name of a graph, an object of inputs, and inputs that fit."""
    anna = place.program("anna")
    for props, status in (
        ({}, 422),
        ({"graph": 7}, 422),
        ({"graph": "none"}, 404),
        ({"graph": "pay", "input": []}, 422),
        ({"graph": "pay", "input": {"amount": "x"}}, 422),
    ):
        assert anna.post("/api/ag-ui", json=asked("1", **props)).status_code == status, props
    assert place.program("fay").post("/api/ag-ui", json=asked("1", graph="pay")).status_code == 403
    assert place.engine.services.runs.list() == []


def test_without_a_place_to_watch_from_nothing_is_started(place: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, and every place that was taken is free again afterwards."""
    anna, body = place.program("anna"), asked("1", graph="pay", input={"amount": 10})
    with monkeypatch.context() as patch:
        patch.setattr(feed, "SEATS", 0)
        assert anna.post("/api/ag-ui", json=body).status_code == 503
    assert place.engine.services.runs.list() == []
    monkeypatch.setattr(feed, "SEATS", 1)
    assert anna.post("/api/ag-ui", json=asked("2", graph="none")).status_code == 404
    assert events(anna, body)
    assert events(anna, body)


def test_what_the_user_said_last_is_the_one_text_that_is_missing(place: Site) -> None:
    """So a plain chat client starts a workflow that takes one text."""
    place.house.write(
        "graphs/note.yaml",
        "graph: note\nversion: 1\ninput: {amount: {type: integer, default: 10}, to: {type: string}}\nsteps:\n"
        "  pay: {call: shop.pay, bind: {amount: $.amount, to: $.to}, writes: receipt}\n"
        "edges:\n  - START -> pay\n  - pay -> END\n"
        "  - {from: pay, on: [rejected, expired, denied], to: END, outcome: not_paid}\noutput: [receipt]\n",
    )
    body = asked("1", graph="note")
    body["messages"] = [
        {"id": "1", "role": "user", "content": "berta"},
        {"id": "2", "role": "assistant", "content": "?"},
    ]
    told = events(place.program("anna"), body)
    assert told[-1].outcome.interrupts[0].metadata["arguments"]["to"] == "berta"
    assert Engine(place.engine.project).services.runs.list()[0].input["to"] == "berta"
