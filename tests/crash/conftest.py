"""What the crash tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.crash.fleet import Fleet
from tests.crash.harness import PATIENCE, Child, Post, Server, Spawn
from tests.crash.worker import Job

DATABASES: dict[str, Callable[[], AbstractContextManager[str | None]]] = {
    "sqlite": nullcontext,
    "postgresql": lambda: postgres.database(empty=True),
}


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


@pytest.fixture(params=DATABASES)
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    """A project over an empty database of each kind."""
    with DATABASES[request.param]() as url:
        made = Fleet(tmp_path, url)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def on_a_server(tmp_path: Path) -> Iterator[Fleet]:
    """A project over an empty database of a server."""
    with DATABASES["postgresql"]() as url:
        made = Fleet(tmp_path, url)
        try:
            yield made
        finally:
            made.close()
