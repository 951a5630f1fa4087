"""What every database must promise about waits and the events that end them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from interlock.errors import Refused
from interlock.store.database import Database
from interlock.store.pauses import EARLY, Pauses
from tests.store.stores import Stores

SCHEMA = {"required": ["sum"]}


def fits(payload: dict[str, Any], schema: dict[str, Any]) -> bool:
    return all(name in payload for name in schema.get("required", []))


def pauses_of(stores: Stores, url: str | None = None) -> Pauses:
    """The pauses of the stores; with `url` as a new process opens them."""
    return Pauses(Database(url) if url else stores.database, stores.audit, stores.clock, fits)


@pytest.fixture
def pauses(stores: Stores) -> Pauses:
    return pauses_of(stores)


def test_a_wait_that_began_is_found_again(stores: Stores, pauses: Pauses, url: str) -> None:
    """With the moment of its beginning, however late it is asked for, and by another process."""
    run, due = stores.run(), stores.clock() + timedelta(hours=1)
    first = pauses.open(run, "rest", 1, due)
    stores.clock.advance(timedelta(minutes=30))
    again = pauses_of(stores, url).open(run, "rest", 1, due + timedelta(days=1))
    assert (again.id, again.due_at, again.created_at) == (f"{run}/rest/1", due, first.created_at)
    assert pauses.open(run, "rest", 2, due + timedelta(days=1)).due_at == due + timedelta(days=1)


def test_a_timer_is_done_and_an_event_expires_at_its_moment(stores: Stores, pauses: Pauses) -> None:
    """Not before; and once, with one entry each."""
    run, due = stores.run(), stores.clock() + timedelta(hours=1)
    pauses.open(run, "rest", 1, due)
    pauses.open(run, "paid", 1, due, event="paid", schema=SCHEMA)
    stores.clock.advance(timedelta(minutes=59, seconds=59))
    assert (pauses.settle_due(), pauses.ready(f"{run}/rest/1"), pauses.settled()) == (0, False, [])
    stores.clock.advance(timedelta(seconds=1))
    assert pauses.ready(f"{run}/rest/1")
    assert (pauses.settle_due(), pauses.settle_due()) == (2, 0)
    found = {row.step: (row.state, row.sender) for row in map(pauses.get, [f"{run}/rest/1", f"{run}/paid/1"]) if row}
    assert found == {"rest": ("done", "clock"), "paid": ("expired", "clock")}
    assert pauses.settled() == [run]
    assert stores.whole()


def test_an_unknown_pause_is_ready(pauses: Pauses) -> None:
    """So that its step looks again, and finds what there is."""
    assert pauses.ready("run-x/rest/1")
    assert pauses.get("run-x/rest/1") is None


def test_an_event_ends_the_oldest_wait_that_it_fits(stores: Stores, pauses: Pauses) -> None:
    """Of the family that it was sent to, by its name; the others wait on."""
    run, other = stores.run(), stores.run()
    due = stores.clock() + timedelta(days=1)
    for step, event, schema in (("a", "paid", {"required": ["iban"]}), ("b", "seen", {}), ("c", "paid", SCHEMA)):
        pauses.open(run, step, 1, due, event=event, schema=schema)
        stores.clock.advance(timedelta(seconds=1))
    pauses.open(other, "c", 1, due, event="paid", schema=SCHEMA)
    taken = pauses.send(run, [run], "paid", {"sum": 5}, "bank")
    assert taken is not None
    assert (taken.step, taken.payload, taken.sender) == ("c", {"sum": 5}, "bank")
    assert sorted(row.step for row in pauses.waiting([run])) == ["a", "b"]
    assert [row.step for row in pauses.waiting([other])] == ["c"]


def test_early_events_are_taken_in_their_order(stores: Stores, pauses: Pauses, url: str) -> None:
    """Each once, by a later wait for its name in the run or below it, over the end of the process."""
    run, child = stores.run(), stores.run()
    for number in (1, 2):
        assert pauses.send(run, [run], "paid", {"sum": number}, "bank") is None
    assert pauses.send(run, [run], "paid", {"other": 3}, "bank") is None
    due, later = stores.clock() + timedelta(days=1), pauses_of(stores, url)
    found = [
        later.open(each, "paid", visit, due, event="paid", schema=SCHEMA, lineage=lineage)
        for each, visit, lineage in ((run, 1, [run]), (child, 1, [child, run]), (run, 2, [run]))
    ]
    assert [(row.state, row.payload) for row in found] == [
        ("done", {"sum": 1}), ("done", {"sum": 2}), ("waiting", None)
    ]  # fmt: skip
    assert later.open(run, "any", 1, due, event="paid", schema={}).payload == {"other": 3}
    assert stores.whole()


def test_events_of_another_run_are_not_taken(stores: Stores, pauses: Pauses) -> None:
    """Whatever they are called."""
    run, other = stores.run(), stores.run()
    pauses.send(other, [other], "paid", {"sum": 1}, "bank")
    due = stores.clock() + timedelta(days=1)
    assert pauses.open(run, "paid", 1, due, event="paid", schema=SCHEMA).state == "waiting"


def test_a_deadline_that_has_passed_takes_no_event(stores: Stores, pauses: Pauses) -> None:
    """An event at its moment is too late; so is one that was kept for a wait that is over when it begins."""
    run, due = stores.run(), stores.clock() + timedelta(hours=1)
    pauses.open(run, "paid", 1, due, event="paid", schema=SCHEMA)
    stores.clock.advance(timedelta(hours=1))
    assert pauses.send(run, [run], "paid", {"sum": 1}, "bank") is None
    assert pauses.open(run, "paid", 2, stores.clock(), event="paid", schema=SCHEMA).state == "waiting"
    assert pauses.settle_due() == 1
    row = pauses.get(f"{run}/paid/2")
    assert row is not None
    assert row.state == "expired"


def test_unread_events_of_a_run_are_bounded(stores: Stores, pauses: Pauses) -> None:
    """Read ones make room; another run has room of its own; a refusal stores nothing."""
    run, other = stores.run(), stores.run()
    for number in range(EARLY):
        pauses.send(run, [run], "paid", {"sum": number}, "bank")
    head = stores.head()
    with pytest.raises(Refused, match="not read yet"):
        pauses.send(run, [run], "paid", {"sum": 0}, "bank")
    assert stores.head() == head
    pauses.send(other, [other], "paid", {"sum": 0}, "bank")
    pauses.open(run, "paid", 1, stores.clock() + timedelta(days=1), event="paid", schema=SCHEMA)
    assert pauses.send(run, [run], "paid", {"sum": 0}, "bank") is None


def test_of_many_senders_at_once_one_ends_the_wait(stores: Stores, pauses: Pauses, url: str) -> None:
    """Each with a connection of its own; every other event is kept, none is lost."""
    run = stores.run()
    pauses.open(run, "paid", 1, stores.clock() + timedelta(days=1), event="paid", schema=SCHEMA)
    senders = [pauses_of(stores, url) for _ in range(6)]

    def send(number: int) -> object:
        return senders[number].send(run, [run], "paid", {"sum": number}, f"sender{number}")

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(send, range(6)))
    assert sum(row is not None for row in found) == 1
    due = stores.clock() + timedelta(days=1)
    read = [pauses.open(run, "paid", visit, due, event="paid", schema=SCHEMA).payload for visit in range(1, 8)]
    assert sorted(row["sum"] for row in read if row) == [*range(6)]
    assert read[6] is None
    assert stores.whole()
