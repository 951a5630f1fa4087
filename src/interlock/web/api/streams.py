"""Answers that go on for as long as somebody listens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

STREAM = "text/event-stream"


class Stream(StreamingResponse):
    """Server-sent events; the place of whoever listens is free again however the stream ends."""

    def __init__(self, events: AsyncIterator[bytes], seat: AbstractContextManager[None]) -> None:
        """Raises:
        Problem: there is no place; nothing was answered yet.
        """
        seat.__enter__()
        self._seat = seat
        super().__init__(events, media_type=STREAM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._seat.__exit__(None, None, None)
