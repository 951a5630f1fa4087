"""What the attacks share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.engine.project import now
from interlock.engine.service import Engine
from tests.attacks.house import House
from tests.drawn import Watch
from tests.store.conftest import stores as stores
from tests.store.conftest import url as url  # for attacks that go straight at the store, on every database


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A shop with a clock that tests move."""
    return House(tmp_path / "shop").build()


@pytest.fixture
def open_house(tmp_path: Path) -> House:
    """A shop on the wall clock, where commands at the terminal see the time that the tests see."""
    return House(tmp_path / "shop", clock=now).build()


@pytest.fixture(scope="session", autouse=True)
def _apart_from_outside() -> Iterator[None]:
    """Settings of the caller's environment do not count, and collecting garbage is quick."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("INTERLOCK_")}
    gc.collect()
    gc.freeze()  # what was imported need not be looked at after each test
    yield
    gc.unfreeze()
    os.environ.update(kept)


@pytest.fixture(autouse=True)
def _collect_in_the_main_thread() -> Iterator[None]:
    """A stream that an error cut short closes its thread pool when collected, which that pool's threads must not do."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.fixture(autouse=True)
def _every_move_stays_on_its_picture(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever an attack forged, the moves that the store recorded are drawn ones."""
    watch = Watch()
    monkeypatch.setattr(Engine, "__init__", lambda *args, **named: watch.begin(*args, **named))
    yield
    assert watch.off(checkpoints=False) == []
