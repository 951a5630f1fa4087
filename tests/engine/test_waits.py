"""Timers, moments and events, over the end of every process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from langgraph.types import Command

from interlock.engine.service import Engine
from interlock.errors import InputError, InterlockError, Refused
from interlock.testing import FakeClock
from tests.engine.conftest import Make, start

GRAPH = """
graph: waits
version: 1
input:
  start: {type: string, optional: true}
steps:
  rest: {wait: 2h}
  look: {call: counter.look, writes: total}
  paid: {wait: {event: paid, within: 3d, payload: {amount: {type: integer}}}, writes: payment}
edges:
  - START -> rest
  - rest -> look
  - look -> paid
  - paid -> END
  - {from: paid, on: expired, to: END, outcome: unpaid}
output: [total, payment]
"""

UNTIL = """
graph: until
version: 1
input: {start: {type: string}}
steps:
  rest: {wait: {until: $.start}}
edges:
  - START -> rest
  - rest -> END
  - {from: rest, on: failed, to: END, outcome: no_moment}
"""


def steps(engine: Engine, run: str) -> list[str]:
    return [visit.step for visit in engine.services.runs.visits(run)]


def test_a_timer_ends_when_its_time_has_come(make: Make, clock: FakeClock) -> None:
    """Not before, and whatever process looks then; the run tells what it waits for."""
    engine, run = start(make({"waits": GRAPH}), "waits")
    standing = engine.standing(run)
    assert standing.run.status == "waiting"
    assert [(pause.event, pause.due_at) for pause in standing.pauses] == [(None, clock() + timedelta(hours=2))]
    clock.advance(timedelta(hours=1, minutes=59))
    assert (engine.due(), engine.drive(run).run.status) == ([], "waiting")
    assert steps(engine, run) == ["rest"]
    clock.advance(timedelta(minutes=1))
    after = Engine(make())
    assert after.due() == [run]
    after.drive(run)
    assert steps(after, run) == ["rest", "look", "paid"]


def test_an_event_ends_its_wait_once(make: Make, clock: FakeClock) -> None:
    """Its data is what the step writes; a second one is refused, since nothing waits for it any more."""
    engine, run = start(make({"waits": GRAPH}), "waits")
    clock.advance(timedelta(hours=2))
    engine.drive(run)
    pause = engine.send(run, "paid", {"amount": 5}, "bank")
    assert pause is not None
    assert (pause.state, pause.sender, pause.payload) == ("done", "bank", {"amount": 5})
    with pytest.raises(Refused, match="waits for the event paid no more; it was not sent"):
        engine.send(run, "paid", {"amount": 9}, "bank")
    assert engine.drive(run).run.output["payment"] == {"amount": 5}
    events = [entry["event"] for entry in engine.history(run)]
    assert (events.count("pause.done"), events.count("event.kept")) == (2, 0)


def test_an_event_may_come_before_its_wait(make: Make, clock: FakeClock) -> None:
    """It is kept, over a restart too, and taken when the wait begins."""
    engine, run = start(make({"waits": GRAPH}), "waits")
    assert engine.send(run, "paid", {"amount": 5}, "bank") is None
    clock.advance(timedelta(hours=2))
    assert Engine(make()).drive(run).run.output["payment"] == {"amount": 5}


def test_an_event_that_does_not_come_expires(make: Make, clock: FakeClock) -> None:
    """The deadline wins over an event that comes at the same instant or later."""
    engine, run = start(make({"waits": GRAPH}), "waits")
    clock.advance(timedelta(hours=2))
    engine.drive(run)
    clock.advance(timedelta(days=3))
    with pytest.raises(Refused, match="waits for the event paid no more"):
        engine.send(run, "paid", {"amount": 5}, "bank")
    assert engine.drive(run).run.outcome == "unpaid"
    with pytest.raises(Refused, match="takes no more events"):
        engine.send(run, "paid", {"amount": 5}, "bank")


@pytest.mark.parametrize(
    ("event", "payload", "error", "why"),
    [("payed", {}, Refused, "never waits for the event payed; it waits for: paid"),
     ("paid", {}, InputError, "'amount' is a required property"),
     ("paid", {"amount": "5"}, InputError, "amount: '5' is not of type 'integer'"),
     ("paid", {"amount": 5, "more": 1}, InputError, "Additional properties")],
)  # fmt: skip
def test_an_event_that_nobody_waits_for_is_refused(
    make: Make, event: str, payload: dict[str, Any], error: type[InterlockError], why: str
) -> None:
    """A wrong name or wrong data changes nothing, and says so."""
    engine, run = start(make({"waits": GRAPH}), "waits")
    before = engine.audit_head()
    with pytest.raises(error, match=why):
        engine.send(run, event, payload, "bank")
    assert engine.audit_head() == before


def test_unread_events_are_bounded(make: Make) -> None:
    """Whoever sends for ever is refused before the store fills."""
    engine, run = start(make({"waits": GRAPH}), "waits")
    for number in range(100):
        engine.send(run, "paid", {"amount": number}, "bank")
    with pytest.raises(Refused, match="has 100 events that it has not read yet"):
        engine.send(run, "paid", {"amount": 100}, "bank")


def test_one_of_many_senders_ends_the_wait(make: Make, clock: FakeClock) -> None:
    """Sent at once from several engines, one event is taken and the others are refused."""
    engine, run = start(make({"waits": GRAPH}), "waits")
    clock.advance(timedelta(hours=2))
    engine.drive(run)
    engines = [Engine(make()) for _ in range(4)]

    def send(number: int) -> Any:
        try:
            return engines[number].send(run, "paid", {"amount": number}, "bank")
        except Refused:
            return None

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(send, range(4)))
    taken = [pause.payload for pause in found if pause is not None]
    assert len(taken) == 1
    assert engine.drive(run).run.output["payment"] == taken[0]


def test_a_forged_wake_up_ends_no_wait(make: Make) -> None:
    """Whoever holds the compiled graph and answers the interrupt makes the step look at the clock, no more."""
    project = make({"waits": GRAPH})
    engine, run = start(project, "waits")
    graph, _ = project.driver.graph(engine.services.runs.get(run).spec_digest)
    graph.invoke(Command(resume={"woken": True, "amount": 5}), {"configurable": {"thread_id": run}})
    assert steps(engine, run) == ["rest"]
    assert engine.drive(run).run.status == "waiting"


@pytest.mark.parametrize(
    ("moment", "ends"),
    [(lambda now: now + timedelta(days=1), "done"), (lambda now: now - timedelta(days=1), "at once"),
     (lambda now: now.replace(tzinfo=None), "no_moment"), (lambda now: now.date(), "no_moment")],
)  # fmt: skip
def test_a_moment_stands_in_the_state(make: Make, clock: FakeClock, moment: Callable[..., Any], ends: str) -> None:
    """With its offset; one that has passed is over at once, and what is no moment is never guessed."""
    engine, run = start(make({"until": UNTIL}), "until", start=moment(clock()).isoformat())
    if ends == "done":
        assert engine.standing(run).run.status == "waiting"
        clock.advance(timedelta(days=1))
        engine.drive(run)
    outcome = engine.standing(run).run.outcome
    assert outcome == ("no_moment" if ends == "no_moment" else "done")


def test_a_child_waits_and_its_run_with_it(make: Make, clock: FakeClock) -> None:
    """An event sent to the run reaches the wait inside a graph that it runs."""
    outer = """
graph: outer
version: 1
input: {}
steps:
  inner: {graph: waits, writes: result}
edges:
  - START -> inner
  - inner -> END
  - {from: inner, on: unpaid, to: END, outcome: unpaid}
output: [result]
"""
    engine, run = start(make({"waits": GRAPH, "outer": outer}), "outer")
    clock.advance(timedelta(hours=2))
    assert engine.due() == [run]
    engine.drive(run)
    assert engine.send(run, "paid", {"amount": 7}, "bank") is not None
    assert engine.due() == [run]
    assert engine.drive(run).run.output["result"]["payment"] == {"amount": 7}
