"""Killed at every boundary, a run that mails to the outbox goes on in a new process: one message."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.harness import VALUES, Scene, Spawn, outbox
from tests.crash.points import DECIDING, MAILDIR, STARTING, UNACCEPTED
from tests.crash.worker import POLISHED, Job


@pytest.mark.parametrize("point", [point for point in {**STARTING, **DECIDING, **MAILDIR} if point != UNACCEPTED])
def test_one_message_reaches_the_outbox_wherever_the_process_dies(point: str, home: Path, spawn: Spawn) -> None:
    """A kill at any boundary leaves exactly one message, one vote and a whole record once the run has ended."""
    scene = Scene(spawn, home)
    scene.die(point)
    assert scene.recover()["status"] == "done"
    [message] = outbox(home)
    assert message["To"] == VALUES["to"]
    assert message.get_payload(decode=True) == POLISHED["body"].encode()
    left = scene.left()
    left.check_whole()
    assert len(left.votes) == 1


def test_a_run_that_was_not_accepted_leaves_nothing(home: Path, spawn: Spawn) -> None:
    """A kill before acceptance leaves no run and no message, and a new start works in the same home."""
    scene = Scene(spawn, home)
    scene.die(UNACCEPTED)
    assert scene.left().run is None
    scene.park()
    assert scene.recover()["status"] == "done"
    assert len(outbox(home)) == 1


def test_a_parked_process_may_be_killed_while_it_waits(home: Path, spawn: Spawn) -> None:
    """A process that lives on after parking holds nothing: killed, the run is decided and finished by others."""
    scene = Scene(spawn, home)
    child = scene.begin("start", parks=True)
    scene.run = child.hear("told")["run"]
    child.signal(signal.SIGKILL)
    child.died()
    assert scene.recover()["status"] == "done"
    assert len(outbox(home)) == 1
    scene.left().check_whole()


@pytest.mark.parametrize(
    "points",
    [
        ("before propose", "before propose"),
        ("after propose", "before the gate", "after the gate"),
        ("after the request is filed", "before parking", "after parking"),
        ("while voting", "after approval", "while resuming", "while resuming", "after the answer is read"),
        ("before intent", "before intent", "while writing intent"),
        ("after intent", "after the doubt", "after the look", "after the look is recorded", "after intent"),
        ("before the rename", "before the rename", "after the look is recorded", "before the rename"),
        ("after the rename", "after the look", "before execution is recorded", "after execution"),
        ("after execution", "before leaving the step", "before leaving the step"),
        ("after verification", "after leaving the step", "before the end", "after the end"),
    ],
    ids=" > ".join,
)
def test_one_message_although_the_recoveries_die_too(points: tuple[str, ...], home: Path, spawn: Spawn) -> None:
    """Killed again at the same and at other boundaries while recovering, the run still sends one message."""
    scene = Scene(spawn, home)
    first, *more = points
    scene.die(first)
    for point in more:
        verb = "approve" if point == "after approval" else "resume"
        scene.begin(verb, die=point).died()
    assert scene.recover()["status"] == "done"
    assert len(outbox(home)) == 1
    left = scene.left()
    left.check_whole()
    assert len(left.votes) == 1


def test_a_plain_langgraph_node_acts_twice(tmp_path: Path, spawn: Spawn) -> None:
    """Under the same kill a node without the ledger repeats its effect, so these tests can fail."""
    job = Job("plain", tmp_path, die="after the effect")
    spawn(job).died()
    assert spawn(replace(job, die=None)).told()["status"] == "done"
    assert (tmp_path / "sent.txt").read_text(encoding="utf-8") == "paid\npaid\n"
