"""Checkpoints: LangGraph's official savers, with a serializer that loads plain JSON types only, sealed where asked.

On SQLite they are a file of their own beside the database; on PostgreSQL they are tables of the same database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interlock.store.plain import PlainSerializer  # before anything of langgraph: it makes its serializer strict

# isort: split
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.sqlite import SqliteSaver

from interlock.errors import Refused
from interlock.store.database import Database, unusable
from interlock.store.sealed import SEALED, open_checkpoint, seal_checkpoint, seal_writes
from interlock.store.sealing import Ring


class Checkpoints(BaseCheckpointSaver[str]):
    """An official saver; with keys, what it keeps is sealed.

    It offers what a graph needs to run, and no more: rows are not copied to other threads.  What grows too big
    is cut down by `interlock.store.trimming`.
    """

    def __init__(self, inner: BaseCheckpointSaver[str], ring: Ring | None = None) -> None:
        super().__init__(serde=inner.serde)
        self.inner = inner
        self._ring = ring

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        found = self.inner.get_tuple(config)
        return None if found is None else self._opened(found)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        if self._ring is None:
            yield from map(self._opened, self.inner.list(config, filter=filter, before=before, limit=limit))
            return
        left = limit
        for found in self.inner.list(config, before=before):  # the database cannot look into sealed metadata
            if left == 0:
                return
            opened = self._opened(found)
            kept: Any = opened.metadata
            if all(name in kept and kept[name] == value for name, value in (filter or {}).items()):
                left = None if left is None else left - 1
                yield opened

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        if self._ring is not None:
            config, checkpoint, metadata = seal_checkpoint(self._ring, config, checkpoint, metadata)
        return self.inner.put(config, checkpoint, metadata, new_versions)

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        if self._ring is not None:
            writes = seal_writes(self._ring, config, writes, task_id)
        self.inner.put_writes(config, writes, task_id, task_path)

    def delete_thread(self, thread_id: str) -> None:
        self.inner.delete_thread(thread_id)

    def get_next_version(self, current: str | None, channel: None) -> str:
        return self.inner.get_next_version(current, channel)

    def with_allowlist(self, extra_allowlist: Any) -> Checkpoints:
        """This saver: no class is ever loaded, whatever a graph's state is declared to hold."""
        return self

    def _opened(self, found: CheckpointTuple) -> CheckpointTuple:
        if self._ring is not None:
            return open_checkpoint(self._ring, found)
        if SEALED in found.metadata:
            thread = found.config["configurable"]["thread_id"]
            raise Refused(
                f"the checkpoints of {thread} are sealed; nothing was done. Set INTERLOCK_CHECKPOINT_KEY to their key."
            )
        return found


class SqliteCheckpoints(SqliteSaver):
    """The official saver, whose database errors say what to do next."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, serde=PlainSerializer())
        self._path = path

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        try:
            with super().cursor(transaction) as cursor:
                yield cursor
        except sqlite3.Error as error:
            with self.lock:  # never what another thread is writing
                self.conn.rollback()
            raise unusable(f"the checkpoints {self._path}", str(error)) from None

    def stored(self, run_id: str) -> int:
        """Bytes of a run's checkpoints and pending writes."""
        with self.cursor(transaction=False) as cursor:
            (size,) = cursor.execute(
                "SELECT (SELECT coalesce(sum(length(checkpoint)), 0) FROM checkpoints WHERE thread_id = :run)"
                " + (SELECT coalesce(sum(length(value)), 0) FROM writes WHERE thread_id = :run)",
                {"run": run_id},
            ).fetchone()
        return int(size)

    def forget(self, run_id: str, kept: int) -> None:
        """Delete all but the newest so many checkpoints of a run, with their pending writes."""
        with self.cursor() as cursor:
            oldest = cursor.execute(
                "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ''"
                " ORDER BY checkpoint_id DESC LIMIT 1 OFFSET ?",
                (run_id, kept - 1),
            ).fetchone()
            for table in ("writes", "checkpoints") if oldest else ():
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id < ?",
                    (run_id, *oldest),
                )


def checkpointer(path: Path, *, busy_timeout: float = 30.0, ring: Ring | None = None) -> Checkpoints:
    """The saver over the SQLite file at `path`.

    Args:
        ring: the keys to seal with; without them, values stand in clear.

    Raises:
        StoreUnavailable: the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=busy_timeout)
        saver = SqliteCheckpoints(connection, path)
        saver.setup()
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error as error:
        raise unusable(f"the checkpoints {path}", str(error)) from None
    return Checkpoints(saver, ring)


def shared_checkpointer(database: Database, *, ring: Ring | None = None) -> Checkpoints:
    """The saver whose tables stand in the PostgreSQL `database` itself.

    Raises:
        SettingsError: what it is built on is not installed.
        StoreUnavailable: the tables cannot be made.
    """
    from interlock.store.postgresql import PostgresCheckpoints  # needs the extra `postgres`

    saver = PostgresCheckpoints(database)
    saver.setup()
    return Checkpoints(saver, ring)
