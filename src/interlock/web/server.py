"""Serving the application on a socket."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from interlock.web.application import Web


class _Server(uvicorn.Server):
    """A server that ends its streams before it waits for what is under way."""

    def __init__(self, config: uvicorn.Config, web: Web) -> None:
        super().__init__(config)
        self._web = web

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(self._web.pulse.close)
        await super().shutdown(sockets)


def server_of(web: Web) -> uvicorn.Server:
    """The HTTP server of an application.

    It believes no `X-Forwarded-…` header, says nothing of what it is, and writes down no addresses of pages.
    """
    return _Server(
        uvicorn.Config(
            web.app,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            log_config=None,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=32_768,
            limit_concurrency=1_000,
        ),
        web,
    )


def run(web: Web, listener: socket.socket) -> None:
    """Serve until the process is told to end."""
    server_of(web).run(sockets=[listener])
