"""Bounding what a run keeps of its past positions.

Every checkpoint holds the whole state, so a run whose state grows by each step would store the square of
what it says.  Once the checkpoints of a run have more than `MOST_BYTES`, all but the newest are forgotten: a
run goes on from the newest one that agrees with the store, and its record is in the tables, never here.
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

    def forget(self, run_id: str, kept: int) -> None:
        """Delete all but the newest so many checkpoints of a run, with their pending writes."""
        ...


def trim(saver: BaseCheckpointSaver[Any], run_id: str) -> bool:
    """Forget the superseded checkpoints of a run, if together they have grown too big; whether they had.

    A saver of somebody else's is left as it is.

    Raises:
        StoreUnavailable: they cannot be read or deleted.
    """
    inner = getattr(saver, "inner", saver)
    if not isinstance(inner, Forgetful) or inner.stored(run_id) <= MOST_BYTES:
        return False
    inner.forget(run_id, KEPT)
    return True
