"""The floor under every request: what holds for all of them, whatever page or endpoint they are for.

In this order: the Host is one of ours, the body is small and comes in time, a write comes from our own pages,
nothing of the inside is told when something breaks, and every answer carries the headers that keep a browser safe.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.web.origins import SAFE, Origins
from interlock.web.problems import Problem

LOG = logging.getLogger("interlock.web")

MAX_BODY = 256_000
"""Bytes of one request's body."""

BODY_SECONDS = 15.0
"""How long a body may take to come in."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # `no-referrer` would make browsers send `Origin: null` with forms, which the check of writes refuses.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""What every answer carries, errors and files too."""

KEPT = "public, max-age=31536000, immutable"
"""The one word on caching that an answer may say instead: of a file whose address changes with its content."""


class Floor:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, origins: Origins, answer: Callable[[Problem, str], tuple[str, bytes]]) -> None:
        """Args:
        answer: a problem as it is told at a path: the content type, and the body.
        """
        self._app = app
        self._origins = origins
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing here speaks over web sockets: closed without an answer
        sent = _Guarded(send)

        async def told(problem: Problem) -> None:
            await sent.problem(problem, *self._answer(problem, scope["path"]), bare=scope["method"] == "HEAD")

        try:
            headers = _headers(scope)
            self._admit(scope, headers)
            body = await asyncio.wait_for(_read(headers, receive), BODY_SECONDS)
            await self._app(scope, _replayed(body, receive), sent)
        except TimeoutError:
            await told(Problem(408))
        except Problem as problem:
            await told(problem)
        except Exception:
            LOG.exception("%r %r broke", scope["method"], scope["path"])
            await told(Problem(500))

    def _admit(self, scope: Scope, headers: Mapping[str, Sequence[str]]) -> None:
        """Raises:
        Problem: the request is for another host, or a write that another site may have made.
        """
        hosts = headers.get("host", ())
        if self._origins.host_fault(hosts):
            raise Problem(421)
        if scope["method"] in SAFE or bearer(headers.get("authorization", ())) is not None:
            return  # a token in a header is sent by no browser on its own, and then no cookie counts
        if fault := self._origins.write_fault(hosts[0], headers):
            LOG.warning("refused %r %r: %s", scope["method"], scope["path"], fault)
            raise Problem(403, f"This is refused: {fault}.")


class _Guarded:
    """Sends with the headers that every answer carries, and at most one answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            headers = MutableHeaders(raw=message["headers"])
            kept = headers.get("cache-control") == KEPT and message["status"] == 200
            for name, value in HEADERS.items():
                headers[name] = value
            if kept:
                headers["cache-control"] = KEPT
        await self._send(message)

    async def problem(self, problem: Problem, kind: str, body: bytes, *, bare: bool) -> None:
        """Answer with a problem, unless an answer has begun: then the connection just ends."""
        if self._begun:
            return
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
        await self({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"" if bare else body})


def bearer(headers: Sequence[str]) -> str | None:
    """The token of the header Authorization; None where there is no such header, or it holds something else."""
    scheme, _, token = (headers[0] if len(headers) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


async def _read(headers: Mapping[str, Sequence[str]], receive: Receive) -> bytes:
    """The whole body, however it was sent; one that is too large is not read on.

    Raises:
        Problem: too large, or cut off.
    """
    for told in headers.get("content-length", ()):
        if not told.isdigit() or int(told) > MAX_BODY:
            raise Problem(413 if told.isdigit() else 400)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400)
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise Problem(413)
        if not message.get("more_body"):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then what else comes."""
    pending: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
