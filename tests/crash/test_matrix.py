"""A sample of the crash matrix that leaves out no boundary of any kind of tool; the whole is a benchmark."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.harness import Spawn
from tests.crash.matrix import BOUNDARIES, Cell, cells, play, sample
from tests.crash.worker import Job


@pytest.mark.parametrize("cell", list(sample()), ids=str)
def test_one_effect_whatever_is_killed_and_whoever_recovers(cell: Cell, tmp_path: Path, spawn: Spawn) -> None:
    """It happens once; what is blind and in doubt is asked about, having happened once or not at all."""
    played = play(cell, tmp_path / "cell", spawn)
    assert played.violations == []
    assert played.kills >= cell.times
    assert played.asked == (cell.tool == "blind" and cell.boundary in ("intent", "answer lost", "in doubt"))


def test_the_sample_leaves_out_no_place() -> None:
    """Each boundary of each tool is there, and each database, number of kills and of workers many times."""
    taken = list(sample())
    assert {(cell.boundary, cell.tool) for cell in taken} == {
        (b, tool) for b, tools in BOUNDARIES.items() for tool in tools
    }
    for choice in ("database", "times", "workers"):
        assert min(Counter(getattr(cell, choice) for cell in taken).values()) > 10
    assert sum(len(cell.points) for cell in cells()) > 300


def test_the_same_kill_makes_plain_langgraph_pay_twice(tmp_path: Path, spawn: Spawn) -> None:
    """The matrix can fail: a node without the ledger, killed once where the answer is lost, acts again."""
    job = Job("plain", tmp_path, die="after the effect")
    spawn(job).died()
    assert spawn(replace(job, die=None)).told()["status"] == "done"
    assert (tmp_path / "sent.txt").read_text(encoding="utf-8") == "paid\npaid\n"
