"""A clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock for tests: call it for the time (with a time zone), advance it by hand."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock's time has a time zone")
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Move forward and tell the new time.

        Raises:
            ValueError: `by` is negative; time does not run back.
        """
        if by < timedelta(0):
            raise ValueError("a clock does not run back")
        self.now += by
        return self.now
