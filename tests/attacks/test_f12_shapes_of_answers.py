"""F12: plain LangGraph crashes on `resume=None`, ignores `{}`, misreads hex keys, and drops a waiting question."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import Command

from tests.attacks.house import House, attempt

HEX = "0123456789abcdef0123456789abcdef"

FEEDS: dict[str, Any] = {
    "resume None": Command(resume=None),
    "resume {}": Command(resume={}),
    "resume []": Command(resume=[]),
    "resume False": Command(resume=False),
    "resume a word": Command(resume="approve"),
    "resume a hex key": Command(resume={HEX: {"decisions": [{"type": "approve"}]}}),
    "resume two hex keys": Command(resume={HEX: "yes", HEX[::-1]: "yes"}),
    "resume a decision": Command(resume={"decisions": [{"type": "approve"}], "by": "fay"}),
    "resume our own shape": Command(resume={"approval": "ap-0", "revision": 0, "state": "approved"}),
    "new input": {"amount": 5, "to": "eve"},
    "the same input": {"amount": 10, "to": "anna"},
    "empty input": {},
    "an empty command": Command(),
    "no input": None,
}


@pytest.mark.parametrize("name", FEEDS)
def test_an_answer_of_any_shape_decides_nothing(house: House, name: str) -> None:
    """Nothing that is fed to the graph is an answer: the question stays open, and a recorded answer reaches it."""
    run = house.begun("pay")
    graph = run.raw()
    for _ in range(2):
        attempt(lambda: graph.invoke(FEEDS[name], run.config))
    assert (house.effects, house.tries) == ([], 0)
    assert (run.asked.state, run.status) == ("waiting", "waiting")
    run.drive()
    assert run.asked.state == "waiting"
    run.approve()
    run.drive()
    assert (house.effects, house.tries) == (["pay 10 anna"], 1)
    assert (run.status, run.outcome) == ("done", "done")
    assert run.whole()


@pytest.mark.parametrize("name", ["resume None", "resume {}", "resume a hex key", "new input", "no input"])
def test_an_answer_of_any_shape_loses_no_recorded_decision(house: House, name: str) -> None:
    """The decision is on record before the feed: it is carried out once, by whoever drives the run on."""
    run = house.begun("pay")
    run.approve()
    attempt(lambda: run.raw().invoke(FEEDS[name], run.config))
    run.drive()
    assert (house.effects, house.tries, run.status) == (["pay 10 anna"], 1, "done")
    assert run.whole()


def test_new_input_does_not_drop_a_waiting_question(house: House) -> None:
    """The run has begun, so new input is refused with what to do instead."""
    run = house.begun("pay")
    told = attempt(lambda: run.raw().invoke({"amount": 10, "to": "anna"}, run.config))
    assert "has begun; resume it, or start a new run for new input" in str(told)
    assert run.asked.state == "waiting"
    assert len(run.engine.services.runs.list()) == 1


def test_a_form_is_answered_by_its_record_alone(house: House) -> None:
    """A value fed to an approve step's interrupt is not the answer, whatever its shape."""
    run = house.begun("form", amount=500)
    for feed in FEEDS.values():
        attempt(lambda feed=feed: run.raw().invoke(feed, run.config))
    assert house.effects == []
    run.engine.services.approvals.reject(run.asked.id, "bob", comment="no")
    run.drive()
    assert (house.effects, run.outcome) == ([], "refused")
