"""A server of the Model Context Protocol: what tools it offers, and one call of one of them.

The server is started (or connected to) for one call, and ended with it.  Before the call the tool is listed
again and compared with its pin, so a server that has changed a tool since people looked at it is not called.
What the server asks of us (to ask a model or a person, to list folders) is refused.

Needs the extra `interlock[mcp]`.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from interlock.digest import Json, fingerprint, plain
from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import ActionContext
from interlock.tools.connect.apart import apart
from interlock.tools.connect.http import AnswerUnknown
from interlock.tools.connect.place import Place

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult

MOST_TOOLS = 500
"""Tools that a server may offer; what it lists beyond is not read."""

_CERTAIN = (-32601, -32602)
"""JSON-RPC's codes for a method or arguments that the server did not accept: nothing was carried out."""

Offer = dict[str, Json]
"""What a server says of one tool: `name`, `title`, `description`, `input`, `output`."""

T = TypeVar("T")


@dataclass(frozen=True)
class McpServer:
    """How one server is reached: a program to start, or a place to connect to."""

    name: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """For a program; a value may be `secret://name`."""
    folder: Path = Path()
    place: Place | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """For a place; a value may be `secret://name`."""
    bearer: str | None = None
    """`secret://name` of the token to send to a place."""
    seconds: float = 30.0
    most: int = 1_000_000

    def offers(self, context: ActionContext) -> dict[str, Offer]:
        """All that the server offers, by the tool's name.

        Raises:
            EffectNotDone: it cannot be reached, or did not answer as MCP asks.
            EffectFailed: the extra is not installed, or the address is not allowed.
        """
        return self._with(context, _listed, _Progress())

    def call(self, context: ActionContext, tool: str, digest: str, arguments: Mapping[str, Json]) -> CallToolResult:
        """One call, if the tool still is what was pinned.

        Raises:
            EffectNotDone: not reached; certainly nothing happened.
            EffectFailed: the tool is no longer what was pinned, or the server refused the call as such.
            AnswerUnknown: the call was sent, but no usable answer came.
        """
        progress = _Progress()

        async def work(session: ClientSession) -> CallToolResult:
            from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest

            offer = (await _listed(session)).get(tool)
            if offer is None:
                raise EffectFailed(f"{self.name} no longer offers the tool {tool}; nothing was called.")
            if fingerprint(offer) != digest:
                raise EffectFailed(
                    f"{self.name} has changed its tool {tool} since it was pinned; nothing was called. Look at what "
                    f"changed and pin it anew: interlock tools pin {self.name}."
                )
            parameters = CallToolRequestParams(name=tool, arguments=dict(arguments))
            progress.sent = True
            # The SDK's own `call_tool` would validate with whatever schema the server lists by now.
            return await session.send_request(
                ClientRequest(CallToolRequest(method="tools/call", params=parameters)), CallToolResult
            )

        return self._with(context, work, progress)

    def _with(self, context: ActionContext, work: Callable[[ClientSession], Awaitable[T]], progress: _Progress) -> T:
        try:
            import anyio
            import mcp  # noqa: F401  # asked here, so that its absence has a sentence
        except ImportError:
            raise EffectFailed("MCP is not installed: pip install 'interlock[mcp]'. Nothing was called.") from None
        environment = {name: _value(value, context) for name, value in self.environment.items()}
        headers = {name: _value(value, context) for name, value in self.headers.items()}
        if self.bearer is not None:
            headers["authorization"] = f"Bearer {context.secret(self.bearer)}"
        broken: list[Exception] = []

        async def main(said: IO[bytes]) -> T:
            with anyio.fail_after(self.seconds):
                async with self._session(environment, headers, said, broken) as session:
                    return await work(session)

        with tempfile.TemporaryFile() as said:
            try:
                return apart(lambda: anyio.run(main, said), "mcp")
            except Exception as error:
                raise self._meaning(error, broken, progress, said) from None

    @asynccontextmanager
    async def _session(
        self, environment: Mapping[str, str], headers: Mapping[str, str], said: IO[bytes], broken: list[Exception]
    ) -> AsyncIterator[ClientSession]:
        from mcp import ClientSession

        from interlock.tools.connect.mcp_http import service
        from interlock.tools.connect.mcp_stdio import program

        if self.place is not None:
            streams = service(self.place, headers, self.most, self.seconds, broken)
        else:
            streams = program(self.command, environment, self.folder, self.most, said)
        async with streams as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            yield session

    def _meaning(self, error: Exception, broken: list[Exception], progress: _Progress, said: IO[bytes]) -> Exception:
        """What an error means for the effect: certain as long as the call had not been handed over."""
        first = _first(error)
        told = [found for found in (first, *map(_first, broken)) if isinstance(found, EffectFailed | EffectNotDone)]
        if told and not progress.sent:
            return told[0]
        if isinstance(first, EffectFailed | EffectNotDone | AnswerUnknown):
            return first
        code = getattr(getattr(first, "error", None), "code", None)
        if progress.sent and code in _CERTAIN:
            return EffectFailed(f"{self.name} refused the call: {_line(str(first))}; it was not carried out.")
        what = _line(str(_first(broken[0]) if broken else first)) or type(first).__name__
        if isinstance(first, TimeoutError):
            what = f"no answer within {self.seconds:g} seconds"
        if progress.sent:
            return AnswerUnknown(f"{self.name}: {what}; whether it was carried out is not known.")
        last = _last_words(said)
        return EffectNotDone(
            f"{self.name} cannot be used: {what}; nothing was called.{f' It said: {last}' if last else ''}"
        )


@dataclass
class _Progress:
    sent: bool = False
    """Whether the call may have left."""


async def _listed(session: ClientSession) -> dict[str, Offer]:
    found: dict[str, Offer] = {}
    cursor: str | None = None
    while True:
        from mcp.types import PaginatedRequestParams

        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        for tool in page.tools:
            if tool.name in found:
                raise EffectFailed(f"the server offers two tools called {tool.name}; nothing was called.")
            found[tool.name] = {
                "name": tool.name,
                "title": tool.title,
                "description": tool.description,
                "input": plain(tool.inputSchema),
                "output": plain(tool.outputSchema),
            }
        following = page.nextCursor
        if not following or following == cursor or len(found) >= MOST_TOOLS:
            return found
        cursor = following


def _value(value: str, context: ActionContext) -> str:
    return context.secret(value) if value.startswith("secret://") else value


def _first(error: BaseException) -> BaseException:
    """The error itself, out of the groups that tasks wrap it in; one of ours before any other."""
    while isinstance(error, BaseExceptionGroup):
        ours = [one for one in error.exceptions if isinstance(_first(one), EffectFailed | EffectNotDone)]
        error = (ours or list(error.exceptions))[0]
    return error


def _line(text: str) -> str:
    """Something a server wrote, in one printable line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:2000]).split())[:200]


def _last_words(said: IO[bytes]) -> str:
    said.seek(0, 2)
    said.seek(max(0, said.tell() - 2000))
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return _line(lines[-1]) if lines else ""
