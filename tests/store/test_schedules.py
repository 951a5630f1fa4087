"""Schedules: one run for each moment, whoever starts it, and everything about it in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from interlock.errors import Conflict, NotFound, StoreUnavailable
from interlock.store.database import Database
from interlock.store.schedules import Schedules
from interlock.store.tables import Run, Schedule
from tests.store.stores import SPEC, Stores

HOUR = timedelta(hours=1)


class Planned(Stores):
    """The stores, and schedules."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.schedules = Schedules(database, self.audit, self.clock, self.runs)

    def add(self, name: str = "daily", **named: Any) -> Schedule:
        """A schedule that is due in an hour."""
        row: dict[str, Any] = {
            "graph": "shop", "cron": "0 * * * *", "timezone": "UTC", "input": {"amount": 1}, "missed": "skip",
            "overlap": "allow", "requester": "fay", "next_at": self.clock() + HOUR,
        }  # fmt: skip
        return self.schedules.add(Schedule(name=name, **row | named))

    def start(self, seen: Schedule) -> Run | None:
        """Start its run for the moment that it was seen to be due at."""
        return self.schedules.start(seen, seen.next_at, seen.next_at + HOUR, SPEC, {"amount": 1})

    def told(self, event: str) -> list[dict[str, Any]]:
        """What the audit holds of such events."""
        with self.database.read() as session:
            return [link.data or {} for link in self.audit.links(session) if link.event == event]

    def started(self) -> list[Run]:
        """The runs of all schedules."""
        return [run for run in self.runs.list() if run.schedule]


@pytest.fixture
def stores(url: str) -> Iterator[Planned]:
    """The stores over a fresh database of each backend."""
    database = Database(url)
    yield Planned(database)
    database.engine.dispose()


def test_the_run_of_a_moment_says_what_started_it(stores: Planned) -> None:
    """It is asked for by whoever made the schedule; run, next moment and audit come together."""
    row = stores.add()
    assert stores.schedules.due(stores.clock()) == []
    stores.clock.advance(HOUR)
    [seen] = stores.schedules.due(stores.clock())
    run = stores.start(seen)
    assert run is not None
    found = stores.runs.get(run.id)
    assert (found.schedule, found.scheduled_for, found.requester, found.status) == (
        "daily", row.next_at, "fay", "created",
    )  # fmt: skip
    assert stores.schedules.get("daily").next_at == row.next_at + HOUR
    assert stores.schedules.due(stores.clock()) == []
    [created] = stores.told("run.created")
    assert (created["schedule"], created["scheduled_for"]) == ("daily", row.next_at.isoformat())
    assert stores.told("schedule.started") == [{"run": run.id, "moment": row.next_at.isoformat()}]
    assert stores.whole()


def test_of_many_who_start_it_at_once_one_does(stores: Planned) -> None:
    """All of them saw the same schedule to be due."""
    seen = stores.add()
    at_once, found = Barrier(6), list[Run | None]()

    def start() -> None:
        at_once.wait()
        found.append(stores.start(seen))

    threads = [Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert [run.id for run in found if run is not None] == [run.id for run in stores.started()]
    assert len(stores.started()) == 1


def test_a_moment_has_one_run_even_when_it_comes_again(stores: Planned) -> None:
    """As after the clock was set back, or where the schedule was removed and made anew; the database itself says so."""
    seen = stores.add()
    first = stores.start(seen)
    assert first is not None
    stores.schedules.remove("daily", "fay")
    again = stores.add()
    assert again.next_at == seen.next_at
    assert stores.start(again) is None
    assert stores.schedules.get("daily").next_at == seen.next_at + HOUR
    [skipped] = stores.told("schedule.skipped")
    assert skipped["because"] == f"{first.id} was started for that moment"
    with pytest.raises(Conflict), stores.database.write() as session:
        stores.runs.accept_scheduled(session, again, seen.next_at, SPEC, {})
    assert len(stores.started()) == 1
    assert stores.whole()


def test_what_fails_half_way_leaves_nothing(stores: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the run nor its job without the next moment, nor the next moment without the run."""
    seen = stores.add()

    def dies(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(stores.schedules, "_tell", dies)
        with pytest.raises(StoreUnavailable):
            stores.start(seen)
    assert stores.started() == []
    assert stores.schedules.get("daily").next_at == seen.next_at
    assert stores.start(seen) is not None


def test_a_schedule_that_is_paused_or_gone_starts_nothing(stores: Planned) -> None:
    """Also where it was found to be due before that; resumed, it goes on from the moment that is named then."""
    seen = stores.add()
    stores.clock.advance(HOUR)
    assert stores.schedules.pause("daily", "boss").paused_by == "boss"
    assert stores.schedules.pause("daily", "other").paused_by == "boss"
    assert stores.schedules.due(stores.clock()) == []
    assert stores.start(seen) is None
    later = stores.clock() + HOUR
    assert stores.schedules.resume("daily", "boss", later).next_at == later
    assert stores.schedules.resume("daily", "boss", later + HOUR).next_at == later
    assert stores.start(seen) is None
    stores.schedules.remove("daily", "boss")
    assert stores.start(seen) is None
    assert stores.started() == []
    assert len(stores.told("schedule.paused")) == len(stores.told("schedule.resumed")) == 1
    for act in (stores.schedules.get, lambda name: stores.schedules.remove(name, "boss")):
        with pytest.raises(NotFound, match="no schedule daily"):
            act("daily")


def test_runs_may_be_kept_from_overlapping(stores: Planned) -> None:
    """While the run before has not ended none is started, and the audit says why; another schedule's does not count."""
    stores.start(stores.add("other"))
    first = stores.start(stores.add(overlap="skip"))
    assert first is not None
    assert stores.start(stores.schedules.get("daily")) is None
    [skipped] = stores.told("schedule.skipped")
    assert skipped["because"] == f"{first.id} has not ended"
    stores.runs.end(first.id, "done", outcome="done")
    assert stores.start(stores.schedules.get("daily")) is not None


def test_a_moment_without_a_run_is_on_record(stores: Planned) -> None:
    """With its cause; what could not be started stays with the schedule until something is."""
    seen = stores.add()
    after = seen.next_at + 3 * HOUR
    stores.schedules.pass_over(seen, seen.next_at + 2 * HOUR, after, "failed", "there is no graph shop")
    stores.schedules.pass_over(seen, seen.next_at, after + HOUR, "failed", "seen too late")
    row = stores.schedules.get("daily")
    assert (row.next_at, row.error) == (after, "there is no graph shop")
    assert stores.told("schedule.failed") == [
        {
            "moment": (seen.next_at + 2 * HOUR).isoformat(),
            "because": "there is no graph shop",
            "missed_since": seen.next_at.isoformat(),
        }
    ]
    stores.start(row)
    assert stores.schedules.get("daily").error is None
    assert stores.whole()


def test_a_name_is_taken_once(stores: Planned) -> None:
    """The second is refused with the way out, and nothing is changed."""
    stores.add()
    with pytest.raises(Conflict, match="interlock schedules remove daily"):
        stores.add(requester="finn")
    assert [row.requester for row in stores.schedules.list()] == ["fay"]
