"""Savers over fresh databases of each kind, and what somebody with the database in hand can do to their rows."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interlock.store.checkpoints import Checkpoints, checkpointer, shared_checkpointer
from interlock.store.database import Database
from interlock.store.sealing import Ring
from tests import postgres

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


class Keeper(ABC):
    """One database of checkpoints; each saver over it is a new process as far as the rows can tell."""

    @abstractmethod
    def saver(self, *keys: bytes) -> Checkpoints:
        """A saver that seals with these keys, or with none."""

    @abstractmethod
    def sql(self, statement: str, **values: Any) -> list[Any]:
        """Execute a statement as whoever holds the database."""

    @abstractmethod
    def raw(self) -> bytes:
        """Every byte that the database keeps on the disk."""

    def ids(self, thread: str) -> list[str]:
        """The checkpoints of a thread, newest first."""
        query = "SELECT checkpoint_id FROM thread_checkpoints WHERE thread_id = :thread ORDER BY checkpoint_id DESC"
        return [row[0] for row in self.sql(query, thread=thread)]

    def versions(self, thread: str, channel: str) -> list[str]:
        """The versions of a channel that are kept, oldest first."""
        query = "SELECT version FROM thread_values WHERE thread_id = :thread AND channel = :channel ORDER BY version"
        return [row[0] for row in self.sql(query, thread=thread, channel=channel)]

    def value(self, thread: str, channel: str, back: int = 0) -> bytes:
        """What is kept of a channel in its newest version, or so many versions before it."""
        query = "SELECT data FROM thread_values WHERE thread_id = :thread AND channel = :channel AND version = :version"
        version = self.versions(thread, channel)[-1 - back]
        [[content]] = self.sql(query, thread=thread, channel=channel, version=version)
        return bytes(content)

    def put_value(self, thread: str, channel: str, content: bytes | None, back: int = 0) -> None:
        """Replace it; None takes it away."""
        where = "WHERE thread_id = :thread AND channel = :channel AND version = :version"
        place = {"thread": thread, "channel": channel, "version": self.versions(thread, channel)[-1 - back]}
        if content is None:
            self.sql(f"DELETE FROM thread_values {where}", **place)
        else:
            self.sql(f"UPDATE thread_values SET data = :content {where}", content=content, **place)

    def manifest(self, thread: str, back: int = 0) -> bytes:
        """The manifest of the newest checkpoint, or of one so many before it."""
        query = "SELECT data FROM thread_checkpoints WHERE thread_id = :thread AND checkpoint_id = :at"
        [[content]] = self.sql(query, thread=thread, at=self.ids(thread)[back])
        return bytes(content)

    def put_manifest(self, thread: str, content: bytes) -> None:
        """Replace that of the newest one."""
        query = "UPDATE thread_checkpoints SET data = :content WHERE thread_id = :thread AND checkpoint_id = :at"
        self.sql(query, content=content, thread=thread, at=self.ids(thread)[0])

    def writes(self, thread: str, channel: str) -> list[tuple[str, str, int, bytes]]:
        """Pending writes to a channel: checkpoint, task, place among the task's writes, content."""
        query = (
            "SELECT checkpoint_id, task_id, idx, data FROM thread_writes"
            " WHERE thread_id = :thread AND channel = :channel ORDER BY checkpoint_id, task_id, idx"
        )
        return [(row[0], row[1], row[2], bytes(row[3])) for row in self.sql(query, thread=thread, channel=channel)]

    def put_write(self, thread: str, place: tuple[str, str, int, bytes], content: bytes) -> None:
        """Replace a pending write."""
        query = (
            "UPDATE thread_writes SET data = :content"
            " WHERE thread_id = :thread AND checkpoint_id = :at AND task_id = :task AND idx = :idx"
        )
        self.sql(query, content=content, thread=thread, at=place[0], task=place[1], idx=place[2])

    def contents(self, thread: str) -> list[tuple[bytes, bytes]]:
        """What stands apart in a thread: address and content."""
        query = "SELECT address, data FROM thread_contents WHERE thread_id = :thread ORDER BY address"
        return [(bytes(row[0]), bytes(row[1])) for row in self.sql(query, thread=thread)]

    def put_content(self, thread: str, address: bytes, content: bytes) -> None:
        """Replace one of them."""
        query = "UPDATE thread_contents SET data = :content WHERE thread_id = :thread AND address = :address"
        self.sql(query, content=content, thread=thread, address=address)


class Sqlite(Keeper):
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._savers: list[Checkpoints] = []

    def saver(self, *keys: bytes) -> Checkpoints:
        saver = checkpointer(self.path, ring=Ring(keys) if keys else None)
        self._savers.append(saver)
        return saver

    def close(self) -> None:
        for saver in self._savers:
            saver.close()

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows

    def raw(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.path.parent.glob(f"{self.path.name}*"))


class Postgres(Keeper):
    """A database of a server."""

    def __init__(self, url: str) -> None:
        self.name = postgres.name_of(url)
        self.database = Database(url)

    def saver(self, *keys: bytes) -> Checkpoints:
        return shared_checkpointer(self.database, ring=Ring(keys) if keys else None)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        return postgres.sql(statement, database=self.name, **values)

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
