"""Decisions on requests: each one transaction, taken whole or refused with a reason while the question stays open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from interlock.digest import Json
from interlock.errors import DecisionRefused
from interlock.policies.language import Requirement
from interlock.store.audit import Audit, Clock
from interlock.store.claims import Claims
from interlock.store.database import Database
from interlock.store.effects import Ledger, copy, fetch
from interlock.store.electorate import Electorate, Voter, voter
from interlock.store.escalations import Escalations
from interlock.store.requests import close, expire_request, request_of
from interlock.store.tables import Approval, Effect, Vote

EDITS = 10
"""How often one visit's action may be edited before it must be approved or rejected."""


@dataclass(frozen=True)
class Decision:
    """One decision under way: its transaction, the request, who decides, and when."""

    session: Session
    approval: Approval
    who: Voter
    now: datetime

    def told(self, decision: str, comment: str) -> dict[str, Any]:
        """The answer as it is stored on the request."""
        answer = {"decision": decision, "comment": comment, "by": self.who.person}
        return answer | ({"on_behalf_of": self.who.on_behalf_of} if self.who.on_behalf_of else {})


class Deciding:
    """Takes decisions; `on_behalf_of` names the person who delegated to the one who decides."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        ledger: Ledger,
        clock: Clock,
        electorate: Electorate,
        claims: Claims,
        escalations: Escalations,
    ) -> None:
        self._database = database
        self._audit = audit
        self._ledger = ledger
        self._clock = clock
        self._electorate = electorate
        self._claims = claims
        self._escalations = escalations

    def get(self, approval_id: str) -> Approval:
        """The request.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.read() as session:
            return request_of(session, approval_id)

    def approve(
        self,
        approval_id: str,
        person: str,
        *,
        comment: str = "",
        revision: int | None = None,
        answer: dict[str, Any] | None = None,
        on_behalf_of: str | None = None,
    ) -> Approval:
        """Count one vote for; the request is approved once enough different people agree.

        Raises:
            DecisionRefused: this person, time, revision or kind of request does not allow it.
        """
        with self._deciding(approval_id, person, on_behalf_of, revision) as decision:
            session, approval = decision.session, decision.approval
            if approval.kind == "question":
                missing = ", ".join(approval.request.get("missing", [])) or "an action"
                raise DecisionRefused(
                    f"{approval.id} asks for {missing}; answer it with `interlock review edit {approval.id} "
                    "--set name=value`, or reject it."
                )
            if approval.kind == "doubt":
                raise _doubt_refusal(approval)
            votes = self._vote(decision, "approve", comment)
            requirement = Requirement.model_validate(approval.requirement)
            if votes >= requirement.count:
                if approval.effect_id and approval.kind == "action":
                    effect = fetch(session, approval.effect_id)
                    self._ledger.move(session, effect, "approved", actor=decision.who.person)
                told = decision.told("approved", comment)
                told |= {name: value for name, value in (answer or {}).items() if name not in told}
                self._close(decision, "approved", told, decision.now + requirement.execute_within)
        return self.get(approval_id)

    def reject(
        self,
        approval_id: str,
        person: str,
        *,
        comment: str,
        revision: int | None = None,
        on_behalf_of: str | None = None,
    ) -> Approval:
        """Refuse the action; one rejection is enough.

        Raises:
            DecisionRefused: this person, time, revision or kind of request does not allow it, or no
                reason was given.
        """
        if not comment.strip():
            raise DecisionRefused("a rejection needs a reason: add --comment.")
        with self._deciding(approval_id, person, on_behalf_of, revision) as decision:
            session, approval = decision.session, decision.approval
            if approval.kind == "doubt":
                raise _doubt_refusal(approval)
            self._vote(decision, "reject", comment)
            if approval.effect_id:
                effect = fetch(session, approval.effect_id)
                self._ledger.move(session, effect, "rejected", actor=decision.who.person, error=comment)
            self._close(decision, "rejected", decision.told("rejected", comment))
        return self.get(approval_id)

    def edit(
        self,
        approval_id: str,
        person: str,
        proposal: Mapping[str, Any],
        *,
        comment: str = "",
        revision: int | None = None,
        on_behalf_of: str | None = None,
    ) -> Effect:
        """Replace the action by a new proposal, to be gated again; the editor becomes a co-requester.

        Args:
            proposal: fields of the new `Effect` row, checked by the caller.

        Returns:
            the new proposal.

        Raises:
            DecisionRefused: this person, time, revision or kind of request does not allow it.
        """
        with self._deciding(approval_id, person, on_behalf_of, revision, editing=True) as decision:
            session, approval, who = decision.session, decision.approval, decision.who
            if approval.kind not in ("action", "question") or approval.effect_id is None:
                raise DecisionRefused(f"{approval.id} holds no action to edit.")
            before = fetch(session, approval.effect_id)
            if before.slot >= EDITS:
                raise DecisionRefused(f"{approval.id} was edited {EDITS} times; approve or reject it.")
            self._leaves_enough(decision)
            self._close(decision, "superseded", decision.told("edited", comment))
            self._ledger.move(session, before, "superseded", actor=who.person, error=f"edited by {who.person}")
            edited = copy(before)
            for field, value in proposal.items():
                setattr(edited, field, value)
            edited.proposed_by = [*before.proposed_by, who.person, *([who.on_behalf_of] if who.on_behalf_of else [])]
            return self._ledger.add(session, edited, actor=who.person)

    def respond(
        self,
        approval_id: str,
        person: str,
        *,
        happened: bool,
        comment: str = "",
        revision: int | None = None,
        on_behalf_of: str | None = None,
    ) -> Approval:
        """Settle a doubt: did the action happen?  If not, the same action is proposed and gated again.

        Raises:
            DecisionRefused: this person may not say, the request changed since, or it is no doubt.
        """
        with self._deciding(approval_id, person, on_behalf_of, revision) as decision:
            session, approval, name = decision.session, decision.approval, decision.who.person
            if approval.kind != "doubt" or approval.effect_id is None:
                raise DecisionRefused(f"{approval.id} is no doubt; approve, edit or reject it.")
            effect = fetch(session, approval.effect_id)
            word = "happened" if happened else "did_not_happen"
            self._vote(decision, word, comment)
            if happened:
                self._ledger.move(session, effect, "executed", actor=name, result={"confirmed_by": name}, error=None)
            else:
                because = f"{name} found that it did not happen"
                failed = self._ledger.move(session, effect, "failed", actor=name, error=because, retryable=False)
                self._ledger.add(session, copy(failed), actor=name)
            self._close(decision, "answered", decision.told(word, comment))
        return self.get(approval_id)

    def expire(self) -> int:
        """Close every request past its time as refused, and escalate those that are due; returns how many closed.

        A doubt does not expire: not knowing must never turn into acting or into silence.
        """
        now = self._clock()
        self._escalations.settle(now)
        with self._database.read() as session:
            overdue = select(Approval.id).where(Approval.state == "waiting", col(Approval.decide_before) < now)
            due = session.exec(overdue.where(Approval.kind != "doubt")).all()
        for approval_id in due:
            with self._database.write() as session:
                approval = request_of(session, approval_id)
                if approval.state == "waiting":
                    expire_request(session, self._audit, self._ledger, approval, now)
        return len(due)

    @contextmanager
    def _deciding(
        self,
        approval_id: str,
        person: str,
        on_behalf_of: str | None,
        revision: int | None,
        *,
        editing: bool = False,
    ) -> Iterator[Decision]:
        """One decision's transaction, entered once this person may take this decision now."""
        with self._judged(approval_id, person, on_behalf_of, revision, editing=editing) as decision:
            self._claims.check(decision.session, decision.approval, decision.who.person, decision.now)
            yield decision

    @contextmanager
    def _judged(
        self,
        approval_id: str,
        person: str,
        on_behalf_of: str | None,
        revision: int | None,
        *,
        editing: bool = False,
    ) -> Iterator[Decision]:
        """The transaction of a decision that nobody's claim keeps this person from."""
        who = voter(person, on_behalf_of)
        self.expire()
        with self._database.write() as session:
            approval = request_of(session, approval_id)
            now = self._clock()  # read under the lock: whoever waited for it may have become too late
            self._check(session, approval, now, revision)
            self._electorate.require(session, approval, who, now, editing=editing)
            yield Decision(session, approval, who, now)

    def _check(self, session: Session, approval: Approval, now: datetime, revision: int | None) -> None:
        """Refuse a decision on a request that is over, late, or not what its reader saw."""
        if approval.state != "waiting":
            raise DecisionRefused(f"{approval.id} is already {approval.state}; your decision changed nothing.")
        if now > approval.decide_before and approval.kind != "doubt":
            raise DecisionRefused(
                f"{approval.id} had to be decided by {approval.decide_before.isoformat(timespec='seconds')}; it is "
                "refused, and your decision changed nothing."
            )
        if revision is not None and revision != approval.revision:
            raise DecisionRefused(
                f"{approval.id} changed while you were reading (you saw revision {revision}, "
                f"it is {approval.revision}); look at it again."
            )
        if approval.effect_id is not None and fetch(session, approval.effect_id).digest != approval.digest:
            raise DecisionRefused(f"the action behind {approval.id} has changed; look at it again.")

    def _leaves_enough(self, decision: Decision) -> None:
        """Refuse an edit after which too few people of the role were left to agree."""
        requirement = Requirement.model_validate(decision.approval.requirement)
        excluded = {*decision.approval.excluded, decision.who.person, decision.who.represents}
        left = self._electorate.remaining(decision.session, requirement, excluded, decision.now, escalated=True)
        if requirement.roles and len(left) < requirement.count:
            raise DecisionRefused(
                f"whoever edits cannot approve, and without {decision.who.person} only {len(left)} of the "
                f"{requirement.count} who must agree are left; reject {decision.approval.id} with a comment instead."
            )

    def _refuse_second_vote(self, decision: Decision) -> None:
        """One vote of each person who votes, and one of each for whom somebody votes."""
        approval, who = decision.approval, decision.who
        for name in (who.person, who.represents):
            whose = or_(Vote.person == name, col(Vote.on_behalf_of) == name)
            known = decision.session.exec(select(Vote).where(Vote.approval_id == approval.id, whose)).first()
            if known is not None:
                by = f", by {known.person} on their behalf" if known.person != name else ""
                raise DecisionRefused(f"{name} has already voted on {approval.id}{by}; one vote each.")

    def _vote(self, decision: Decision, verdict: str, comment: str) -> int:
        """Record a vote; returns how many there are of its kind."""
        session, approval, who = decision.session, decision.approval, decision.who
        self._refuse_second_vote(decision)
        vote = Vote(
            approval_id=approval.id, person=who.person, on_behalf_of=who.on_behalf_of, verdict=verdict,
            comment=comment, revision=approval.revision, at=decision.now,
        )  # fmt: skip
        session.add(vote)
        session.flush()
        told: dict[str, Json] = {"verdict": verdict, "comment": comment, "revision": approval.revision}
        told |= {"on_behalf_of": who.on_behalf_of} if who.on_behalf_of else {}
        self._audit.append(session, who.person, "approval.vote", approval.id, told)
        self._claims.drop(session, approval, who.person)
        query = select(Vote).where(Vote.approval_id == approval.id, Vote.verdict == verdict)
        return len(session.exec(query).all())

    def _close(
        self, decision: Decision, state: str, answer: dict[str, Any], execute_before: datetime | None = None
    ) -> None:
        actor = decision.who.person
        close(decision.session, self._audit, decision.approval, state, actor, answer, decision.now, execute_before)


def _doubt_refusal(approval: Approval) -> DecisionRefused:
    return DecisionRefused(
        f"{approval.id} asks whether the action happened; answer `interlock review respond {approval.id} "
        "--happened` or `--did-not-happen`."
    )
