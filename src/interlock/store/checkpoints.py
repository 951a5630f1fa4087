"""Checkpoints: a saver for LangGraph that keeps each value once, and of a list that grew what it grew by.

On SQLite its tables stand in the file of the database, on PostgreSQL in the database itself; `files` and
`postgresql` say which commit waits for the disk.  A checkpoint is a manifest and the values that it names by
channel and version, so one that changes little costs little, however large the state is.  What is large stands
once in a thread, found by what it is.  Its serializer loads plain JSON types only, and with keys all of it is
sealed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

from interlock.store.plain import PlainSerializer  # before anything of langgraph: it makes its serializer strict

# isort: split
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)

from interlock.errors import StoreUnavailable, Superseded
from interlock.store import threads
from interlock.store.database import Database
from interlock.store.earlier import move_file, move_server
from interlock.store.files import FileTables
from interlock.store.pieces import Cut, Memory, cut, known_of
from interlock.store.reading import Reading
from interlock.store.sealed import Envelope
from interlock.store.sealing import Ring
from interlock.store.tally import WORTH, Tally
from interlock.store.threads import Tables, Thread, Transaction
from interlock.store.together import Together

INLINE = 24
"""Characters up to which a text stands in the manifest, as numbers do."""


_numbers = Random()
"""Begun by the system, and again in a process that was forked, so that no two processes make one version twice."""
os.register_at_fork(after_in_child=_numbers.seed)


class Checkpoints(BaseCheckpointSaver[str]):
    """The saver over one database.

    It offers what a graph needs to run, and no more: rows are not copied to other threads.  What grows too big
    is cut down by `interlock.store.trimming`.
    """

    serde: PlainSerializer

    def __init__(self, tables: Tables, ring: Ring | None = None) -> None:
        super().__init__(serde=PlainSerializer())
        self.tables = tables
        self._ring = ring
        self._memory = Memory()
        self._tally = Tally()
        self._together = Together()
        self._fences: dict[str, int] = {}

    # Reading ------------------------------------------------------------------------------------

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        thread, space = _place(config)
        query, place = "thread_id = ? AND checkpoint_ns = ?", [thread, space]
        if wanted := get_checkpoint_id(config):
            query, place = f"{query} AND checkpoint_id = ?", [*place, wanted]
        with self.tables.reading() as transaction:
            found = _rows(transaction, query, place, 1)
            if not found:
                return None
            reading = Reading(self._envelope(thread, space))
            [(*_, at, parent, data)] = found
            manifest = reading.manifest(at, parent, data)
            named = _named(manifest)
            values = reading.values(transaction, named)
            for channel, value in values.items():
                known = known_of(named[channel], value.pieces, value.value)
                if known is not None:
                    self._memory.put((thread, space, channel), known)
            return _tuple(transaction, reading, found[0], manifest, {name: each.value for name, each in values.items()})

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Each is read when it is asked for; one that is deleted meanwhile is left out."""
        wheres, place = _wanted(config, before)
        with self.tables.reading() as transaction:
            ids = transaction.rows(
                f"SELECT thread_id, checkpoint_ns, checkpoint_id FROM thread_checkpoints WHERE {wheres}"
                " ORDER BY checkpoint_id DESC",
                *place,
            )
        readings: dict[tuple[str, str], Reading] = {}
        left = len(ids) if limit is None else limit
        for thread, space, at in ids:
            if left <= 0:
                return
            reading = readings.get((thread, space))
            if reading is None:  # of one place at a time, so that what it remembers is bounded
                readings = {(thread, space): Reading(self._envelope(thread, space))}
                reading = readings[thread, space]
            found = self._listed(reading, (thread, space, at), filter or {})
            if found is not None:
                left -= 1
                yield found

    def _listed(
        self, reading: Reading, place: tuple[str, str, str], filter: Mapping[str, Any]
    ) -> CheckpointTuple | None:
        where = "thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?"
        with self.tables.reading() as transaction:
            for row in _rows(transaction, where, place, 1):
                manifest = reading.manifest(*row[2:])
                kept = manifest["metadata"]
                if all(name in kept and kept[name] == value for name, value in filter.items()):
                    values = reading.values(transaction, _named(manifest))
                    return _tuple(
                        transaction, reading, row, manifest, {name: each.value for name, each in values.items()}
                    )
        return None

    # Writing ------------------------------------------------------------------------------------

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint, and the values of its new versions, in one transaction.

        Raises:
            Superseded: another process has taken the thread over.
            StoreUnavailable: nothing of it was kept.
        """
        thread, space = _place(config)
        envelope = self._envelope(thread, space)
        versions = checkpoint["channel_versions"]
        inline: dict[str, Any] = {}
        apart: dict[str, Any] = {}
        for name, value in checkpoint["channel_values"].items():
            (inline if name not in versions or _is_short(value) else apart)[name] = value
        parent = config["configurable"].get("checkpoint_id")
        manifest = {
            "checkpoint": {**checkpoint, "channel_values": sorted(apart)},
            "inline": inline,
            "metadata": get_checkpoint_metadata(config, metadata),
            "parent": parent,
        }
        content = envelope.dumps(manifest)
        new = {name: self._cut(thread, space, name, apart[name]) for name in new_versions if name in apart}
        written: dict[str, Callable[[], int]] = {}
        with self._writing(envelope) as (thread_rows, _):
            for name, found in new.items():
                new[name] = self._standing(thread_rows, name, apart[name], found)
                written[name] = thread_rows.value(name, str(versions[name]), new[name].piece)
            thread_rows.checkpoint(checkpoint["id"], parent, content)
        for name, found in new.items():
            self._memory.put((thread, space, name), found.known(str(versions[name])) if written[name]() else None)
        return {"configurable": {"thread_id": thread, "checkpoint_ns": space, "checkpoint_id": checkpoint["id"]}}

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote, in one transaction: that of the next checkpoint, should it come at once.

        Raises:
            Superseded: another process has taken the thread over.
            StoreUnavailable: nothing of it was kept.
        """
        thread, space = _place(config)
        at = str(config["configurable"]["checkpoint_id"])
        cuts = [self._cut(thread, space, name, value) for name, value in writes]
        instead = all(name in WRITES_IDX_MAP for name, _ in writes)

        def work(thread_rows: Thread) -> None:
            for number, ((name, value), found) in enumerate(zip(writes, cuts, strict=True)):
                standing = self._standing(thread_rows, name, value, found)
                number = WRITES_IDX_MAP.get(name, number)
                thread_rows.write(at, (task_id, task_path), number, name, standing.piece, instead=instead)

        if not self._together.committed((thread, space), work):
            with self._writing(self._envelope(thread, space)) as (thread_rows, _):
                work(thread_rows)

    def delete_thread(self, thread_id: str) -> None:
        with self._writing(self._envelope(str(thread_id), "")) as (_, transaction):
            threads.delete(transaction, str(thread_id))
        self._tally.drop(str(thread_id))

    def get_next_version(self, current: str | None, channel: None) -> str:
        """A version that is greater, and that no other has: checkpoints of two ways from one have their own values."""
        apart = f"{_numbers.getrandbits(48):012x}"
        if current is None:
            return f"{1:010}.{apart}"
        number, _, _ = str(current).partition(".")
        # Versions are compared as texts, so those of a run that an earlier release began go on as it wrote them.
        return f"{int(number) + 1:0{len(number)}}.{apart}"

    def with_allowlist(self, extra_allowlist: Any) -> Checkpoints:
        """This saver: no class is ever loaded, whatever a graph's state is declared to hold."""
        return self

    # One writer ---------------------------------------------------------------------------------

    @contextmanager
    def alone(self, thread_id: str) -> Iterator[None]:
        """Supersede every other writer of a thread; the block's own writes are refused once it is superseded.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """
        with self.tables.writing() as transaction:
            fence = threads.take_over(transaction, thread_id)
        self._fences[thread_id] = fence
        try:
            yield
        finally:
            if self._fences.get(thread_id) == fence:
                self._count(thread_id, fence)
                del self._fences[thread_id]

    @contextmanager
    def _writing(self, envelope: Envelope) -> Iterator[tuple[Thread, Transaction]]:
        thread, counted = envelope.thread, 0
        taking = self._together.taking((thread, envelope.space))
        with taking, self.tables.writing() as transaction:
            found = Thread(transaction, envelope)
            found.claim(self._fences.get(thread))
            taking.write(found)
            yield found, transaction
            if self._tally.of(thread) >= WORTH:
                counted = self._tally.of(thread)
                found.count(counted)
        self._tally.add(thread, -counted if counted else found.written())

    def _count(self, thread_id: str, fence: int) -> None:
        """Write down what is not counted yet; where that cannot be done now, it stays uncounted."""
        size = self._tally.of(thread_id)
        if size:
            with contextlib.suppress(Superseded, StoreUnavailable), self.tables.writing() as transaction:
                found = Thread(transaction, self._envelope(thread_id, ""))
                found.claim(fence)
                found.count(size)
        self._tally.drop(thread_id)

    def _cut(self, thread: str, space: str, channel: str, value: Any) -> Cut:
        return cut(self.serde, value, self._memory.get((thread, space, channel)))

    def _standing(self, thread_rows: Thread, channel: str, value: Any, found: Cut) -> Cut:
        """The same, whole where what it goes on from was deleted meanwhile."""
        after = found.piece.after
        return found if after is None or thread_rows.has(channel, after) else cut(self.serde, value, None)

    # Size ---------------------------------------------------------------------------------------

    def stored(self, run_id: str) -> int:
        """Bytes of a run's checkpoints, values and pending writes."""
        with self.tables.reading() as transaction:
            return threads.stored(transaction, run_id)[0] + self._tally.of(run_id)

    def needed(self, run_id: str) -> int:
        """How many of them the newest checkpoints needed when the old ones were last forgotten."""
        with self.tables.reading() as transaction:
            return threads.stored(transaction, run_id)[1]

    def forget(self, run_id: str, kept: int) -> None:
        """Delete all but the newest so many checkpoints of a run, with their pending writes and values.

        A value, or the front of a list, that a kept checkpoint still needs stays, however old it is.
        """
        envelope = self._envelope(run_id, "")
        with self._writing(envelope) as (_, transaction):
            newest = _rows(transaction, "thread_id = ? AND checkpoint_ns = ?", (run_id, ""), kept)
            if newest:
                reading = Reading(envelope)
                named = [each for row in newest for each in _named(reading.manifest(*row[2:])).items()]
                threads.drop_unneeded(transaction, run_id, "", newest[-1][2], named)
        if newest:
            self._tally.drop(run_id)

    def close(self) -> None:
        """Let go of the database's file."""
        self.tables.close()

    def _envelope(self, thread: str, space: str) -> Envelope:
        return Envelope(self.serde, self._ring, thread, space)


def checkpointer(
    path: Path, *, busy_timeout: float = 30.0, ring: Ring | None = None, earlier: Path | None = None
) -> Checkpoints:
    """The saver over the SQLite file at `path`.

    Args:
        ring: the keys to seal with; without them, values stand in clear.
        earlier: a file in which an earlier release kept them; what it holds is moved, and it is deleted.

    Raises:
        StoreUnavailable: a file cannot be opened.
    """
    tables = FileTables(path, busy_timeout=busy_timeout)
    move_file(tables, earlier or path)
    return Checkpoints(tables, ring)


def shared_checkpointer(database: Database, *, ring: Ring | None = None) -> Checkpoints:
    """The saver whose tables stand in the PostgreSQL `database` itself.

    Raises:
        SettingsError: what it is built on is not installed.
        StoreUnavailable: the tables cannot be made.
    """
    from interlock.store.postgresql import ServerTables  # needs the extra `postgres`

    tables = ServerTables(database)
    move_server(tables, database)
    return Checkpoints(tables, ring)


def _is_short(value: Any) -> bool:
    """Whether a value is no longer than a row that would hold it."""
    return value is None or type(value) in (bool, int, float) or (type(value) is str and len(value) <= INLINE)


def _place(config: RunnableConfig) -> tuple[str, str]:
    configurable = config["configurable"]
    return str(configurable["thread_id"]), str(configurable.get("checkpoint_ns", ""))


def _wanted(config: RunnableConfig | None, before: RunnableConfig | None) -> tuple[str, list[str]]:
    wheres, values = ["1 = 1"], []
    if config is not None:
        wheres.append("thread_id = ?")
        values.append(str(config["configurable"]["thread_id"]))
        if config["configurable"].get("checkpoint_ns") is not None:
            wheres.append("checkpoint_ns = ?")
            values.append(str(config["configurable"]["checkpoint_ns"]))
        if at := get_checkpoint_id(config):
            wheres.append("checkpoint_id = ?")
            values.append(at)
    if before is not None:
        wheres.append("checkpoint_id < ?")
        values.append(str(get_checkpoint_id(before)))
    return " AND ".join(wheres), values


def _rows(transaction: Transaction, where: str, place: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
    """Checkpoints, newest first: thread, namespace, id, parent, manifest."""
    return transaction.rows(
        "SELECT thread_id, checkpoint_ns, checkpoint_id, parent_id, data FROM thread_checkpoints"
        f" WHERE {where} ORDER BY checkpoint_id DESC LIMIT {limit:d}",
        *place,
    )


def _named(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The channels whose values stand apart, and their versions."""
    checkpoint = manifest["checkpoint"]
    return {name: str(checkpoint["channel_versions"].get(name)) for name in checkpoint["channel_values"]}


def _tuple(
    transaction: Transaction,
    reading: Reading,
    row: tuple[Any, ...],
    manifest: Mapping[str, Any],
    values: Mapping[str, Any],
) -> CheckpointTuple:
    thread, space, at, parent, _ = row

    def config(of: str) -> RunnableConfig:
        return {"configurable": {"thread_id": thread, "checkpoint_ns": space, "checkpoint_id": of}}

    checkpoint = {**manifest["checkpoint"], "channel_values": {**manifest.get("inline", {}), **values}}
    return CheckpointTuple(
        config(at),
        cast(Checkpoint, checkpoint),
        cast(CheckpointMetadata, manifest["metadata"]),
        config(parent) if parent else None,
        reading.writes(transaction, at),
    )
