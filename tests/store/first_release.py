"""The saver of the first release, as it wrote checkpoints: LangGraph's official savers, sealed where asked."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from langgraph.checkpoint.base import WRITES_IDX_MAP, BaseCheckpointSaver, get_checkpoint_metadata
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from psycopg.rows import dict_row

from interlock.store.plain import Boxed, PlainSerializer
from interlock.store.sealing import Ring

_serializer = PlainSerializer()


class FirstRelease(BaseCheckpointSaver[str]):
    """An official saver; with a ring, what it keeps is sealed.  What it reads while it lives it has in memory."""

    def __init__(self, inner: Any, ring: Ring | None = None) -> None:
        super().__init__(serde=inner.serde)
        self.inner, self._ring = inner, ring
        self._memory = InMemorySaver(serde=_serializer)

    def get_tuple(self, config: Any) -> Any:
        return self._memory.get_tuple(config)

    def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        self._memory.put(config, checkpoint, metadata, new_versions)
        if self._ring is not None:
            thread, space = config["configurable"]["thread_id"], config["configurable"].get("checkpoint_ns", "")
            versions, parent = checkpoint["channel_versions"], config["configurable"].get("checkpoint_id")
            values = {
                name: self._seal(value, thread, space, "value", name, str(versions.get(name)))
                for name, value in checkpoint["channel_values"].items()
            }
            manifest = {
                "checkpoint": {**checkpoint, "channel_values": sorted(values)},
                "metadata": get_checkpoint_metadata(config, metadata),
                "parent": parent,
            }
            sealed = self._seal(manifest, thread, space, "checkpoint", checkpoint["id"])
            config = {"configurable": {"thread_id": thread, "checkpoint_ns": space, "checkpoint_id": parent}}
            checkpoint = {**checkpoint, "channel_values": values, "versions_seen": {}, "updated_channels": None}
            metadata = {"sealed": base64.b64encode(sealed).decode()}
        values = checkpoint["channel_values"]
        if isinstance(self.inner, PostgresSaver):
            values = {name: Boxed(value) if isinstance(value, str) else value for name, value in values.items()}
        return self.inner.put(config, {**checkpoint, "channel_values": values}, metadata, new_versions)

    def put_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        self._memory.put_writes(config, writes, task_id, task_path)
        if self._ring is not None:
            thread, space = config["configurable"]["thread_id"], config["configurable"].get("checkpoint_ns", "")
            at = config["configurable"]["checkpoint_id"]
            writes = [
                (
                    name,
                    self._seal([WRITES_IDX_MAP.get(name, number), value], thread, space, "write", at, task_id, name),
                )
                for number, (name, value) in enumerate(writes)
            ]
        self.inner.put_writes(config, writes, task_id, task_path)

    def get_next_version(self, current: str | None, channel: None) -> str:
        return str(self.inner.get_next_version(current, channel))

    def with_allowlist(self, extra_allowlist: Any) -> FirstRelease:
        return self

    def _seal(self, value: Any, *place: str) -> bytes:
        assert self._ring is not None
        kind, data = _serializer.dumps_typed(value)
        return self._ring.seal(kind.encode() + b"\0" + data, place)


@contextmanager
def first_release(home: Path, url: str | None = None, ring: Ring | None = None) -> Iterator[FirstRelease]:
    """The saver over a home's file, or over the PostgreSQL database at `url`."""
    if url is None:
        connection = sqlite3.connect(home / "checkpoints.db", check_same_thread=False)
        file = SqliteSaver(connection, serde=PlainSerializer())
        file.setup()
        yield FirstRelease(file, ring)
        connection.close()
        return
    plain = url.replace("postgresql+psycopg", "postgresql")
    with psycopg.Connection.connect(plain, autocommit=True, row_factory=dict_row) as server:
        saver = PostgresSaver(server, serde=PlainSerializer())
        saver.setup()
        yield FirstRelease(saver, ring)
