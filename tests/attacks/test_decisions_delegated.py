"""Votes through delegates: explicit, dated, not passed on, one each, and never around separation of duties."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from interlock.errors import DecisionRefused, NotFound
from interlock.policies.language import Requirement
from interlock.store.approvals import Approvals
from interlock.store.database import Database
from interlock.store.tables import Approval, Delegation
from tests.store.stores import Stores

PEOPLE = {
    "requester": ["finance"],
    "fay": ["finance"],
    "finn": ["finance", "legal"],
    "dora": ["finance"],
    "dan": ["intern"],
    "eve": ["intern"],
}
DAY = timedelta(days=1)
ONE = Requirement(role="finance", within=10 * DAY)
TWO = ONE.model_copy(update={"count": 2})


@pytest.fixture
def office(url: str) -> Iterator[Stores]:
    """The stores, with people who hold roles and people who do not."""
    database = Database(url)
    stores = Stores(database)
    stores.approvals = Approvals(database, stores.audit, stores.ledger, stores.clock, PEOPLE)
    yield stores
    database.engine.dispose()


def given(
    office: Stores, delegator: str, delegate: str, *, role: str | None = None, after: timedelta = 0 * DAY
) -> Delegation:
    """A delegation of one day, beginning after so much time."""
    now = office.clock()
    return office.approvals.delegations.give(
        delegator, delegate, begins_at=now + after, ends_at=now + after + DAY, role=role
    )


def refused(office: Stores, asked: Approval, person: str, why: str, *, behalf: str | None = None) -> None:
    """This vote is refused for this reason, and nothing is left of it."""
    head, votes = office.head(), office.approvals.votes(asked.id)
    with pytest.raises(DecisionRefused, match=why):
        office.approvals.approve(asked.id, person, on_behalf_of=behalf)
    assert (office.head(), office.approvals.votes(asked.id)) == (head, votes)
    assert office.approvals.get(asked.id).state == "waiting"


def test_a_delegate_votes_on_behalf_of_the_delegator(office: Stores) -> None:
    """The vote and the record hold both names; the delegate alone could not have voted."""
    asked = office.asked(office.run(), ONE)
    refused(office, asked, "dan", "does not hold the role finance")
    given(office, "fay", "Dan", role="finance")
    refused(office, asked, "dan", r"dan may vote on behalf of fay: add --on-behalf-of fay")
    done = office.approvals.approve(asked.id, "DAN", on_behalf_of="Fay", comment="she agreed")
    assert (done.state, (done.answer or {})["by"], (done.answer or {})["on_behalf_of"]) == ("approved", "dan", "fay")
    [vote] = office.approvals.votes(asked.id)
    assert (vote.person, vote.on_behalf_of, vote.represents) == ("dan", "fay", "fay")
    with office.database.read() as session:
        told = [
            entry["data"] for entry in office.audit.about(session, "", {asked.id}) if entry["event"] == "approval.vote"
        ]
    assert [data["on_behalf_of"] for data in told] == ["fay"]
    assert office.whole()


def test_an_expired_delegate_is_refused(office: Stores) -> None:
    """At the last moment it still holds; after it, the refusal says since when not."""
    first, second = office.asked(office.run(), ONE), office.asked(office.run(), ONE)
    given(office, "fay", "dan")
    office.clock.advance(DAY)
    assert office.approvals.approve(first.id, "dan", on_behalf_of="fay").state == "approved"
    office.clock.advance(timedelta(microseconds=1))
    refused(office, second, "dan", r"the delegation of every role from fay to dan expired at 2026-01-06", behalf="fay")
    refused(office, second, "dan", r"And the delegation of every role from fay to dan expired at 2026-01-06")


def test_a_delegation_that_has_not_begun_or_was_revoked_is_refused(office: Stores) -> None:
    """Each with its own reason."""
    asked = office.asked(office.run(), ONE)
    row = given(office, "fay", "dan", after=DAY)
    refused(office, asked, "dan", "begins only at 2026-01-06", behalf="fay")
    office.clock.advance(DAY)
    office.approvals.delegations.revoke(row.id, "fay")
    refused(office, asked, "dan", "was revoked by fay at 2026-01-06", behalf="fay")
    refused(office, asked, "eve", "fay has not delegated to eve", behalf="fay")


def test_a_delegate_of_the_requester_does_not_decide(office: Stores) -> None:
    """Not on their behalf, not on their own roles, not for somebody else, while the delegation holds."""
    asked = office.asked(office.run(), ONE)
    row = given(office, "requester", "dora", role="finance")
    refused(office, asked, "dora", "dora is a delegate of requester, who asked for or edited this action")
    refused(office, asked, "dora", "separation of duties", behalf="requester")
    given(office, "fay", "dora")
    refused(office, asked, "dora", "separation of duties", behalf="fay")
    office.approvals.delegations.revoke(row.id, "dora")
    assert office.approvals.approve(asked.id, "dora").state == "approved"


def test_the_requester_does_not_decide_for_others(office: Stores) -> None:
    """Voting on behalf of somebody who may decide makes the requester nobody else."""
    asked = office.asked(office.run(), ONE)
    given(office, "fay", "requester")
    refused(office, asked, "requester", "separation of duties", behalf="fay")


def test_a_delegate_of_an_editor_does_not_decide(office: Stores) -> None:
    """Who edits becomes a co-requester, and so does whoever they edit for."""
    run = office.run()
    asked = office.asked(run, ONE)
    given(office, "fay", "dan")
    edited = office.approvals.edit(asked.id, "dan", {"arguments": {"amount": 2}}, on_behalf_of="fay")
    assert edited.proposed_by == ["requester", "dan", "fay"]
    effect = office.ledger.gate(edited, digest="sha256:new", verdict={"effect": "approve"}, denied=False)
    again = office.approvals.file(
        run_id=run, step="pay", visit=1, kind="action", request={}, requirement=ONE, excluded=edited.proposed_by,
        effect=effect, digest=effect.digest,
    )  # fmt: skip
    given(office, "fay", "dora")
    refused(office, again, "fay", "separation of duties")
    refused(office, again, "dora", "dora is a delegate of fay, who asked for or edited")
    assert office.approvals.approve(again.id, "finn").state == "approved"


def test_a_quorum_is_not_met_twice_by_one_person(office: Stores) -> None:
    """Neither by voting for oneself and for another, nor by both the delegate and the delegator."""
    asked = office.asked(office.run(), TWO)
    given(office, "fay", "dora")
    given(office, "finn", "dora")
    office.approvals.approve(asked.id, "dora", on_behalf_of="fay")
    refused(office, asked, "dora", "dora has already voted")
    refused(office, asked, "dora", "dora has already voted", behalf="finn")
    refused(office, asked, "fay", r"fay has already voted on .*, by dora on their behalf; one vote each")
    assert office.approvals.may_decide(asked) == ["finn"]
    assert office.approvals.approve(asked.id, "finn").state == "approved"


def test_a_second_delegate_does_not_vote_for_the_same_person(office: Stores) -> None:
    """Two delegates of one person are one vote."""
    asked = office.asked(office.run(), TWO)
    given(office, "fay", "dan")
    given(office, "fay", "eve")
    office.approvals.approve(asked.id, "dan", on_behalf_of="fay")
    refused(office, asked, "eve", "fay has already voted", behalf="fay")


def test_a_delegation_is_not_passed_on(office: Stores) -> None:
    """Chains are refused from either end, in overlapping times only; nobody delegates to themselves."""
    given(office, "fay", "dora")
    for delegator, delegate, why in (
        ("dora", "dan", "dora votes on behalf of fay in that time"),
        ("finn", "fay", "fay has delegated to dora in that time"),
        ("dora", "fay", "not passed on"),
        ("fay", "dora", "says so already"),
        ("fay", "FAY", "votes for themselves"),
        ("fay", "zoe", "does not name zoe"),
        ("zoe", "fay", "does not name zoe"),
    ):
        with pytest.raises(DecisionRefused, match=why):
            given(office, delegator, delegate)
    given(office, "dora", "dan", after=2 * DAY)


def test_a_delegation_covers_its_role_alone(office: Stores) -> None:
    """A role that was not named, or that the delegator does not hold, is not handed on."""
    asked = office.asked(office.run(), ONE)
    given(office, "finn", "dan", role="legal")
    refused(office, asked, "dan", "this asks for the role finance", behalf="finn")
    given(office, "eve", "dan", role="intern")
    refused(office, asked, "dan", "eve does not hold the role finance", behalf="eve")
    with pytest.raises(DecisionRefused, match="dan does not hold the role finance"):
        given(office, "dan", "fay", role="finance")


def test_a_delegation_has_an_end_and_a_time_zone(office: Stores) -> None:
    """After its beginning, and after now."""
    now, give = office.clock(), office.approvals.delegations.give
    for begins_at, ends_at in ((now, now), (now + DAY, now), (now - 2 * DAY, now - DAY)):
        with pytest.raises(DecisionRefused, match="ends after it begins"):
            give("fay", "dan", begins_at=begins_at, ends_at=ends_at)
    with pytest.raises(DecisionRefused, match="ends after it begins"):
        give("fay", "dan", begins_at=now, ends_at=(now + DAY).replace(tzinfo=None))
    assert office.approvals.delegations.all() == []


def test_only_the_two_of_them_revoke_it_once(office: Stores) -> None:
    """A third person does not, and nobody does so twice."""
    row = given(office, "fay", "dan")
    revoke = office.approvals.delegations.revoke
    with pytest.raises(DecisionRefused, match="only they revoke it"):
        revoke(row.id, "finn")
    with pytest.raises(NotFound, match="interlock review delegations"):
        revoke("dg-none", "fay")
    assert revoke(row.id, "Dan").revoked_by == "dan"
    with pytest.raises(DecisionRefused, match="nothing to revoke"):
        revoke(row.id, "fay")
    assert office.whole()


def test_a_delegator_who_loses_the_role_hands_nothing_on(office: Stores) -> None:
    """What counts is what the delegator may do at that moment."""
    asked = office.asked(office.run(), ONE)
    given(office, "fay", "dan")
    changed = PEOPLE | {"fay": ["intern"]}
    office.approvals = Approvals(office.database, office.audit, office.ledger, office.clock, changed)
    refused(office, asked, "dan", "fay does not hold the role finance", behalf="fay")


def test_an_approval_given_ahead_is_not_used_by_a_delegate_of_its_giver(office: Stores) -> None:
    """Who agreed beforehand, in person or through somebody, did not edit the action since."""
    run = office.run()
    digest = "sha256:" + "a" * 64
    ahead = office.approvals.file(
        run_id=run,
        step="ask",
        visit=1,
        kind="action",
        request={},
        requirement=ONE,
        excluded=["requester"],
        digest=digest,
    )
    given(office, "fay", "dan")
    office.approvals.approve(ahead.id, "dan", on_behalf_of="fay")
    effect = office.gated(run)
    assert effect.digest == digest
    with office.database.write() as session:
        row = session.get(type(effect), effect.id)
        assert row is not None
        row.proposed_by = ["requester", "fay"]
        session.add(row)
    assert office.approvals.adopt(office.ledger.get(effect.id), ONE) is None
