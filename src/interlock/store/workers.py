"""Processes that advance runs: when each was last heard of, and who takes over from one that was not."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from interlock.store.database import Database
from interlock.store.tables import Worker

LIVING = ("serving", "draining")
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name AND pid <> pg_backend_pid()"
)


class Workers:
    """Rows of workers, with moments by the clock of the database where it has one: those of machines may differ."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enter(self, at_once: int) -> Worker:
        """A row for this process."""
        host, pid = socket.gethostname(), os.getpid()
        with self._database.write() as session:
            now = self._now(session)
            worker = Worker(
                id=f"{host[:40]}-{pid}-{secrets.token_hex(3)}", host=host, pid=pid, state="serving", at_once=at_once,
                started_at=now, beat_at=now,
            )  # fmt: skip
            session.add(worker)
        return worker

    def beat(self, worker_id: str) -> bool:
        """Say that this worker lives; False where others have taken over from it."""
        with self._database.write() as session:
            worker = session.get(Worker, worker_id, with_for_update=True)
            if worker is None or worker.state not in LIVING:
                return False
            worker.beat_at = self._now(session)
            session.add(worker)
            return True

    def leave(self, worker_id: str, state: str) -> None:
        """Record that it is `draining` or `gone`."""
        with self._database.write() as session:
            worker = session.get(Worker, worker_id, with_for_update=True)
            if worker is not None and worker.state in LIVING:
                worker.state = state
                session.add(worker)

    def bury(self, after: float, by: str = "") -> Sequence[Worker]:
        """Mark as dead those that were not heard of for `after` seconds, and return all that are to be taken over from.

        One who was marked by a process that died before it took over is returned again until `buried`.

        Args:
            by: the worker that asks; one that was stopped for a while does not give itself up.
        """
        with self._database.read() as session:
            limit = self._now(session) - timedelta(seconds=after)
            late = select(Worker.id).where(col(Worker.state).in_(LIVING), col(Worker.beat_at) < limit, Worker.id != by)
            if (
                not session.exec(late.limit(1)).first()
                and not session.exec(select(Worker.id).where(Worker.state == "dead").limit(1)).first()
            ):
                return []
        with self._database.write() as session:
            for worker_id in session.exec(late).all():
                worker = session.get(Worker, worker_id, with_for_update=True)
                if worker is not None and worker.beat_at < limit and worker.state in LIVING:
                    worker.state = "dead"
                    session.add(worker)
            session.flush()
            return session.exec(select(Worker).where(Worker.state == "dead")).all()

    def disconnect(self, worker_id: str) -> None:
        """End its connections, so that its locks are free however it hangs; on SQLite its locks end with it.

        A process that only hung finds them gone when it goes on, and acts on none of them.
        """
        if self._database.shared:
            with self._database.apart() as connection:
                connection.execute(_END, {"name": worker_id})

    def buried(self, worker_id: str) -> None:
        """Record that its jobs were given to others."""
        with self._database.write() as session:
            worker = session.get(Worker, worker_id, with_for_update=True)
            if worker is not None and worker.state == "dead":
                worker.state = "gone"
                session.add(worker)

    def list(self, limit: int = 100) -> Sequence[Worker]:
        """Workers, the living first, then the newest."""
        with self._database.read() as session:
            query = select(Worker).order_by(col(Worker.state).not_in(LIVING), col(Worker.started_at).desc())
            return session.exec(query.limit(limit)).all()

    def _now(self, session: Session) -> datetime:
        if not self._database.shared:
            return datetime.now(UTC)
        moment: datetime = session.exec(select(func.clock_timestamp())).one()
        return moment.astimezone(UTC)
