"""Cancelling a run that another process drives, and runs whose time is over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from pydantic import PrivateAttr

from interlock.engine import service
from interlock.engine.service import Engine, Standing
from interlock.testing import FakeClock, ScriptedChatModel
from tests.engine.conftest import Make, counted, start

ASK = """
graph: ask
version: 1
input: {question: {type: string, default: "?"}}
limits: {time: 2h}
steps:
  think: {node: think, reads: [question], writes: answer}
  add: {call: counter.add, bind: {amount: 2}}
edges:
  - START -> think
  - think -> add
  - {from: think, on: failed, to: END, outcome: nothing}
  - add -> END
  - {from: add, on: [rejected, expired, denied, failed], to: END, outcome: nothing}
"""
REST = """
graph: rest
version: 1
input: {question: {type: string, default: "?"}}
limits: {time: 2h}
steps:
  rest: {wait: 3h}
  add: {call: counter.add, bind: {amount: 2}}
edges:
  - START -> rest
  - rest -> add
  - add -> END
  - {from: add, on: [rejected, expired, denied, failed], to: END, outcome: nothing}
"""
ABOVE = """
graph: above
version: 1
input: {question: {type: string, default: "?"}}
steps:
  below: {graph: rest, bind: {question: $.question}}
edges:
  - START -> below
  - {from: below, to: END}
  - {from: below, on: [nothing, failed], to: END, outcome: too_late}
"""
PATIENCE = 60.0


class Slow(ScriptedChatModel):
    """A model that answers when it is let to."""

    _asked: Event = PrivateAttr()
    _answer: Event = PrivateAttr()

    def __init__(self, asked: Event, answer: Event) -> None:
        super().__init__([{"verdict": "go", "amount": 1}])
        self._asked, self._answer = asked, answer

    def _generate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> ChatResult:
        self._asked.set()
        assert self._answer.wait(PATIENCE)
        return super()._generate(messages, *arguments, **options)


def slowly(make: Make, then: Callable[[Engine, str], None], monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, Standing]:
    """Let another thread drive a run whose model does not answer, do something, and see how the run comes to rest."""
    asked, answer = Event(), Event()
    model: BaseChatModel = Slow(asked, answer)
    engine = Engine(make({"ask": ASK}, chat=model))
    run = engine.start(engine.project.workflow(engine.project.graph_file("ask")), {}, "requester").id
    monkeypatch.setattr(service, "CANCEL_PATIENCE", 0.0)
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(engine.drive, run)
        assert asked.wait(PATIENCE)
        then(engine, run)
        try:
            return engine, driving.result(PATIENCE)  # while the model still says nothing
        finally:
            answer.set()


def test_a_model_that_is_being_asked_is_not_waited_for(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command returns at once; the driver leaves the model alone, ends the run, and does nothing more of it."""

    def cancel(engine: Engine, run: str) -> None:
        assert engine.cancel(run, "boss").status == "running"

    engine, standing = slowly(make, cancel, monkeypatch)
    assert (standing.run.status, standing.run.outcome) == ("cancelled", "cancelled")
    assert [(visit.step, visit.outcome) for visit in engine.services.runs.visits(standing.run.id)] == [("think", None)]
    told = [(entry["event"], entry["actor"]) for entry in engine.history(standing.run.id)]
    assert told[-2:] == [("run.cancelling", "boss"), ("run.cancelled", "boss")]
    assert counted(engine.project) == []


def test_the_time_of_a_run_ends_the_wait_for_a_model(
    make: Make, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends like every other limit."""

    def wait(_engine: Engine, _run: str) -> None:
        clock.advance(timedelta(hours=2))

    engine, standing = slowly(make, wait, monkeypatch)
    assert (standing.run.status, standing.run.outcome) == ("failed", "limit")
    assert "has used its 2h (limits.time)" in str(standing.run.error)
    assert counted(engine.project) == []


def test_a_run_that_waits_past_its_time_ends_when_somebody_looks(make: Make, clock: FakeClock) -> None:
    """It is due when its time is over, not before, and the step after its wait is never entered."""
    engine, run = start(make({"rest": REST}), "rest")
    clock.advance(timedelta(hours=1, minutes=59))
    assert engine.due() == []
    clock.advance(timedelta(minutes=1))
    assert engine.due() == [run]
    ended = engine.drive(run).run
    assert (ended.status, ended.outcome, engine.due()) == ("failed", "limit", [])
    assert [visit.step for visit in engine.services.runs.visits(run)] == ["rest"]


def test_the_time_of_a_child_run_ends_that_run_alone(make: Make, clock: FakeClock) -> None:
    """The run above it goes on by the edge of failure."""
    engine, run = start(make({"rest": REST, "above": ABOVE}), "above")
    clock.advance(timedelta(hours=2))
    assert engine.due() == [run]
    ended = engine.drive(run).run
    [child] = engine.services.runs.children(run)
    assert (child.status, child.outcome) == ("failed", "limit")
    assert (ended.status, ended.outcome) == ("failed", "too_late")


def test_a_cancelled_run_whose_driver_died_is_ended_by_whoever_comes_next(make: Make) -> None:
    """The mark alone is enough, at a run above a child that waits."""
    engine, run = start(make({"rest": REST, "above": ABOVE}), "above")
    engine.services.runs.cancel(run, "boss")
    assert engine.due() == [run]
    assert engine.drive(run).run.status == "cancelled"
    assert {each.status for each in engine.services.runs.family(run)} == {"cancelled"}
