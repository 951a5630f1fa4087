"""Killed at every boundary, a keyed payment moves money once, and a blind action is asked about, not repeated."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from interlock.tools.connect import bank
from tests.crash.harness import Scene, Spawn
from tests.crash.points import BANK
from tests.crash.worker import REPOSITORY


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the repository's drawers, a graph that pays, and one that acts blindly."""
    root = tmp_path / "project"
    for drawer in ("nodes", "tools", "policies"):
        shutil.copytree(REPOSITORY / drawer, root / drawer, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "graphs").mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


FILES = {
    "graphs/pay.yaml": """\
graph: pay
version: 1
input: {payee: {type: string}, amount: {type: number}}
steps:
  pay: {call: payments.transfer, bind: {payee: $.payee, amount: $.amount}, writes: receipt}
edges:
  - START -> pay
  - {from: pay, on: [rejected, expired, denied], to: END, outcome: not_paid}
  - pay -> END
limits: {steps: 5}
output: [receipt]
""",
    "graphs/write.yaml": """\
graph: write
version: 1
input: {text: {type: string}}
steps:
  write: {call: journal.append, bind: {text: $.text}, writes: receipt}
edges:
  - START -> write
  - {from: write, on: [rejected, expired, denied], to: END, outcome: not_written}
  - write -> END
limits: {steps: 5}
output: [receipt]
""",
    "policies/journal.yaml": """\
policy: journal
version: 1
applies_to: [journal.append]
inputs: {action: {type: string}}
rules:
  - {id: line, when: {action: journal.append}, then: {approve: {count: 1}}, because: a line cannot be taken back}
""",
    "tools/journal.py": '''\
"""A journal that nobody can look into."""

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Line(Arguments):
    text: str = about("The line.")


class Written(Result):
    characters: int


@action("journal.append", effect="blind", risk="medium", title="{text}")
def append(arguments: Line, context: ActionContext) -> Written:
    """Append a line to the journal."""
    with (context.home / "journal.txt").open("a", encoding="utf-8") as file:
        return Written(characters=file.write(arguments.text + "\\n"))
''',
}

PAYING = [
    "after propose",
    "after the request is filed",
    "while voting",
    "after approval",
    "before intent",
    "while writing intent",
    "after intent",
    "before the tool",
    *BANK,
    "after the tool",
    "before execution is recorded",
    "after execution",
    "after the end",
]


@pytest.mark.parametrize("points", [(point,) for point in PAYING] + [("after the tool",) * 3], ids=" > ".join)
def test_money_moves_once_although_two_people_and_a_kill_are_involved(
    points: tuple[str, ...], project: Path, home: Path, spawn: Spawn
) -> None:
    """A keyed payment that needs two votes is booked once wherever it is killed, and both votes are kept."""
    scene = Scene(
        spawn,
        home,
        project,
        graph="pay",
        values={"payee": "Northwind", "amount": 12000},
        people=("treasurer", "controller"),
    )
    first, *more = points
    scene.die(first)
    for point in more:
        scene.begin("resume", die=point).died()
    assert scene.recover()["status"] == "done"
    assert bank.balance("main", home)["EUR"] == 88_000
    assert bank.balance("Northwind", home) == {"EUR": 12_000}
    left = scene.left()
    left.check_whole()
    assert [vote.person for vote in left.votes] == ["treasurer", "controller"]


def test_the_first_of_two_votes_survives(project: Path, home: Path, spawn: Spawn) -> None:
    """A reviewer's process that dies right after its vote leaves the vote; the second one completes it."""
    scene = Scene(spawn, home, project, graph="pay", values={"payee": "Northwind", "amount": 12000})
    scene.park()
    scene.begin("approve", person="treasurer", die="after approval").died()
    assert scene.do("approve", person="treasurer")["error"] == "DecisionRefused"
    assert scene.do("approve", person="controller")["status"] == "done"
    assert bank.balance("Northwind", home) == {"EUR": 12_000}


@pytest.mark.parametrize(
    ("point", "lines"),
    [("after intent", 0), ("before the tool", 0), ("after the tool", 1), ("before execution is recorded", 1)],
)
@pytest.mark.parametrize("happened", [True, False], ids=["happened", "did not happen"])
def test_a_blind_action_is_never_repeated(
    point: str, lines: int, happened: bool, project: Path, home: Path, spawn: Spawn
) -> None:
    """What nobody can look up is asked, not repeated; only a person's no and a new approval act again."""
    scene = Scene(spawn, home, project, graph="write", values={"text": "once"})
    journal = home / "journal.txt"

    def written() -> int:
        return len(journal.read_text(encoding="utf-8").splitlines()) if journal.exists() else 0

    scene.die(point)
    for _ in range(2):
        told = scene.do("resume")
        assert [row["kind"] for row in told["waiting"]] == ["doubt"]
        assert written() == lines
    told = scene.do("respond", happened=happened)
    assert written() == lines
    if not happened:
        assert [row["kind"] for row in told["waiting"]] == ["action"]
        told = scene.do("approve")
    assert told["status"] == "done"
    assert written() == lines + (not happened)
    scene.left().check_whole()


@pytest.mark.parametrize("point", ["before intent", "while writing intent", "after execution", "after the end"])
def test_a_blind_action_happens_once_outside_the_call(point: str, project: Path, home: Path, spawn: Spawn) -> None:
    """Around the call, where the ledger knows, a blind action happens once and nobody is asked twice."""
    scene = Scene(spawn, home, project, graph="write", values={"text": "once"})
    scene.die(point)
    assert scene.recover()["status"] == "done"
    assert (home / "journal.txt").read_text(encoding="utf-8") == "once\n"
    scene.left().check_whole()


@pytest.mark.parametrize(
    ("graph", "point", "asked"),
    [("pay", "after approval", "action"), ("pay", "after the tool", "doubt"), ("write", "after intent", "doubt")],
)
def test_rules_that_changed_meanwhile_are_heeded(
    graph: str, point: str, asked: str, project: Path, home: Path, spawn: Spawn
) -> None:
    """What was decided under other rules is decided anew, or, where it may have happened, asked about."""
    values = {"payee": "Northwind", "amount": 700} if graph == "pay" else {"text": "once"}
    scene = Scene(spawn, home, project, graph=graph, values=values, people=("treasurer",))
    scene.die(point)
    for path in (project / "policies").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace("version: 1", "version: 2").replace("because: ", "because: now "), encoding="utf-8"
        )
    assert [row["kind"] for row in scene.do("resume")["waiting"]] == [asked]
    person = "treasurer"
    told = (
        scene.do("approve", person=person) if asked == "action" else scene.do("respond", person=person, happened=True)
    )
    assert told["status"] == "done"
    if graph == "pay":
        assert bank.balance("Northwind", home) == {"EUR": 700}
    scene.left().check_whole()
