"""A worker in this process: what it finds by itself, and how much it does at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Event, Lock, Thread
from typing import Any

import dbos._queue
import pytest
from dbos import DBOSClient
from sqlalchemy import text, update
from sqlmodel import col

from interlock.engine.places import Places
from interlock.engine.service import Engine, Standing
from interlock.engine.worker import Ended, Pace, Worker
from interlock.store.jobs import APPLICATION, queue_of
from interlock.store.tables import Worker as Row
from interlock.store.workers import Workers
from interlock.testing import FakeClock
from tests.engine.conftest import Make, counted
from tests.engine.test_runs import ADD

PATIENCE = 60.0
"""Seconds to wait for anything; only a hung test needs them."""
OTHER = ADD.replace("graph: add", "graph: other")


class Told:
    """What the engine tells while a worker drives it."""

    def __init__(self) -> None:
        self.events: Queue[dict[str, Any]] = Queue()

    def until(self, event: str, times: int) -> set[str]:
        """The runs that it told this of, once it has so often."""
        runs: set[str] = set()
        while len(runs) < times:
            told = self.events.get(timeout=PATIENCE)
            if told["event"] == event:
                runs.add(str(told["run"]))
        return runs


@contextmanager
def serving(worker: Worker, ended: list[Ended], ready: Event | None = None) -> Iterator[None]:
    """Let the worker serve for the length of the block, and then drain."""
    stop, serves = Event(), ready or Event()
    thread = Thread(target=lambda: ended.append(worker.serve(stop, lambda _: serves.set())))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def _accept(engine: Engine, graph: str) -> str:
    project = engine.project
    return engine.start(project.workflow(project.graph_file(graph)), {"amount": 2}, "requester").id


def test_runs_accepted_before_the_first_worker_are_found_and_driven_one_at_a_time(
    make: Make, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have no jobs, so the sweep writes them; `at_once` holds over all graphs together."""
    told, ended = Told(), list[Ended]()
    engine = Engine(make({"add": ADD, "other": OTHER}), told.events.put)
    runs = {_accept(engine, "add"), _accept(engine, "other")}
    assert not engine.project.jobs.wanted
    clock.advance(timedelta(seconds=11))
    overlapped = _watched(engine.drive, monkeypatch, engine)
    pace = Pace(at_once=1, poll=0.05, sweep=0.05)
    with serving(Worker(engine, pace), ended):
        assert told.until("done", 2) == runs
    assert not overlapped.is_set()
    assert ended == [Ended(given_up=False, left=[])]
    assert counted(engine.project) == [2, 2]
    assert [engine.services.runs.get(run).status for run in runs] == ["done", "done"]


def _watched(
    drive: Callable[..., Standing], monkeypatch: pytest.MonkeyPatch, engine: Engine, graph: str | None = None
) -> Event:
    """Set once two runs are driven at the same time, which each drive gives the next one a moment to do.

    Args:
        graph: only runs of this graph are looked at.
    """
    overlapped, lock, inside = Event(), Lock(), list[str]()

    def watched(run_id: str, **more: Any) -> Standing:
        if graph not in (None, engine.services.runs.get(run_id).graph):
            return drive(run_id, **more)
        with lock:
            inside.append(run_id)
            if len(inside) > 1:
                overlapped.set()
        overlapped.wait(0.5)
        try:
            return drive(run_id, **more)
        finally:
            with lock:
                inside.remove(run_id)

    monkeypatch.setattr(engine, "drive", watched)
    return overlapped


def test_a_graph_goes_so_many_at_a_time_and_begins_no_more_than_its_rate(
    make: Make, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queues have what was set before the worker came; a run whose turn has not come stays as it was accepted."""
    told, ended = Told(), list[Ended]()
    engine = Engine(make({"add": ADD, "other": OTHER}), told.events.put)
    engine.project.queues.set("add", "boss", at_once=1)
    engine.project.queues.set("other", "boss", rate=1, period=86_400.0)
    runs = {_accept(engine, "add"), _accept(engine, "add")}
    rated = {_accept(engine, "other"), _accept(engine, "other")}
    clock.advance(timedelta(seconds=11))
    overlapped = _watched(engine.drive, monkeypatch, engine, "add")
    with serving(Worker(engine, Pace(at_once=4, poll=0.05, sweep=0.05)), ended):
        done = told.until("done", 3)
        client = DBOSClient(system_database_engine=engine.project.jobs.engine, application_name=APPLICATION)
        queue = client.retrieve_queue(queue_of("add"))
        assert queue is not None
        assert queue.global_concurrency == 1  # over all workers, not of this one alone
        begun = _accept(engine, "add")  # whoever is begun after it shows that the rated one had every chance
        assert told.until("done", 1) == {begun}
    assert not overlapped.is_set()
    assert done >= runs
    assert sorted(engine.services.runs.get(run).status for run in rated) == ["created", "done"]


def test_a_run_whose_time_is_over_is_ended_though_its_turn_to_begin_has_not_come(make: Make, clock: FakeClock) -> None:
    """No rate keeps a run from its end."""
    told, ended = Told(), list[Ended]()
    engine = Engine(make({"add": ADD + "limits: {time: 2h}\n"}), told.events.put)
    engine.project.queues.set("add", "boss", rate=1, period=86_400.0)
    ready = Event()
    with serving(Worker(engine, Pace(poll=0.05, sweep=0.05)), ended, ready):
        assert ready.wait(PATIENCE)
        runs = {_accept(engine, "add"), _accept(engine, "add")}
        first = told.until("done", 1)
        clock.advance(timedelta(hours=2))
        assert told.until("failed", 1) == runs - first
    [late] = runs - first
    assert (engine.services.runs.get(late).outcome, engine.services.runs.visits(late)) == ("limit", [])


def test_what_is_set_while_a_worker_serves_is_heeded(make: Make) -> None:
    """A rate that is taken back lets those begin that it kept waiting."""
    told, ended = Told(), list[Ended]()
    engine = Engine(make({"add": ADD}), told.events.put)
    engine.project.queues.set("add", "boss", rate=1, period=86_400.0)
    ready = Event()
    worker = Worker(engine, Pace(poll=0.05, sweep=0.05))
    with serving(worker, ended, ready):
        assert ready.wait(PATIENCE)
        runs = {_accept(engine, "add"), _accept(engine, "add")}
        first = told.until("done", 1)
        engine.project.queues.set("add", "boss", rate=None, period=None)
        assert first | told.until("done", 1) == runs


def test_a_free_place_goes_to_the_highest_priority() -> None:
    """Whoever came first among equals; a place is held by one at a time."""
    places, order = Places(1), Queue[str]()

    def take(name: str, priority: int) -> None:
        with places.take(priority):
            order.put(name)

    threads = [Thread(target=take, args=each) for each in (("low", 0), ("high", 5), ("next", 5), ("lowest", -1))]
    with places.take(0):
        for number, thread in enumerate(threads, start=1):
            thread.start()
            while places.waiting < number:
                thread.join(0.001)
    for thread in threads:
        thread.join(PATIENCE)
    assert [order.get_nowait() for _ in threads] == ["high", "next", "low", "lowest"]


def test_a_job_that_the_queue_took_and_dropped_is_done(
    make: Make, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a connection breaks between the two: the worker lives on, and gives back what it never began."""
    told, ended, dropped = Told(), list[Ended](), list[str]()
    engine = Engine(make({"add": ADD}), told.events.put)
    execute = dbos._queue.execute_dequeued_workflow

    def breaks_once(queue: Any, status: Any, owner: str) -> Any:
        if not dropped:
            dropped.append(status["workflow_uuid"])
            raise OSError("the connection broke")
        return execute(queue, status, owner)

    monkeypatch.setattr(dbos._queue, "execute_dequeued_workflow", breaks_once)
    ready = Event()
    with serving(Worker(engine, Pace(poll=0.05, sweep=0.1)), ended, ready):
        assert ready.wait(PATIENCE)
        run = _accept(engine, "add")
        assert told.until("done", 1) == {run}
    assert [job.split("/")[1] for job in dropped] == [run]
    assert counted(engine.project) == [2]


def test_a_worker_that_died_before_the_clock_was_set_back_is_taken_over_from(make: Make, clock: FakeClock) -> None:
    """Its last sign of life lies ahead for hours; that it gives no other one is enough."""
    told, ended, ready = Told(), list[Ended](), Event()
    engine = Engine(make({"add": ADD}), told.events.put)
    workers = Workers(engine.services.database)
    with serving(Worker(engine, Pace(poll=0.05, sweep=0.1)), ended, ready):
        assert ready.wait(PATIENCE)
    run, dead = _accept(engine, "add"), workers.enter(1)
    with engine.services.database.write() as session:
        ahead = datetime.now(UTC) + timedelta(hours=5)
        session.execute(update(Row).where(col(Row.id) == dead.id).values(beat_at=ahead))
    _take(engine, dead.id)
    with serving(Worker(engine, Pace(poll=0.05, sweep=0.1, beat=0.1, dead_after=0.5)), ended):
        assert told.until("done", 1) == {run}
    assert counted(engine.project) == [2]


def _take(engine: Engine, worker_id: str) -> None:
    """Let a worker have taken every job that is there."""
    with engine.project.jobs.engine.begin() as connection:
        connection.execute(
            text("UPDATE workflow_status SET status = 'PENDING', executor_id = :id WHERE status = 'ENQUEUED'"),
            {"id": worker_id},
        )
    assert [job.worker for job in engine.project.jobs.taken()] == [worker_id]


def test_a_job_of_a_worker_that_is_gone_is_done(make: Make, clock: FakeClock) -> None:
    """One that was given up may still take a job before it ends; nobody else would ever do it."""
    told, ended, ready = Told(), list[Ended](), Event()
    engine = Engine(make({"add": ADD}), told.events.put)
    with serving(Worker(engine, Pace(poll=0.05, sweep=0.1)), ended, ready):
        assert ready.wait(PATIENCE)
    run = _accept(engine, "add")
    [gone] = Workers(engine.services.database).list()
    assert gone.state == "gone"
    _take(engine, gone.id)
    with serving(Worker(engine, Pace(poll=0.05, sweep=0.1)), ended):
        assert told.until("done", 1) == {run}
    assert counted(engine.project) == [2]
