"""Checkpoints: LangGraph's official SQLite saver, with a serializer that loads plain JSON types only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # read once, when langgraph's serializer is imported

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from interlock.store.database import unusable


class Checkpoints(SqliteSaver):
    """The official saver, whose database errors say what to do next."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
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


def checkpointer(path: Path, *, busy_timeout: float = 30.0) -> BaseCheckpointSaver[str]:
    """The saver over the SQLite file at `path`.

    Raises:
        StoreUnavailable: the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=busy_timeout)
        saver = Checkpoints(connection, path)
        saver.setup()
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error as error:
        raise unusable(f"the checkpoints {path}", str(error)) from None
    return saver
