"""What the journeys share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.terminal import REPOSITORY, Desk, Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A shell with a home that does not exist yet."""
    return Terminal(tmp_path / "home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the desk's commands; it does not exist yet."""
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "home"


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Commands in the repository, without processes of their own."""
    monkeypatch.chdir(REPOSITORY)
    return Desk(capsys, monkeypatch)
