"""Locks between processes, which are let go of however a process dies.

With SQLite they are files of one home, and the operating system lets go of them.  With PostgreSQL they are
advisory locks of a connection of their own, so they hold between machines too, and the server lets go of
them when that connection ends.  It may end before its process does; whoever acts on such a lock has to
`Hold.check` it in the transaction that lets them act.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from interlock.errors import RunBusy, StoreUnavailable
from interlock.store.database import Database

LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code of a wait for a lock that was too long."""

HELD = text(
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :pid AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND ((CAST(classid AS BIGINT) << 32) | CAST(objid AS BIGINT)) = :key"
)

KEEPALIVE = "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4"
"""The server notices within a minute that a holder's machine is gone."""


@dataclass(frozen=True)
class Hold:
    """A lock that is held."""

    name: str
    key: int = 0
    pid: int | None = None
    """The server's process that holds it for us; None for a lock that lasts as long as our own process."""

    def check(self, session: Session) -> None:
        """Check, in the transaction that acts on it, that the lock is still held.

        Raises:
            StoreUnavailable: its connection was lost, so somebody else may hold it now.
        """
        if self.pid is not None and session.execute(HELD, {"pid": self.pid, "key": self.key}).first() is None:
            raise StoreUnavailable(
                f"the connection that held {self.name} was lost, so another process may go on with it; nothing was "
                "done. Resume the run."
            )


def held(
    database: Database, home: Path, name: str, *, busy: str, patience: float = 0.0
) -> AbstractContextManager[Hold]:
    """Hold the lock `name`, alone among all processes and threads that use the database.

    Args:
        home: where the locks of a database that is a file stand.
        busy: what to say when somebody else holds it.
        patience: seconds to wait for them.

    Raises:
        RunBusy: somebody else still holds it.
        StoreUnavailable: the database, or the folder of locks, cannot be used.
    """
    return _on_server(database, name, busy, patience) if database.shared else _in_home(home, name, busy, patience)


@contextmanager
def _in_home(home: Path, name: str, busy: str, patience: float) -> Iterator[Hold]:
    folder = home / "locks"
    lock = FileLock(folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock", timeout=patience)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RunBusy(busy) from None
    except OSError as error:
        raise StoreUnavailable(f"the folder {folder} cannot be used: {error.strerror}. Nothing was lost.") from None
    try:
        yield Hold(name)
    finally:
        lock.release()


@contextmanager
def _on_server(database: Database, name: str, busy: str, patience: float) -> Iterator[Hold]:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with database.apart() as connection:
        with database.explained():
            connection.exec_driver_sql(KEEPALIVE)
            taken = _taken(connection, key, patience)
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        if not taken:
            raise RunBusy(busy)
        yield Hold(name, key, int(pid))


def _taken(connection: Connection, key: int, patience: float) -> bool:
    if patience <= 0:
        return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one())
    try:
        connection.exec_driver_sql(f"SET lock_timeout = {round(patience * 1000)}")
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            return False
        raise
    return True
