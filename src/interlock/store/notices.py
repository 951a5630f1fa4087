"""What is to be told to people outside: written with what it tells of, delivered at least once.

A notice is a row of the transaction that filed or closed the request, so none is lost and none tells of
what did not happen.  Whoever delivers one takes it for a while; if that process dies, another takes it
again, with the same id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.store.audit import Audit, Clock
from interlock.store.chain import Link
from interlock.store.database import Database
from interlock.store.tables import Approval, Notice

TAKEN = timedelta(minutes=2)
"""How long a delivery may take before others believe that its process died."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
ATTEMPTS = 24
"""After so many failures, spread over about four days, a notice is given up; the audit tells."""


def pause(attempts: int) -> timedelta:
    """How long after so many failed attempts the next one comes."""
    doubled = min(max(attempts - 1, 0), 16)
    return min(FIRST_PAUSE * (1 << doubled), LONGEST_PAUSE)


class Notices:
    """Writes notices as the audit hears of events, and hands them out for delivery."""

    def __init__(
        self, database: Database, clock: Clock, channels: Mapping[str, Sequence[str]], events: Sequence[str]
    ) -> None:
        """`channels`: the places to be told, by kind of channel; `events`: of what."""
        self._database = database
        self._clock = clock
        self._channels = channels
        self._events = frozenset(events)

    @property
    def wanted(self) -> bool:
        """Whether anybody is to be told of anything."""
        return bool(self._events) and any(self._channels.values())

    def heard(self, session: Session, entry: Link) -> None:
        """Write the notices of an audit entry, in its transaction."""
        if entry.event not in self._events or not self.wanted:
            return
        approval = session.get(Approval, entry.subject)
        if approval is None:
            return
        for channel, targets in self._channels.items():
            for number, target in enumerate(targets):
                session.add(
                    Notice(
                        id=f"{entry.subject}.{entry.seq}.{channel}{number or ''}",
                        channel=channel,
                        target=target,
                        event=entry.event,
                        payload=_payload(entry, approval),
                        state="due",
                        due_at=entry.at,
                        created_at=entry.at,
                    )
                )
        session.flush()

    def take(self, limit: int = 20) -> list[Notice]:
        """Take notices that are due, oldest first; nobody else gets them for `TAKEN`."""
        now = self._clock()
        due = select(Notice).where(Notice.state == "due", col(Notice.due_at) <= now)
        with self._database.read() as session:
            if session.exec(due.limit(1)).first() is None:
                return []  # most looks find nothing, and keep no writer waiting
        with self._database.write() as session:
            found = list(session.exec(due.order_by(col(Notice.due_at), col(Notice.id)).limit(limit)).all())
            for notice in found:
                notice.due_at = now + TAKEN
                notice.attempts += 1
                session.add(notice)
            return found

    def sent(self, notice: Notice) -> None:
        """Record that it was delivered."""
        self._settle(notice, state="sent", error=None, sent_at=self._clock())

    def failed(self, notice: Notice, because: str, audit: Audit) -> bool:
        """Record that it was not; whether it will be tried again."""
        now = self._clock()
        if notice.attempts < ATTEMPTS:
            self._settle(notice, error=because, due_at=now + pause(notice.attempts))
            return True
        with self._database.write() as session:
            if self._change(session, notice, {"state": "given_up", "error": because}):
                told: dict[str, Json] = {"event": notice.event, "channel": notice.channel, "error": because}
                audit.append(session, "notify", "notice.given_up", notice.id, told)
        return False

    def list(self, state: str | None = None, limit: int = 100) -> Sequence[Notice]:
        """Notices, newest first."""
        with self._database.read() as session:
            query = select(Notice).order_by(col(Notice.created_at).desc(), col(Notice.id)).limit(limit)
            return session.exec(query.where(Notice.state == state) if state else query).all()

    def _settle(self, notice: Notice, **values: str | datetime | None) -> None:
        with self._database.write() as session:
            self._change(session, notice, values)

    def _change(self, session: Session, notice: Notice, values: Mapping[str, str | datetime | None]) -> bool:
        """Change a notice as long as it is the attempt that was taken."""
        result = session.exec(
            update(Notice)
            .where(col(Notice.id) == notice.id, col(Notice.state) == "due", col(Notice.attempts) == notice.attempts)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        return result.rowcount == 1


def _payload(entry: Link, approval: Approval) -> dict[str, Json]:
    """What is told: which request, what it is about in one line, and until when; no arguments, no text of models."""
    return {
        "type": entry.event,
        "timestamp": entry.at.isoformat(),
        "data": {
            "approval": approval.id,
            "run": approval.run_id,
            "step": approval.step,
            "kind": approval.kind,
            "title": approval.request.get("title"),
            "risk": approval.request.get("risk"),
            "decide_before": approval.decide_before.isoformat(),
        },
    }
