"""The tables of checkpoints in a SQLite file.

A commit here does not wait for the disk (`synchronous=NORMAL`): a process may be killed at any instant and loses
nothing, and the file cannot be damaged, but the last commits may be gone when the machine loses power.  Where the
tables stand in the same file as the rows of runs, each commit of those, which does wait, forces what was written
before it to the disk too: the log of a file is one sequence.  So what the store knows of a run is never on the
disk without the checkpoints that came before it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

from interlock.errors import StoreUnavailable
from interlock.store.database import LOG_PAGES, unusable
from interlock.store.threads import TABLES

BY_KEY = ("threads ", "thread_values ", "thread_writes ")
"""Tables of small rows, which stand in their key."""


class FileTables:
    """One connection, which threads use in turn."""

    def __init__(self, path: Path, *, busy_timeout: float = 30.0) -> None:
        """Open, and where they are not there, make the tables.

        Raises:
            StoreUnavailable: the file cannot be opened.
        """
        self.path = path
        self._lock = threading.RLock()
        try:
            self.connection = sqlite3.connect(path, check_same_thread=False, timeout=busy_timeout, isolation_level=None)
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=NORMAL")
            self.connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        except sqlite3.Error as error:
            raise unusable(f"the checkpoints {path}", str(error)) from None
        with self.reading() as transaction:
            known = transaction.rows("SELECT 1 FROM sqlite_master WHERE name = 'thread_contents'")
        if not known:
            with self.writing() as transaction:
                for statement in TABLES:
                    without = " WITHOUT ROWID" if any(f"TABLE {name}" in statement for name in BY_KEY) else ""
                    transaction.change(statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS") + without)

    def reading(self) -> FileTransaction:
        """A transaction that sees one moment.

        Raises:
            StoreUnavailable: the file cannot be used now.
        """
        return self._transaction("BEGIN")

    def writing(self, *, forced: bool = False) -> AbstractContextManager[FileTransaction]:
        """A transaction that holds the write lock from its start.

        Args:
            forced: its commit waits for the disk.

        Raises:
            StoreUnavailable: the file cannot be used now; nothing of the block was kept.
        """
        return self._forced() if forced else self._transaction("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.connection.close()

    def _transaction(self, begin: str) -> FileTransaction:
        return FileTransaction(self.connection, self._lock, begin, self.path)

    @contextmanager
    def _forced(self) -> Iterator[FileTransaction]:
        with self._lock:
            self.connection.execute("PRAGMA synchronous=FULL")
            try:
                with self._transaction("BEGIN IMMEDIATE") as transaction:
                    yield transaction
            finally:
                self.connection.execute("PRAGMA synchronous=NORMAL")


class FileTransaction:
    """A transaction of a SQLite file, open within its `with` block."""

    FOR_UPDATE = ""

    def __init__(self, connection: sqlite3.Connection, lock: threading.RLock, begin: str, path: Path) -> None:
        self._connection, self._lock, self._begin, self._path = connection, lock, begin, path

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            self._connection.execute(self._begin)
        except BaseException as error:
            self._lock.release()
            if isinstance(error, sqlite3.Error):
                raise self._unusable(error) from None
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            try:
                if error is None:
                    self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        except sqlite3.Error as failed:
            error = failed
        finally:
            self._lock.release()
        if isinstance(error, sqlite3.Error):
            raise self._unusable(error) from None

    def _unusable(self, error: sqlite3.Error) -> StoreUnavailable:
        return unusable(f"the checkpoints {self._path}", str(error))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()

    def change(self, statement: str, *values: Any) -> int:
        return self._connection.execute(statement, values).rowcount

    def later(self, statement: str, *values: Any) -> Callable[[], int]:
        changed = self._connection.execute(statement, values).rowcount
        return lambda: changed

    def repeat(self, statement: str, values: Sequence[tuple[Any, ...]]) -> None:
        self._connection.executemany(statement, values)
