"""Serving the application on a socket."""

from __future__ import annotations

import socket

import uvicorn

from interlock.web.application import Web


def server_of(web: Web) -> uvicorn.Server:
    """The HTTP server of an application.

    It believes no `X-Forwarded-…` header, says nothing of what it is, and writes down no addresses of pages.
    """
    return uvicorn.Server(
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
            limit_concurrency=200,
        )
    )


def run(web: Web, listener: socket.socket) -> None:
    """Serve until the process is told to end."""
    server_of(web).run(sockets=[listener])
