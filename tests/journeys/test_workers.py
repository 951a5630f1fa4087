"""The workers of a home, as the command line shows them, and what it says where workers serve."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime
from pathlib import Path

import pytest

from interlock.store.database import Database
from interlock.store.workers import Workers
from tests.journeys.terminal import Desk


def test_workers_are_listed_with_what_they_do_and_when_they_were_last_heard_of(desk: Desk, home: Path) -> None:
    """Before the first there is a next step; then each has its id, state, number of runs and last sign of life."""
    assert desk.interlock("runs", "workers").out.strip() == "No worker ever served here. Start one: interlock work"
    assert desk.interlock("runs", "workers", "--json").json() == {"workers": []}
    database = Database(f"sqlite:///{home / 'interlock.db'}")
    workers = Workers(database)
    ended, serving = workers.enter(2), workers.enter(4)
    workers.leave(ended.id, "gone")
    database.engine.dispose()
    first, second = desk.interlock("runs", "workers", "--json").json()["workers"]
    assert (first["id"], first["state"], first["at_once"]) == (serving.id, "serving", 4)
    assert (first["host"], first["pid"]) == (socket.gethostname(), os.getpid())
    assert datetime.fromisoformat(first["beat_at"]) == serving.beat_at
    assert (second["id"], second["state"]) == (ended.id, "gone")
    shown = desk.interlock("runs", "workers").out
    assert shown.index(serving.id) < shown.index(ended.id)
    assert f"{serving.beat_at:%Y-%m-%d %H:%M:%S}" in shown
    assert len(desk.interlock("runs", "workers", "--json", "--limit", "1").json()["workers"]) == 1


def test_a_worker_without_the_queue_is_told_what_to_install(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with the extra that it needs."""
    monkeypatch.delitem(sys.modules, "interlock.engine.worker", raising=False)
    monkeypatch.setitem(sys.modules, "dbos", None)
    desk.interlock("work").refused("pip install 'interlock[work]'", code=2)
