"""What the tests of the store share: the databases that the same suite holds to the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interlock.store.database import Database
from tests.store.stores import Stores

BACKENDS: dict[str, Callable[[Path], str]] = {"sqlite": lambda folder: f"sqlite:///{folder / 'interlock.db'}"}
"""Makers of a fresh database URL by name; another backend is one more entry."""


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not exist yet."""
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
def stores(url: str) -> Iterator[Stores]:
    """The stores over a fresh database of each backend."""
    database = Database(url)
    yield Stores(database)
    database.engine.dispose()
