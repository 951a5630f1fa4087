"""Questions to people, and their answers: bound to one exact action, single-use, with two clocks.

A decision is refused with a reason, and the question stays open, unless the person may decide it:
not the requester, not an editor of the action, not a delegate of theirs, holding the required roles,
one vote each, in time, and on the revision they read.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from interlock.digest import Json
from interlock.errors import Conflict
from interlock.policies.language import Requirement
from interlock.store.audit import Audit, Clock
from interlock.store.claims import LEASE, Claims, claims_of
from interlock.store.database import Database
from interlock.store.deciding import Deciding
from interlock.store.delegations import Delegations
from interlock.store.effects import Ledger, fetch
from interlock.store.electorate import Electorate
from interlock.store.escalations import Escalations, escalated_at
from interlock.store.families import granted_before
from interlock.store.pages import Page
from interlock.store.people import Roster, known_as
from interlock.store.queue import Choices, Counts, Sought, choices_of, counts_of, decidable, page_of
from interlock.store.requests import close, newest_request, request_of
from interlock.store.runs import AT_ONCE
from interlock.store.tables import Approval, Claim, Effect, Run, Visit, Vote


class Approvals(Deciding):
    """Files requests, reads them, and records decisions; `people` maps each known person to their roles."""

    def __init__(
        self, database: Database, audit: Audit, ledger: Ledger, clock: Clock, people: Mapping[str, Sequence[str]]
    ) -> None:
        self._roster = Roster(people)
        self.delegations = Delegations(database, audit, clock, self._roster)
        electorate = Electorate(self._roster, self.delegations)
        super().__init__(database, audit, ledger, clock, electorate, Claims(audit), Escalations(database, audit))

    # Reading ------------------------------------------------------------------------------------

    def waiting(self, run_id: str | None = None) -> Sequence[Approval]:
        """Open requests, oldest first; those past their time are closed as expired before."""
        self.expire()
        with self._database.read() as session:
            query = select(Approval).where(Approval.state == "waiting").order_by(col(Approval.created_at))
            return session.exec(query.where(Approval.run_id == run_id) if run_id else query).all()

    def page(
        self, sought: Sought, *, after: str | None = None, limit: int = 50, decided_by: str | None = None
    ) -> Page[Approval]:
        """A page of the requests that are sought; those past their time are closed as expired before.

        Args:
            after: the request behind which it begins, as the page before named it.
            decided_by: only what this person may decide now; such a page may be short and still name a next one.

        Raises:
            UsageError: there is no request `after`.
        """
        self.expire()
        now = self._clock()
        with self._database.read() as session:
            if decided_by is None:
                return page_of(session, sought, after, limit, now)
            return decidable(session, sought, after, limit, self._electorate, known_as(decided_by), now)

    def counts(self, sought: Sought) -> Counts:
        """How many requests are sought, and how many wait."""
        with self._database.read() as session:
            return counts_of(session, sought, self._clock())

    def waiting_at_most(self, most: int) -> int:
        """How many requests wait, counted no further than `most`."""
        with self._database.read() as session:
            some = select(Approval.id).where(Approval.state == "waiting").limit(most).subquery()
            return session.exec(select(func.count()).select_from(some)).one()

    def choices(self, states: Collection[str]) -> Choices:
        """The graphs and actions among the requests of these states."""
        with self._database.read() as session:
            return choices_of(session, states)

    def waiting_in(self, run_ids: Sequence[str]) -> Sequence[Approval]:
        """Open requests of these runs, in their order, each run's oldest first; closed as `waiting` does."""
        self.expire()
        found: dict[str, list[Approval]] = {}
        with self._database.read() as session:
            for first in range(0, len(run_ids), AT_ONCE):
                some = col(Approval.run_id).in_(run_ids[first : first + AT_ONCE])
                query = select(Approval).where(some, Approval.state == "waiting").order_by(col(Approval.created_at))
                for row in session.exec(query):
                    found.setdefault(row.run_id, []).append(row)
        return [row for run_id in run_ids for row in found.get(run_id, ())]

    def doubts(self, limit: int) -> Sequence[Approval]:
        """The oldest open questions whether something happened."""
        with self._database.read() as session:
            query = select(Approval).where(Approval.state == "waiting", Approval.kind == "doubt")
            return session.exec(query.order_by(col(Approval.created_at), col(Approval.id)).limit(limit)).all()

    def ids_in(self, run_ids: Sequence[str]) -> set[str]:
        """The ids of every request of these runs."""
        found: set[str] = set()
        with self._database.read() as session:
            for first in range(0, len(run_ids), AT_ONCE):
                some = col(Approval.run_id).in_(run_ids[first : first + AT_ONCE])
                found |= set(session.exec(select(Approval.id).where(some)))
        return found

    def of_run(self, run_id: str) -> Sequence[Approval]:
        """Every request of a run, oldest first."""
        with self._database.read() as session:
            query = select(Approval).where(Approval.run_id == run_id)
            return session.exec(query.order_by(col(Approval.created_at))).all()

    def of_place(self, run_id: str, step: str, visit: int) -> Approval | None:
        """The newest request that a visit of a step waits for."""
        with self._database.read() as session:
            return newest_request(session, run_id, step, visit)

    def granted_before(self, run_id: str) -> Sequence[tuple[int, Approval]]:
        """The forms that were approved in runs which a fork came from, where it stands after them, by position."""
        with self._database.read() as session:
            return granted_before(session, run_id)

    def votes(self, approval_id: str) -> Sequence[Vote]:
        """The votes on a request, in order."""
        with self._database.read() as session:
            query = select(Vote).where(Vote.approval_id == approval_id)
            return session.exec(query.order_by(col(Vote.at))).all()

    def eligible(self, requirement: Requirement) -> list[str]:
        """The known people who hold the required roles."""
        return self._roster.holders(requirement.roles)

    def may_decide(self, approval: Approval) -> list[str] | None:
        """The people whose vote on a request still counts; None when no role is asked for and anybody else's does."""
        with self._database.read() as session:
            return self._electorate.may_decide(session, approval, self._clock())

    def deputies(self, approval: Approval) -> Mapping[str, list[str]]:
        """Who may vote on behalf of whom on a request now, by the name of the delegate."""
        with self._database.read() as session:
            return self._electorate.deputies(session, approval, self._clock())

    # Claiming -----------------------------------------------------------------------------------

    def claim(
        self,
        approval_id: str,
        person: str,
        *,
        lease: timedelta = LEASE,
        take_over: bool = False,
        on_behalf_of: str | None = None,
    ) -> Claim:
        """Keep others from deciding a request for a while; it lapses by itself, and ends with one's own vote.

        Raises:
            DecisionRefused: this person may not decide it, or somebody else has claimed it.
        """
        with self._judged(approval_id, person, on_behalf_of, None) as decision:
            self._refuse_second_vote(decision)
            return self._claims.take(
                decision.session, decision.approval, decision.who.person, decision.now, lease, over=take_over
            )

    def release(self, approval_id: str, person: str) -> None:
        """Give a claim back before it lapses.

        Raises:
            DecisionRefused: this person holds none.
        """
        with self._database.write() as session:
            self._claims.release(session, request_of(session, approval_id), known_as(person), self._clock())

    def claimed(self, approvals: Sequence[Approval]) -> Mapping[str, Claim]:
        """The claims on these requests that still run, by id of the request."""
        with self._database.read() as session:
            return claims_of(session, approvals, self._clock())

    def escalated(self, approvals: Sequence[Approval]) -> Mapping[str, datetime]:
        """Since when further people may decide those of these requests that were escalated, by id."""
        with self._database.read() as session:
            return escalated_at(session, approvals)

    # Filing -------------------------------------------------------------------------------------

    def file(
        self,
        *,
        run_id: str,
        step: str,
        visit: int,
        kind: str,
        request: dict[str, Any],
        requirement: Requirement,
        excluded: Sequence[str],
        effect: Effect | None = None,
        digest: str | None = None,
    ) -> Approval:
        """Open a request; for an action, its effect row points to it from the same transaction on.

        A visit asks ahead or by a form once: filed again, the request that stands is returned.  Where too
        few people are left to agree it escalates at once, or says under `shortage` why it cannot be met.
        """
        now = self._clock()
        approval = Approval(
            id=f"ap-{secrets.token_hex(5)}",
            run_id=run_id,
            title=str(request.get("title") or ""),
            action=request.get("action"),
            risk=request.get("risk"),
            step=step,
            visit=visit,
            ordinal=0,
            kind=kind,
            state="waiting",
            effect_id=effect.id if effect else None,
            digest=digest,
            request=request,
            requirement=requirement.model_dump(mode="json"),
            excluded=sorted({known_as(name) for name in excluded}),
            decide_before=now + requirement.within,
            created_at=now,
            updated_at=now,
        )
        with self._database.write() as session:
            if effect is not None and kind in ("action", "question"):
                self._attach(session, effect, approval.id)
            before = newest_request(session, run_id, step, visit)
            if before is not None and effect is None and before.state != "superseded":
                return before
            approval.ordinal = before.ordinal + 1 if before else 1
            approval.graph = run.graph if (run := session.get(Run, run_id)) else ""
            alone, at_best = (
                self._electorate.shortage(session, requirement, approval.excluded, now, escalated=each)
                for each in (False, True)
            )
            if at_best:
                approval.request = {**request, "shortage": at_best}
            session.add(approval)
            session.flush()
            told: dict[str, Json] = {"kind": kind, "step": step, "effect": approval.effect_id, "digest": digest}
            told |= {"shortage": at_best} if at_best else {}
            self._audit.append(session, "gate", "approval.requested", approval.id, told)
            self._escalations.plan(session, approval, requirement)
            if alone:
                self._escalations.escalate(session, approval, now, alone)
        return approval

    def _attach(self, session: Session, effect: Effect, approval_id: str) -> None:
        result = session.exec(
            update(Effect)
            .where(col(Effect.id) == effect.id, col(Effect.revision) == effect.revision)
            .where(col(Effect.approval_id).is_(None))
            .values(approval_id=approval_id)
            .execution_options(synchronize_session=False)
        )
        if result.rowcount != 1:
            raise Conflict(f"effect {effect.id} was changed by somebody else; nothing was asked.")

    def adopt(self, effect: Effect, verdict_requirement: Requirement) -> Approval | None:
        """Let an approval that was given ahead for exactly this action authorise `effect`.

        Returns it, or None when there is none that is unused, in time, strict enough, and given by
        people who did not propose or edit the action since, nor vote on behalf of those who did.
        """
        now = self._clock()
        with self._database.write() as session:
            current = fetch(session, effect.id)
            own = self._electorate.barred(session, {known_as(name) for name in current.proposed_by}, now).keys()
            query = select(Approval).where(Approval.run_id == effect.run_id, Approval.digest == effect.digest)
            for approval in session.exec(query.where(Approval.state == "approved", Approval.kind == "action")):
                granted = Requirement.model_validate(approval.requirement)
                in_time = approval.execute_before is not None and now <= approval.execute_before
                votes = session.exec(select(Vote).where(Vote.approval_id == approval.id)).all()
                voters = {vote.person for vote in votes} | {vote.represents for vote in votes}
                strict = granted.satisfies(verdict_requirement) and not own & voters
                if in_time and strict and current.state == "gated":
                    self._ledger.move(session, current, "approved", actor="gate", approval_id=approval.id)
                    return approval
        return None

    # Withdrawing --------------------------------------------------------------------------------

    def cancel(self, session: Session, run_id: str) -> None:
        """Withdraw every open request of a run, in the caller's transaction."""
        now = self._clock()
        query = select(Approval).where(Approval.run_id == run_id, col(Approval.state).in_(["waiting", "approved"]))
        for approval in session.exec(query).all():
            close(session, self._audit, approval, "superseded", "run", {"decision": "cancelled"}, now)

    def unused(self, session: Session, run_id: str) -> list[Approval]:
        """The requests of a run that wait, or were granted and have not been used; oldest first.

        A form's answer is used when its visit is left.
        """
        query = select(Approval).where(Approval.run_id == run_id, col(Approval.state).in_(["waiting", "approved"]))
        found = []
        for approval in session.exec(query.order_by(col(Approval.created_at))).all():
            visit = session.get(Visit, (run_id, approval.step, approval.visit))
            if approval.state == "waiting" or approval.kind != "form" or visit is None or visit.outcome is None:
                found.append(approval)
        return found

    def void(self, session: Session, approval: Approval, actor: str, because: str) -> None:
        """Withdraw a request that waits or was granted, in the caller's transaction."""
        told = {"decision": "void", "comment": because, "by": actor}
        close(session, self._audit, approval, "superseded", actor, told, self._clock())
