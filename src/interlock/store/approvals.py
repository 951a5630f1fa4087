"""Questions to people, and their answers: bound to one exact action, single-use, with two clocks.

A decision is refused with a reason, and the question stays open, unless the person may decide it:
not the requester, not an editor of the action, holding the required roles, one vote each, in time,
and on the revision they read.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.errors import Conflict, DecisionRefused, NotFound
from interlock.policies.language import Requirement
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.effects import OPEN, Ledger, copy, fetch
from interlock.store.tables import Approval, Effect, Visit, Vote

PERSON = re.compile(r"[\w.@+-]{1,64}")

EDITS = 10
"""How often one visit's action may be edited before it must be approved or rejected."""


class Approvals:
    """Files requests and records decisions; `people` maps each known person to their roles."""

    def __init__(
        self, database: Database, audit: Audit, ledger: Ledger, clock: Clock, people: Mapping[str, Sequence[str]]
    ) -> None:
        self._database = database
        self._audit = audit
        self._ledger = ledger
        self._clock = clock
        self._people = {known_as(name): frozenset(roles) for name, roles in people.items()}

    def get(self, approval_id: str) -> Approval:
        """The request.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.read() as session:
            return _fetch(session, approval_id)

    def waiting(self, run_id: str | None = None) -> Sequence[Approval]:
        """Open requests, oldest first; those past their time are closed as expired before."""
        self.expire()
        with self._database.read() as session:
            query = select(Approval).where(Approval.state == "waiting").order_by(col(Approval.created_at))
            return session.exec(query.where(Approval.run_id == run_id) if run_id else query).all()

    def of_run(self, run_id: str) -> Sequence[Approval]:
        """Every request of a run, oldest first."""
        with self._database.read() as session:
            query = select(Approval).where(Approval.run_id == run_id)
            return session.exec(query.order_by(col(Approval.created_at))).all()

    def of_place(self, run_id: str, step: str, visit: int) -> Approval | None:
        """The newest request that a visit of a step waits for."""
        with self._database.read() as session:
            return _newest(session, run_id, step, visit)

    def votes(self, approval_id: str) -> Sequence[Vote]:
        """The votes on a request, in order."""
        with self._database.read() as session:
            query = select(Vote).where(Vote.approval_id == approval_id)
            return session.exec(query.order_by(col(Vote.at))).all()

    def eligible(self, requirement: Requirement) -> list[str]:
        """The known people who hold the required roles."""
        return sorted(name for name, roles in self._people.items() if roles >= requirement.roles)

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

        A visit asks ahead or by a form once: filed again, the request that stands is returned.
        """
        now = self._clock()
        approval = Approval(
            id=f"ap-{secrets.token_hex(5)}",
            run_id=run_id,
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
            before = _newest(session, run_id, step, visit)
            if before is not None and effect is None and before.state != "superseded":
                return before
            approval.ordinal = before.ordinal + 1 if before else 1
            session.add(approval)
            session.flush()
            told: dict[str, Json] = {"kind": kind, "step": step, "effect": approval.effect_id, "digest": digest}
            self._audit.append(session, "gate", "approval.requested", approval.id, told)
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
        people who did not propose or edit the action since.
        """
        now = self._clock()
        with self._database.write() as session:
            current = fetch(session, effect.id)
            query = select(Approval).where(Approval.run_id == effect.run_id, Approval.digest == effect.digest)
            for approval in session.exec(query.where(Approval.state == "approved", Approval.kind == "action")):
                granted = Requirement.model_validate(approval.requirement)
                in_time = approval.execute_before is not None and now <= approval.execute_before
                voters = select(Vote.person).where(Vote.approval_id == approval.id)
                own = {known_as(name) for name in current.proposed_by} & {*session.exec(voters)}
                if in_time and granted.satisfies(verdict_requirement) and current.state == "gated" and not own:
                    self._ledger.move(session, current, "approved", actor="gate", approval_id=approval.id)
                    return approval
        return None

    # Deciding -----------------------------------------------------------------------------------

    def approve(
        self,
        approval_id: str,
        person: str,
        *,
        comment: str = "",
        revision: int | None = None,
        answer: dict[str, Any] | None = None,
    ) -> Approval:
        """Count one vote for; the request is approved once enough different people agree.

        Raises:
            DecisionRefused: this person, time, revision or kind of request does not allow it.
        """
        with self._deciding(approval_id, person, revision) as (session, approval, name, now):
            if approval.kind == "question":
                missing = ", ".join(approval.request.get("missing", [])) or "an action"
                raise DecisionRefused(
                    f"{approval.id} asks for {missing}; answer it with `interlock review edit {approval.id} "
                    "--set name=value`, or reject it."
                )
            if approval.kind == "doubt":
                raise _doubt_refusal(approval)
            votes = self._vote(session, approval, name, "approve", comment, now)
            requirement = Requirement.model_validate(approval.requirement)
            if votes >= requirement.count:
                execute_before = now + requirement.execute_within
                if approval.effect_id and approval.kind == "action":
                    effect = fetch(session, approval.effect_id)
                    if effect.digest != approval.digest:
                        raise DecisionRefused(f"the action behind {approval.id} has changed; look at it again.")
                    self._ledger.move(session, effect, "approved", actor=name)
                told = {"decision": "approved", "comment": comment, "by": name} | (answer or {})
                self._close(session, approval, "approved", name, told, now, execute_before)
        return self.get(approval_id)

    def reject(self, approval_id: str, person: str, *, comment: str, revision: int | None = None) -> Approval:
        """Refuse the action; one rejection is enough.

        Raises:
            DecisionRefused: this person, time, revision or kind of request does not allow it, or no
                reason was given.
        """
        if not comment.strip():
            raise DecisionRefused("a rejection needs a reason: add --comment.")
        with self._deciding(approval_id, person, revision) as (session, approval, name, now):
            if approval.kind == "doubt":
                raise _doubt_refusal(approval)
            self._vote(session, approval, name, "reject", comment, now)
            if approval.effect_id:
                self._ledger.move(session, fetch(session, approval.effect_id), "rejected", actor=name, error=comment)
            told = {"decision": "rejected", "comment": comment, "by": name}
            self._close(session, approval, "rejected", name, told, now)
        return self.get(approval_id)

    def edit(
        self,
        approval_id: str,
        person: str,
        proposal: Mapping[str, Any],
        *,
        comment: str = "",
        revision: int | None = None,
    ) -> Effect:
        """Replace the action by a new proposal, to be gated again; the editor becomes a co-requester.

        Args:
            proposal: fields of the new `Effect` row, checked by the caller.

        Returns:
            the new proposal.

        Raises:
            DecisionRefused: this person, time, revision or kind of request does not allow it.
        """
        with self._deciding(approval_id, person, revision, editing=True) as (session, approval, name, now):
            if approval.kind not in ("action", "question") or approval.effect_id is None:
                raise DecisionRefused(f"{approval.id} holds no action to edit.")
            before = fetch(session, approval.effect_id)
            if before.slot >= EDITS:
                raise DecisionRefused(f"{approval.id} was edited {EDITS} times; approve or reject it.")
            self._leaves_enough(approval, name)
            self._close(
                session, approval, "superseded", name, {"decision": "edited", "comment": comment, "by": name}, now
            )
            self._ledger.move(session, before, "superseded", actor=name, error=f"edited by {name}")
            edited = copy(before)
            for field, value in proposal.items():
                setattr(edited, field, value)
            edited.proposed_by = [*before.proposed_by, name]
            return self._ledger.add(session, edited, actor=name)

    def respond(self, approval_id: str, person: str, *, happened: bool, comment: str = "") -> Approval:
        """Settle a doubt: did the action happen?  If not, the same action is proposed and gated again.

        Raises:
            DecisionRefused: this person may not say, or the request is no doubt.
        """
        with self._deciding(approval_id, person, None) as (session, approval, name, now):
            if approval.kind != "doubt" or approval.effect_id is None:
                raise DecisionRefused(f"{approval.id} is no doubt; approve, edit or reject it.")
            effect = fetch(session, approval.effect_id)
            self._vote(session, approval, name, "happened" if happened else "did_not_happen", comment, now)
            if happened:
                self._ledger.move(session, effect, "executed", actor=name, result={"confirmed_by": name}, error=None)
            else:
                because = f"{name} found that it did not happen"
                failed = self._ledger.move(session, effect, "failed", actor=name, error=because, retryable=False)
                self._ledger.add(session, copy(failed), actor=name)
            told = {"decision": "happened" if happened else "did_not_happen", "comment": comment, "by": name}
            self._close(session, approval, "answered", name, told, now)
        return self.get(approval_id)

    def expire(self) -> int:
        """Close every request past its time as refused; returns how many.

        A doubt does not expire: not knowing must never turn into acting or into silence.
        """
        now = self._clock()
        with self._database.read() as session:
            overdue = select(Approval.id).where(Approval.state == "waiting", col(Approval.decide_before) < now)
            due = session.exec(overdue.where(Approval.kind != "doubt")).all()
        for approval_id in due:
            with self._database.write() as session:
                approval = _fetch(session, approval_id)
                if approval.state == "waiting":
                    self._expire(session, approval, now)
        return len(due)

    def cancel(self, session: Session, run_id: str) -> None:
        """Withdraw every open request of a run, in the caller's transaction."""
        now = self._clock()
        query = select(Approval).where(Approval.run_id == run_id, col(Approval.state).in_(["waiting", "approved"]))
        for approval in session.exec(query).all():
            self._close(session, approval, "superseded", "run", {"decision": "cancelled"}, now)

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
        self._close(session, approval, "superseded", actor, told, self._clock())

    # Shared -------------------------------------------------------------------------------------

    @contextmanager
    def _deciding(
        self, approval_id: str, person: str, revision: int | None, *, editing: bool = False
    ) -> Iterator[tuple[Session, Approval, str, datetime]]:
        """One decision's transaction, entered once this person may take this decision now."""
        name = known_as(person)
        self.expire()
        now = self._clock()
        with self._database.write() as session:
            approval = _fetch(session, approval_id)
            self._check(session, approval, name, revision, editing=editing)
            yield session, approval, name, now

    def _check(self, session: Session, approval: Approval, person: str, revision: int | None, *, editing: bool) -> None:
        if approval.state != "waiting":
            raise DecisionRefused(f"{approval.id} is already {approval.state}; your decision changed nothing.")
        if revision is not None and revision != approval.revision:
            raise DecisionRefused(
                f"{approval.id} changed while you were reading (you saw revision {revision}, "
                f"it is {approval.revision}); look at it again."
            )
        if person in approval.excluded and not editing:
            raise DecisionRefused(
                f"{person} asked for or edited this action; somebody else decides it (separation of duties)."
            )
        requirement = Requirement.model_validate(approval.requirement)
        roles = self._people.get(person, frozenset())
        if not roles >= requirement.roles:
            known = ", ".join(self.eligible(requirement)) or "nobody; add people to policies/people.yaml"
            raise DecisionRefused(
                f"{person} does not hold the role {' and '.join(sorted(requirement.roles))}. Who does: {known}."
            )

    def _leaves_enough(self, approval: Approval, editor: str) -> None:
        """Refuse an edit after which too few people of the role were left to agree."""
        requirement = Requirement.model_validate(approval.requirement)
        others = set(self.eligible(requirement)) - {*approval.excluded, editor}
        if requirement.roles and len(others) < requirement.count:
            raise DecisionRefused(
                f"whoever edits cannot approve, and without {editor} only {len(others)} of the {requirement.count} "
                f"who must agree are left; reject {approval.id} with a comment instead."
            )

    def may_decide(self, approval: Approval) -> list[str] | None:
        """The people who may still vote on a request; None when no role is asked for and anybody else may."""
        requirement = Requirement.model_validate(approval.requirement)
        if not requirement.roles:
            return None
        voted = {vote.person for vote in self.votes(approval.id)}
        return [name for name in self.eligible(requirement) if name not in {*approval.excluded, *voted}]

    def _vote(
        self, session: Session, approval: Approval, person: str, verdict: str, comment: str, now: datetime
    ) -> int:
        if session.get(Vote, (approval.id, person)) is not None:
            raise DecisionRefused(f"{person} has already voted on {approval.id}; one vote each.")
        vote = Vote(
            approval_id=approval.id, person=person, verdict=verdict, comment=comment, revision=approval.revision, at=now
        )
        session.add(vote)
        session.flush()
        told: dict[str, Json] = {"verdict": verdict, "comment": comment, "revision": approval.revision}
        self._audit.append(session, person, "approval.vote", approval.id, told)
        query = select(Vote).where(Vote.approval_id == approval.id, Vote.verdict == verdict)
        return len(session.exec(query).all())

    def _close(
        self,
        session: Session,
        approval: Approval,
        state: str,
        actor: str,
        answer: dict[str, Any],
        now: datetime,
        execute_before: datetime | None = None,
    ) -> None:
        result = session.exec(
            update(Approval)
            .where(col(Approval.id) == approval.id, col(Approval.state) == approval.state)
            .where(col(Approval.revision) == approval.revision)
            .values(
                state=state,
                revision=approval.revision + 1,
                answer=answer,
                execute_before=execute_before,
                updated_at=now,
            )
            .execution_options(synchronize_session=False)
        )
        if result.rowcount != 1:
            raise Conflict(f"{approval.id} was decided by somebody else first; your decision changed nothing.")
        self._audit.append(session, actor, f"approval.{state}", approval.id, {"answer": answer})

    def _expire(self, session: Session, approval: Approval, now: datetime) -> None:
        if approval.effect_id:
            effect = fetch(session, approval.effect_id)
            if effect.state in OPEN and effect.state != "proposed":
                self._ledger.move(session, effect, "expired", actor="clock", error="nobody decided in time")
        self._close(session, approval, "expired", "clock", {"decision": "expired", "comment": "", "by": ""}, now)


def _newest(session: Session, run_id: str, step: str, visit: int) -> Approval | None:
    place = select(Approval).where(Approval.run_id == run_id, Approval.step == step, Approval.visit == visit)
    return session.exec(place.order_by(col(Approval.ordinal).desc()).limit(1)).first()


def _doubt_refusal(approval: Approval) -> DecisionRefused:
    return DecisionRefused(
        f"{approval.id} asks whether the action happened; answer `interlock review respond {approval.id} "
        "--happened` or `--did-not-happen`."
    )


def _fetch(session: Session, approval_id: str) -> Approval:
    approval = session.get(Approval, approval_id)
    if approval is None:
        raise NotFound(f"there is no request {approval_id}; `interlock review list` shows the open ones.")
    return approval


def known_as(name: str) -> str:
    """One spelling of a name: writing it in other letters of the same look makes nobody a second person.

    Raises:
        DecisionRefused: it is no name.
    """
    written = unicodedata.normalize("NFKC", name).casefold()
    if not PERSON.fullmatch(written):
        raise DecisionRefused(f"{name!r} is no person's name; use letters, digits and . _ @ + - (at most 64).")
    return written
