"""A database that cannot be used: each is told with its next step, and nothing is half written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from sqlalchemy import text

from interlock.errors import Conflict, SettingsError, StoreUnavailable
from interlock.store.audit_key import audit_key
from interlock.store.checkpoints import checkpointer
from interlock.store.database import SCHEMA, Database
from tests.store.stores import Stores


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "interlock.db"


def opened(path: Path, **more: Any) -> Stores:
    return Stores(Database(f"sqlite:///{path}", **more))


def test_a_locked_database_says_so_and_keeps_nothing(path: Path) -> None:
    """Another connection holds the write lock: no half of the write is kept, and reading goes on."""
    stores = opened(path, busy_timeout=0.05)
    first = stores.run()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="try again when it has finished") as caught:
        stores.run()
    assert caught.value.retryable
    assert [run.id for run in stores.runs.list()] == [first]
    other.execute("ROLLBACK")
    stores.run()
    assert len(stores.runs.list()) == 2
    assert stores.whole()


def test_a_database_locked_at_its_making_says_so(path: Path) -> None:
    """The very first open waits no longer than it may, and works once the lock is gone."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="locked"):
        opened(path, busy_timeout=0.05)
    other.execute("ROLLBACK")
    other.close()
    assert opened(path).run()


def test_a_full_database_says_so_and_keeps_nothing(path: Path) -> None:
    """No page is left: the run is not accepted, its audit entry is not there either, and all goes on after."""
    stores = opened(path)
    first = stores.run()
    head = stores.head()

    with stores.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.rollback()
    with pytest.raises(StoreUnavailable, match="free some disk space"):
        stores.runs.create(
            spec={"graph": "g", "version": 1, "fill": "x" * 1_000_000}, spec_digest="sha256:big",
            input={}, requester="me",
        )  # fmt: skip
    assert ([run.id for run in stores.runs.list()], stores.head()) == ([first], head)
    with stores.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        connection.rollback()
    stores.run()
    assert stores.whole()


def test_a_decision_that_cannot_be_stored_is_not_half_taken(path: Path) -> None:
    """Vote, effect and request move together or not at all."""
    stores = opened(path, busy_timeout=0.05)
    asked = stores.asked(stores.run())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        stores.approvals.approve(asked.id, "fay")
    other.execute("ROLLBACK")
    assert stores.approvals.votes(asked.id) == []
    assert stores.approvals.get(asked.id).state == "waiting"
    assert stores.ledger.get(asked.effect_id or "").state == "gated"
    stores.approvals.approve(asked.id, "fay")
    assert stores.ledger.get(asked.effect_id or "").state == "approved"


def test_a_write_that_fails_midway_keeps_nothing(path: Path) -> None:
    """Whatever the block had written before the error is gone."""
    stores = opened(path)
    run = stores.run()
    head = stores.head()

    def half() -> None:
        with stores.database.write() as session:
            session.connection().execute(text("UPDATE runs SET status = 'done'"))
            stores.audit.append(session, "test", "run.done", run, {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert (stores.runs.get(run).status, stores.head()) == ("created", head)


def test_a_home_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """A folder under a regular file: neither the database, the key nor the checkpoints can be there."""
    (tmp_path / "file").write_text("not a folder")
    below = tmp_path / "file" / "home"
    with pytest.raises(StoreUnavailable, match="check that INTERLOCK_HOME is a writable folder"):
        opened(below / "interlock.db")
    with pytest.raises(StoreUnavailable, match=r"the audit key .* cannot be used"):
        audit_key(below)
    with pytest.raises(StoreUnavailable, match="check that INTERLOCK_HOME is a writable folder"):
        checkpointer(below / "checkpoints.db")
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_database_that_may_only_be_read_says_so(path: Path) -> None:
    """Writing is refused with the next step; reading goes on."""
    first = opened(path).run()
    reader = Stores(Database(f"sqlite:///file:{path}?mode=ro&uri=true"))
    with pytest.raises(StoreUnavailable, match="make the file and its folder writable"):
        reader.run()
    assert [run.id for run in reader.runs.list()] == [first]


@pytest.mark.parametrize(
    "content", [b"hello, this is a text file, not a database, and rather longer than a header. " * 20]
)
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    """It may be somebody's: it is named, refused and not changed."""
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="the file is something else"):
        opened(path)
    with pytest.raises(StoreUnavailable, match="the file is something else"):
        checkpointer(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("version", ["0", str(int(SCHEMA) + 1), "", "one"])
def test_a_database_of_another_version_is_refused(path: Path, version: str) -> None:
    """Tables of another program version are never guessed at."""
    stores = opened(path)
    stores.run()
    with stores.database.write() as session:
        session.connection().execute(text("UPDATE meta SET value = :v WHERE name = 'schema'"), {"v": version})
    with pytest.raises(StoreUnavailable, match=f"has table version {version}, this program needs {SCHEMA}"):
        opened(path)
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT value FROM meta").fetchone() == (version,)


def test_another_programs_tables_are_refused(path: Path) -> None:
    """A table `meta` of somebody else is no database of ours, and nothing is added to it."""
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE meta (id INTEGER, text TEXT)")
    with pytest.raises(StoreUnavailable):
        opened(path)
    with sqlite3.connect(path) as raw:
        assert [row[0] for row in raw.execute("SELECT name FROM sqlite_master")] == ["meta"]


def test_a_damaged_database_says_so(path: Path) -> None:
    """Pages overwritten in the middle: an error with its next step, not a wrong answer."""
    stores = opened(path)
    for _ in range(30):
        stores.run()
    stores.database.engine.dispose()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreUnavailable, match="restore it from a backup"):
        opened(path).run()


@pytest.mark.parametrize("url", ["", "nonsense", "://", "sqlite", "nosuch://host/name", "sqlite://host/name.db"])
def test_an_url_that_is_none_names_its_setting(url: str) -> None:
    """The setting to correct stands in the message."""
    with pytest.raises(SettingsError, match="INTERLOCK_DATABASE_URL"):
        Database(url)


def test_a_password_never_stands_in_a_message() -> None:
    """An error names the database without its secret."""
    for url in ("sqlite+pysqlite://user:secret@host/elsewhere.db", "postgresql+psycopg://user:secret@127.0.0.1:1/x"):
        with pytest.raises((StoreUnavailable, SettingsError)) as caught:
            Database(url)
        assert "secret" not in str(caught.value)


def test_a_row_written_twice_is_a_conflict(path: Path) -> None:
    """The same run id from two processes: the second is told that it came later."""
    stores = opened(path)
    stores.run("run-1")
    with pytest.raises(Conflict, match="wrote this first"):
        opened(path).run("run-1")
    assert len(stores.runs.list()) == 1
    assert stores.whole()


# Checkpoints ------------------------------------------------------------------------------------


def test_locked_checkpoints_say_so(tmp_path: Path) -> None:
    """The saver's own errors carry the next step too, and it works once the lock is gone."""
    path = tmp_path / "checkpoints.db"
    saver = checkpointer(path, busy_timeout=0.05)
    config: Any = {"configurable": {"thread_id": "run-1", "checkpoint_ns": ""}}
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="try again when it has finished"):
        saver.put(config, empty_checkpoint(), {}, {})
    other.execute("ROLLBACK")
    assert saver.get_tuple(config) is None
    saver.put(config, empty_checkpoint(), {}, {})
    assert saver.get_tuple(config) is not None


def test_full_checkpoints_say_so(tmp_path: Path) -> None:
    """No page is left for the checkpoint: told, and not half there."""
    saver: Any = checkpointer(tmp_path / "checkpoints.db")
    pages = saver.tables.connection.execute("PRAGMA page_count").fetchone()[0]
    saver.tables.connection.execute(f"PRAGMA max_page_count = {pages}")
    config: Any = {"configurable": {"thread_id": "run-1", "checkpoint_ns": ""}}
    large = empty_checkpoint() | {"channel_values": {"text": "x" * 1_000_000}}
    with pytest.raises(StoreUnavailable, match="free some disk space"):
        saver.put(config, large, {}, {})
    assert saver.get_tuple(config) is None
