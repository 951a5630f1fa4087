"""Upgrades that die by SIGKILL: the run is the old one or the new one, and its payment happens once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.engine.project import now
from tests.attacks.house import GRAPHS, House, Run

SECOND = (
    GRAPHS["pay"]
    .replace("version: 1", "version: 2")
    .replace("  pay:", "  spend:")
    .replace("-> pay", "-> spend")
    .replace("- pay ->", "- spend ->")
    .replace("from: pay", "from: spend")
)

DIES = """
import os, signal, sys
from interlock.engine import upgrade
from interlock.store.upgrades import Upgrades

name, when, home = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
inner = getattr(Upgrades, name)

def dies(self, *arguments, **named):
    here = home in self._database.name  # not in the copy of the dry run
    if here and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = inner(self, *arguments, **named)
    if here and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return found

setattr(Upgrades, name, dies)
from interlock.cli.app import main
main()
"""

POINTS = {
    "before the move": ("move", "before", "old"),
    "inside the transaction": ("_rename", "after", "old"),
    "before the transaction commits": ("_recorded", "after", "old"),
    "after the move, before the checkpoint": ("move", "after", "new"),
    "after the checkpoint, before that is noted": ("settle", "before", "new"),
    "after all of it": ("settle", "after", "new"),
}


def interlock(house: House, *arguments: str, dying: tuple[str, str] | None = None) -> int:
    """The command line in the project, killed at a boundary or not."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    start = ["-c", DIES, *dying, str(house.home)] if dying else ["-c", "from interlock.cli.app import main; main()"]
    done = subprocess.run(
        [sys.executable, *start, *arguments], cwd=house.root, env=clean, capture_output=True, text=True, timeout=120
    )
    return done.returncode


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("then", ["driven", "applied again"])
def test_a_killed_upgrade_leaves_the_run_whole(tmp_path: Path, point: str, then: str) -> None:
    """Killed at each boundary, then driven or moved again: one payment, after one answer given under its own spec."""
    house = House(tmp_path / "shop", clock=now).build()
    run = house.begun("pay")
    first = run.asked.id
    run.approve()
    house.write("graphs/pay.yaml", SECOND)
    (house.root / "mapping.yaml").write_text("steps: {pay: spend}\n")
    moving = (
        "upgrade",
        "apply",
        "pay@1",
        "pay",
        "--mapping",
        "mapping.yaml",
        "--as",
        "ann",
        "--yes",
        "--void-approvals",
    )
    name, when, version = POINTS[point]
    assert interlock(house, *moving, dying=(name, when)) == -signal.SIGKILL
    if then == "applied again":
        assert interlock(house, *moving) == 0
        version = "new"
    run = Run(house, house.engine(), run.id)
    run.drive()
    if version == "new":
        assert house.effects == []
        assert run.asked.id != first
        run.approve()
        run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.position() == [("pay" if version == "old" else "spend", "done")]
    assert run.whole()
