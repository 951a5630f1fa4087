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

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[psycopg.Cursor[dict[str, Any]]]:
        try:
            with self._database.connection() as connection:
                raw: Any = connection.connection.driver_connection
                with raw.cursor(binary=True, row_factory=dict_row) as cursor:
                    yield cursor
        except psycopg.Error as error:
            raise unusable(f"the checkpoints in {self._database.name}", str(error)) from None
