"""How much was written to threads and is not counted in their rows yet.

A thread's own row says how many bytes are kept of it, which is all that decides when old checkpoints are
forgotten.  So it need not be right at each commit: a process adds what it wrote once that is worth a row, and when
it lets go of the thread.  What a killed process had not added, at most `WORTH` bytes, stays uncounted until the
thread is next looked through.
"""

from __future__ import annotations

import threading

WORTH = 64_000
"""Bytes of one thread that are worth writing their number down."""


class Tally:
    """The bytes that one process has not counted yet, by thread."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._lock = threading.Lock()

    def of(self, thread: str) -> int:
        """Bytes that are not counted yet."""
        return self._bytes.get(thread, 0)

    def add(self, thread: str, size: int) -> None:
        """More of them; less where `size` is below zero."""
        with self._lock:
            left = self._bytes.pop(thread, 0) + size
            if left:
                self._bytes[thread] = left

    def drop(self, thread: str) -> None:
        """Forget them, since the thread's row was made right."""
        with self._lock:
            self._bytes.pop(thread, None)
