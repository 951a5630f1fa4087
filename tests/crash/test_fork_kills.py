"""Forks that die by SIGKILL: the fork is there whole, with its state, or not at all, and nothing happens twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.engine.forking import fork
from interlock.engine.project import now
from interlock.engine.settling import forks_of
from tests.attacks.house import House, Run

DIES = """
import os, signal, sys
from interlock.store.forks import Forks

name, when = sys.argv.pop(1), sys.argv.pop(1)
inner = getattr(Forks, name)

def dies(self, *arguments, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = inner(self, *arguments, **named)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return found

setattr(Forks, name, dies)
from interlock.cli.app import main
main()
"""

POINTS = {
    "before the rows": ("make", "before", False),
    "inside the transaction": ("_write_values", "after", False),
    "after the rows, before the checkpoint": ("make", "after", True),
    "after the checkpoint, before that is noted": ("settle", "before", True),
    "after all of it": ("settle", "after", True),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_fork_is_there_whole_or_not_at_all(tmp_path: Path, point: str) -> None:
    """Killed at each boundary, then driven: what the origin paid stays paid once, and of the two one gives it back."""
    house = House(tmp_path / "shop", clock=now).build()
    run = house.begun("chain")
    run.approve()
    run.drive()
    name, when, there = POINTS[point]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    command = [sys.executable, "-c", DIES, name, when, "runs", "fork", run.id, "--at", "1", "--as", "ann"]
    killed = subprocess.run(command, cwd=house.root, env=clean, capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    engine = house.engine()
    made = [each.run_id for each in forks_of(engine.services).made_from(run.id)]
    assert len(made) == there
    assert {each.id for each in engine.services.runs.list()} == {run.id, *made}
    forked = Run(house, engine, made[0] if made else fork(engine.project, run.id, "1", {}, "ann").id)
    forked.drive()
    assert forked.position() == [("pay", "done"), ("refund", None)]
    forked.approve()
    forked.drive()
    assert (house.effects, forked.outcome) == (["pay 10 anna", "refund 10 anna"], "done")
    run.approve()
    run.drive()
    assert run.asked.request["repeats"] == [f"{forked.id}/refund/1/0"]
    assert len(house.effects) == 2
    assert run.whole()
