"""Connections whose every read and write ends at one deadline, however slowly bytes come."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore


def left(deadline: float) -> float:
    """Seconds until `deadline`, a moment of `time.monotonic`.

    Raises:
        TimeoutError: it has passed.
    """
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("the time of the call was over")
    return remaining


def _nothing() -> None:
    """What is done before each write where nobody wants to know of it."""


class TimedStream(httpcore.NetworkStream):
    """A stream that ends at `deadline`; a client's own timeouts start anew with every byte.

    Args:
        writes: called before each write.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: float, writes: Callable[[], None] = _nothing) -> None:
        self._inner = inner
        self._deadline = deadline
        self._writes = writes

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        remaining = left(self._deadline)
        self._writes()
        self._inner.write(buffer, remaining)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, left(self._deadline))
        return TimedStream(inner, self._deadline, self._writes)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Connects to whatever it is told, by `deadline`; for addresses that the operator has set himself."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, left(self._deadline), local_address, socket_options)
        return TimedStream(stream, self._deadline)

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError  # only retries of the pool sleep, and it makes none
