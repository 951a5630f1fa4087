"""A real MCP server of the SDK over streamable HTTP, in a thread: it keeps notes, and asks for a token."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from tests.tools.notes_offered import TOOLS


@dataclass
class Notes:
    """The notes, and what each request carried."""

    port: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)
    """Key and text of each."""
    headers: list[dict[str, str]] = field(default_factory=list)
    redirects: bool = False

    @property
    def url(self) -> str:
        """Where it stands."""
        return f"http://127.0.0.1:{self.port}/mcp"


def _server(notes: Notes) -> Server[Any, Any]:
    server: Server[Any, Any] = Server("notes")

    @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
    async def offered() -> list[types.Tool]:
        return [types.Tool(name=name, **tool) for name, tool in json.loads(json.dumps(TOOLS)).items()]

    @server.call_tool()  # type: ignore[untyped-decorator]
    async def call(name: str, given: dict[str, Any]) -> dict[str, Any]:
        if name == "add":
            if given["request_id"] not in dict(notes.kept):
                notes.kept.append((given["request_id"], given["text"]))
            return {"id": len(notes.kept)}
        found = [text for _, text in notes.kept if given["query"] in text]
        return {"notes": [{"id": place + 1, "text": text} for place, text in enumerate(found)]}

    return server


@contextmanager
def serving_notes() -> Iterator[Notes]:
    """A running server, stopped at the end."""
    notes = Notes()
    manager = StreamableHTTPSessionManager(_server(notes), json_response=False)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
            return
        notes.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        if notes.redirects:
            where = (b"location", b"http://169.254.169.254/latest/meta-data")
            await send({"type": "http.response.start", "status": 307, "headers": [where]})
            await send({"type": "http.response.body", "body": b""})
            return
        await manager.handle_request(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    lifespan = Starlette(lifespan=running)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        notes.port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: server.run([listener]), daemon=True)
        thread.start()
        yield notes
        server.should_exit = True
        thread.join()
