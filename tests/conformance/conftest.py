"""What the tests of dialects share."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.engine.project import now
from tests.attacks.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A shop with a clock that tests move."""
    return House(tmp_path / "shop").build()


@pytest.fixture
def open_house(tmp_path: Path) -> House:
    """A shop on the wall clock, where commands at the terminal see the time that the tests see."""
    return House(tmp_path / "shop", clock=now).build()
