"""Escalation adds people, never lowers how many must agree nor moves the clock; claims keep others out for a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interlock.errors import DecisionRefused
from interlock.policies.language import Escalation, Requirement
from interlock.store.approvals import Approvals
from interlock.store.claims import LEASE
from interlock.store.database import Database
from interlock.store.tables import Approval
from tests.store.stores import Stores

PEOPLE = {
    "requester": ["finance"],
    "fay": ["finance"],
    "finn": ["finance"],
    "mia": ["managers"],
    "max": ["managers"],
    "ida": [],
}
HOUR = timedelta(hours=1)
TWO = Requirement(count=2, role="finance", within=8 * HOUR, escalate=Escalation(after=4 * HOUR, role="managers"))
ONE = TWO.model_copy(update={"count": 1})


@pytest.fixture
def office(url: str) -> Iterator[Stores]:
    """The stores, with managers above finance."""
    database = Database(url)
    stores = Stores(database)
    stores.approvals = Approvals(database, stores.audit, stores.ledger, stores.clock, PEOPLE)
    yield stores
    database.engine.dispose()


def events(office: Stores, asked: Approval) -> list[str]:
    with office.database.read() as session:
        return [entry["event"] for entry in office.audit.about(session, "", {asked.id})]


def test_after_a_while_others_may_vote_too(office: Stores) -> None:
    """Not a moment before; as many as before, by the same end, and the record says so once."""
    asked = office.asked(office.run(), TWO)
    office.clock.advance(4 * HOUR - timedelta(microseconds=1))
    with pytest.raises(DecisionRefused, match="mia does not hold the role finance"):
        office.approvals.approve(asked.id, "mia")
    office.clock.advance(timedelta(microseconds=1))
    assert office.approvals.approve(asked.id, "mia").state == "waiting"
    for _ in range(3):
        office.approvals.expire()
    assert events(office, asked).count("approval.escalated") == 1
    row = office.approvals.get(asked.id)
    assert (row.decide_before, row.requirement["count"]) == (asked.decide_before, 2)
    assert list(office.approvals.escalated([asked]).values()) == [office.clock()]
    assert office.approvals.approve(asked.id, "fay").state == "approved"
    assert office.whole()


def test_an_escalated_request_expires_at_its_own_time(office: Stores) -> None:
    """Also when nobody looked in between: past its end it is refused, not escalated."""
    seen, unseen = office.asked(office.run(), ONE), office.asked(office.run(), ONE)
    office.clock.advance(5 * HOUR)
    assert office.approvals.escalated(office.approvals.waiting()).keys() == {seen.id, unseen.id}
    office.clock.advance(3 * HOUR + timedelta(seconds=1))
    late = office.approvals
    assert [row.id for row in late.waiting()] == []
    with pytest.raises(DecisionRefused, match="is already expired"):
        late.approve(seen.id, "mia")
    never = office.asked(office.run(), ONE)
    office.clock.advance(9 * HOUR)
    office.approvals.expire()
    assert "approval.escalated" not in events(office, never)


def test_separation_of_duties_holds_for_whom_it_escalated_to(office: Stores) -> None:
    """A manager who asked, or edited, or votes for who did, decides nothing."""
    run = office.run()
    effect = office.gated(run)
    asked = office.approvals.file(
        run_id=run, step="pay", visit=1, kind="action", request={}, requirement=ONE, excluded=["mia"], effect=effect,
        digest=effect.digest,
    )  # fmt: skip
    office.approvals.delegations.give("mia", "max", begins_at=office.clock(), ends_at=office.clock() + 9 * HOUR)
    office.clock.advance(4 * HOUR)
    for name in ("mia", "max"):
        with pytest.raises(DecisionRefused, match="separation of duties"):
            office.approvals.approve(asked.id, name)


def test_too_few_people_escalate_at_once_or_are_told(office: Stores) -> None:
    """A question that could only expire does not wait in silence."""
    three = TWO.model_copy(update={"count": 3})
    asked = office.asked(office.run(), three)
    assert events(office, asked)[:2] == ["approval.requested", "approval.escalated"]
    assert "shortage" not in asked.request
    for name in ("mia", "fay", "finn"):
        office.approvals.approve(asked.id, name)
    assert office.approvals.get(asked.id).state == "approved"
    alone = office.asked(office.run(), three.model_copy(update={"escalate": None}))
    because = "3 must agree, but without requester only 2 may decide: fay, finn; give the role finance to more people"
    assert because in office.approvals.get(alone.id).request["shortage"]
    assert "approval.escalated" not in events(office, alone)


def test_a_claim_keeps_others_from_deciding(office: Stores) -> None:
    """Until it lapses, is given back, is taken over, or its holder has voted."""
    decide = office.approvals
    asked = office.asked(office.run(), TWO)
    claim = decide.claim(asked.id, "fay")
    assert claim.until == office.clock() + LEASE
    said = (
        rf"is claimed by fay until .*; wait, or take it over: `interlock review claim {asked.id} --as finn --take-over`"
    )
    tries: list[Any] = [
        lambda: decide.approve(asked.id, "finn"),
        lambda: decide.reject(asked.id, "finn", comment="no"),
        lambda: decide.edit(asked.id, "finn", {"arguments": {}}),
        lambda: decide.claim(asked.id, "finn"),
    ]
    for attempt in tries:
        with pytest.raises(DecisionRefused, match=said):
            attempt()
    assert decide.claimed([asked]).keys() == {asked.id}
    decide.approve(asked.id, "fay")
    assert decide.claimed([asked]) == {}
    assert decide.approve(asked.id, "finn").state == "approved"
    assert events(office, asked)[1:4] == ["approval.claimed", "approval.vote", "approval.released"]
    assert office.whole()


def test_a_claim_lapses_and_can_be_returned_or_taken_over(office: Stores) -> None:
    """Each in its own way, with who held it in the record."""
    decide, asked = office.approvals, office.asked(office.run(), ONE)
    decide.claim(asked.id, "fay", lease=timedelta(minutes=5))
    assert decide.claim(asked.id, "finn", take_over=True).person == "finn"
    with pytest.raises(DecisionRefused, match="is claimed by finn"):
        decide.approve(asked.id, "fay")
    with pytest.raises(DecisionRefused, match="fay holds no claim"):
        decide.release(asked.id, "fay")
    decide.release(asked.id, "finn")
    decide.claim(asked.id, "fay", lease=timedelta(minutes=5))
    office.clock.advance(timedelta(minutes=5, microseconds=1))
    with pytest.raises(DecisionRefused, match="fay holds no claim"):
        decide.release(asked.id, "fay")
    assert decide.approve(asked.id, "finn").state == "approved"


def test_only_who_may_decide_may_claim(office: Stores) -> None:
    """Else anybody could keep a question from being answered."""
    decide, asked = office.approvals, office.asked(office.run(), TWO)
    for name, why in (("requester", "separation of duties"), ("ida", "does not hold the role")):
        with pytest.raises(DecisionRefused, match=why):
            decide.claim(asked.id, name)
    for lease in (timedelta(0), timedelta(hours=9)):
        with pytest.raises(DecisionRefused, match="at most 8 hours"):
            decide.claim(asked.id, "fay", lease=lease)
    decide.approve(asked.id, "fay")
    with pytest.raises(DecisionRefused, match="fay has already voted"):
        decide.claim(asked.id, "fay")
