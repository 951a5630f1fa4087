"""Three ways for one request, and what stops each classic failure of an agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.engine.compare import Column, compare
from interlock.engine.project import Project
from interlock.lam.protocol import Action, Decision
from interlock.settings import load_settings
from interlock.testing import ScriptedActionModel

ROOT = Path(__file__).parents[2]
DRAFT = "hello anna\n\ni am sorry, the delivery is late\n\nbest regards\n"


def _sends() -> ScriptedActionModel:
    send = Action(name="email.send", arguments={}, confidence=0.99)
    return ScriptedActionModel(
        lambda seen, space: Decision(kind="act", actions=[send], p_null=0.01, backend="s", model_id="m")
    )


def _compare(tmp_path: Path, agent: str | None = None, approver: str | None = None) -> dict[str, Column]:
    project = Project(root=ROOT, settings=load_settings(home=tmp_path / "home"), action_model=_sends)
    workflow = project.workflow(ROOT / "graphs" / "polish_and_send.yaml")
    columns = compare(workflow, {"draft": DRAFT, "to": "anna@example.org"}, agent=agent, approver=approver)
    assert not (tmp_path / "home").exists(), "a comparison leaves nothing behind"
    return {column.way: column for column in columns}


def test_a_chat_model_alone_only_writes(tmp_path: Path) -> None:
    """Without hands it polishes, proposes nothing, and nothing happens."""
    chat = _compare(tmp_path)["chat"]
    assert "I am sorry" in chat.text
    assert chat.calls == []
    assert chat.effects == []


def test_loop_and_workflow_pass_the_same_gate(tmp_path: Path) -> None:
    """Both the agentic loop's call and the workflow's action wait for a person under the same rule."""
    ways = _compare(tmp_path)
    for way in ("agent", "guarded"):
        assert [call["became"] for call in ways[way].calls] == ["waiting"]
        assert ways[way].stopped_by == "email/outbound: a message leaves the house"
        assert ways[way].effects == []


def test_with_a_person_both_send_once(tmp_path: Path) -> None:
    """Once a person agrees, each way that can act sends exactly one message."""
    ways = _compare(tmp_path, approver="reviewer")
    for way in ("agent", "guarded"):
        assert len(ways[way].effects) == 1
        assert "anna@example.org" in ways[way].effects[0]
    assert ways["guarded"].ended == "done"


@pytest.mark.parametrize(
    ("script", "action", "stopped_by"),
    [
        ("wrong_tool", "payments.transfer", "payments/new_payee"),
        ("invented_argument", "email.send", "email/outbound"),
        ("endless_loop", "email.search", "the loop's bound: the same call again"),
    ],
)
def test_each_classic_failure_is_stopped(tmp_path: Path, script: str, action: str, stopped_by: str) -> None:
    """A wrong tool, an invented argument and an endless loop each end without an effect, and the report says why."""
    agent = _compare(tmp_path, agent=f"scripted:{script}")["agent"]
    assert agent.calls[0]["action"] == action
    assert agent.stopped_by.startswith(stopped_by)
    assert agent.effects == []


def test_the_workflow_cannot_make_the_agents_mistakes(tmp_path: Path) -> None:
    """Whatever the loop's model does, the workflow proposes only its own action with its bound recipient."""
    guarded = _compare(tmp_path, agent="scripted:wrong_tool")["guarded"]
    assert [call["action"] for call in guarded.calls] == ["email.send"]
    assert guarded.calls[0]["arguments"]["to"] == "anna@example.org"
