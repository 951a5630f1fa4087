"""Kills while branches of a fork act and ask: what happens once in each stays once."""

from __future__ import annotations

from pathlib import Path

from tests.crash.harness import Scene, Spawn
from tests.engine.conftest import POLICY, TOOLS

EVERY = 9
"""Of the commits of a map one in so many is the last: each kill takes two processes."""

GRAPH = """
graph: forked
version: 1
input:
  small: {type: integer}
  large: {type: integer}
steps:
  split: {fork: [one, other], concurrency: 1}
  one: {call: counter.add, bind: {amount: $.small}, writes: first}
  other: {call: counter.add, bind: {amount: $.large}, writes: second}
  gather: {join: split}
edges:
  - START -> split
  - {from: split, on: one, to: one}
  - {from: split, on: other, to: other}
  - {from: one, on: [done, rejected, expired, denied], to: gather}
  - {from: other, on: [done, rejected, expired, denied], to: gather}
  - gather -> END
  - {from: gather, on: failed, to: END, outcome: broken, keeps: [one, other]}
output: [first, second]
"""


def project(folder: Path) -> Path:
    """A project whose only tool counts in a file."""
    for name, text in {"graphs/forked.yaml": GRAPH, "tools/counter.py": TOOLS, "policies/counter.yaml": POLICY}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_each_branch_acts_once_whichever_commit_was_the_last(tmp_path: Path, spawn: Spawn) -> None:
    """Killed after any one commit, in the run or in a branch, both branches have acted once when it is done."""
    root = project(tmp_path / "project")
    values = {"small": 2, "large": 70}
    whole = Scene(spawn, tmp_path / "unkilled", root, "forked", values).do("whole")
    assert whole["status"] == "done"
    assert whole["commits"] > 50
    for number in range(2, whole["commits"] + 1, 2):
        scene = Scene(spawn, tmp_path / f"commit-{number}", root, "forked", values)
        scene.die_after(number)
        told = scene.do("whole")
        assert told["status"] == "done", (number, told)
        lines = (scene.home / "counter.txt").read_text().splitlines()
        assert sorted(line.split()[1] for line in lines) == ["2", "70"], number
        events = [entry["event"] for entry in scene.left().entries]
        assert (events.count("run.created"), events.count("run.done")) == (3, 3), number


DEEPER = {
    "act": """
graph: act
version: 1
input: {sum: {type: integer}}
steps:
  add: {call: counter.add, bind: {amount: $.sum}, writes: receipt}
edges:
  - START -> add
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
output: [receipt]
""",
    "around": """
graph: around
version: 1
input: {sum: {type: integer}}
steps:
  inner: {graph: act, bind: {sum: $.sum}, writes: result}
edges:
  - START -> inner
  - inner -> END
  - {from: inner, on: refused, to: END, outcome: refused}
output: [result]
""",
    "mapped": """
graph: mapped
version: 1
input: {sums: {type: array, items: {type: integer}}}
steps:
  all: {map: {over: $.sums, as: sum, graph: around, at_most: 3, concurrency: 2}, writes: results}
edges:
  - START -> all
  - all -> END
  - {from: all, on: failed, to: END, outcome: some, keeps: [all]}
output: [results]
""",
}


def test_items_at_once_act_once_whichever_commit_was_the_last(tmp_path: Path, spawn: Spawn) -> None:
    """Killed while two items of a map are driven, each with a graph of its own and one with a question in it."""
    root = project(tmp_path / "project")
    for name, text in DEEPER.items():
        (root / "graphs" / f"{name}.yaml").write_text(text)
    values = {"sums": [2, 70]}
    whole = Scene(spawn, tmp_path / "unkilled", root, "mapped", values).do("whole")
    assert whole["status"] == "done"
    assert whole["commits"] > 60
    for number in range(3, whole["commits"] - 9, EVERY):  # two threads: a number is another moment each time
        scene = Scene(spawn, tmp_path / f"commit-{number}", root, "mapped", values)
        scene.die_after(number)
        told = scene.do("whole")
        assert told["status"] == "done", (number, told)
        lines = (scene.home / "counter.txt").read_text().splitlines()
        assert sorted(line.split()[1] for line in lines) == ["2", "70"], number
        left = scene.left()
        assert left.run is not None
        assert [item["outcome"] for item in left.run.output["results"]] == ["done", "done"], number
        events = [entry["event"] for entry in left.entries]
        assert (events.count("run.created"), events.count("run.done")) == (5, 5), number
