"""LangGraph's official PostgreSQL saver, over the connections of our database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg.rows import dict_row

from interlock.store.database import Database, unusable
from interlock.store.plain import Boxed, PlainSerializer


class PostgresCheckpoints(PostgresSaver):
    """The official saver: each call is one transaction, its errors say what to do next.

    Texts stand among the values, never in the checkpoint's JSON, which takes no zero characters.
    """

    MIGRATIONS: ClassVar[list[str]] = [  # type: ignore[misc]  # the base declares no class variable
        statement.replace("CONCURRENTLY ", "") for statement in PostgresSaver.MIGRATIONS
    ]
    """Its own, all in one transaction: an index made beside other work deadlocks with whoever waits for the tables."""

    def __init__(self, database: Database) -> None:
        super().__init__(None, serde=PlainSerializer())  # type: ignore[arg-type]  # see _cursor
        self._database = database

    def setup(self) -> None:
        """Make the tables, or bring them up to date; of many processes one does so at a time."""
        with self._database.write():
            super().setup()

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        values = {
            name: Boxed(value) if isinstance(value, str) else value
            for name, value in checkpoint["channel_values"].items()
        }
        return super().put(config, {**checkpoint, "channel_values": values}, metadata, new_versions)

    def stored(self, run_id: str) -> int:
        """Bytes of a run's values and pending writes."""
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT (SELECT coalesce(sum(octet_length(blob)), 0) FROM checkpoint_blobs WHERE thread_id = %(run)s)"
                " + (SELECT coalesce(sum(octet_length(blob)), 0) FROM checkpoint_writes WHERE thread_id = %(run)s)"
                " AS size",
                {"run": run_id},
            ).fetchone()
        return int(found["size"]) if found else 0

    def forget(self, run_id: str, kept: int) -> None:
        """Delete all but the newest so many checkpoints of a run, with their pending writes and values.

        A value that a kept checkpoint still names stays, however old it is.
        """
        with self._cursor() as cursor:
            oldest = cursor.execute(
                "SELECT checkpoint_id FROM checkpoints WHERE thread_id = %s AND checkpoint_ns = ''"
                " ORDER BY checkpoint_id DESC LIMIT 1 OFFSET %s",
                (run_id, kept - 1),
            ).fetchone()
            if oldest is None:
                return
            before = {"run": run_id, "oldest": oldest["checkpoint_id"]}
            these = "thread_id = %(run)s AND checkpoint_ns = ''"
            cursor.execute(f"DELETE FROM checkpoint_writes WHERE {these} AND checkpoint_id < %(oldest)s", before)
            cursor.execute(f"DELETE FROM checkpoints WHERE {these} AND checkpoint_id < %(oldest)s", before)
            cursor.execute(
                f"DELETE FROM checkpoint_blobs AS blobs WHERE {these} AND NOT EXISTS ("
                "SELECT 1 FROM checkpoints AS kept, jsonb_each_text(kept.checkpoint -> 'channel_versions') AS named"
                " WHERE kept.thread_id = blobs.thread_id AND kept.checkpoint_ns = blobs.checkpoint_ns"
                " AND named.key = blobs.channel AND named.value = blobs.version)",
                before,
            )

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[psycopg.Cursor[dict[str, Any]]]:
        try:
            with self._database.connection() as connection:
                raw: Any = connection.connection.driver_connection
                with raw.cursor(binary=True, row_factory=dict_row) as cursor:
                    yield cursor
        except psycopg.Error as error:
            raise unusable(f"the checkpoints in {self._database.name}", str(error)) from None
