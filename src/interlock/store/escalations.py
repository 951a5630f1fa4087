"""Escalation: after a while further people may decide a request too; how many must agree, and until when, stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.policies.language import Requirement
from interlock.store.audit import Audit
from interlock.store.database import Database
from interlock.store.tables import Approval, Escalated


class Escalations:
    """Keeps the moments of escalation, and writes down each that has come, once."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def plan(self, session: Session, approval: Approval, requirement: Requirement) -> None:
        """Note when a new request escalates, if it does."""
        if requirement.escalate is not None:
            session.add(Escalated(approval_id=approval.id, due_at=approval.created_at + requirement.escalate.after))
            session.flush()

    def settle(self, now: datetime) -> int:
        """Escalate every open request whose moment has come; returns how many."""
        query = select(Escalated.approval_id).join(Approval, col(Approval.id) == col(Escalated.approval_id))
        query = query.where(Approval.state == "waiting", col(Escalated.at).is_(None), col(Escalated.due_at) <= now)
        with self._database.read() as session:
            due = session.exec(query).all()
        done = 0
        for approval_id in due:
            with self._database.write() as session:
                approval = session.get(Approval, approval_id)
                if approval is not None and approval.state == "waiting" and now <= approval.decide_before:
                    done += self.escalate(session, approval, now, "nobody has decided yet")
        return done

    def escalate(self, session: Session, approval: Approval, now: datetime, because: str) -> bool:
        """Let the further people decide from now on, in the caller's transaction; False where they may already."""
        row = session.get(Escalated, approval.id)
        further = Requirement.model_validate(approval.requirement).escalate
        if row is None or row.at is not None or further is None:
            return False
        row.at = now
        session.add(row)
        session.flush()
        told: dict[str, Json] = {"role": further.model_dump(mode="json")["role"], "because": because}
        self._audit.append(session, "clock", "approval.escalated", approval.id, told)
        return True


def is_escalated(session: Session, approval_id: str) -> bool:
    """Whether the further people may decide this request."""
    row = session.get(Escalated, approval_id)
    return row is not None and row.at is not None


def escalated_at(session: Session, approvals: Sequence[Approval]) -> dict[str, datetime]:
    """Since when further people may decide those of these requests that were escalated, by id."""
    query = select(Escalated).where(col(Escalated.approval_id).in_([row.id for row in approvals]))
    return {row.approval_id: row.at for row in session.exec(query) if row.at is not None}
