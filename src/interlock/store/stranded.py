"""Runs that should go on although nobody may be going on with them: what a sweep looks for.

It asks what is so, not what happened: where a process died before it told anybody, or was busy when it was told, the
rows still say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import col, select

from interlock.store.database import Database
from interlock.store.runs import AT_ONCE
from interlock.store.spend import ENDED
from interlock.store.tables import Approval, Pause, Run, Visit

DECIDED = ("approved", "rejected", "expired", "superseded", "answered")
"""States of requests that a run goes on from."""


def stranded(database: Database, before: datetime) -> Sequence[str]:
    """Runs that should be going and have not changed since `before`, and those whose wait or time was over by then.

    A wait is over where its visit is still open and what was asked there last is decided.  The moments of the run and
    of the decision are not compared: whoever parked the run after the decision may not have seen it, and the clocks of
    machines differ.

    Raises:
        StoreUnavailable: the database cannot be read now.
    """
    later = aliased(Approval)
    asked_again = select(later.id).where(
        later.run_id == Approval.run_id, later.step == Approval.step, later.visit == Approval.visit,
        later.ordinal > Approval.ordinal,
    )  # fmt: skip
    decided = select(Approval.id).where(
        Approval.run_id == Run.id, col(Approval.state).in_(DECIDED), col(Approval.updated_at) < before,
        _is_open(Approval), ~asked_again.exists(),
    )  # fmt: skip
    over = select(Pause.id).where(
        Pause.run_id == Run.id, Pause.state != "waiting", col(Pause.settled_at) < before, _is_open(Pause)
    )
    going = col(Run.status).in_(("created", "running")) & (col(Run.updated_at) < before)
    woken = (col(Run.status) == "waiting") & (decided.exists() | over.exists())
    ending = col(Run.status).not_in(ENDED) & (
        (col(Run.cancelled_by).is_not(None) & (col(Run.updated_at) < before)) | (col(Run.due_at) < before)
    )
    query = select(Run.id).where(going | woken | ending).order_by(col(Run.updated_at)).limit(AT_ONCE)
    with database.read() as session:
        return session.exec(query).all()


def _is_open(what: type[Approval] | type[Pause]) -> Any:
    """Whether the visit that it belongs to has no outcome yet."""
    visit = select(Visit.run_id).where(
        Visit.run_id == what.run_id, Visit.step == what.step, Visit.visit == what.visit, col(Visit.outcome).is_(None)
    )
    return visit.exists()
