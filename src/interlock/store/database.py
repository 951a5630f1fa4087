"""The database: one engine, short write transactions, clear errors when it cannot be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlmodel import Session

from interlock.errors import Conflict, SettingsError, StoreUnavailable
from interlock.store.append_only import make_append_only
from interlock.store.migrations import SCHEMA, migrate
from interlock.store.tables import Meta, Row

WRITERS = 0x1A7E210C
"""The advisory lock that write transactions of one PostgreSQL database take in turn; any number of our own."""

LOG_PAGES = 4_000
"""Pages of 4 kB that a SQLite file's log may have before they are folded into the file, which waits for the disk."""

Transaction = Session
"""An open transaction, as callers outside the store may pass it on."""


class Database:
    """Where rows live.  `write()` is one transaction that commits with full durability."""

    def __init__(self, url: str, *, busy_timeout: float = 30.0) -> None:
        """Open (and, when new, create) the database at the SQLAlchemy `url`.

        Args:
            busy_timeout: seconds to wait for another writer.

        Raises:
            SettingsError: the URL cannot be read.
            StoreUnavailable: the database cannot be opened or is of another version.
        """
        try:
            self.url = make_url(url)
            self.engine = _engine(self.url, busy_timeout)
            with self.explained(), self.engine.connect() as connection:
                known = self.engine.dialect.has_table(connection, "meta")
        except ArgumentError:
            raise SettingsError(
                "INTERLOCK_DATABASE_URL is not a database URL; try sqlite:////path/to/file.db"
            ) from None
        except ImportError as error:
            raise SettingsError(
                f"INTERLOCK_DATABASE_URL needs {error.name}, which is not installed; install it, or use SQLite."
            ) from None
        if not known:
            with self.write() as session:  # of several processes that find it empty, one makes the tables
                Row.metadata.create_all(session.connection())
        with self.write() as session:
            meta = session.get(Meta, "schema")
            if meta is None:
                session.add(Meta(name="schema", value=SCHEMA))
                make_append_only(session.connection())
            elif meta.value != SCHEMA and not migrate(session, meta):
                raise StoreUnavailable(
                    f"the database {self.name} has table version {meta.value}, this program needs {SCHEMA}; "
                    "use the program that made it, or another INTERLOCK_HOME."
                )

    @property
    def name(self) -> str:
        """The database as it may be shown: no password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that holds the write lock from its start; it commits unless the block raises.

        Raises:
            StoreUnavailable: locked, full, read-only or gone; nothing of the block was kept.
            Conflict: a unique row was written by somebody else first.
        """
        with self.explained(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.shared:  # SQLite locks as a whole; the audit chain needs one writer
                session.execute(select(func.pg_advisory_xact_lock(WRITERS)))
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent snapshot for reading.

        Raises:
            StoreUnavailable: the database cannot be read now.
        """
        with self.explained(), Session(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name == "sqlite":
                session.connection(execution_options={"interlock_read": True})
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def connection(self, *, one_moment: bool = False) -> Iterator[Connection]:
        """A transaction of what shares this database with our tables; it commits unless the block raises.

        Args:
            one_moment: whatever it reads, it sees as it was at its first query.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """
        with self.explained(), self.engine.connect() as connection:
            if one_moment:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """A connection of its own, without transactions: what its session holds ends with the block.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """
        with self.explained():
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
        try:
            yield connection
        finally:
            connection.close()

    def call_connections(self, name: str) -> None:
        """Let the server know this process's connections by a name, so that others can end them; on SQLite, nothing.

        Args:
            name: at most 63 bytes; a server cuts what is longer.
        """
        if self.shared:
            call(self.engine, name)

    @property
    def file(self) -> Path | None:
        """The file that it is; None where it is a server's, or in memory."""
        plain = self.url.get_backend_name() == "sqlite" and not (self.url.host or self.url.query)
        return Path(self.url.database) if plain and self.url.database not in (None, "", ":memory:") else None

    @property
    def shared(self) -> bool:
        """Whether it is a server's, which programs on other machines may use too."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Let what the driver raises be told as what it means here.

        Raises:
            StoreUnavailable: the database cannot be used now.
            Conflict: a unique row was written by somebody else first.
        """
        try:
            yield
        except IntegrityError as error:
            raise Conflict(f"somebody else wrote this first: {error.orig}") from None
        except (DBAPIError, sqlite3.Error) as error:
            cause = str(getattr(error, "orig", None) or error)
            raise unusable(f"the database {self.name}", cause) from None


def without_password(text: str) -> str:
    """A setting as it may be shown: of a URL with a password, the rest."""
    try:
        return make_url(text).render_as_string(hide_password=True) if "://" in text else text
    except ArgumentError:
        return text


def call(engine: Engine, name: str) -> None:
    """Let a PostgreSQL server know the connections of an engine by a name."""

    @event.listens_for(engine, "connect")
    def _name(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('application_name', %s, false)", (name,))
        connection.commit()

    engine.dispose()


def unusable(what: str, cause: str) -> StoreUnavailable:
    """The error that names the database, its `cause` and the next step."""
    return StoreUnavailable(f"{what} cannot be used: {cause}. Nothing was lost; {_next_step(cause)}")


def _next_step(cause: str) -> str:
    for sign, step in {
        "locked": "another program holds its lock, try again when it has finished.",
        "full": "free some disk space and try again.",
        "readonly": "make the file and its folder writable and try again.",
        "read-only": "make the file and its folder writable and try again.",
        "unable to open": "check that INTERLOCK_HOME is a writable folder.",
        "not a database": "the file is something else; choose another INTERLOCK_HOME or INTERLOCK_DATABASE_URL.",
        "malformed": "restore it from a backup; `interlock audit verify` tells how much of it is whole.",
    }.items():
        if sign in cause:
            return step
    return "check that it is running and reachable, then try again."


def _engine(url: URL, busy_timeout: float) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    _own(url)
    engine = create_engine(url, connect_args={"timeout": busy_timeout})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        # SQLAlchemy must not let the driver open transactions by itself: BEGIN IMMEDIATE is ours.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("interlock_read", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _own(url: URL) -> None:
    """Make a new SQLite file that only its owner may read or write; its journals take over its mode."""
    if url.database and url.database != ":memory:" and not (url.host or url.query):
        with contextlib.suppress(OSError):  # it is there already, or SQLite says what is wrong with it
            os.close(os.open(url.database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
