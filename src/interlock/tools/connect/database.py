"""One way to open an embedded SQLite file: WAL, a bounded wait for locks, one writer at a time.

An error before the commit leaves the file as it was and says so; only a disk error during the commit
itself leaves a doubt, which a repeat with the same key clears up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, MetaData, NullPool, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.connect import files

BUSY_SECONDS = 5.0
"""Longest wait for another writer."""

PRAGMAS = ("foreign_keys=ON", "synchronous=FULL")
"""Set on every connection."""


@contextmanager
def writing(path: Path, schema: MetaData) -> Iterator[Connection]:
    """A transaction that holds the write lock of the file from its start and is committed at its end.

    The file and the tables of `schema` are created when missing.  An exception in the block rolls back.

    Raises:
        EffectNotDone: locked, read-only or full; the file is as it was.
        EffectFailed: the file is damaged or its constraints refuse the change; it is as it was.
        OSError: the disk failed during the commit; whether the change was stored is unknown.
    """
    with _certain(path):
        files.make(path.parent)
        connection = _open(path, write=True)
    with closing(connection):
        with _certain(path):
            connection.begin()
            schema.create_all(connection)
            yield connection
        with _certain(path, committing=True):
            connection.commit()


@contextmanager
def reading(path: Path, schema: MetaData) -> Iterator[Connection | None]:
    """A consistent view of the file that changes nothing; None when nothing was ever stored in it.

    Raises:
        EffectNotDone: the file cannot be read now.
        EffectFailed: the file is damaged.
    """
    if not path.exists():
        yield None
        return
    with _certain(path):
        connection = _open(path, write=False)
    with closing(connection), _certain(path):
        connection.begin()
        tables = set(inspect(connection).get_table_names())
        yield connection if tables.issuperset(schema.tables) else None


def _open(path: Path, *, write: bool) -> Connection:
    def connect() -> sqlite3.Connection:
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
        raw = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            if write and raw.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                # The switch does not wait for locks by itself, so those who switch take turns.
                with FileLock(f"{path}.lock", timeout=BUSY_SECONDS):
                    raw.execute("PRAGMA journal_mode=WAL")
            for pragma in PRAGMAS:
                raw.execute(f"PRAGMA {pragma}")
        except BaseException:
            raw.close()
            raise
        return raw

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    start = "BEGIN IMMEDIATE" if write else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(start))
    return engine.connect()


@contextmanager
def _certain(path: Path, *, committing: bool = False) -> Iterator[None]:
    """SQLite's errors as ours.  None of them names a value: they may be personal."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        match code:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise EffectNotDone(f"{path} is locked by another program; nothing was changed, try again.") from None
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                raise EffectNotDone(
                    f"{path} cannot be opened or written; nothing was changed. "
                    "Give write access to it and its folder (INTERLOCK_HOME), then try again."
                ) from None
            case sqlite3.SQLITE_FULL:
                raise EffectNotDone(
                    f"{path}: the database or its disk is full; nothing was changed. Make room, then try again."
                ) from None
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                raise EffectFailed(
                    f"{path} is damaged or no SQLite database; nothing was changed. Restore it from a backup."
                ) from None
            case sqlite3.SQLITE_CONSTRAINT:
                raise EffectFailed(
                    f"{path} refused a change that breaks its constraints; nothing was changed."
                ) from None
        if committing:
            raise OSError(f"{path}: the disk failed during the commit; whether it was stored is unknown.") from None
        raise EffectNotDone(f"{path}: {error.orig}; nothing was changed. Check the disk, then try again.") from None
    except Timeout:
        raise EffectNotDone(f"{path} is locked by another program; nothing was changed, try again.") from None
    except OSError as error:
        raise files.unwritable(path, error) from None
