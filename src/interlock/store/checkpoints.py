"""Checkpoints: LangGraph's official SQLite saver, with a serializer that loads plain JSON types only."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # read once, when langgraph's serializer is imported

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from interlock.errors import StoreUnavailable


def checkpointer(path: Path, *, busy_timeout: float = 30.0) -> BaseCheckpointSaver[str]:
    """The saver over the SQLite file at `path`.

    Raises:
        StoreUnavailable: the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=busy_timeout)
        saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        saver.setup()
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the checkpoints {path} cannot be used: {error}. Nothing was lost.") from None
    return saver
