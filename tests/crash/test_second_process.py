"""A second process, while the first is stopped in the middle of the call or after it was killed there."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.crash.harness import Scene, Spawn, outbox

MIDDLE = ["before the rename", "after the rename"]


@pytest.mark.parametrize("point", MIDDLE)
def test_a_second_process_does_not_act_while_the_first_is_alive(point: str, home: Path, spawn: Spawn) -> None:
    """A stopped process still holds its run and its effect: others are told so, and it goes on to one message."""
    scene = Scene(spawn, home)
    scene.park()
    first = scene.begin("approve", hold=point)
    first.hear("holding")
    first.signal(signal.SIGSTOP)
    before = len(outbox(home))
    assert scene.do("resume")["error"] == "RunBusy"
    assert scene.do("compiled")["error"] == "RunBusy"
    assert scene.do("approve")["error"] == "NothingWaits"
    assert len(outbox(home)) == before
    first.signal(signal.SIGCONT)
    first.wire.send("go on")
    assert first.told()["status"] == "done"
    assert scene.do("resume")["status"] == "done"
    assert len(outbox(home)) == 1
    scene.left().check_whole()


@pytest.mark.parametrize("point", MIDDLE)
def test_a_stopped_process_that_is_killed_is_replaced(point: str, home: Path, spawn: Spawn) -> None:
    """Death lets go of what a stopped process held, and its successor ends the run with one message."""
    scene = Scene(spawn, home)
    scene.park()
    first = scene.begin("approve", hold=point)
    first.hear("holding")
    first.signal(signal.SIGSTOP)
    assert scene.do("resume")["error"] == "RunBusy"
    first.signal(signal.SIGKILL)
    first.died()
    assert scene.recover()["status"] == "done"
    assert len(outbox(home)) == 1
    scene.left().check_whole()


@pytest.mark.parametrize("point", ["after propose", "before intent"])
def test_two_processes_that_drive_one_run_send_one_message(point: str, home: Path, spawn: Spawn) -> None:
    """The bare LangGraph object, driven past the run's lock beside the first process, adds no message."""
    scene = Scene(spawn, home)
    if point == "after propose":
        first = scene.begin("start", hold=point)
        scene.run = first.hear("accepted")
    else:
        scene.park()
        first = scene.begin("approve", hold=point)
    first.hear("holding")
    scene.do("compiled")
    first.wire.send("go on")
    first.told()
    assert scene.recover()["status"] == "done"
    assert len(outbox(home)) == 1
    scene.left().check_whole()
