"""Whatever people and clocks do in whatever order: the promises of one request, by a machine that tries."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from interlock.errors import Conflict, DecisionRefused
from interlock.policies.language import Escalation, Requirement
from interlock.store.approvals import Approvals
from interlock.store.database import Database
from interlock.store.tables import Approval
from tests.store.stores import Stores

PEOPLE = {
    "requester": ["finance", "managers"],
    "fay": ["finance"],
    "finn": ["finance"],
    "dora": ["finance"],
    "mia": ["managers"],
    "dan": ["intern"],
}
NAMES = st.sampled_from(sorted(PEOPLE))
HOUR = timedelta(hours=1)
CLOSED = ("approved", "rejected", "expired", "superseded")


class Decisions(RuleBasedStateMachine):
    """One action at a time: asked about, decided, edited and asked about again."""

    @initialize(count=st.integers(1, 3), escalates=st.booleans())
    def begin(self, count: int, escalates: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        database = Database(f"sqlite:///{Path(self.folder.name, 'interlock.db')}")
        self.stores = Stores(database)
        self.clock = self.stores.clock
        self.approvals = Approvals(database, self.stores.audit, self.stores.ledger, self.clock, PEOPLE)
        further = Escalation(after=2 * HOUR, role="managers") if escalates else None
        self.requirement = Requirement(count=count, role="finance", within=5 * HOUR, escalate=further)
        self.run = self.stores.run()
        self.asked = self._file(self.stores.gated(self.run), ["requester"])
        self.past: list[Approval] = []
        self.voted: dict[str, list[tuple[str, str, datetime, frozenset[str], bool]]] = {}

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            self.stores.database.engine.dispose()
            self.folder.cleanup()

    def _file(self, effect: Any, excluded: list[str]) -> Approval:
        return self.approvals.file(
            run_id=self.run, step="pay", visit=1, kind="action", request={}, requirement=self.requirement,
            excluded=excluded, effect=effect, digest=effect.digest,
        )  # fmt: skip

    def _delegates(self, names: set[str]) -> frozenset[str]:
        """Who votes on behalf of any of these now, worked out from the list of delegations alone."""
        now = self.clock()
        return frozenset(
            row.delegate
            for row in self.approvals.delegations.all()
            if row.delegator in names and row.revoked_at is None and row.begins_at <= now <= row.ends_at
        )

    @rule(person=NAMES, behalf=st.none() | NAMES, word=st.sampled_from(["approve", "approve", "reject"]))
    def vote(self, person: str, behalf: str | None, word: str) -> None:
        self.decide(person, behalf, word)

    def decide(self, person: str, behalf: str | None, word: str) -> None:
        barred = frozenset(self.asked.excluded) | self._delegates(set(self.asked.excluded))
        with contextlib.suppress(DecisionRefused, Conflict):
            if word == "approve":
                self.approvals.approve(self.asked.id, person, on_behalf_of=behalf)
            else:
                self.approvals.reject(self.asked.id, person, comment="no", on_behalf_of=behalf)
            reached = bool(self.approvals.escalated([self.asked]))
            self.voted.setdefault(self.asked.id, []).append((person, behalf or person, self.clock(), barred, reached))

    @precondition(lambda self: self.approvals.delegations.all())
    @rule(index=st.integers(0, 5), behalf=st.booleans())
    def decide_as_a_delegate(self, index: int, behalf: bool) -> None:
        rows = self.approvals.delegations.all()
        row = rows[index % len(rows)]
        self.decide(row.delegate, row.delegator if behalf else None, "approve")

    @rule(person=NAMES, amount=st.integers(2, 9))
    def edit(self, person: str, amount: int) -> None:
        with contextlib.suppress(DecisionRefused, Conflict):
            edited = self.approvals.edit(self.asked.id, person, {"arguments": {"amount": amount}})
            digest = f"sha256:{len(self.past)}"
            verdict: Any = {"effect": "approve", "reasons": []}
            effect = self.stores.ledger.gate(edited, digest=digest, verdict=verdict, denied=False)
            self.past.append(self.asked)
            self.asked = self._file(effect, edited.proposed_by)

    @rule(giver=NAMES, taker=NAMES, hours=st.integers(1, 4), role=st.sampled_from([None, "finance"]))
    def delegate(self, giver: str, taker: str, hours: int, role: str | None) -> None:
        now = self.clock()
        with contextlib.suppress(DecisionRefused):
            self.approvals.delegations.give(giver, taker, begins_at=now, ends_at=now + hours * HOUR, role=role)

    @rule(index=st.integers(0, 5))
    def revoke(self, index: int) -> None:
        rows = self.approvals.delegations.all()
        if rows:
            row = rows[index % len(rows)]
            with contextlib.suppress(DecisionRefused):
                self.approvals.delegations.revoke(row.id, row.delegator)

    @rule(person=NAMES, over=st.booleans())
    def claim(self, person: str, over: bool) -> None:
        with contextlib.suppress(DecisionRefused):
            self.approvals.claim(self.asked.id, person, take_over=over)

    @rule(minutes=st.sampled_from([1, 29, 60, 119]))
    def wait(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    def look(self) -> None:
        self.approvals.waiting()

    @precondition(lambda self: hasattr(self, "past") and self.past)
    @rule(person=NAMES)
    def decide_what_was_edited(self, person: str) -> None:
        before = self.past[-1]
        with pytest.raises(DecisionRefused, match="is already superseded"):
            self.approvals.approve(before.id, person)

    @invariant()
    def one_decision_closes(self) -> None:
        if not hasattr(self, "asked"):
            return
        for asked in (*self.past, self.asked):
            row = self.approvals.get(asked.id)
            with self.stores.database.read() as session:
                events = [entry["event"] for entry in self.stores.audit.about(session, "", {asked.id})]
            assert sum(event.removeprefix("approval.") in CLOSED for event in events) == (row.state != "waiting")
            assert (row.requirement["count"], row.decide_before) == (self.requirement.count, asked.decide_before)
            assert events.count("approval.escalated") <= 1
            for moment in self.approvals.escalated([asked]).values():  # where too few are left, when it is filed
                assert moment == asked.created_at or moment >= asked.created_at + 2 * HOUR

    @invariant()
    def approved_by_enough_who_may(self) -> None:
        if not hasattr(self, "asked") or self.approvals.get(self.asked.id).state != "approved":
            return
        votes = self.approvals.votes(self.asked.id)
        assert len(votes) >= self.requirement.count
        assert len({vote.person for vote in votes}) == len({vote.represents for vote in votes}) == len(votes)
        recorded = {
            (one, whose): (at, barred, reached) for one, whose, at, barred, reached in self.voted[self.asked.id]
        }
        for vote in votes:
            assert vote.verdict == "approve"
            assert vote.at <= self.asked.decide_before
            at, barred, reached = recorded[(vote.person, vote.represents)]
            assert at == vote.at
            assert not {vote.person, vote.represents} & barred
            assert "finance" in PEOPLE[vote.represents] or (reached and "managers" in PEOPLE[vote.represents])

    @invariant()
    def the_record_is_whole(self) -> None:
        if hasattr(self, "asked"):
            assert self.stores.whole()


TestDecisions = pytest.mark.slow(Decisions.TestCase)  # every step commits to a disk several times
TestDecisions.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
