"""The end of an attempt.

What waits on the outside (a model, a read, a function of the project) runs in a thread that is given
up on when the time is over.  Python cannot stop a thread: it may go on, but it holds no store and
nobody takes its result, so a late answer writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from interlock.errors import StepTimeout
from interlock.policies.declared import duration_text

T = TypeVar("T")

LOOK = 0.5
"""Seconds between two looks whether what is waited for is still wanted."""


def within(
    seconds: float | None,
    function: Callable[[], T],
    message: str | None = None,
    watch: Callable[[], None] | None = None,
) -> T:
    """What `function` gives, or raises, in at most so many seconds.

    `function` may only read and wait: when the time is over it is left alone, not stopped.

    Args:
        seconds: None waits for ever; without a `watch`, in the caller's own thread.
        watch: asked again and again while it goes on; what it raises ends the wait.

    Raises:
        StepTimeout: the time is over; what `function` gives later goes nowhere.
    """
    if seconds is None and watch is None:
        return function()
    if seconds is not None and seconds <= 0:
        raise StepTimeout(message)
    ended: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    context = copy_context()

    def attempt() -> None:
        try:
            ended.put((context.run(function), None))
        except BaseException as error:  # whatever it is, the caller raises it
            ended.put((None, error))

    Thread(target=attempt, name="attempt", daemon=True).start()  # a daemon: no exit waits for it
    ends = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if ends is None else max(0.0, ends - time.monotonic())
        try:
            value, error = ended.get(timeout=left if watch is None else min(LOOK, LOOK if left is None else left))
            break
        except Empty:
            if ends is not None and time.monotonic() >= ends:
                raise StepTimeout(message) from None
            if watch is not None:
                watch()
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # without an error it is what the function gave


class Deadline:
    """When the attempt that begins now is over."""

    def __init__(
        self,
        timeout: timedelta | None,
        step: str = "",
        clock: Callable[[], float] = time.monotonic,
        watch: Callable[[], None] | None = None,
    ) -> None:
        """`watch` raises once nothing is wanted of the attempt any more."""
        self._clock, self._watch = clock, watch
        self._ends = None if timeout is None else clock() + timeout.total_seconds()
        over = f"step {step} took longer than its timeout of {duration_text(timeout)}." if timeout is not None else None
        self._message = over

    @property
    def remaining(self) -> float | None:
        """Seconds that are left, 0 when it is over; None without a timeout."""
        return None if self._ends is None else max(0.0, self._ends - self._clock())

    @property
    def over(self) -> bool:
        return self.remaining == 0

    def within(self, function: Callable[[], T]) -> T:
        """What `function` gives, if it does so in time.

        Raises:
            StepTimeout: see `within`.
        """
        return within(self.remaining, function, self._message, self._watch)


NEVER = Deadline(None)
"""No end: whatever is called may take as long as it likes."""
