"""A run as a trajectory: every verdict there is, from the rows of real runs."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.engine.service import Engine
from interlock.engine.trajectories import trajectories
from interlock.errors import NotFound, UsageError
from interlock.lam.protocol import Action, ActionSchema, Decision, Evidence, Observation
from interlock.lam.trajectories.exporting import export_rows
from interlock.lam.trajectories.files import read_trajectories
from interlock.lam.trajectories.trajectory import FunctionCall, Message, Trajectory
from interlock.testing import FakeClock, ScriptedActionModel, certificates_for
from tests.engine.conftest import Make, start
from tests.engine.test_runs import ACT, ADD, CARD

ASKING = CARD.replace("[counter.add, counter.look]", "[counter.add]") + "on_abstain: ask\n"


class Model(ScriptedActionModel):
    """Adds the only number of the request, looks, or abstains; it is certified for both actions."""

    def __init__(self) -> None:
        super().__init__(self._answer, certificates=certificates_for("m-1"))

    def _answer(self, observation: Observation, space: list[ActionSchema]) -> Decision:
        text = observation.sources["request"]
        kind: Any = "abstain" if "weather" in text else "act"
        digits = "".join(letter for letter in text if letter.isdigit())
        evidence = {}
        if digits:
            at = text.index(digits)
            evidence["amount"] = Evidence(
                source="request", start=at, end=at + len(digits), text=digits, normaliser="number"
            )
        name = "counter.look" if "Look" in text else "counter.add"
        if name == "counter.add" and not digits and kind == "act":
            kind = "ask"
        action = Action(
            name=name, arguments={"amount": int(digits)} if digits else {}, confidence=0.9, evidence=evidence
        )
        return Decision(
            kind=kind, actions=[] if kind == "abstain" else [action], missing=["amount"] if kind == "ask" else [],
            p_null=0.8 if kind == "abstain" else 0.1, backend="script", model_id="m-1",
        )  # fmt: skip


def run(make: Make, request: str, card: str = CARD) -> tuple[Engine, str]:
    return start(make({"act": ACT}, act=Model(), nodes_act=card), "act", request=request)


def told(engine: Engine, run_id: str) -> tuple[Trajectory, Message]:
    """The trajectory of a run, and its one step."""
    (found,) = trajectories(engine.services, [run_id])
    ((_, message),) = found.steps()
    return found, message


def test_an_action_that_nobody_was_asked_about_and_that_worked(make: Make) -> None:
    """It holds the request, the tools that were offered, what the model read and decided, the call and its answer."""
    engine, run_id = run(make, "Look at the counter")
    found, message = told(engine, run_id)
    assert found.unique_trajectory_id == run_id
    assert found.conversation[0] == Message(role="user", content="Look at the counter")
    assert [tool.name for tool in found.tools] == ["counter.add", "counter.look"]
    assert found.tools[0].parameters["properties"]["amount"]["type"] == "integer"
    assert message.verdict == "executed_ok"
    assert message.calls == [FunctionCall(name="counter.look")]
    assert message.lam is not None
    assert (message.lam.backend, message.lam.model_id, message.lam.decision) == ("script", "m-1", "act")
    assert (message.lam.confidence, message.lam.p_null) == (0.9, 0.1)
    assert message.lam.offered == ["counter.add", "counter.look"]
    assert message.lam.observation is not None
    assert message.lam.observation.sources == {"request": "Look at the counter"}
    answer = found.conversation[2]
    assert (answer.role, answer.tool_call_id, json.loads(answer.content)) == (
        "tool", message.tool_calls[0].id, {"total": 0},
    )  # fmt: skip


def test_what_a_person_approved_edited_or_rejected(make: Make) -> None:
    """Each word of a person is the verdict; an edit stands beside the proposal, which stays as the model made it."""
    engine, run_id = run(make, "Add 50")
    _, message = told(engine, run_id)
    assert (message.verdict, message.edited_action) == (None, None)  # it waits
    engine.approve(engine.standing(run_id).waiting[0].id, "fay")
    engine.drive(run_id)
    found, message = told(engine, run_id)
    assert message.verdict == "approved"
    assert message.calls == [FunctionCall(name="counter.add", arguments={"amount": 50, "note": ""})]
    assert message.lam is not None
    assert message.lam.evidence["amount"].text == "50"
    assert json.loads(found.conversation[2].content) == {"total": 50}

    engine, run_id = run(make, "Add 60")
    engine.edit(engine.standing(run_id).waiting[0].id, "fay", {"amount": "61"})
    engine.drive(run_id)
    engine.approve(engine.standing(run_id).waiting[0].id, "bob")
    engine.drive(run_id)
    found, message = told(engine, run_id)
    assert message.verdict == "edited"
    assert message.calls[0].arguments["amount"] == 60
    assert message.edited_action == FunctionCall(name="counter.add", arguments={"amount": 61, "note": ""})
    assert json.loads(found.conversation[2].content) == {"total": 111}
    (pair,) = export_rows([found], "dpo")
    assert json.loads(pair["chosen"][0]["content"])[0]["arguments"]["amount"] == 61

    engine, run_id = run(make, "Add 70")
    engine.services.approvals.reject(engine.standing(run_id).waiting[0].id, "fay", comment="not today")
    engine.drive(run_id)
    found, message = told(engine, run_id)
    assert message.verdict == "rejected"
    assert found.conversation[2].content == "rejected: not today"
    assert list(export_rows([found], "openai")) == []


def test_a_missing_argument_that_a_person_gave(make: Make) -> None:
    """The decision is `ask`, and what the person completed is the edit."""
    engine, run_id = run(make, "Add to the counter")
    engine.edit(engine.standing(run_id).waiting[0].id, "fay", {"amount": "5"})
    engine.drive(run_id)
    _, message = told(engine, run_id)
    assert message.lam is not None
    assert (message.lam.decision, message.lam.missing) == ("ask", ["amount"])
    assert message.verdict == "edited"
    assert message.calls[0].arguments == {}
    assert message.edited_action is not None
    assert message.edited_action.arguments["amount"] == 5


def test_an_abstention_is_a_step_without_a_call(make: Make) -> None:
    """What was offered and read is kept of it as well, although nothing was proposed."""
    engine, run_id = run(make, "How is the weather?")
    found, message = told(engine, run_id)
    assert message.lam is not None
    assert (message.lam.decision, message.lam.p_null, message.calls, message.verdict) == ("abstain", 0.8, [], None)
    assert [tool.name for tool in found.tools] == ["counter.add", "counter.look"]
    assert list(export_rows([found], "actionstudio")) == []


def test_an_abstention_that_a_person_overruled(make: Make) -> None:
    """Where a person is asked although nothing fits, what they had done is the edit."""
    engine, run_id = run(make, "How is the weather?", ASKING)
    engine.edit(engine.standing(run_id).waiting[0].id, "fay", {"amount": "3"})
    engine.drive(run_id)
    while engine.standing(run_id).waiting:
        engine.approve(engine.standing(run_id).waiting[0].id, "bob")
        engine.drive(run_id)
    _, message = told(engine, run_id)
    assert message.lam is not None
    assert (message.lam.decision, message.verdict, message.calls) == ("abstain", "edited", [])
    assert message.edited_action == FunctionCall(name="counter.add", arguments={"amount": 3, "note": ""})


def test_several_calls_at_once_are_told_and_not_performed(make: Make) -> None:
    """An act step makes one call: the others are not lost from the record, and no target as long as nobody said so."""
    actions = [Action(name="counter.add", arguments={"amount": amount}, confidence=0.9) for amount in (1, 2)]
    both = Decision(kind="act", actions=actions, p_null=0.1, backend="script", model_id="m-1")
    for card, verdict in ((CARD, None), (ASKING, "edited")):
        project = make({"act": ACT}, act=ScriptedActionModel([both]), nodes_act=card)
        engine, run_id = start(project, "act", request="Add 1 and 2")
        if verdict:
            engine.edit(engine.standing(run_id).waiting[0].id, "fay", {"amount": "3"})
            engine.drive(run_id)
            engine.approve(engine.standing(run_id).waiting[0].id, "bob")
            engine.drive(run_id)
        found, message = told(engine, run_id)
        assert [call.arguments for call in message.calls] == [{"amount": 1}, {"amount": 2}]
        assert message.verdict == verdict
        assert len(list(export_rows([found], "actionstudio"))) == (verdict is not None)


def test_an_action_that_failed_is_no_positive(make: Make) -> None:
    """The verdict is `executed_error`, whoever agreed to it, and the answer says what went wrong."""
    project = make({"act": ACT}, act=Model(), nodes_act=CARD)
    (project.root / "tools" / "counter.py").write_text(
        (project.root / "tools" / "counter.py")
        .read_text()
        .replace(
            '"""Look at the counter."""', '"""Look at the counter."""\n    raise EffectFailed("the counter is broken")'
        )
        .replace(
            "from interlock.tools.action import",
            "from interlock.errors import EffectFailed\nfrom interlock.tools.action import",
        )
    )
    engine, run_id = start(project, "act", request="Look at the counter")
    found, message = told(engine, run_id)
    assert message.verdict == "executed_error"
    assert found.conversation[2].content == "failed: the counter is broken"


def test_what_the_graph_bound_is_context_and_no_target(make: Make) -> None:
    """A call without a model is told, as `graph`, and never learnt from."""
    engine, run_id = start(make({"add": ADD}), "add", amount=5)
    (found,) = trajectories(engine.services, [run_id])
    assert found.steps() == []
    assert found.conversation[0].content == '{"amount": 5}'
    bound = found.conversation[1]
    assert bound.lam is not None
    assert (bound.lam.backend, bound.verdict) == ("graph", "executed_ok")
    assert list(export_rows([found], "openai")) == []


def test_runs_of_before_have_what_the_ledger_says(make: Make) -> None:
    """Without a record of the question the step still tells the model, its confidence and its evidence."""
    engine, run_id = run(make, "Add 50")
    with engine.services.database.write() as session:
        session.execute(text("DELETE FROM consultations"))
    _, message = told(engine, run_id)
    assert message.lam is not None
    assert (message.lam.backend, message.lam.confidence, message.lam.observation) == ("script", 0.9, None)
    assert message.lam.evidence["amount"].text == "50"


def test_sealed_runs_are_told_with_the_key(make: Make, tmp_path: Path) -> None:
    """Where checkpoints are sealed, the text that a model read stands nowhere readable in the home's tables of it."""
    project = make({"act": ACT}, act=Model(), nodes_act=CARD)
    project.settings = project.settings.model_copy(update={"checkpoint_key": SecretStr("ab" * 32)})
    engine, run_id = start(project, "act", request="Look at the counter, please")
    with project.database.read() as session:
        assert "please" not in session.execute(text("SELECT body FROM consultations")).scalar_one()
    _, message = told(engine, run_id)
    assert message.lam is not None
    assert message.lam.observation is not None
    assert message.lam.observation.sources["request"] == "Look at the counter, please"


def test_the_command_writes_runs_and_reads_public_rows(
    make: Make, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All runs oldest first, or those named; fields can be redacted; a licence is noted; files are read back."""
    engine, first = run(make, "Add 5050")
    clock.advance(timedelta(seconds=1))
    _, second = run(make, "Look at the counter")
    monkeypatch.chdir(engine.project.root)
    monkeypatch.setenv("INTERLOCK_HOME", str(engine.project.settings.home))
    out = tmp_path / "runs.jsonl"
    result = CliRunner().invoke(
        app, ["trajectories", "export", "-o", str(out), "--redact", "amount", "--licence", "MIT", "--json"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"rows": 2, "out": str(out)}
    assert "5050" not in out.read_text(encoding="utf-8")
    found = list(read_trajectories(out))
    assert [each.unique_trajectory_id for each in found] == [first, second]
    assert {each.licence for each in found} == {"MIT"}
    result = CliRunner().invoke(app, ["trajectories", "export", "--run", second, "--format", "actionstudio"])
    row = json.loads(result.stdout)
    assert json.loads(row["chosen"]) == [{"name": "counter.look", "arguments": {}}]
    again = tmp_path / "again.jsonl"
    result = CliRunner().invoke(app, ["trajectories", "import", str(out), "--format", "unified", "-o", str(again)])
    assert result.exit_code == 0, result.output
    assert list(read_trajectories(again)) == found
    for wrong in (["export", "--format", "csv"], ["import", str(out), "--format", "csv"], ["export", "--json"]):
        assert isinstance(CliRunner().invoke(app, ["trajectories", *wrong]).exception, UsageError)
    assert isinstance(CliRunner().invoke(app, ["trajectories", "export", "--run", "none"]).exception, NotFound)
