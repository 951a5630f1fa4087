"""A look at the whole house, on every backend."""

from __future__ import annotations

from datetime import timedelta

from interlock.policies.language import Requirement
from interlock.store.chain import GENESIS, Head
from interlock.store.health import health
from interlock.store.migrations import SCHEMA
from tests.store.stores import Stores


def test_what_waits_is_counted_by_who_is_needed(stores: Stores) -> None:
    """Requests stand under the roles that they need, with the oldest and the first that is due; ended runs do not."""
    both = Requirement(within=timedelta(hours=2), role=["legal", "finance"])
    for name, requirement in (("a", Requirement(within=timedelta(hours=1), role="finance")), ("b", both), ("c", both)):
        stores.asked(stores.run(f"run-{name}"), requirement)
        stores.clock.advance(timedelta(minutes=1))
    stores.runs.end(stores.run("run-d"), "done", outcome="paid")
    found = health(stores.database)
    start = stores.clock() - timedelta(minutes=3)
    assert sorted((asked.roles, asked.kind, asked.waiting.count, asked.waiting.oldest) for asked in found.asked) == [
        (("finance",), "action", 1, start),
        (("finance", "legal"), "action", 2, start + timedelta(minutes=1)),
    ]
    assert min(asked.next_due for asked in found.asked if asked.next_due) == start + timedelta(hours=1)
    assert {status: waiting.count for status, waiting in found.runs.items()} == {"created": 3}
    assert (found.schema, found.given_up, found.due.count, found.events.oldest) == (SCHEMA, 0, 0, None)
    assert found.bytes
    assert found.last_entry == stores.clock()


def test_a_chain_is_verified_from_where_somebody_ended(stores: Stores) -> None:
    """What comes after a verified entry is looked at alone, and a change there is found."""
    for name in "abcd":
        stores.run(f"run-{name}")
    with stores.database.read() as session:
        start = stores.audit.before_last(session, 2)
        assert stores.audit.before_last(session, 100) == Head(0, GENESIS)
        assert stores.audit.verify_from(session, start) == (None, stores.audit.head(session))
    assert start.entries == 2
    stores.tamper("UPDATE audit SET actor = 'somebody' WHERE seq IN (1, 3)")
    with stores.database.read() as session:
        fault, whole = stores.audit.verify_from(session, start)
        assert fault is not None
        assert (fault.seq, whole) == (3, start)


def test_entries_about_a_run_are_its_own_and_those_below_it(stores: Stores) -> None:
    """Subjects that only begin alike are another run's."""
    for name in ("run-1", "run-12", "run-1x"):
        stores.asked(stores.run(name))
    with stores.database.read() as session:
        found = stores.audit.about(session, "run-1", set())
    assert [entry["subject"] for entry in found] == ["run-1", "run-1/pay/1/0", "run-1/pay/1/0"]
    assert [entry["seq"] for entry in found] == sorted(entry["seq"] for entry in found)
