"""F12: plain LangGraph crashes on `resume=None`, ignores `{}`, misreads hex keys, and drops a waiting question."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from interlock.errors import DecisionRefused
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


def plain() -> tuple[Any, Any, list[Any]]:
    """A question of plain LangGraph that waits, and the answers that it takes."""
    taken: list[Any] = []
    builder: StateGraph[Any] = StateGraph(TypedDict("State", {"x": int}, total=False))  # type: ignore[operator]
    builder.add_node("ask", lambda state: {"x": state["x"] + bool(taken.append(interrupt("pay?")))})
    builder.add_edge(START, "ask")
    graph, config = builder.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
    assert "__interrupt__" in graph.invoke({"x": 1}, config)  # type: ignore[call-overload]
    return graph, config, taken


def test_plain_langgraph_crashes_ignores_misreads_and_drops() -> None:
    """The attack works where nothing stands in its way: none of the four is taken as the answer that it is."""
    graph, config, taken = plain()
    with pytest.raises(Exception):  # noqa: B017, PT011  # which error it is differs from release to release
        graph.invoke(Command(resume=None), config)
    graph.invoke(Command(resume={}), config)
    attempt(lambda: graph.invoke(Command(resume={HEX: {"type": "reject"}}), config))
    assert taken == [], "an answer of a doubtful shape reached the question"
    assert "__interrupt__" in graph.invoke({"x": 5}, config)
    assert graph.get_state(config).values == {"x": 5}, "the question about 1 is gone, unanswered"


@pytest.mark.parametrize(
    "body", [None, {}, [], False, "approve", {HEX: {"type": "approve"}}, {HEX: "yes", HEX[::-1]: 1}]
)
def test_no_such_answer_is_taken_where_answers_count(house: House, body: Any) -> None:
    """To the engine, by a person who may decide: each is refused with a sentence, and the question stays open."""
    run = house.begun("pay")
    with pytest.raises(DecisionRefused, match=f"nothing was decided, {run.asked.id} is still open"):
        run.engine.answer(run.asked.id, "bob", body)
    run.drive()
    assert (house.effects, run.asked.state) == ([], "waiting")


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
