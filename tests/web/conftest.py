"""Sites whose clock tests move, and on which hashing costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from interlock.store import credentials
from tests.attacks.house import House
from tests.web.site import Site


@pytest.fixture(autouse=True, scope="package")
def _cheap_hashes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(credentials, "PasswordHasher", cheap)
        yield


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A shop with its page; fay and finn are of finance, anna asks."""
    site = Site(House(tmp_path / "shop").build())
    yield site
    site.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all tests of a file in which nothing is ever decided."""
    site = Site(House(tmp_path_factory.mktemp("site") / "shop").build())
    site.asked()
    yield site
    site.close()
