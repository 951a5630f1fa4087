"""Processes that advance runs: when each was last heard of, and who takes over from one that was not."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text
from sqlmodel import col, delete, func, insert, select, update

from interlock.store.database import Database
from interlock.store.tables import Worker

LIVING = ("serving", "draining")
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name AND pid <> pg_backend_pid()"
)


class Workers:
    """Rows of workers, with moments by the clock of the database where it has one: those of machines may differ.

    On a server none of them waits for the turn of those who write runs: one that hangs may hold it, and what others do
    about that must not wait for it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def enter(self, at_once: int) -> Worker:
        """A row for this process."""
        host, pid = socket.gethostname(), os.getpid()
        with self._database.connection() as connection:
            now = self._now(connection)
            worker = Worker(
                id=f"{host[:40]}-{pid}-{secrets.token_hex(3)}", host=host, pid=pid, state="serving", at_once=at_once,
                started_at=now, beat_at=now,
            )  # fmt: skip
            connection.execute(insert(Worker).values(**worker.model_dump()))
        return worker

    def beat(self, worker_id: str) -> bool:
        """Say that this worker lives; False where others have taken over from it."""
        with self._database.connection() as connection:
            living = update(Worker).where(col(Worker.id) == worker_id, col(Worker.state).in_(LIVING))
            return connection.execute(living.values(beat_at=self._now(connection))).rowcount == 1

    def leave(self, worker_id: str, state: str) -> None:
        """Record that it is `draining` or `gone`."""
        with self._database.connection() as connection:
            living = update(Worker).where(col(Worker.id) == worker_id, col(Worker.state).in_(LIVING))
            connection.execute(living.values(state=state))

    def bury(self, after: float, by: str = "", silent: Mapping[str, datetime] | None = None) -> Sequence[Worker]:
        """Mark as dead those that were not heard of for `after` seconds, and return all that are to be taken over from.

        Their connections are ended first, so that their locks are free however they hang.  One who was marked by a
        process that died before it took over is returned again until `buried`.

        Args:
            by: the worker that asks; one that was stopped for a while does not give itself up.
            silent: the last sign of life of those that gave no other one for as long while somebody looked: where the
                clock was set back, theirs may lie ahead.
        """
        with self._database.read() as session:
            limit = self._now(session.connection()) - timedelta(seconds=after)
            late = select(Worker.id).where(col(Worker.state).in_(LIVING), col(Worker.beat_at) < limit, Worker.id != by)
            found = {*session.exec(late), *(silent or {})} - {by}
        for worker_id in found:
            self.disconnect(worker_id)
            with self._database.connection() as connection:
                still = update(Worker).where(col(Worker.id) == worker_id, col(Worker.state).in_(LIVING))
                unheard = (col(Worker.beat_at) < limit) | (col(Worker.beat_at) == (silent or {}).get(worker_id, limit))
                connection.execute(still.where(unheard).values(state="dead"))
        with self._database.read() as session:
            return session.exec(select(Worker).where(Worker.state == "dead")).all()

    def disconnect(self, worker_id: str) -> None:
        """End its connections; on SQLite its locks end with it.

        A process that only hung finds them gone when it goes on, and acts on none of them.
        """
        if self._database.shared:
            with self._database.apart() as connection:
                connection.execute(_END, {"name": worker_id})

    def buried(self, worker_id: str) -> None:
        """Record that its jobs were given to others."""
        with self._database.connection() as connection:
            dead = update(Worker).where(col(Worker.id) == worker_id, col(Worker.state) == "dead")
            connection.execute(dead.values(state="gone"))

    def forget(self, before: datetime) -> None:
        """Delete those that are gone and were last heard of before a moment."""
        with self._database.connection() as connection:
            gone = delete(Worker).where(col(Worker.state) == "gone", col(Worker.beat_at) < before)
            connection.execute(gone)

    def living(self) -> Mapping[str, datetime]:
        """The last sign of life of those that nobody has given up and that have not ended."""
        with self._database.read() as session:
            query = select(Worker.id, Worker.beat_at).where(col(Worker.state).in_(LIVING))
            return dict(session.exec(query).all())

    def list(self, limit: int = 100) -> Sequence[Worker]:
        """Workers, the living first, then the newest."""
        with self._database.read() as session:
            query = select(Worker).order_by(col(Worker.state).not_in(LIVING), col(Worker.started_at).desc())
            return session.exec(query.limit(limit)).all()

    def _now(self, connection: Connection) -> datetime:
        if not self._database.shared:
            return datetime.now(UTC)
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)
