"""Answers that go on for as long as somebody listens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

STREAM = "text/event-stream"


class Stream(StreamingResponse):
    """Server-sent events; the place of whoever listens is free again however the stream ends."""

    def __init__(self, events: AsyncIterator[bytes], held: ExitStack) -> None:
        """Args:
        held: what is given back in the end, such as the place that was taken.
        """
        self._held = held
        super().__init__(events, media_type=STREAM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


def seated(seat: AbstractContextManager[None]) -> ExitStack:
    """A place that was taken, to be handed on to a stream or given back.

    Raises:
        Problem: there is none; nothing was begun yet.
    """
    held = ExitStack()
    held.enter_context(seat)
    return held
