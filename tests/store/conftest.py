"""What the tests of the store share: the databases that the same suite holds to the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from interlock.store.database import Database
from tests import postgres
from tests.store.stores import Stores

BACKENDS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "sqlite": lambda folder: nullcontext(f"sqlite:///{folder / 'interlock.db'}"),
    "postgresql": lambda folder: postgres.database(),
}
"""Makers of a fresh database, which lives as long as its block, by name; another backend is one more entry."""


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nobody has used yet."""
    with BACKENDS[request.param](tmp_path) as url:
        yield url


@pytest.fixture
def stores(url: str) -> Iterator[Stores]:
    """The stores over a fresh database of each backend."""
    database = Database(url)
    yield Stores(database)
    database.engine.dispose()
