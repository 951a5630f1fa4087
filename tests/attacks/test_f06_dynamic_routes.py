"""F6: in plain LangGraph, a node that returns `Command(goto=…)` or `Send` reaches nodes outside its edges."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send

from interlock.nodes import kinds
from interlock.nodes.moves import Leave, Onward
from interlock.testing import ScriptedChatModel, calls
from tests.attacks.house import House, Run, attempt

RETURNS: dict[str, Any] = {
    "command": Command(goto="note.perform"),
    "command with an update": Command(goto="note.perform", update={"_next": "note.perform", "amount": 999}),
    "send": Send("note.perform", {"amount": 999}),
    "a list of sends": [Send("note.propose", {"amount": 999})],
    "command to a missing node": Command(goto="elsewhere"),
    "send to a missing node": Send("elsewhere", {}),
    "a command of sends": Command(goto=[Send("note.perform", {"amount": 999, "_visits": {"note": 1}})]),
    "a dict": {"_next": "note.perform"},
    "nothing": None,
    "a word": "note.perform",
    "a write it does not declare": Leave("done", writes={"amount": 999}),
    "a write of the position": Leave("done", writes={"thought": {"text": "x"}, "_next": "note.perform"}),
    "a write of an edge": Leave("done", writes={"_edge": 0}),
    "an outcome nobody declared": Leave("approved"),
    "another node of its own": Onward("perform"),
    "a missing node of its own": Onward("elsewhere"),
    "the end": Onward("finish"),
}


@pytest.mark.parametrize("name", RETURNS)
def test_a_node_cannot_route_by_what_it_returns(house: House, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A tampered node may return what it likes: only a declared outcome and declared writes leave it."""
    monkeypatch.setattr(kinds, "think", lambda *arguments: RETURNS[name])
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "think.yaml")
    run = Run(house, engine, engine.start(workflow, {"amount": 10}, "requester").id)
    attempt(run.drive)
    assert house.effects == []
    assert "note" not in [step for step, _ in run.position()]
    assert (run.status, run.outcome) != ("done", "done"), "it ended as a success"
    assert run.whole()


def test_plain_langgraph_ends_as_a_success_at_a_missing_node() -> None:
    """The attack works where nothing stands in its way: no error, and what was drawn did not run."""
    ran: list[str] = []
    builder: StateGraph[Any] = StateGraph(TypedDict("State", {"x": int}, total=False))  # type: ignore[operator]
    builder.add_node("ask", lambda state: Command(goto="elsewhere"))
    builder.add_node("pay", lambda state: ran.append("pay"))
    builder.add_edge(START, "ask")
    assert builder.compile().invoke({"x": 1}) == {"x": 1}
    assert ran == []


def test_a_refused_return_loses_no_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the node answers as it should, the run goes on and acts once."""
    monkeypatch.setattr(kinds, "think", lambda *arguments: Command(goto="note.perform"))
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "think.yaml")
    run = Run(house, engine, engine.start(workflow, {"amount": 10}, "requester").id)
    assert "only a move may leave a node" in str(attempt(run.drive))
    monkeypatch.undo()
    again = Run(house, house.engine(), run.id)
    again.drive()
    assert (house.effects, again.status) == (["note 10 anna"], "done")


@pytest.mark.parametrize("thought", [{"text": "x", "_next": "note.perform"}, {"goto": "note.perform"}, "note.perform"])
def test_a_model_cannot_route_by_what_it_says(house: House, thought: Any) -> None:
    """A chat model's answer is data: it names no node and no tool, and what does not fit its schema is refused."""
    run = house.begun("think", house.engine(chat=ScriptedChatModel([thought], loop=True)))
    assert house.effects == []
    assert (run.status, run.position()) == ("failed", [("think", "failed")])


def test_a_reason_step_that_asks_for_a_tool_reaches_none(house: House) -> None:
    """A tool call in a chat model's answer is not carried out: reason steps hold no tools."""
    model = ScriptedChatModel([calls("shop.pay", {"amount": 10, "to": "eve"})], loop=True)
    run = house.begun("think", house.engine(chat=model))
    assert (house.effects, house.tries, run.status) == ([], 0, "failed")
    assert model.bound_tools == []
    assert run.engine.services.ledger.of_run(run.id) == []


def test_no_node_has_an_edge_that_the_spec_does_not_draw(house: House) -> None:
    """From each node of every compiled graph, only the step's own nodes, its drawn targets and the end are reached."""
    for name in ("pay", "chain", "ahead", "form", "think"):
        graph, spec = house.raw(name), house.project().workflow(house.root / "graphs" / f"{name}.yaml").spec
        for node, branches in graph.builder.branches.items():
            step = node.split(".")[0]
            drawn = {edge.target for edge in spec.leaving("START" if step == "begin" else step)} | {step, "finish"}
            for branch in branches.values():
                assert {target.split(".")[0] for target in branch.ends or {}} <= drawn | {"finish"}
