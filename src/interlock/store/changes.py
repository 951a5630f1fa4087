"""What changed, in the order in which it was written down: ids and kinds, for whoever keeps a picture up to date.

The audit is the source: every change has an entry in its own transaction, and entries are numbered without a gap.  What
is about people and their tokens is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlmodel import Session, col, select

from interlock.store.database import Database
from interlock.store.tables import Approval, Entry

Kind = Literal["run", "step", "effect", "approval", "pause", "event"]
"""The first words of the events that are told."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Change:
    """That something changed, and what; the thing itself is read where it stands."""

    seq: int
    """The number of the audit entry."""
    at: datetime
    event: str
    subject: str
    """The id of what changed; of a step, of an effect and of a pause it begins with the run's and a `/`."""
    run: str | None
    """The run that it belongs to."""

    @property
    def kind(self) -> str:
        """The first word of the event."""
        return self.event.partition(".")[0]

    def of(self, run_id: str) -> bool:
        """Whether it belongs to a run, or to one below it."""
        return self.run is not None and (self.run == run_id or self.run.startswith(f"{run_id}."))


@dataclass(frozen=True)
class Changes:
    """Some changes, and how far the record was read for them."""

    found: Sequence[Change]
    position: int
    """The number of the last entry that was read, told or not: whoever goes on begins after it."""


def changes(database: Database, after: int, limit: int) -> Changes:
    """The changes among the `limit` entries after that number.

    Raises:
        StoreUnavailable: the database cannot be read now.
    """
    with database.read() as session:
        query = select(Entry.seq, Entry.at, Entry.event, Entry.subject).where(Entry.seq > after)
        rows = session.exec(query.order_by(col(Entry.seq)).limit(limit)).all()
        told = [row for row in rows if row[2].partition(".")[0] in KINDS]
        asked = _runs_of(session, {subject for _, _, event, subject in told if event.startswith("approval.")})
        found = [
            Change(seq, at, event, subject, asked.get(subject) if subject in asked else _run(event, subject))
            for seq, at, event, subject in told
        ]
    return Changes(found, rows[-1][0] if rows else after)


def position(database: Database) -> int:
    """The number of the newest entry; 0 where there is none."""
    with database.read() as session:
        return session.exec(select(Entry.seq).order_by(col(Entry.seq).desc()).limit(1)).first() or 0


def _runs_of(session: Session, approvals: set[str]) -> dict[str, str]:
    if not approvals:
        return {}
    query = select(Approval.id, Approval.run_id).where(col(Approval.id).in_(approvals))
    return {str(approval): str(run) for approval, run in session.exec(query)}


def _run(event: str, subject: str) -> str | None:
    """The run that the id of anything but a request begins with."""
    return None if event.startswith("approval.") else subject.partition("/")[0]
