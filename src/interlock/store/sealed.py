"""Checkpoints as a sealed saver keeps them: every value sealed for its own place, and one sealed manifest.

A value is bound to its thread, namespace, channel and version; a pending write to its thread, namespace,
checkpoint, task and channel.  The manifest, bound to its checkpoint, says what the checkpoint consists of: its
metadata, its parent, the versions of its channels, and which of them have values.  So a value or a row that
was moved, changed, added or left out is refused.  What stays readable in the database: ids, times, and the
names of channels, tasks and nodes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    PendingWrite,
    get_checkpoint_metadata,
)

from interlock.store.plain import PlainSerializer
from interlock.store.sealing import Ring, changed

SEALED = "sealed"
"""The one field of a sealed checkpoint's metadata: its manifest."""

_serializer = PlainSerializer()


def seal_checkpoint(
    ring: Ring, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata
) -> tuple[RunnableConfig, Checkpoint, CheckpointMetadata]:
    """What is given to the saver in place of these three."""
    thread, space = _thread(config)
    versions = checkpoint["channel_versions"]
    values = {
        name: _seal(ring, value, thread, space, "value", name, str(versions.get(name)))
        for name, value in checkpoint["channel_values"].items()
    }
    parent = config["configurable"].get("checkpoint_id")
    manifest = {
        "checkpoint": {**checkpoint, "channel_values": sorted(values)},
        "metadata": get_checkpoint_metadata(config, metadata),
        "parent": parent,
    }
    sealed = _seal(ring, manifest, thread, space, "checkpoint", checkpoint["id"])
    bare: RunnableConfig = {"configurable": {"thread_id": thread, "checkpoint_ns": space}}
    if parent is not None:
        bare["configurable"]["checkpoint_id"] = parent
    outer = {**checkpoint, "channel_values": values, "versions_seen": {}, "updated_channels": None}
    return bare, cast(Checkpoint, outer), cast(CheckpointMetadata, {SEALED: base64.b64encode(sealed).decode()})


def seal_writes(
    ring: Ring, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str
) -> list[tuple[str, Any]]:
    """The writes of a task, each with its place among them."""
    thread, space = _thread(config)
    at = str(config["configurable"]["checkpoint_id"])
    return [
        (name, _seal(ring, [_index(name, number), value], thread, space, "write", at, task_id, name))
        for number, (name, value) in enumerate(writes)
    ]


def open_checkpoint(ring: Ring, found: CheckpointTuple) -> CheckpointTuple:
    """A checkpoint as it was before it was sealed.

    Raises:
        Refused: something of it was never sealed, or was changed, moved, added or left out.
    """
    thread, space = _thread(found.config)
    at = found.config["configurable"]["checkpoint_id"]
    manifest = _open(ring, _manifest(found), thread, space, "checkpoint", at)
    checkpoint, outer = manifest["checkpoint"], found.checkpoint
    parent = found.parent_config["configurable"]["checkpoint_id"] if found.parent_config else None
    if (
        (outer["id"], parent or None) != (at, manifest["parent"] or None)
        or outer["channel_versions"] != checkpoint["channel_versions"]
        or sorted(outer["channel_values"]) != checkpoint["channel_values"]
    ):
        raise changed(thread)
    versions = checkpoint["channel_versions"]
    values = {
        name: _open(ring, value, thread, space, "value", name, str(versions.get(name)))
        for name, value in outer["channel_values"].items()
    }
    return found._replace(
        checkpoint=cast(Checkpoint, {**checkpoint, "channel_values": values}),
        metadata=manifest["metadata"],
        pending_writes=_opened_writes(ring, found.pending_writes or [], thread, space, at),
    )


def _opened_writes(ring: Ring, writes: Sequence[PendingWrite], thread: str, space: str, at: str) -> list[PendingWrite]:
    opened, numbers = [], []
    for task_id, name, value in writes:
        number, content = _open(ring, value, thread, space, "write", at, task_id, name)
        opened.append((task_id, name, content))
        numbers.append((task_id, number))
    for before, after in pairwise(numbers):
        if before[0] == after[0] and before[1] >= after[1]:  # one task's writes, put in another order or repeated
            raise changed(thread)
    return opened


def _index(name: str, number: int) -> int:
    return WRITES_IDX_MAP.get(name, number)


def _thread(config: RunnableConfig) -> tuple[str, str]:
    configurable = config["configurable"]
    return str(configurable["thread_id"]), str(configurable.get("checkpoint_ns", ""))


def _manifest(found: CheckpointTuple) -> object:
    """The sealed manifest; something that opens as none where there is none."""
    text = cast(dict[str, Any], found.metadata).get(SEALED)
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except binascii.Error:
        return None


def _seal(ring: Ring, value: Any, *place: str) -> bytes:
    kind, data = _serializer.dumps_typed(value)
    return ring.seal(kind.encode() + b"\0" + data, place)


def _open(ring: Ring, sealed: object, *place: str) -> Any:
    kind, _, data = ring.open(sealed, place).partition(b"\0")
    return _serializer.loads_typed((kind.decode(), data))
