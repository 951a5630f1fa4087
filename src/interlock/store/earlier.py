"""Checkpoints that an earlier release kept, in the tables of LangGraph's official savers, moved into ours.

They are moved once, when a database is opened, and each run goes on from where it was.  What was sealed is moved
as it stands, without its key: it is bound to the same places here.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from interlock.store.database import Database, unusable
from interlock.store.files import FileTables
from interlock.store.pieces import Known, cut
from interlock.store.plain import PlainSerializer
from interlock.store.sealed import Envelope
from interlock.store.threads import Thread, Transaction

if TYPE_CHECKING:
    from interlock.store.postgresql import ServerTables

SEALED = "sealed"
"""The one field of a sealed checkpoint's metadata there: its manifest."""

OURS = "SELECT thread_id FROM checkpoints WHERE thread_id IN (SELECT id FROM runs)"
"""The threads of a server's tables that are runs of ours; others may be some other program's."""


@dataclass(frozen=True)
class Found:
    """A checkpoint as it was kept."""

    space: str
    at: str
    parent: str | None
    checkpoint: dict[str, Any]
    metadata: dict[str, Any]


Writes = Sequence[tuple[Any, ...]]
"""Pending writes: namespace, checkpoint, task, path, number, channel, type and bytes."""


def move_file(tables: FileTables, path: Path) -> None:
    """Move what stands in the SQLite file `path`, and delete that file, or these tables of it.

    Raises:
        StoreUnavailable: one of the files cannot be used.
    """
    within = path == tables.path
    if not path.is_file():
        return
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as source:
            known = {name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"checkpoints", "writes"} <= known:
                return
            source.execute("BEGIN")
            columns = {column[1] for column in source.execute("PRAGMA table_info(writes)")}
            task_path = "task_path" if "task_path" in columns else "''"
            names = [name for (name,) in source.execute("SELECT DISTINCT thread_id FROM checkpoints")]
            with tables.writing(forced=True) as transaction:
                for name in names:
                    writes = source.execute(
                        f"SELECT checkpoint_ns, checkpoint_id, task_id, {task_path}, idx, channel, type, value"
                        " FROM writes WHERE thread_id = ?",
                        (name,),
                    ).fetchall()
                    _move(transaction, name, _of_file(source, name), writes)
                for table in ("checkpoints", "writes") if within else ():
                    transaction.change(f"DROP TABLE {table}")
    except sqlite3.Error as error:
        raise unusable(f"the checkpoints {path}", str(error)) from None
    if not within:
        for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            each.unlink(missing_ok=True)


def move_server(tables: ServerTables, database: Database) -> None:
    """Move what stands in the tables of a PostgreSQL database, and delete it there; the tables stay.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    with database.connection() as connection:
        if not inspect(connection).has_table("checkpoint_writes"):
            return
    with tables.reading() as looking:
        if not looking.rows(f"{OURS} LIMIT 1"):
            return
    with database.write(), tables.writing(forced=True) as transaction:  # of many processes one does so
        for (name,) in transaction.rows(f"SELECT DISTINCT thread_id FROM ({OURS}) AS ours"):
            writes = transaction.rows(
                "SELECT checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob"
                " FROM checkpoint_writes WHERE thread_id = ?",
                name,
            )
            _move(transaction, name, _of_server(transaction, name), writes)
            for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
                transaction.change(f"DELETE FROM {table} WHERE thread_id = ?", name)


def _of_file(source: sqlite3.Connection, name: str) -> Iterator[Found]:
    serializer = PlainSerializer()
    query = (
        "SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints"
        " WHERE thread_id = ? ORDER BY checkpoint_ns, checkpoint_id"
    )
    for space, at, parent, kind, data, metadata in source.execute(query, (name,)):
        yield Found(space, at, parent, serializer.loads_typed((kind, data)), json.loads(metadata or "{}"))


def _of_server(transaction: Transaction, name: str) -> Iterator[Found]:
    serializer = PlainSerializer()
    blobs = {
        (space, channel, version): (kind, data)
        for space, channel, version, kind, data in transaction.rows(
            "SELECT checkpoint_ns, channel, version, type, blob FROM checkpoint_blobs WHERE thread_id = ?", name
        )
        if kind != "empty"
    }
    query = (
        "SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata FROM checkpoints"
        " WHERE thread_id = ? ORDER BY checkpoint_ns, checkpoint_id"
    )
    for space, at, parent, checkpoint, metadata in transaction.rows(query, name):
        values = dict(checkpoint.get("channel_values") or {})
        for channel, version in checkpoint["channel_versions"].items():
            if (space, channel, str(version)) in blobs:
                values[channel] = serializer.loads_typed(blobs[space, channel, str(version)])
        yield Found(space, at, parent, {**checkpoint, "channel_values": values}, metadata)


def _move(transaction: Transaction, name: str, found: Iterator[Found], writes: Writes) -> None:
    if transaction.rows("SELECT 1 FROM threads WHERE thread_id = ?", name):
        return  # moved before, by a process that died before it could delete them there
    serializer = PlainSerializer()
    threads: dict[str, Thread] = {}
    sealed: set[str] = set()

    def thread(space: str) -> Thread:
        if space not in threads:
            threads[space] = Thread(transaction, Envelope(serializer, None, name, space))
            threads[space].claim(None)
        return threads[space]

    known: dict[tuple[str, str], Known | None] = {}
    for each in found:
        if SEALED in each.metadata:
            sealed.add(each.space)
            _keep_sealed(thread(each.space), each)
        else:
            _keep_in_clear(thread(each.space), each, serializer, known)
    for space, at, task, path, number, channel, kind, data in writes:
        if space in sealed:
            thread(space).sealed_write(at, (task, path), number, channel, data)
        else:
            value = serializer.loads_typed((kind, data))
            piece = cut(serializer, value, known.get((space, channel))).piece
            thread(space).write(at, (task, path), number, channel, piece)
    for each_thread in threads.values():
        each_thread.count()


def _keep_sealed(thread: Thread, found: Found) -> None:
    """Values and manifest are sealed for places of the same names here."""
    for channel, value in found.checkpoint["channel_values"].items():
        if isinstance(value, bytes):
            thread.sealed_value(channel, str(found.checkpoint["channel_versions"].get(channel)), value)
    with contextlib.suppress(binascii.Error):  # then it is none, and is refused when it is read
        manifest = base64.b64decode(str(found.metadata[SEALED]), validate=True)
        thread.sealed_checkpoint(found.at, found.parent, manifest)


def _keep_in_clear(
    thread: Thread,
    found: Found,
    serializer: PlainSerializer,
    known: dict[tuple[str, str], Known | None],
) -> None:
    versions, inline, apart = found.checkpoint["channel_versions"], {}, []
    for channel, value in found.checkpoint["channel_values"].items():
        if channel not in versions or not isinstance(value, str | bytes | list | dict):
            inline[channel] = value
            continue
        apart.append(channel)
        version, place = str(versions[channel]), (found.space, channel)
        before = known.get(place)
        if before is None or before.version != version:
            new = cut(serializer, value, before)
            if thread.value(channel, version, new.piece)():
                known[place] = new.known(version)
    manifest = {
        "checkpoint": {**found.checkpoint, "channel_values": sorted(apart)},
        "inline": inline,
        "metadata": found.metadata,
        "parent": found.parent,
    }
    thread.checkpoint(found.at, found.parent, thread.envelope.dumps(manifest))
