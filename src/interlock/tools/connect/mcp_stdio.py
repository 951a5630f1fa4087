"""MCP over the standard input and output of a program that is started for the call and ended with it.

Unlike the SDK's own transport, no more is read than allowed, a line that is no message ends the call, and the
whole process group is ended.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

import anyio
from anyio.abc import Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage
from pydantic import ValidationError

GRACE = 1.0
"""Seconds that a program has to end by itself once its input is closed."""

Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


class Unreadable(ConnectionError):
    """The program did not speak as MCP asks."""


@asynccontextmanager
async def program(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, most: int, said: IO[bytes]
) -> AsyncIterator[Streams]:
    """Start the program and speak with it.

    Args:
        environment: what it gets beside the few variables that every program needs.
        most: bytes that are read of it in all.
        said: what it writes to its standard error.

    Raises:
        OSError: it cannot be started.
        Unreadable: it wrote too much, or something that is no message.
    """
    process = await anyio.open_process(
        list(command),
        env={**get_default_environment(), **environment},
        cwd=folder,
        stderr=said,
        start_new_session=True,
    )
    found, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, given = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as tasks, found, read, write, given:
            tasks.start_soon(_read, process, found, most)
            tasks.start_soon(_write, process, given)
            yield read, write
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _read(process: Process, found: MemoryObjectSendStream[SessionMessage | Exception], most: int) -> None:
    assert process.stdout is not None
    buffer, size = b"", 0
    async with found:
        async for chunk in process.stdout:
            size += len(chunk)
            if size > most:
                raise Unreadable(f"it answered more than {most} bytes")
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    await found.send(SessionMessage(_message(line)))


def _message(line: bytes) -> JSONRPCMessage:
    try:
        return JSONRPCMessage.model_validate_json(line)
    except ValidationError:
        raise Unreadable("it wrote something to its standard output that is no message of MCP") from None


async def _write(process: Process, given: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None
    async with given:
        async for message in given:
            text = message.message.model_dump_json(by_alias=True, exclude_none=True)
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # its end shows where it is read
                await process.stdin.send(text.encode() + b"\n")


async def _end(process: Process) -> None:
    """End the program and all that it started."""
    if process.stdin is not None:
        with suppress(Exception):
            await process.stdin.aclose()
    with anyio.move_on_after(GRACE):
        await process.wait()
    _kill_group(process)
    await process.wait()
    with suppress(Exception):
        await process.aclose()


def _kill_group(process: Any) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
