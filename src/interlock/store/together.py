"""What is written by several hands at one moment is committed once.

LangGraph writes what a task wrote, and the checkpoint behind it, from two threads and at nearly the same time.
So what a task wrote waits a moment for the next commit of its place, which takes it along.  Whoever wrote it goes
on when it is committed, by whichever of the two, and no earlier.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from interlock.store.threads import Thread

PATIENCE = 0.002
"""Seconds that writes wait for a commit that takes them along, before they are committed alone."""

Place = tuple[str, str]
"""A thread and a namespace."""

Work = Callable[[Thread], None]


class Waiting:
    """Writes that wait for somebody's commit."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.kept = False
        self.over = threading.Lock()
        """Free once whoever took the writes along has committed, or failed."""
        self.over.acquire()


class Together:
    """The writes of one process that wait to be taken along, by place."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._waiting: dict[Place, list[Waiting]] = {}
        self._lock = threading.Lock()

    def committed(self, place: Place, work: Work) -> bool:
        """Wait for a commit that takes `work` along; whether one did. Where none did, nothing of it was kept."""
        waiting = Waiting(work)
        with self._lock:
            self._waiting.setdefault(place, []).append(waiting)
        if not waiting.over.acquire(timeout=self._patience):
            with self._lock:
                left = self._waiting.get(place, [])
                if waiting in left:
                    left.remove(waiting)
                    return False
            waiting.over.acquire()
        return waiting.kept

    def taking(self, place: Place) -> Taking:
        """A block that commits; what it takes along is kept unless it raises."""
        return Taking(self, place)

    def taken(self, place: Place) -> list[Waiting]:
        """What waits at a place, and waits for nobody else from now on."""
        with self._lock:
            return self._waiting.pop(place, [])


class Taking:
    """What one commit takes along."""

    def __init__(self, together: Together, place: Place) -> None:
        self._together, self._place = together, place
        self._taken: list[Waiting] = []

    def __enter__(self) -> Taking:
        return self

    def write(self, thread_rows: Thread) -> None:
        """Write all that waits now."""
        self._taken = self._together.taken(self._place)
        for waiting in self._taken:
            waiting.work(thread_rows)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        for waiting in self._taken:
            waiting.kept = error is None
            waiting.over.release()
