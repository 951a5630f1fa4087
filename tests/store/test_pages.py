"""Long lists a page at a time, over each backend: nothing twice, nothing left out, whatever comes meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.errors import UsageError
from interlock.policies.language import Requirement
from interlock.store.queue import Sought
from tests.store.stores import Stores

FINANCE = Requirement(role="finance", within=timedelta(hours=1), execute_within=timedelta(minutes=5))


def test_requests_come_once_while_others_come(stores: Stores) -> None:
    """Pages of two, oldest and newest first, while one is filed between them: no request twice, none left out."""
    made = []
    for number in range(7):
        made.append(stores.asked(stores.run()).id)
        if number % 3 == 2:  # the others share their moment, so their ids order them
            stores.clock.advance(timedelta(seconds=1))
    for newest in (False, True):
        seen: list[str] = []
        after = None
        while True:
            page = stores.approvals.page(Sought(newest=newest), after=after, limit=2)
            seen += [row.id for row in page.rows]
            if (after := page.next) is None:
                break
            stores.asked(stores.run())
        assert set(made) <= set(seen)
        assert len(seen) == len(set(seen))


def test_a_page_behind_nothing_is_refused(stores: Stores) -> None:
    """A row that never was is no place in a list."""
    with pytest.raises(UsageError, match="begin anew"):
        stores.approvals.page(Sought(), after="ap-none")


def test_the_queue_is_filtered(stores: Stores) -> None:
    """State, kind, graph, run and text; without any, what waits, oldest first."""
    first = stores.asked(stores.run("run-first"))
    stores.clock.advance(timedelta(seconds=1))
    second = stores.asked(stores.run("run-second"), kind="doubt")
    stores.approvals.approve(first.id, "fay")

    def found(**sought: object) -> list[str]:
        return [each.id for each in stores.approvals.page(Sought(**sought)).rows]  # type: ignore[arg-type]

    assert found() == found(kinds=["doubt"]) == found(run="run-second") == [second.id]
    assert found(states=()) == [first.id, second.id]
    assert found(states=(), newest=True) == [second.id, first.id]
    assert found(states=(), text="pay?") == [first.id, second.id]
    assert found(text="SECOND", graph="shop") == [second.id]
    assert found(states=["approved"]) == [first.id]
    assert found(graph="other") == found(risk="high") == found(action="shop.pay") == found(text="pay_") == []


def test_the_queue_of_one_person(stores: Stores) -> None:
    """Only what they may decide: holding the role, not having asked, not having voted, or for who delegated to them."""
    two = FINANCE.model_copy(update={"count": 2})
    asked = [stores.asked(stores.run(), two) for _ in range(3)]

    def found(person: str) -> list[str]:
        return [each.id for each in stores.approvals.page(Sought(), decided_by=person).rows]

    asked.sort(key=lambda row: row.id)
    ids = [row.id for row in asked]
    stores.approvals.approve(ids[1], "fay")
    assert found("fay") == [ids[0], ids[2]]
    assert found("FINN") == ids
    assert found("bob") == found("requester") == []
    now = stores.clock()
    stores.approvals.delegations.give("fay", "bob", begins_at=now, ends_at=now + timedelta(minutes=30))
    assert found("bob") == [ids[0], ids[2]]
    for row in asked:
        assert (row.id in found("bob")) == ("bob" in stores.approvals.deputies(row)), row.id


def test_a_page_of_one_persons_queue_goes_on(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many that others decide lie between, a page is short and names the next; together they miss nothing."""
    monkeypatch.setattr("interlock.store.queue.LOOKED_AT", 100)
    wanted = []
    for number in range(205):
        mine = number % 100 == 3
        row = stores.approvals.file(
            run_id=stores.run(), step="pay", visit=1, kind="form", request={"title": "Pay?"}, excluded=[],
            requirement=FINANCE if mine else FINANCE.model_copy(update={"role": "law"}),
        )  # fmt: skip
        wanted += [row.id] if mine else []
    seen: list[str] = []
    after, pages = None, 0
    while True:
        page = stores.approvals.page(Sought(), decided_by="fay", after=after, limit=2)
        seen, pages = seen + [row.id for row in page.rows], pages + 1
        if (after := page.next) is None:
            break
    assert sorted(seen) == sorted(wanted)
    assert pages == 3


def test_the_queue_is_counted_and_ordered_by_the_time_left(stores: Stores) -> None:
    """By risk what waits, and what is sought; the request that is refused first stands first."""
    long = stores.asked(stores.run("run-long"), FINANCE.model_copy(update={"within": timedelta(days=1)}))
    stores.clock.advance(timedelta(seconds=1))
    short = stores.asked(stores.run("run-short"))
    assert [row.id for row in stores.approvals.page(Sought(due=True)).rows] == [short.id, long.id]
    pages = [stores.approvals.page(Sought(due=True), limit=1)]
    pages.append(stores.approvals.page(Sought(due=True), limit=1, after=pages[0].next))
    assert [row.id for page in pages for row in page.rows] == [short.id, long.id]
    counts = stores.approvals.counts(Sought(text="run-long"))
    assert (counts.found, counts.in_all) == (1, 2)
    assert stores.approvals.choices(["waiting"]).graphs == ["shop"]
    assert stores.approvals.choices(["rejected"]).graphs == []


def test_the_queue_tells_who_is_at_work(stores: Stores) -> None:
    """Claimed by me, by somebody else, or by nobody; a lapsed claim is none."""
    mine, other, free = (stores.asked(stores.run(f"run-{name}")) for name in ("mine", "other", "free"))
    stores.approvals.claim(mine.id, "fay")
    stores.approvals.claim(other.id, "finn", lease=timedelta(minutes=5))

    def found(claim: str) -> set[str]:
        return {row.id for row in stores.approvals.page(Sought(claim=claim, claimant="fay")).rows}  # type: ignore[arg-type]

    assert (found("mine"), found("taken"), found("free")) == ({mine.id}, {other.id}, {free.id})
    stores.clock.advance(timedelta(minutes=6))
    assert (found("taken"), found("free")) == (set(), {other.id, free.id})
