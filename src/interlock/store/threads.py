"""The tables of checkpoints, and what is written to them in one transaction of one thread.

A transaction first takes the thread's own row, so that those of one thread follow each other on every database
and a writer that was superseded is told before it has written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from interlock.errors import Superseded
from interlock.store.pieces import Piece
from interlock.store.sealed import Envelope, Row

TABLES = (
    """CREATE TABLE threads (
        thread_id TEXT PRIMARY KEY,
        fence BIGINT NOT NULL,
        bytes BIGINT NOT NULL,
        needed BIGINT NOT NULL
    )""",
    """CREATE TABLE thread_checkpoints (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL,
        checkpoint_id TEXT NOT NULL,
        parent_id TEXT,
        data BLOB NOT NULL,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
    )""",
    """CREATE TABLE thread_values (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL,
        channel TEXT NOT NULL,
        version TEXT NOT NULL,
        after TEXT,
        address BLOB,
        data BLOB NOT NULL,
        PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
    )""",
    """CREATE TABLE thread_writes (
        thread_id TEXT NOT NULL,
        checkpoint_ns TEXT NOT NULL,
        checkpoint_id TEXT NOT NULL,
        task_id TEXT NOT NULL,
        idx INTEGER NOT NULL,
        task_path TEXT NOT NULL,
        channel TEXT NOT NULL,
        after TEXT,
        address BLOB,
        data BLOB NOT NULL,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
    )""",
    """CREATE TABLE thread_contents (
        thread_id TEXT NOT NULL,
        address BLOB NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (thread_id, address)
    )""",
)
"""`after`, `address` and the keys stand in clear for finding rows; what a row says of itself is in its `data`."""

OF_A_THREAD = ("thread_checkpoints", "thread_values", "thread_writes", "thread_contents")


class Transaction(Protocol):
    """An open transaction."""

    FOR_UPDATE: str
    """What a query ends in that keeps others from its rows; empty where a transaction that writes is alone."""

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds; a `?` stands for each value."""
        ...

    def change(self, statement: str, *values: Any) -> int:
        """The number of rows that a statement changed."""
        ...

    def later(self, statement: str, *values: Any) -> Callable[[], int]:
        """Execute a statement with the next ones, in order; what tells the number of rows that it changed."""
        ...

    def repeat(self, statement: str, values: Sequence[tuple[Any, ...]]) -> None:
        """Execute a statement with each of these."""
        ...


class Tables(Protocol):
    """A database with these tables."""

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that sees one moment.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """
        ...

    def writing(self) -> AbstractContextManager[Transaction]:
        """A transaction that commits unless its block raises.

        Raises:
            StoreUnavailable: the database cannot be used now; nothing of the block was kept.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds open."""
        ...


class Thread:
    """What one transaction writes to one thread and namespace."""

    def __init__(self, transaction: Transaction, envelope: Envelope) -> None:
        self._transaction, self.envelope = transaction, envelope
        self._place = (envelope.thread, envelope.space)
        self._written: list[tuple[int, Callable[[], int]]] = []
        """Bytes of rows, and whether each was written."""
        self._contents: set[bytes] = set()

    def claim(self, fence: int | None) -> None:
        """Take the thread for this transaction.

        Args:
            fence: the number that the writer was given when it took the thread over; None for one that took nothing.

        Raises:
            Superseded: another took it over since.
        """
        found = taken(self._transaction, self.envelope.thread)
        if fence is not None and found != fence:
            raise Superseded(
                f"another process went on with {self.envelope.thread}; what this one was about to write is dropped, "
                "and nothing was done twice. Look at the run, and resume it where it is not being driven."
            )

    def has(self, channel: str, version: str) -> bool:
        """Whether a value stands under a version."""
        query = "SELECT 1 FROM thread_values WHERE thread_id = ? AND checkpoint_ns = ? AND channel = ? AND version = ?"
        return bool(self._transaction.rows(query, *self._place, channel, version))

    def value(self, channel: str, version: str, piece: Piece) -> Callable[[], int]:
        """Keep a value; what tells whether it was not there: what stands under its version already stays."""
        row, content = self.envelope.row(piece)
        self._content(row.address, content)
        return self._value(channel, version, row, self.envelope.close(row.packed(), "value", channel, version))

    def sealed_value(self, channel: str, version: str, data: bytes) -> None:
        """Keep a whole value that an earlier release sealed."""
        self._value(channel, version, Row(None), data)

    def _value(self, channel: str, version: str, row: Row, data: bytes) -> Callable[[], int]:
        return self._keep(
            data,
            "INSERT INTO thread_values (thread_id, checkpoint_ns, channel, version, after, address, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *self._place, channel, version, row.after, row.address, data,
        )  # fmt: skip

    def checkpoint(self, at: str, parent: str | None, manifest: bytes) -> None:
        """Keep a checkpoint, in place of one of the same id."""
        self.sealed_checkpoint(at, parent, self.envelope.close(manifest, "checkpoint", at))

    def sealed_checkpoint(self, at: str, parent: str | None, data: bytes) -> None:
        """Keep a checkpoint whose manifest is sealed already."""
        self._keep(
            data,
            "INSERT INTO thread_checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_id, data)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id)"
            " DO UPDATE SET parent_id = excluded.parent_id, data = excluded.data",
            *self._place, at, parent, data,
        )  # fmt: skip

    def write(
        self, at: str, task: tuple[str, str], number: int, channel: str, piece: Piece, *, instead: bool = False
    ) -> None:
        """Keep a pending write.

        Args:
            task: the id and the path of the task that wrote it.
            instead: in place of one of the same number, which otherwise stays.
        """
        row, content = self.envelope.row(piece, number)
        self._content(row.address, content)
        data = self.envelope.close(row.packed(), "write", at, task[0], channel)
        self._write(at, task, number, channel, row, data, instead=instead)

    def sealed_write(self, at: str, task: tuple[str, str], number: int, channel: str, data: bytes) -> None:
        """Keep a pending write that an earlier release sealed."""
        self._write(at, task, number, channel, Row(None), data, instead=False)

    def _write(
        self, at: str, task: tuple[str, str], number: int, channel: str, row: Row, data: bytes, *, instead: bool
    ) -> None:
        self._keep(
            data,
            "INSERT INTO thread_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, task_path, channel,"
            " after, address, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) DO "
            + (
                "UPDATE SET task_path = excluded.task_path, channel = excluded.channel, after = excluded.after,"
                " address = excluded.address, data = excluded.data"
                if instead
                else "NOTHING"
            ),
            *self._place, at, task[0], number, task[1], channel, row.after, row.address, data,
        )  # fmt: skip

    def written(self) -> int:
        """Bytes of the rows that were written; on a server it is asked for how many of them were."""
        return sum(size * changed() for size, changed in self._written)

    def count(self, more: int = 0) -> None:
        """Note how much was written, and `more`."""
        size = self.written() + more
        if size:
            self._transaction.later(
                "UPDATE threads SET bytes = bytes + ? WHERE thread_id = ?", size, self.envelope.thread
            )

    def _keep(self, data: bytes, statement: str, *values: Any) -> Callable[[], int]:
        changed = self._transaction.later(statement, *values)
        self._written.append((len(data), changed))
        return changed

    def _content(self, address: bytes | None, content: bytes | None) -> None:
        if address is None or content is None or address in self._contents:
            return
        self._contents.add(address)
        data = self.envelope.close_content(content, address)
        self._keep(
            data,
            "INSERT INTO thread_contents (thread_id, address, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            self.envelope.thread, address, data,
        )  # fmt: skip


def taken(transaction: Transaction, thread: str) -> int:
    """Take a thread's own row for the length of a transaction; the fence that stands in it."""
    query = f"SELECT fence FROM threads WHERE thread_id = ?{transaction.FOR_UPDATE}"
    found = transaction.rows(query, thread)
    if not found:
        transaction.change(
            "INSERT INTO threads (thread_id, fence, bytes, needed) VALUES (?, 0, 0, 0) ON CONFLICT DO NOTHING", thread
        )
        found = transaction.rows(query, thread)
    return int(found[0][0])


def take_over(transaction: Transaction, thread: str) -> int:
    """Supersede every writer of a thread; the fence of the new one."""
    fence = taken(transaction, thread) + 1
    transaction.change("UPDATE threads SET fence = ? WHERE thread_id = ?", fence, thread)
    return fence


def delete(transaction: Transaction, thread: str) -> None:
    """Delete what is kept of a thread, in every namespace; its fence stays."""
    for table in OF_A_THREAD:
        transaction.change(f"DELETE FROM {table} WHERE thread_id = ?", thread)
    transaction.change("UPDATE threads SET bytes = 0, needed = 0 WHERE thread_id = ?", thread)


def stored(transaction: Transaction, thread: str) -> tuple[int, int]:
    """Bytes of what is kept of a thread, and how many of them were needed when it was last looked through."""
    [*found] = transaction.rows("SELECT bytes, needed FROM threads WHERE thread_id = ?", thread)
    return (int(found[0][0]), int(found[0][1])) if found else (0, 0)


def drop_unneeded(
    transaction: Transaction, thread: str, space: str, oldest: str, named: Sequence[tuple[str, str]]
) -> None:
    """Delete the checkpoints before `oldest`, and every value and content that nothing needs then.

    Args:
        named: the channels and versions that the remaining checkpoints name.
    """
    place = (thread, space)
    where = "WHERE thread_id = ? AND checkpoint_ns = ?"
    for table in ("thread_writes", "thread_checkpoints"):
        transaction.change(f"DELETE FROM {table} {where} AND checkpoint_id < ?", *place, oldest)
    after = {
        (channel, version): before
        for channel, version, before in transaction.rows(
            f"SELECT channel, version, after FROM thread_values {where}", *place
        )
    }
    written = transaction.rows(f"SELECT channel, after FROM thread_writes {where} AND after IS NOT NULL", *place)
    needed: set[tuple[str, str]] = set()
    for each in [*named, *written]:
        found: tuple[str, str] | None = (each[0], each[1])
        while found is not None and found in after and found not in needed:
            needed.add(found)
            before = after[found]
            found = None if before is None else (found[0], before)
    transaction.repeat(
        f"DELETE FROM thread_values {where} AND channel = ? AND version = ?",
        [(*place, *each) for each in after if each not in needed],
    )
    transaction.change(
        "DELETE FROM thread_contents WHERE thread_id = ? AND address NOT IN ("
        "SELECT address FROM thread_values WHERE thread_id = ? AND address IS NOT NULL"
        " UNION SELECT address FROM thread_writes WHERE thread_id = ? AND address IS NOT NULL)",
        thread, thread, thread,
    )  # fmt: skip
    sizes = " + ".join(
        f"(SELECT coalesce(sum(length(data)), 0) FROM {table} WHERE thread_id = ?)" for table in OF_A_THREAD
    )
    transaction.change(f"UPDATE threads SET bytes = {sizes} WHERE thread_id = ?", *(5 * (thread,)))
    transaction.change("UPDATE threads SET needed = bytes WHERE thread_id = ?", thread)
