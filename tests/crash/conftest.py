"""What the crash tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.harness import PATIENCE, Child, Post, Server, Spawn
from tests.crash.worker import Job


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Starts children, and ends them with the test."""
    children: list[Child] = []

    def start(job: Job) -> Child:
        children.append(Child(job))
        return children[-1]

    try:
        yield start
    finally:
        for child in children:
            child.end()


@pytest.fixture
def post() -> Iterator[tuple[Post, dict[str, Any]]]:
    """A running mail server and the settings that reach it."""
    handler = Post()
    server = Server(handler)
    server.start()
    try:
        yield handler, {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_timeout": PATIENCE}
    finally:
        server.stop(no_assert=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"
