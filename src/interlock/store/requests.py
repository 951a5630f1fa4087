"""The rows of requests: found, and closed once, by compare-and-set with an audit entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from interlock.errors import Conflict, NotFound
from interlock.store.audit import Audit
from interlock.store.effects import OPEN, Ledger, fetch
from interlock.store.tables import Approval


def request_of(session: Session, approval_id: str) -> Approval:
    """The request.

    Raises:
        NotFound: there is none of that id.
    """
    approval = session.get(Approval, approval_id)
    if approval is None:
        raise NotFound(f"there is no request {approval_id}; `interlock review list` shows the open ones.")
    return approval


def newest_request(session: Session, run_id: str, step: str, visit: int) -> Approval | None:
    """The request with the highest ordinal of a visit."""
    place = select(Approval).where(Approval.run_id == run_id, Approval.step == step, Approval.visit == visit)
    return session.exec(place.order_by(col(Approval.ordinal).desc()).limit(1)).first()


def close(
    session: Session,
    audit: Audit,
    approval: Approval,
    state: str,
    actor: str,
    answer: dict[str, Any],
    now: datetime,
    execute_before: datetime | None = None,
) -> None:
    """Give a request its end in the caller's transaction.

    Raises:
        Conflict: somebody else decided it first.
    """
    result = session.exec(
        update(Approval)
        .where(col(Approval.id) == approval.id, col(Approval.state) == approval.state)
        .where(col(Approval.revision) == approval.revision)
        .values(
            state=state, revision=approval.revision + 1, answer=answer, execute_before=execute_before, updated_at=now
        )
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:
        raise Conflict(f"{approval.id} was decided by somebody else first; your decision changed nothing.")
    audit.append(session, actor, f"approval.{state}", approval.id, {"answer": answer})


def expire_request(session: Session, audit: Audit, ledger: Ledger, approval: Approval, now: datetime) -> None:
    """Close a request that nobody decided in time as refused, and its action with it."""
    if approval.effect_id:
        effect = fetch(session, approval.effect_id)
        if effect.state in OPEN and effect.state != "proposed":
            ledger.move(session, effect, "expired", actor="clock", error="nobody decided in time")
    close(session, audit, approval, "expired", "clock", {"decision": "expired", "comment": "", "by": ""}, now)
