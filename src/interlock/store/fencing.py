"""One writer of a run's checkpoints at a time, even where a lock was lost.

A process that drives a run holds its lock.  Where that lock was a server's and its connection broke, another
process may go on while the first one, stopped or cut off, does not know it yet.  Whoever begins to drive a run
therefore supersedes every earlier writer of its checkpoints, in the database, and each write compares that in
its own transaction.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, runtime_checkable

from langgraph.checkpoint.base import BaseCheckpointSaver


@runtime_checkable
class Fencing(Protocol):
    """A saver that tells a superseded writer so."""

    def alone(self, thread_id: str) -> AbstractContextManager[None]:
        """Supersede every other writer; the block's own writes are refused once it is superseded."""
        ...


def alone(saver: BaseCheckpointSaver[Any], run_id: str) -> AbstractContextManager[None]:
    """Write the checkpoints of a run alone for the length of the block.

    A saver of somebody else's is used as it is.

    Raises:
        StoreUnavailable: the database cannot be used now.
    """
    return saver.alone(run_id) if isinstance(saver, Fencing) else nullcontext()
