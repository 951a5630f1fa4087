"""Bounding what a run keeps of its past positions.

Every checkpoint keeps what changed since the one before it.  Once the checkpoints of a run have more than
`MOST_BYTES`, all but the newest are forgotten, with every value that those no longer need: a run goes on from
the newest one that agrees with the store, and its record is in the tables, never here.  What those need may be
more than that by itself; then the next look through all of it waits until as much again has come.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from langgraph.checkpoint.base import BaseCheckpointSaver

MOST_BYTES = 4_000_000
"""Bytes of checkpoints and pending writes that a run may have before old ones are forgotten."""

KEPT = 6
"""How many of the newest stay: those of a visit's nodes, should somebody forge the newest."""


@runtime_checkable
class Forgetful(Protocol):
    """A saver that can let go of a run's old checkpoints."""

    def stored(self, run_id: str) -> int:
        """Bytes of what it keeps of a run."""
        ...

    def needed(self, run_id: str) -> int:
        """How many of them had to stay when old checkpoints were last forgotten."""
        ...

    def forget(self, run_id: str, kept: int) -> None:
        """Delete all but the newest so many checkpoints of a run, with their pending writes."""
        ...


def trim(saver: BaseCheckpointSaver[Any], run_id: str) -> bool:
    """Forget the superseded checkpoints of a run, if together they have grown too big; whether they had.

    A saver of somebody else's is left as it is.

    Raises:
        StoreUnavailable: they cannot be read or deleted.
    """
    if not isinstance(saver, Forgetful):
        return False
    stored = saver.stored(run_id)
    if stored <= MOST_BYTES or stored <= 2 * saver.needed(run_id):
        return False
    saver.forget(run_id, KEPT)
    return True
