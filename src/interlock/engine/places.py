"""The places of a worker: so many runs at a time, and a free one goes to whoever comes first by priority."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Condition


class Places:
    """A number of places that threads take and give back."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: list[tuple[int, int]] = []
        self._numbers = count()
        self._changed = Condition()

    @contextmanager
    def take(self, priority: int) -> Iterator[None]:
        """Wait for a place and hold it for the length of the block.

        Of those that wait, the highest priority is first, then whoever has waited longest.
        """
        with self._changed:
            me = (-priority, next(self._numbers))
            heapq.heappush(self._waiting, me)
            self._changed.wait_for(lambda: self._free > 0 and self._waiting[0] == me)
            heapq.heappop(self._waiting)
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        with self._changed:
            return len(self._waiting)
