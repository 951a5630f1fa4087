"""Programs of every kind of person, and of one who holds every role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from interlock.store.users import ROLES, Role
from tests.attacks.house import House
from tests.web.site import Site

EVERYBODY = "zoe"
"""Holds every role."""

AUTHOR: tuple[Role, ...] = ("author",)


def with_everybody(site: Site) -> Site:
    site.engine.services.users.add(EVERYBODY, ROLES, by="owner")
    site.engine.services.users.add("arthur", AUTHOR, by="owner")
    site.tokens |= {name: site.issue(name) for name in (EVERYBODY, "arthur")}
    return site


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Site]:
    """A shop in which zoe may do everything."""
    site = with_everybody(Site(House(tmp_path / "shop").build()))
    yield site
    site.close()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Such a shop for all tests of a file, with a run that waits."""
    site = with_everybody(Site(House(tmp_path_factory.mktemp("still") / "shop").build()))
    site.asked()
    yield site
    site.close()


@pytest.fixture
def zoe(place: Site) -> TestClient:
    """A program of somebody who may do everything."""
    return place.program(EVERYBODY)
