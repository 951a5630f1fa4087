"""Workers that beat, are given up and are taken over from, over each backend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from interlock.errors import StoreUnavailable
from interlock.store.database import Database
from interlock.store.tables import Worker
from interlock.store.workers import Workers


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A fresh database of each backend."""
    made = Database(url)
    yield made
    made.engine.dispose()


@pytest.fixture
def workers(database: Database) -> Workers:
    """The workers of that database."""
    return Workers(database)


def _silent(database: Database, worker: Worker, seconds: float) -> None:
    """Let a worker not have been heard of for so long."""
    with database.write() as session:
        row: Any = Worker.__table__  # type: ignore[attr-defined]
        session.execute(
            update(row).where(row.c.id == worker.id).values(beat_at=worker.beat_at - timedelta(seconds=seconds))
        )


def _of(workers: Workers, worker: Worker) -> Worker:
    [found] = [row for row in workers.list() if row.id == worker.id]
    return found


def test_a_worker_that_beats_is_not_buried(database: Database, workers: Workers) -> None:
    """A sign of life counts from when it is given."""
    worker = workers.enter(4)
    assert (worker.state, worker.at_once, worker.started_at) == ("serving", 4, worker.beat_at)
    _silent(database, worker, 60)
    assert workers.beat(worker.id)
    assert _of(workers, worker).beat_at >= worker.beat_at
    assert workers.bury(30) == []
    assert _of(workers, worker).state == "serving"


def test_a_silent_worker_is_buried_after_the_deadline(database: Database, workers: Workers) -> None:
    """Not before it, not another one, and what it says later counts no more."""
    silent, other = workers.enter(1), workers.enter(1)
    _silent(database, silent, 10)
    assert workers.bury(30) == []
    assert [row.id for row in workers.bury(5)] == [silent.id]
    assert (_of(workers, silent).state, _of(workers, other).state) == ("dead", "serving")
    assert not workers.beat(silent.id)
    assert _of(workers, silent).beat_at < other.beat_at
    workers.leave(silent.id, "draining")
    assert _of(workers, silent).state == "dead"


def test_one_that_was_heard_of_ahead_of_the_clock_is_buried_when_it_gives_no_other_sign(
    database: Database, workers: Workers
) -> None:
    """As where the clock was set back; one that has beaten since is not, nor the one that asks."""
    silent, other, me = workers.enter(1), workers.enter(1), workers.enter(1)
    for worker in (silent, other, me):
        _silent(database, worker, -3600)
    seen = workers.living()
    assert seen[silent.id] > silent.beat_at
    assert workers.bury(5, by=me.id) == []
    assert workers.beat(other.id)
    assert [row.id for row in workers.bury(5, by=me.id, silent=seen)] == [silent.id]
    assert workers.living().keys() == {other.id, me.id}


def test_one_that_drains_is_buried_too(database: Database, workers: Workers) -> None:
    """It still has runs to bring to rest, and may die over it."""
    worker = workers.enter(1)
    workers.leave(worker.id, "draining")
    assert workers.beat(worker.id)
    _silent(database, worker, 10)
    assert [row.id for row in workers.bury(5)] == [worker.id]


def test_one_that_is_gone_is_left_alone(database: Database, workers: Workers) -> None:
    """It handed its jobs on by itself, and is alive no more."""
    worker = workers.enter(1)
    workers.leave(worker.id, "gone")
    _silent(database, worker, 60)
    assert workers.bury(5) == []
    assert not workers.beat(worker.id)


def test_a_worker_does_not_give_itself_up(database: Database, workers: Workers) -> None:
    """Stopped for a while and alone, it goes on; others would have given it up."""
    worker = workers.enter(1)
    _silent(database, worker, 60)
    assert workers.bury(5, by=worker.id) == []
    assert workers.beat(worker.id)


def test_the_dead_are_told_of_until_they_are_buried(database: Database, workers: Workers) -> None:
    """Whoever marked one may have died before its jobs were handed on; the next one does it again."""
    worker = workers.enter(1)
    _silent(database, worker, 60)
    assert [row.id for row in workers.bury(5)] == [worker.id]
    assert [row.id for row in Workers(database).bury(5)] == [worker.id]
    workers.buried(worker.id)
    assert workers.bury(5) == []
    assert _of(workers, worker).state == "gone"


def test_only_the_dead_are_buried(workers: Workers) -> None:
    """A living worker and an unknown one are left as they are."""
    worker = workers.enter(1)
    workers.buried(worker.id)
    workers.buried("nobody")
    workers.leave("nobody", "gone")
    assert not workers.beat("nobody")
    assert _of(workers, worker).state == "serving"


def test_the_living_are_listed_first_then_the_newest(
    database: Database, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are gone or dead come last, however new."""
    moments = iter(datetime.fromisoformat(f"2026-01-05T09:0{minute}:00+00:00") for minute in range(9))
    monkeypatch.setattr(Workers, "_now", lambda _self, _session: next(moments))
    old, ended, new = workers.enter(1), workers.enter(1), workers.enter(1)
    workers.leave(ended.id, "gone")
    assert [row.id for row in workers.list()] == [new.id, old.id, ended.id]
    assert [row.id for row in workers.list(limit=1)] == [new.id]


def test_those_that_are_gone_are_forgotten_after_a_while(workers: Workers) -> None:
    """Only they, and only those last heard of before the moment."""
    living, ended = workers.enter(1), workers.enter(1)
    workers.leave(ended.id, "gone")
    workers.forget(ended.beat_at - timedelta(hours=1))
    assert len(workers.list()) == 2
    workers.forget(ended.beat_at + timedelta(hours=1))
    assert [row.id for row in workers.list()] == [living.id]


def test_names_of_workers_differ_on_a_host_with_a_long_name(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tells them apart is not cut off, and a server takes the name of their connections whole."""
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 64)
    one, other = workers.enter(1), workers.enter(1)
    assert one.id != other.id
    assert max(len(one.id), len(other.id)) <= 63
    assert one.host == "h" * 64


def test_one_that_hangs_while_it_writes_is_buried(database: Database, workers: Workers) -> None:
    """On a server neither the turn of the writers nor its own row, which it holds, keeps the others from it."""
    if not database.shared:
        return
    hung, other = workers.enter(1), workers.enter(1)
    _silent(database, hung, 60)
    hangs = Database(database.url.render_as_string(hide_password=False))
    hangs.call_connections(hung.id)
    with contextlib.suppress(StoreUnavailable), hangs.write() as session:
        session.execute(text("SELECT 1 FROM workers WHERE id = :id FOR UPDATE"), {"id": hung.id})
        assert workers.beat(other.id)
        assert [row.id for row in workers.bury(5, by=other.id)] == [hung.id]
    assert _of(workers, hung).state == "dead"
    hangs.engine.dispose()


def test_the_connections_of_a_worker_that_hangs_are_ended(database: Database, workers: Workers) -> None:
    """On a server its open transaction ends with them and locks nobody out; others' connections stay."""
    if not database.shared:
        workers.disconnect("one")
        return
    hangs = Database(database.url.render_as_string(hide_password=False))
    hangs.call_connections("one")
    connection = hangs.engine.connect()
    connection.execute(text("SELECT pg_advisory_lock(7)"))
    workers.disconnect("two")
    assert connection.execute(text("SELECT 1")).scalar_one() == 1
    workers.disconnect("one")
    with database.engine.connect() as mine:
        mine.execute(text("SET lock_timeout = '20s'; SELECT pg_advisory_lock(7)"))
    with pytest.raises(Exception, match=r"terminating connection|closed"):
        connection.execute(text("SELECT 1"))
    connection.invalidate()
    hangs.engine.dispose()
