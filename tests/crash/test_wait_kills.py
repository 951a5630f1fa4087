"""Kills around waits: a moment passes once, an event that was sent is used once, whoever dies in between."""

from __future__ import annotations

from pathlib import Path

from interlock.engine.service import Engine
from tests.crash.harness import Scene, Spawn
from tests.crash.worker import open_project
from tests.nodes.shop import build, happened

GRAPH = """
graph: waits
version: 1
input:
  what: {type: string}
  start: {type: string}
steps:
  rest: {wait: {until: $.start}}
  settled: {wait: {event: settled, within: 3d, payload: {what: {type: string}}}, writes: settlement}
  reserve: {call: seats.reserve, bind: {what: $.settlement.what}}
edges:
  - START -> rest
  - rest -> settled
  - {from: rest, on: failed, to: END, outcome: no_moment}
  - settled -> reserve
  - {from: settled, on: expired, to: END, outcome: late}
  - {from: reserve, on: [done, rejected, expired, denied], to: END}
output: [settlement]
"""

VALUES = {"what": "row 7", "start": "2020-01-01T00:00:00+00:00"}


def send(scene: Scene) -> None:
    """Send the event; this process then has nothing more to do with the run."""
    project = open_project(scene.home, scene.root)
    Engine(project).send(scene.run, "settled", {"what": "row 9"}, "bank")
    project.services.database.engine.dispose()


def check(scene: Scene, told: dict[str, object], number: int) -> None:
    assert told["status"] == "done", (number, told)
    assert happened(scene.home) == ["reserve row 9"], number
    events = [entry["event"] for entry in scene.left().entries]
    assert (events.count("pause.done"), events.count("run.done")) == (2, 1), number


def test_a_run_that_dies_waiting_goes_on_where_it_was(tmp_path: Path, spawn: Spawn) -> None:
    """Killed after any one commit before the event comes, the run waits for it with the deadline that it had."""
    root = build(tmp_path / "project", {"waits": GRAPH})
    whole = Scene(spawn, tmp_path / "unkilled", root, "waits", VALUES).do("start")
    assert whole["status"] == "waiting"
    for number in range(2, whole["commits"] + 1):
        scene = Scene(spawn, tmp_path / f"commit-{number}", root, "waits", VALUES)
        scene.die_after(number, "start")
        if number % 2:  # the event may come before anybody goes on with the run, or after
            send(scene)
        else:
            assert scene.do("resume")["status"] == "waiting"
            send(scene)
        check(scene, scene.do("resume"), number)


def test_an_event_is_used_once_whoever_dies_with_it(tmp_path: Path, spawn: Spawn) -> None:
    """Killed after any one commit once the event was sent, the run goes on with it, and acts once."""
    root = build(tmp_path / "project", {"waits": GRAPH})
    commits, number = 2, 1
    while number < commits:
        scene = Scene(spawn, tmp_path / f"commit-{number}", root, "waits", VALUES)
        scene.park()
        send(scene)
        if number == 1:
            commits = scene.do("resume")["commits"]
            assert commits > 10
        else:
            scene.begin("resume", die_after_commit=number).died()
        check(scene, scene.do("resume"), number)
        number += 1
