"""Savers over fresh databases of each kind, and what somebody with the database in hand can do to their rows."""

from __future__ import annotations

import base64
import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interlock.store.checkpoints import Checkpoints, checkpointer, shared_checkpointer
from interlock.store.database import Database
from interlock.store.plain import PlainSerializer
from interlock.store.sealing import Ring
from tests import postgres

KEY, OTHER_KEY = b"k" * 32, b"o" * 32

_serializer = PlainSerializer()


class Keeper(ABC):
    """One database of checkpoints; each saver over it is a new process as far as the rows can tell."""

    WRITES: str
    VALUE: str

    @abstractmethod
    def saver(self, *keys: bytes) -> Checkpoints:
        """A saver that seals with these keys, or with none."""

    @abstractmethod
    def sql(self, statement: str, **values: Any) -> list[Any]:
        """Execute a statement as whoever holds the database."""

    @abstractmethod
    def value(self, thread: str, channel: str, back: int = 0) -> bytes:
        """What is kept of a channel in the newest checkpoint, or so many checkpoints before it."""

    @abstractmethod
    def put_value(self, thread: str, channel: str, content: bytes | None) -> None:
        """Replace it in the newest checkpoint; None takes it away."""

    @abstractmethod
    def edit(self, thread: str, field: str, content: Any) -> None:
        """Replace a field of the newest checkpoint that is not sealed."""

    @abstractmethod
    def raw(self) -> bytes:
        """Every byte that the database keeps on the disk."""

    def ids(self, thread: str) -> list[str]:
        """The checkpoints of a thread, newest first."""
        query = "SELECT checkpoint_id FROM checkpoints WHERE thread_id = :thread ORDER BY checkpoint_id DESC"
        return [row[0] for row in self.sql(query, thread=thread)]

    def metadata(self, thread: str, at: str) -> dict[str, Any]:
        """The metadata as it is kept."""
        query = "SELECT metadata FROM checkpoints WHERE thread_id = :thread AND checkpoint_id = :at"
        [[kept]] = self.sql(query, thread=thread, at=at)
        return dict(kept if isinstance(kept, dict) else json.loads(kept))

    def put_metadata(self, thread: str, at: str, content: dict[str, Any]) -> None:
        """Replace the metadata."""
        query = "UPDATE checkpoints SET metadata = {} WHERE thread_id = :thread AND checkpoint_id = :at"
        text = json.dumps(content)
        self.sql(query.format(self.AS_METADATA), thread=thread, at=at, text=text)

    AS_METADATA: str

    def manifest(self, thread: str) -> bytes:
        """The sealed manifest of the newest checkpoint."""
        return base64.b64decode(self.metadata(thread, self.ids(thread)[0])["sealed"])

    def put_manifest(self, thread: str, content: bytes) -> None:
        """Replace it."""
        self.put_metadata(thread, self.ids(thread)[0], {"sealed": base64.b64encode(content).decode()})

    def writes(self, thread: str, channel: str) -> list[tuple[str, str, int, bytes]]:
        """Pending writes to a channel: checkpoint, task, place among the task's writes, content."""
        query = (
            f"SELECT checkpoint_id, task_id, idx, {self.VALUE} FROM {self.WRITES}"
            " WHERE thread_id = :thread AND channel = :channel ORDER BY checkpoint_id, task_id, idx"
        )
        return [(row[0], row[1], row[2], bytes(row[3])) for row in self.sql(query, thread=thread, channel=channel)]

    def put_write(self, thread: str, place: tuple[str, str, int, bytes], content: bytes) -> None:
        """Replace a pending write."""
        query = (
            f"UPDATE {self.WRITES} SET {self.VALUE} = :content"
            " WHERE thread_id = :thread AND checkpoint_id = :at AND task_id = :task AND idx = :idx"
        )
        self.sql(query, content=content, thread=thread, at=place[0], task=place[1], idx=place[2])


class Sqlite(Keeper):
    """A file."""

    WRITES, VALUE, AS_METADATA = "writes", "value", "CAST(:text AS BLOB)"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._savers: list[Any] = []

    def saver(self, *keys: bytes) -> Checkpoints:
        saver = checkpointer(self.path, ring=Ring(keys) if keys else None)
        self._savers.append(saver.inner)
        return saver

    def close(self) -> None:
        for saver in self._savers:
            saver.conn.close()

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows

    def _row(self, thread: str, back: int = 0) -> tuple[str, dict[str, Any]]:
        at = self.ids(thread)[back]
        query = "SELECT type, checkpoint FROM checkpoints WHERE thread_id = :thread AND checkpoint_id = :at"
        [[kind, content]] = self.sql(query, thread=thread, at=at)
        return at, dict(_serializer.loads_typed((kind, content)))

    def _put_row(self, thread: str, at: str, row: dict[str, Any]) -> None:
        query = "UPDATE checkpoints SET checkpoint = :content WHERE thread_id = :thread AND checkpoint_id = :at"
        self.sql(query, content=_serializer.dumps_typed(row)[1], thread=thread, at=at)

    def value(self, thread: str, channel: str, back: int = 0) -> bytes:
        return bytes(self._row(thread, back)[1]["channel_values"][channel])

    def put_value(self, thread: str, channel: str, content: bytes | None) -> None:
        at, row = self._row(thread)
        row["channel_values"].pop(channel, None)
        if content is not None:
            row["channel_values"][channel] = content
        self._put_row(thread, at, row)

    def edit(self, thread: str, field: str, content: Any) -> None:
        at, row = self._row(thread)
        row[field] = content
        self._put_row(thread, at, row)

    def raw(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.path.parent.glob(f"{self.path.name}*"))


class Postgres(Keeper):
    """A database of a server."""

    WRITES, VALUE, AS_METADATA = "checkpoint_writes", "blob", "CAST(:text AS JSONB)"

    def __init__(self, url: str) -> None:
        self.name = postgres.name_of(url)
        self.database = Database(url)

    def saver(self, *keys: bytes) -> Checkpoints:
        return shared_checkpointer(self.database, ring=Ring(keys) if keys else None)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        return postgres.sql(statement, database=self.name, **values)

    def _version(self, thread: str, channel: str, back: int) -> str:
        query = "SELECT checkpoint FROM checkpoints WHERE thread_id = :thread AND checkpoint_id = :at"
        [[row]] = self.sql(query, thread=thread, at=self.ids(thread)[back])
        return str(row["channel_versions"][channel])

    def value(self, thread: str, channel: str, back: int = 0) -> bytes:
        query = (
            "SELECT blob FROM checkpoint_blobs WHERE thread_id = :thread AND channel = :channel AND version = :version"
        )
        [[content]] = self.sql(query, thread=thread, channel=channel, version=self._version(thread, channel, back))
        return bytes(content)

    def put_value(self, thread: str, channel: str, content: bytes | None) -> None:
        where = "WHERE thread_id = :thread AND channel = :channel AND version = :version"
        place = {"thread": thread, "channel": channel, "version": self._version(thread, channel, 0)}
        if content is None:
            self.sql(f"DELETE FROM checkpoint_blobs {where}", **place)
        else:
            self.sql(f"UPDATE checkpoint_blobs SET blob = :content {where}", content=content, **place)

    def edit(self, thread: str, field: str, content: Any) -> None:
        query = (
            "UPDATE checkpoints SET checkpoint = jsonb_set(checkpoint, CAST(:path AS TEXT[]), CAST(:content AS JSONB))"
            " WHERE thread_id = :thread AND checkpoint_id = :at"
        )
        at = self.ids(thread)[0]
        self.sql(query, path="{" + field + "}", content=json.dumps(content), thread=thread, at=at)

    def raw(self) -> bytes:
        return postgres.raw(self.name)


@contextmanager
def keeper(kind: str, folder: Path) -> Iterator[Keeper]:
    """A fresh keeper of a kind: sqlite or postgresql."""
    if kind == "sqlite":
        file = Sqlite(folder / "checkpoints.db")
        try:
            yield file
        finally:
            file.close()
        return
    with postgres.database() as url:
        server = Postgres(url)
        try:
            yield server
        finally:
            server.database.engine.dispose()
