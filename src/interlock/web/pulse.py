"""Telling open pages that something changed, and nothing else: they ask for the part that they show again.

What changed is read from the audit, where every change of state stands, whichever process made it: one look a second,
however many pages listen, and none while nobody does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread

from starlette.responses import StreamingResponse

from interlock.nodes.services import Services
from interlock.web.problems import Problem

LOG = logging.getLogger("interlock.web")

EVERY = 1.0
"""Seconds between two looks."""

BEAT = 15.0
"""Seconds after which a stream says that it is still there, and looks whether its reader still may listen."""

MOST = 500
"""Streams at once; who comes later is told to try again, and reads pages that do not change by themselves."""

READ_AT_ONCE = 1_000
"""Entries of one look; where there are more, every stream is told."""

Wanted = Callable[[str, str], bool]
"""Whether an entry of the audit, by its event and subject, is of interest."""


@dataclass(eq=False)
class _Listener:
    wanted: Wanted
    loop: asyncio.AbstractEventLoop
    told: asyncio.Queue[bool]
    """True: something changed; False: the server ends."""
    fresh: bool = True
    """Not told anything yet: something may have changed since its page was made."""

    def tell(self, goes_on: bool) -> None:
        """From any thread."""
        try:
            self.loop.call_soon_threadsafe(self._put, goes_on)
        except RuntimeError:
            LOG.debug("a stream ended before it could be told")

    def _put(self, goes_on: bool) -> None:
        if not goes_on and self.told.full():
            self.told.get_nowait()
        if not self.told.full():
            self.told.put_nowait(goes_on)


class Pulse:
    """Looks at the audit in a thread of this process until it is closed, and wakes the streams that listen."""

    def __init__(self, services: Services, every: float = EVERY) -> None:
        self._services = services
        self._every = every
        self._listeners: set[_Listener] = set()
        self._lock = Lock()
        self._over = Event()
        self._thread = Thread(target=self._go, name="interlock-pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End every stream, and the thread."""
        self._over.set()
        with self._lock:
            for listener in self._listeners:
                listener.tell(False)
        if self._thread.ident is not None:
            self._thread.join()

    def stream(self, wanted: Wanted, still: Callable[[], bool] = lambda: True) -> StreamingResponse:
        """Server-sent events `changed`, until the reader leaves or may listen no more.

        Args:
            still: whether the reader still may; asked in a thread, from time to time.

        Raises:
            Problem: 503, there are too many.
        """
        if len(self._listeners) >= MOST:
            raise Problem(503, "Too many pages are open; this one does not change by itself.", {"retry-after": "60"})
        return StreamingResponse(self._events(wanted, still), media_type="text/event-stream")

    async def news(self, wanted: Wanted, beat: float = BEAT) -> AsyncGenerator[bool]:
        """True when something of interest may have changed, False after so many seconds without; until the server ends.

        The first look tells every listener, for something may have changed before they listened.
        """
        told: asyncio.Queue[bool] = asyncio.Queue(1)
        with self._listening(_Listener(wanted, asyncio.get_running_loop(), told)):
            while not self._over.is_set():
                try:
                    if not await asyncio.wait_for(told.get(), beat):
                        return
                except TimeoutError:
                    yield False
                else:
                    yield True

    async def _events(self, wanted: Wanted, still: Callable[[], bool]) -> AsyncGenerator[str]:
        yield "retry: 5000\n: here\n\n"
        async with aclosing(self.news(wanted, BEAT)) as news:
            async for changed in news:
                if changed:
                    yield "event: changed\ndata: changed\n\n"
                elif await asyncio.to_thread(still):
                    yield ": here\n\n"
                else:
                    return

    @contextmanager
    def _listening(self, listener: _Listener) -> Iterator[None]:
        with self._lock:
            self._listeners.add(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _go(self) -> None:
        seen = 0
        while not self._over.wait(self._every):
            with self._lock:
                listening = list(self._listeners)
            if not listening:
                continue
            try:
                seen = self._look(seen, listening)
            except Exception:
                LOG.exception("the audit could not be looked at; it is looked at again in %.0f s", self._every)

    def _look(self, seen: int, listening: list[_Listener]) -> int:
        """Wake whom it concerns; returns the number of the last entry that was read."""
        audit = self._services.audit
        with self._services.database.read() as session:
            news = audit.news(session, seen, READ_AT_ONCE)
            last = audit.last(session)
        for listener in listening:
            many = listener.fresh or len(news) == READ_AT_ONCE
            listener.fresh = False
            if many or any(listener.wanted(event, subject) for _, event, subject in news):
                listener.tell(True)
        return last
