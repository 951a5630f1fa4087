"""MCP over streamable HTTP, below the same floor as any request of a tool: one host, pinned, no redirect, bounded."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import httpcore
import httpx
from mcp.client.streamable_http import streamable_http_client

from interlock.tools.connect.mcp_stdio import Streams, Unreadable
from interlock.tools.connect.place import Place, addresses


@asynccontextmanager
async def service(
    place: Place, headers: Mapping[str, str], most: int, seconds: float, broken: list[Exception]
) -> AsyncIterator[Streams]:
    """Speak with a server.

    Args:
        headers: what every request carries, such as its token.
        most: bytes that are read of it in all.
        broken: gets what went wrong on the way, which the SDK keeps to itself.
    """
    transport = _Floor(place, most, broken)
    async with (
        httpx.AsyncClient(transport=transport, headers=dict(headers), timeout=seconds, trust_env=False) as client,
        streamable_http_client(place.url, http_client=client) as (read, write, _),
    ):
        yield read, write


class _Floor(httpx.AsyncBaseTransport):
    """Sends to one place, and nowhere else."""

    def __init__(self, place: Place, most: int, broken: list[Exception]) -> None:
        self._place = place
        self._left = most
        self._most = most
        self._broken = broken
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(cafile=place.ca_file), network_backend=_Pinned(place.private)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._sent(request)
        except Exception as error:
            self._broken.append(error)
            raise

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        target = request.url
        port = target.port or {"https": 443, "http": 80}.get(target.scheme, 0)
        if (target.scheme, target.host, port) != (self._place.scheme, self._place.host, self._place.port):
            raise Unreadable(f"it leads to {target.scheme}://{target.host}:{port}, which nobody declared")
        assert isinstance(request.stream, httpx.AsyncByteStream)
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        if 300 <= response.status < 400:
            await response.aclose()
            raise Unreadable(f"it answered {response.status}, a redirect; redirects are not followed")
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Bounded(response, self._take),
            extensions=response.extensions,
        )

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            error = Unreadable(f"it answered more than {self._most} bytes")
            self._broken.append(error)
            raise error

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Bounded(httpx.AsyncByteStream):
    """The bytes of an answer, counted as they come."""

    def __init__(self, response: httpcore.Response, take: Callable[[int], None]) -> None:
        self._response = response
        self._take = take

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            self._take(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class _Pinned(httpcore.AsyncNetworkBackend):
    """Resolves once for each connection, checks every address, and connects to the first that answers."""

    def __init__(self, private: bool) -> None:
        self._private = private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await anyio.to_thread.run_sync(lambda: addresses(host, port, private=self._private))
        for address in found[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(found[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)
