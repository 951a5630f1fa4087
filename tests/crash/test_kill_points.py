"""Killed at every boundary, a run goes on in a new process: one message, or a person is asked."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.tools.connect import bank
from tests.crash.harness import VALUES, Post, Scene, Spawn, outbox
from tests.crash.worker import BANK, DECIDING, MAILDIR, POLISHED, REPOSITORY, SMTP, STARTING, Job

UNACCEPTED = "before the run is accepted"

DOUBTFUL = {
    "after intent": 0,
    "before the tool": 0,
    "before the connection": 0,
    "before the handover": 0,
    "after the handover": 1,
    "before its reply": 1,
    "after its reply": 1,
}
"""Where nobody can know over SMTP, and how many messages the server has; the last two kills are the server's."""


# The outbox ----------------------------------------------------------------------------------------


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


def test_one_message_whichever_commit_was_the_last(tmp_path: Path, spawn: Spawn) -> None:
    """Killed after every single commit of the store and of the checkpoints, a run still sends one message."""
    whole = Scene(spawn, tmp_path / "unkilled").do("whole")
    assert whole["status"] == "done"
    assert whole["commits"] > 30
    for number in range(1, whole["commits"] + 1):
        scene = Scene(spawn, tmp_path / f"commit-{number}")
        scene.begin("whole", die_after_commit=number).died()
        left = scene.left()
        if left.run is None:  # the first commit only makes the tables
            assert number == 1
            continue
        scene.run = left.run.id
        assert scene.recover()["status"] == "done", number
        assert len(outbox(scene.home)) == 1, number
        scene.left().check_whole()


# SMTP ----------------------------------------------------------------------------------------------


def doubtful(point: str, scene: Scene, post: Post) -> str:
    """Bring a run into doubt at `point`; the id of the question that stands open then."""
    if point in SMTP or point in DECIDING:
        scene.die(point)
    else:
        scene.park()
        post.kills = point
        child = scene.begin("approve")
        post.victim.set_result(child)
        child.died()
    told = scene.do("resume")
    assert told["status"] == "waiting"
    [question] = told["waiting"]
    assert question["kind"] == "doubt"
    assert "Did it happen?" in question["request"]["question"]
    assert question["request"]["because"]
    assert [effect.state for effect in scene.left().effects] == ["in_doubt"]
    return str(question["id"])


@pytest.mark.parametrize("point", [point for point in {**STARTING, **DECIDING, **SMTP} if point not in DOUBTFUL])
def test_one_message_reaches_the_server_wherever_the_outcome_can_be_known(
    point: str, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """Over SMTP a kill anywhere but during the call leaves exactly one accepted message, and nobody is troubled."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    scene.die(point)
    if point == UNACCEPTED:
        assert scene.left().run is None
        scene.park()
    assert scene.recover()["status"] == "done"
    assert len(server.accepted) == 1
    scene.left().check_whole()


@pytest.mark.parametrize("point", DOUBTFUL)
def test_a_doubt_about_smtp_is_asked_and_never_sent_again(
    point: str, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """Where nobody can know, resuming sends nothing, and the answer that it happened ends the run as done."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    question = doubtful(point, scene, server)
    assert len(server.accepted) == DOUBTFUL[point]
    again = scene.do("resume")
    assert [row["id"] for row in again["waiting"]] == [question]
    assert scene.do("respond", happened=True)["status"] == "done"
    assert len(server.accepted) == DOUBTFUL[point]
    left = scene.left()
    left.check_whole()
    assert left.effects[0].result == {"confirmed_by": "reviewer"}


@pytest.mark.parametrize("point", DOUBTFUL)
def test_a_message_that_did_not_happen_is_asked_for_anew(
    point: str, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """The answer that it did not happen leads to a new approval of its own, and then exactly one more message."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    doubtful(point, scene, server)
    told = scene.do("respond", happened=False)
    assert [row["kind"] for row in told["waiting"]] == ["action"]
    assert len(server.accepted) == DOUBTFUL[point]
    assert scene.do("approve")["status"] == "done"
    assert len(server.accepted) == DOUBTFUL[point] + 1
    assert len({message["Message-ID"] for message in server.accepted}) == DOUBTFUL[point] + 1
    left = scene.left()
    left.check_whole()
    assert [effect.state for effect in left.effects] == ["failed", "executed"] or left.effects[1].state == "verified"
    assert [row.kind for row in left.approvals] == ["action", "doubt", "action"]


@pytest.mark.parametrize("happened", [True, False], ids=["happened", "did not happen"])
def test_a_doubt_survives_the_death_of_those_who_ask_and_answer_it(
    happened: bool, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """Killed while the doubt is recorded, asked and answered, there is one question and one answer."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    scene.die("before the handover")
    for point in ("after the doubt", "after the look", "after the question is filed", "before parking"):
        scene.begin("resume", die=point).died()
    for point in ("while answering", "after answering"):
        scene.begin("respond", happened=happened, die=point).died()
    assert scene.recover()["status"] == "done"
    assert len(server.accepted) == (0 if happened else 1)
    left = scene.left()
    left.check_whole()
    assert [row.kind for row in left.approvals].count("doubt") == 1


# Keyed and blind actions ---------------------------------------------------------------------------


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


def test_a_plain_langgraph_node_acts_twice(tmp_path: Path, spawn: Spawn) -> None:
    """Under the same kill a node without the ledger repeats its effect, so these tests can fail."""
    job = Job("plain", tmp_path, die="after the effect")
    spawn(job).died()
    assert spawn(replace(job, die=None)).told()["status"] == "done"
    assert (tmp_path / "sent.txt").read_text(encoding="utf-8") == "paid\npaid\n"
