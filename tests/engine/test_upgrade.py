"""Runs that are moved to another version of their workflow: planned, tried on copies, applied, resumed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from interlock.digest import digest
from interlock.engine.naming import proven, workflow_named
from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.engine.upgrade import Moved, Outlook, Upgrading
from interlock.errors import ModelUnavailable, ProjectError, Refused, StoreUnavailable
from interlock.graphs.upgrades.mapping import SpecMapping
from interlock.store.locks import held
from interlock.store.tables import PinnedSpec
from interlock.testing import FakeClock, ScriptedChatModel
from tests.engine.conftest import POLICY, Make, counted, start

ADD = """
graph: add
version: 1
input:
  amount: {type: integer}
  why: {type: string, default: none}
steps:
  think: {node: think, reads: [why], writes: thought}
  add: {call: counter.add, bind: {amount: $.amount, note: $.why}, writes: receipt}
edges:
  - START -> think
  - think -> add
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
output: [receipt]
"""

THINK_WHY = """
node: think
kind: reason
goal: Think.
prompt: "Why $why?"
output: {text: {type: string}}
repairs: 0
"""

RENAMED = (
    ADD.replace("version: 1", "version: 2")
    .replace("  add: {call", "  book: {call")
    .replace("$.amount", "$.sum")
    .replace("  amount: {type: integer}", "  sum: {type: integer}")
    .replace("think -> add", "think -> book")
    .replace("add -> END", "book -> END")
    .replace("from: add", "from: book")
)


def upgrading(project: Project, old: str, new: str, **mapping: object) -> Upgrading:
    """OLD is `graph@version`; NEW the file of that name."""
    before = workflow_named(project, old)
    return Upgrading(before, proven(workflow_named(project, new)), SpecMapping.model_validate(mapping))


def waits(make: Make, amount: int = 50) -> tuple[Project, str]:
    """A project with one run that waits for a person at its payment."""
    project = make({"add": ADD}, nodes_think=THINK_WHY, chat=ScriptedChatModel([{"text": "so"}] * 9))
    _, run = start(project, "add", amount=amount)
    return project, run


def again(make: Make, text: str) -> Project:
    """The project after its graph file was changed, in a new process."""
    return make({"add": text}, nodes_think=THINK_WHY, chat=ScriptedChatModel([{"text": "so"}] * 9))


def only(found: list[Outlook]) -> Outlook:
    [outlook] = found
    return outlook


def moved(found: list[Moved]) -> Moved:
    [one] = found
    return one


def test_a_waiting_approval_is_void_and_asked_again(make: Make) -> None:
    """The plan says so; without the option nothing happens; with it the request is closed and the action asked anew."""
    project, run = waits(make)
    [first] = Engine(project).standing(run).waiting
    project = again(make, ADD.replace("version: 1", "version: 2"))
    plan = only(upgrading(project, "add@1", "add").plan())
    assert (plan.word, plan.step, plan.becomes, plan.voids) == ("voids_approval", "add", "add", (first.id,))
    assert plan.then == "asks: counter.add: 50"
    refused = moved(upgrading(project, "add@1", "add").apply("ann"))
    assert not refused.moved
    assert "--void-approvals" in refused.reason
    assert Engine(project).services.approvals.get(first.id).state == "waiting"
    done = moved(upgrading(project, "add@1", "add").apply("ann", voiding=True))
    assert (done.moved, done.voided) == (True, (first.id,))
    engine = Engine(again(make, ADD.replace("version: 1", "version: 2")))
    assert engine.services.approvals.get(first.id).state == "superseded"
    standing = engine.drive(run)
    assert [row.id for row in standing.waiting] != [first.id]
    assert counted(project) == []
    engine.approve(standing.waiting[0].id, "fay")
    ended = engine.drive(run).run
    assert (ended.status, ended.output, ended.graph) == ("done", {"receipt": {"total": 50}}, "add")
    assert counted(project) == [50]
    assert ended.spec_digest == engine.project.workflow(engine.project.graph_file("add")).spec.digest()
    assert engine.audit_fault(None) is None
    [entry] = [each for each in engine.history(run) if each["event"] == "run.upgraded"]
    assert entry["actor"] == "ann"
    assert entry["data"]["voided"] == [first.id]


def test_a_renamed_step_and_key_need_a_mapping(make: Make) -> None:
    """Without one the plan names the step; with it the run goes on at the new name with the old value."""
    _, run = waits(make)
    project = again(make, RENAMED)
    plan = only(upgrading(project, "add@1", "add").plan())
    assert (plan.word, plan.step) == ("needs_mapping", "add")
    assert "step add, where it stands, is gone" in plan.reason
    half = only(upgrading(project, "add@1", "add", steps={"add": "book"}).plan())
    assert (half.word, half.reason) == (
        "needs_mapping",
        "step book reads `sum`, which nothing has written; map it, or give a value",
    )
    whole = upgrading(project, "add@1", "add", steps={"add": "book"}, keys={"amount": "sum"})
    plan = only(whole.plan())
    assert (plan.word, plan.becomes, plan.then) == ("voids_approval", "book", "asks: counter.add: 50")
    assert moved(whole.apply("ann", voiding=True)).moved
    engine = Engine(again(make, RENAMED))
    standing = engine.drive(run)
    assert [visit.step for visit in engine.services.runs.visits(run)] == ["think", "book"]
    engine.approve(standing.waiting[0].id, "fay")
    assert engine.drive(run).run.status == "done"
    assert counted(project) == [50]


def test_a_run_between_two_steps_is_safe(make: Make) -> None:
    """It stands before the step that failed to be reached; it is moved without anybody being asked."""
    project = make({"add": ADD}, nodes_think=THINK_WHY, chat=ScriptedChatModel([ModelUnavailable("gone")] * 3))
    engine = Engine(project)
    run = engine.start(project.workflow(project.graph_file("add")), {"amount": 3}, "requester").id
    text = ADD.replace("version: 1", "version: 2").replace("default: none", "default: some")
    plan = only(upgrading(again(make, text), "add@1", "add").plan())
    assert (plan.word, plan.step, plan.reason) == ("safe", None, "it has not begun")
    assert plan.then == "asks the chat model offline"
    after = again(make, text)
    assert moved(upgrading(after, "add@1", "add").apply("ann")).moved
    ended = Engine(after).drive(run).run
    assert (ended.status, ended.input) == ("done", {"amount": 3, "why": "none"})
    assert counted(after) == [3]


def files(home: Path) -> dict[str, str]:
    """Every file of a home by its digest, what SQLite keeps beside its files apart."""
    found = [path for path in sorted(home.rglob("*")) if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a home's database."""
    with sqlite3.connect(home / "interlock.db") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    connection.close()
    return found


def test_a_plan_changes_nothing(make: Make) -> None:
    """Files and rows of the home are the same before and after, dry runs included."""
    _, run = waits(make)
    project = again(make, RENAMED)
    home = project.settings.home
    project.services, project.checkpoints  # noqa: B018  # opened before the first look
    before = files(home), rows(home)
    plan = upgrading(project, "add@1", "add", steps={"add": "book"}, keys={"amount": "sum"}).plan()
    assert [outlook.run.id for outlook in plan] == [run]
    assert (files(home), rows(home)) == before


def test_a_changed_pinned_spec_is_refused(make: Make) -> None:
    """A body that is not what its digest says runs nothing; put back, the run goes on."""
    project, run = waits(make)
    with project.services.database.write() as session:
        pinned = session.get(PinnedSpec, project.services.runs.get(run).spec_digest)
        assert pinned is not None
        body = pinned.body
        pinned.body = body.replace("counter.add", "counter.look")
        session.add(pinned)
    engine = Engine(again(make, ADD))
    engine.approve(engine.standing(run).waiting[0].id, "fay")
    with pytest.raises(Refused, match="was changed or damaged"):
        engine.drive(run)
    assert counted(project) == []
    with project.services.database.write() as session:
        pinned = session.get(PinnedSpec, project.services.runs.get(run).spec_digest)
        assert pinned is not None
        pinned.body = body
        session.add(pinned)
    assert Engine(again(make, ADD)).drive(run).run.status == "done"
    assert counted(project) == [50]


@pytest.mark.parametrize("name", ["add@7", "sha256:abcdef", "nothing"])
def test_a_name_of_nothing_is_refused(make: Make, name: str) -> None:
    """No spec, no version, no file of that name."""
    project, _ = waits(make)
    with pytest.raises(ProjectError, match=r"add@7|abcdef|no graph nothing"):
        workflow_named(project, name)


def test_back_to_a_pinned_spec(make: Make) -> None:
    """NEW may be a digest: what was moved by mistake is moved back."""
    _, run = waits(make)
    project = again(make, ADD.replace("version: 1", "version: 2"))
    old = project.services.runs.get(run).spec_digest
    assert moved(upgrading(project, "add@1", "add").apply("ann", voiding=True)).moved
    back = upgrading(project, "add@2", old)
    assert "its last move is not finished" not in only(back.plan()).reason
    assert moved(back.apply("ann", voiding=True)).moved
    engine = Engine(project)
    standing = engine.drive(run)
    engine.approve(standing.waiting[0].id, "fay")
    assert engine.drive(run).run.status == "done"
    assert counted(project) == [50]
    assert digest(json.loads(project.services.runs.spec_body(old))) == old


FIRST_RELEASE = Path(__file__).with_name("first_release_spec.json")
"""The spec of ADD as the first release stored it: without the fields that came later."""


def test_a_run_pinned_by_the_first_release_goes_on(make: Make) -> None:
    """Its digest is of the body as it was stored, whatever fields a spec has by now; its approval is used."""
    project = again(make, ADD)
    body = json.loads(FIRST_RELEASE.read_text())
    old = digest(body)
    assert old != workflow_named(project, "add").spec.digest()
    services = project.services
    run = services.runs.create(spec=body, spec_digest=old, input={"amount": 50, "why": "old"}, requester="requester").id
    [asked] = Engine(project).drive(run).waiting
    after = Engine(again(make, ADD))
    after.approve(asked.id, "fay")
    ended = after.drive(run).run
    assert (ended.status, ended.spec_digest) == ("done", old)
    assert counted(project) == [50]
    assert after.services.approvals.get(asked.id).state == "consumed"
    assert after.audit_fault(None) is None


def test_a_run_pinned_by_the_first_release_is_moved(make: Make) -> None:
    """Its old body is a spec like any other: it can be planned for, and moved to the file as it is read now."""
    project = again(make, ADD)
    body = json.loads(FIRST_RELEASE.read_text())
    run = project.services.runs.create(
        spec=body, spec_digest=digest(body), input={"amount": 50, "why": "old"}, requester="requester"
    ).id
    Engine(project).drive(run)
    moving = upgrading(project, digest(body), "add")
    assert only(moving.plan()).word == "voids_approval"
    assert moved(moving.apply("ann", voiding=True)).moved
    engine = Engine(again(make, ADD))
    engine.approve(engine.drive(run).waiting[0].id, "fay")
    assert engine.drive(run).run.status == "done"
    assert counted(project) == [50]


WAIT = """
graph: later
version: 1
input: {amount: {type: integer}}
steps:
  pause: {wait: {event: paid, within: 2d, payload: {id: {type: string}}}, writes: came}
  add: {call: counter.add, bind: {amount: $.amount, note: $.came.id}, writes: receipt}
edges:
  - START -> pause
  - pause -> add
  - {from: pause, on: expired, to: END, outcome: late}
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
output: [receipt]
"""


def test_a_run_that_waits_for_an_event_goes_on_waiting(make: Make, clock: FakeClock) -> None:
    """Its step has another name and a shorter time now: what it waits for, and until when, stays as it began."""
    engine, run = start(make({"later": WAIT}), "later", amount=3)
    assert engine.services.runs.get(run).status == "waiting"
    text = WAIT.replace("version: 1", "version: 2").replace("pause", "hold").replace("2d", "1h")
    project = make({"later": text})
    moving = upgrading(project, "later@1", "later", steps={"pause": "hold"})
    plan = only(moving.plan())
    assert (plan.word, plan.becomes, plan.then) == ("safe", "hold", "waits")
    assert moved(moving.apply("ann")).moved
    clock.advance(timedelta(hours=30))
    engine = Engine(make({"later": text}))
    engine.drive(run)
    [pause] = engine.services.pauses.waiting([run])
    assert (pause.id, pause.step) == (f"{run}/hold/1", "hold")
    engine.services.pauses.send(run, [run], "paid", {"id": "p1"}, "bank")
    assert engine.drive(run).run.output == {"receipt": {"total": 3}}
    assert counted(project) == [3]


SPLIT = """
graph: split
version: 1
input: {small: {type: integer}, large: {type: integer}}
steps:
  fork: {fork: [one, other]}
  one: {call: counter.add, bind: {amount: $.small}, writes: first}
  other: {call: counter.add, bind: {amount: $.large}, writes: second}
  gather: {join: fork}
edges:
  - START -> fork
  - {from: fork, on: one, to: one}
  - {from: fork, on: other, to: other}
  - {from: one, on: [done, rejected, expired, denied], to: gather}
  - {from: other, on: [done, rejected, expired, denied], to: gather}
  - gather -> END
  - {from: gather, on: failed, to: END, outcome: broken, keeps: [one, other]}
output: [first, second]
"""


def test_a_run_with_living_branches_is_left(make: Make) -> None:
    """Branches are runs of their own with specs of their own: the step is finished first."""
    project = make({"split": SPLIT})
    engine, run = start(project, "split", small=1, large=50)
    project = make({"split": SPLIT.replace("version: 1", "version: 2")})
    plan = only(upgrading(project, "split@1", "split").plan())
    assert (plan.word, plan.reason) == (
        "impossible",
        f"step fork has the child run {run}.fork.1.other; finish the step first",
    )
    assert not moved(upgrading(project, "split@1", "split").apply("ann", voiding=True)).moved
    child = engine.services.runs.get(f"{run}.fork.1.other").spec_digest
    part = only(upgrading(project, child, "split").plan())
    assert (part.word, part.reason) == ("impossible", f"it is part of {run}; finish the step first")
    engine = Engine(project)
    engine.approve(engine.standing(run).waiting[0].id, "fay")
    assert engine.drive(run).run.status == "done"
    assert sorted(counted(project)) == [1, 50]


def test_a_run_that_another_process_drives_is_left(make: Make) -> None:
    """The move holds the run's lease; the busy run stays as it is, and the sentence says why."""
    project, run = waits(make)
    project = again(make, ADD.replace("version: 1", "version: 2"))
    with held(project.database, project.home, f"run {run}", busy="busy"):
        left = moved(upgrading(project, "add@1", "add").apply("ann", voiding=True))
    assert (left.moved, left.reason) == (
        False,
        f"run {run} is being driven by another process; wait until it has parked.",
    )
    assert project.services.runs.get(run).spec_digest != workflow_named(project, "add").spec.digest()


def test_only_the_named_runs_are_moved(make: Make) -> None:
    """Others wait on under the old version; a run that is none of it is told apart."""
    project, first = waits(make)
    _, second = start(project, "add", amount=60)
    project = again(make, ADD.replace("version: 1", "version: 2"))
    done = upgrading(project, "add@1", "add").apply("ann", runs=[second], voiding=True)
    assert [(one.run, one.moved) for one in done] == [(second, True)]
    again_ = upgrading(project, "add@1", "add").apply("ann", runs=[second], voiding=True)
    assert [(one.moved, one.reason) for one in again_] == [(False, "it goes by the new spec already")]
    assert [outlook.run.id for outlook in upgrading(project, "add@1", "add").plan()] == [first]


def test_what_fails_in_the_copy_is_not_done(make: Make) -> None:
    """The new version ends at once with a failure: the plan shows it, and the run is left as it is."""
    project = make({"later": WAIT})
    _, run = start(project, "later", amount=5000)
    project.services.pauses.send(run, [run], "paid", {"id": "p1"}, "bank")
    text = WAIT.replace("version: 1", "version: 2").replace("output:", "limits: {steps: 1}\noutput:")
    project = make({"later": text})
    plan = only(upgrading(project, "later@1", "later").plan())
    assert plan.word == "impossible"
    assert plan.reason.startswith("in the copy it failed: ")
    assert not moved(upgrading(project, "later@1", "later").apply("ann")).moved
    assert project.services.runs.get(run).status == "waiting"


LOOP = """
graph: loop
version: 1
input: {why: {type: string, default: none}, amount: {type: integer}}
steps:
  think: {node: think, reads: [why], writes: thought, visits: 2}
  add: {call: counter.add, bind: {amount: $.amount, note: $.thought.text}, writes: receipt}
edges:
  - START -> think
  - think -> add
  - {from: add, on: rejected, to: think}
  - {from: think, on: exhausted, to: END, outcome: given_up}
  - {from: add, on: [expired, denied], to: END, outcome: refused}
  - add -> END
output: [receipt]
"""


def test_visits_are_counted_on_under_the_new_name(make: Make) -> None:
    """Two of two visits were made before the move; the next one leaves by `exhausted`, as it would have."""
    chat = ScriptedChatModel([{"text": "so"}] * 9)
    engine, run = start(make({"loop": LOOP}, nodes_think=THINK_WHY, chat=chat), "loop", amount=50)
    engine.services.approvals.reject(engine.standing(run).waiting[0].id, "fay", comment="no")
    engine.drive(run)
    text = LOOP.replace("version: 1", "version: 2").replace("  think: {node", "  ponder: {node")
    text = text.replace("-> think", "-> ponder").replace("- think ->", "- ponder ->")
    text = text.replace("to: think", "to: ponder").replace("from: think", "from: ponder")
    project = make({"loop": text}, nodes_think=THINK_WHY, chat=chat)
    moving = upgrading(project, "loop@1", "loop", steps={"think": "ponder"})
    assert only(moving.plan()).word == "voids_approval"
    assert moved(moving.apply("ann", voiding=True)).moved
    engine = Engine(project)
    asked = engine.drive(run).waiting[0].id
    walked = [(visit.step, visit.visit, visit.outcome) for visit in engine.services.runs.visits(run)]
    assert walked == [("ponder", 1, "done"), ("add", 1, "rejected"), ("ponder", 2, "done"), ("add", 2, None)]
    engine.services.approvals.reject(asked, "fay", comment="no")
    ended = engine.drive(run).run
    assert (ended.outcome, len(chat.received), counted(project)) == ("given_up", 2, [])


def test_an_interrupted_step_begins_again_by_its_new_card(make: Make) -> None:
    """The process died while it thought: after the move it thinks by the new prompt, in the same visit."""
    lost = ScriptedChatModel([StoreUnavailable("the process ends here")])
    project = make({"add": ADD}, nodes_think=THINK_WHY, chat=lost)
    engine = Engine(project)
    run = engine.start(project.workflow(project.graph_file("add")), {"amount": 3}, "requester").id
    with pytest.raises(StoreUnavailable):
        engine.drive(run)
    chat = ScriptedChatModel([{"text": "so"}])
    card = THINK_WHY.replace("Why $why?", "Once more, why $why?").replace("repairs: 0", "repairs: 1")
    project = make({"add": ADD}, nodes_think=card, chat=chat)
    moving = upgrading(project, "add@1", "add")
    plan = only(moving.plan())
    assert (plan.word, plan.step, plan.then) == ("safe", "think", "asks the chat model offline")
    assert moved(moving.apply("ann")).moved
    ended = Engine(project).drive(run).run
    assert (ended.status, ended.error) == ("done", None)
    assert [message.text for message in chat.received[0]][-1].startswith("Once more, why none?")
    assert [visit.visit for visit in project.services.runs.visits(run)] == [1, 1]
    assert counted(project) == [3]


def test_one_version_with_two_contents_is_named_by_digest(make: Make) -> None:
    """The file was changed without a new version: the name says too little, the beginning of a digest is enough."""
    project, first = waits(make)
    project = again(make, ADD.replace("default: none", "default: some"))
    _, second = start(project, "add", amount=60)
    project = again(make, ADD.replace("version: 1", "version: 2"))
    with pytest.raises(ProjectError, match=r"add@1 is the name of several specs: sha256:\w{12}, sha256:\w{12}"):
        workflow_named(project, "add@1")
    old = project.services.runs.get(second).spec_digest
    assert [outlook.run.id for outlook in upgrading(project, old[:19], "add").plan()] == [second]
    Engine(project).cancel(first, "me")
    assert workflow_named(project, "add@1").pinned_as == old


def test_a_pinned_version_that_no_longer_passes_is_no_target(make: Make) -> None:
    """The policy that decided its action is gone: runs are not moved to it."""
    project, run = waits(make)
    old = project.services.runs.get(run).spec_digest
    other = POLICY.replace("counter.add]", "counter.look]").replace("{amount: {type: int}}", "{action: {type: string}}")
    rules = "rules:\n  - {id: all, when: {action: counter.look}, then: auto, because: it only reads}\n"
    (project.root / "policies" / "counter.yaml").write_text(other.partition("rules:")[0] + rules)
    with pytest.raises(ProjectError, match=r"add no longer passes its check: .* \(G201\)"):
        proven(workflow_named(Project(project.root, project.settings, clock=project.clock), old))
