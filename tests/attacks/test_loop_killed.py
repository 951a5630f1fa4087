"""Processes killed in the pause between attempts, or in a lookup: the next one goes on counting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from interlock.errors import ModelUnavailable
from interlock.testing import ScriptedChatModel
from tests.attacks.house import REPOSITORY, House
from tests.attacks.loops import ANSWER, ENOUGH, Desk, look

WORKER = """
import sys, threading
from dataclasses import replace
from pathlib import Path
from interlock.engine.service import Engine
from interlock.errors import ModelUnavailable
from interlock.testing import ScriptedChatModel
from tests.attacks.house import House
from tests.attacks.loops import look

def here(*_):
    print("here", flush=True)
    threading.Event().wait()

where, root, run = sys.argv[1:]
house = House(Path(root))
reply = ModelUnavailable("away") if where == "pause" else look("a")
project = house.project(chat=ScriptedChatModel([reply], loop=True), sleep=here)
tool = replace(project.actions["shop.look"], run=here)
project.__dict__["actions"] = {**project.actions, "shop.look": tool}
Engine(project).drive(run)
"""


def killed(desk: Desk, where: str) -> None:
    """Drive the run in a process that is killed where it says that it is."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, where, str(desk.house.root), desk.run],
        cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert worker.stdout is not None
    said = worker.stdout.readline()
    worker.kill()
    worker.communicate()
    assert said == "here\n"


def test_killed_in_a_pause(tmp_path: Path) -> None:
    """Two killed processes leave two attempts behind; the third of three is the last."""
    retry = {"attempts": 3, "backoff": "1s"}
    desk = Desk(House(tmp_path / "shop").build(), {"retry": retry})
    desk.begin()
    for attempts in (1, 2):
        killed(desk, "pause")
        assert (desk.visit.attempts, desk.visit.model_calls, desk.visit.outcome) == (attempts, attempts, None)
    model: Any = ScriptedChatModel([ModelUnavailable("away")], loop=True)
    desk.drive(model)
    assert (desk.visit.attempts, desk.visit.outcome, desk.visit.error_kind) == (3, "failed", "unavailable")
    assert len(model.received) == 1
    assert desk.whole


def test_killed_in_a_lookup(tmp_path: Path) -> None:
    """The open row is closed by the next process, which looks again and answers."""
    desk = Desk(House(tmp_path / "shop").build())
    desk.begin()
    killed(desk, "lookup")
    assert desk.states == [(0, "intent")]
    desk.play(look("a"), ENOUGH, ANSWER)
    assert desk.states == [(0, "failed"), (1, "executed")]
    assert (desk.ended.outcome, desk.visit.attempts, desk.visit.model_calls) == ("answered", 2, 4)
    assert desk.whole
