"""A kill after every single commit, whatever wrote it."""

from __future__ import annotations

from pathlib import Path

from tests.crash.harness import Scene, Spawn, outbox


def test_one_message_whichever_commit_was_the_last(tmp_path: Path, spawn: Spawn) -> None:
    """Killed after any one commit of the store or of the checkpoints, a run still sends one message."""
    whole = Scene(spawn, tmp_path / "unkilled").do("whole", tables=False)
    assert whole["status"] == "done"
    assert whole["commits"] > 30
    for number in range(1, whole["commits"] + 1):
        scene = Scene(spawn, tmp_path / f"commit-{number}")
        scene.begin("whole", die_after_commit=number, tables=False).died()
        left = scene.left()
        if left.run is None:
            assert number <= 2  # one makes the tables, one looks whether they are up to date
            continue
        scene.run = left.run.id
        assert scene.do("whole")["status"] == "done", number
        assert len(outbox(scene.home)) == 1, number
        scene.left().check_whole()
