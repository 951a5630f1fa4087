"""Kills while an effect is undone: however often the process dies, it is undone once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.harness import Scene, Spawn
from tests.nodes.shop import build, happened

GRAPH = """
graph: undone
version: 1
input:
  what: {type: string}
steps:
  reserve: {call: seats.reserve, bind: {what: $.what}}
  release: {compensate: reserve, writes: released}
edges:
  - START -> reserve
  - reserve -> release
  - {from: reserve, on: [rejected, expired, denied], to: END, outcome: nothing}
  - release -> END
  - {from: release, on: [rejected, expired, denied], to: END, outcome: stands}
  - {from: release, on: failed, to: END, outcome: stuck, keeps: [reserve]}
output: [released]
"""

ONCE = ["reserve row 7", "release t-row 7 row 7"]


@pytest.mark.parametrize(
    ("releases", "releasing"),
    [("keyed", "auto"), ("queryable", "{approve: {count: 1, within: 1h, execute_within: 5m}}")],
)
def test_an_effect_is_undone_once_whichever_commit_was_the_last(
    tmp_path: Path, spawn: Spawn, releases: str, releasing: str
) -> None:
    """Killed after any one commit, the run ends with one undoing, and both rows tell of it."""
    root = build(tmp_path / "project", {"undone": GRAPH}, releases=releases, releasing=releasing)
    values = {"what": "row 7"}
    whole = Scene(spawn, tmp_path / "unkilled", root, "undone", values).do("whole")
    assert whole["status"] == "done"
    assert whole["commits"] > 25
    for number in range(2, whole["commits"] + 1, 2):
        scene = Scene(spawn, tmp_path / f"commit-{number}", root, "undone", values)
        scene.die_after(number)
        told = scene.do("whole")
        assert told["status"] == "done", (number, told)
        assert happened(scene.home) == ONCE, number
        states = {row.id.removeprefix(f"{scene.run}/"): row.state for row in scene.left().effects}
        assert states.pop("reserve/1/0") == "compensated", number
        assert [state for state in states.values() if state in ("executed", "verified")] == [*states.values()][-1:]


@pytest.mark.parametrize("point", ["before the tool", "after the tool", "before execution is recorded"])
def test_undoing_is_killed_where_its_answer_is_lost(tmp_path: Path, spawn: Spawn, point: str) -> None:
    """Between intent and outcome nobody knows; the key tells a repeat, and the original waits meanwhile."""
    asks = "{approve: {count: 1, within: 1h, execute_within: 5m}}"
    root = build(tmp_path / "project", {"undone": GRAPH}, releasing=asks)
    scene = Scene(spawn, tmp_path / "home", root, "undone", {"what": "row 7"})
    scene.park()
    scene.die_deciding(point)
    left = {row.id.removeprefix(f"{scene.run}/"): row.state for row in scene.left().effects}
    assert left == {"reserve/1/0": "compensating", "release/1/0": "intent"}
    assert scene.recover()["outcome"] == "done"
    assert happened(scene.home) == ONCE
    left = {row.id.removeprefix(f"{scene.run}/"): row.state for row in scene.left().effects}
    assert left["reserve/1/0"] == "compensated"
