"""What changes, told in order to those who listen: woken by the pulse, which looks once for all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress

from interlock.store.changes import Change, Changes, changes, position
from interlock.store.database import Database
from interlock.web.problems import Problem
from interlock.web.pulse import Pulse

SEATS = 256
"""Listeners there may be at a time."""

SEATS_EACH = 16
"""Listeners of one person: a browser has one for each page that is open."""

AT_ONCE = 500
"""Entries that are read at once."""


class Feed:
    """Seats listeners, and reads on for each of them."""

    def __init__(self, database: Database, pulse: Pulse) -> None:
        self._database = database
        self._pulse = pulse
        self._seats: Counter[str] = Counter()

    @contextmanager
    def seat(self, person: str) -> Iterator[None]:
        """A place to listen from; taken and left in the server's event loop.

        Raises:
            Problem: there are too many listeners, or too many of this person.
        """
        if self._seats.total() >= SEATS:
            raise Problem(503, "Too many listen already; ask for the changes as JSON.", {"retry-after": "30"})
        if self._seats[person] >= SEATS_EACH:
            sentence = f"{person} listens {SEATS_EACH} times already; let some end."
            raise Problem(429, sentence, {"retry-after": "30"})
        self._seats[person] += 1
        try:
            yield
        finally:
            self._seats[person] -= 1

    async def follow(
        self, after: int | None = None, wake: asyncio.Future[None] | None = None
    ) -> AsyncIterator[Changes]:
        """The changes after an entry (by default, from now on) as they come, until the server ends.

        Args:
            wake: another reason to look, once.

        What comes without a change is a sign that there was none for a while, or tells how far nothing was to be told.
        """
        here = await asyncio.to_thread(position, self._database) if after is None else after
        yield Changes([], here)
        news = self._pulse.news(lambda event, subject: True)
        told = asyncio.ensure_future(anext(news))
        try:
            while True:
                reasons: set[asyncio.Future[bool] | asyncio.Future[None]] = {told}
                if wake is not None:
                    reasons.add(wake)
                done, _ = await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
                changed = wake in done
                if wake in done:
                    wake = None
                if told in done:
                    changed = told.result() or changed
                    told = asyncio.ensure_future(anext(news))
                read = Changes([], here)
                while changed:
                    read = await asyncio.to_thread(changes, self._database, here, AT_ONCE)
                    changed = read.position - here >= AT_ONCE
                    here = read.position
                    if changed:
                        yield read
                yield read
        except StopAsyncIteration:
            return
        finally:
            told.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await told
            await news.aclose()


def told_to(read: Sequence[Change], run_id: str | None, kinds: Sequence[str]) -> list[Change]:
    """Those changes that a listener asked for."""
    return [change for change in read if (run_id is None or change.of(run_id)) and (not kinds or change.kind in kinds)]
