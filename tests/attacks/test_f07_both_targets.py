"""F7: in plain LangGraph, a node with a static edge that returns `Command(goto=…)` reaches both targets."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from interlock.nodes import kinds
from tests.attacks.house import House, Run, attempt

GRAPHS = ("pay", "chain", "ahead", "form", "think")


def test_plain_langgraph_runs_both_targets() -> None:
    """The attack works where nothing stands in its way: the drawn target and the one that was jumped to."""
    ran: list[str] = []

    def node(name: str, answer: Any) -> Any:
        def act(_state: dict[str, Any]) -> Any:
            ran.append(name)
            return answer

        return act

    builder: StateGraph[Any] = StateGraph(TypedDict("State", {"x": int}, total=False))  # type: ignore[operator]
    builder.add_node("ask", node("ask", Command(goto="pay")))
    builder.add_node("safe", node("safe", {}))
    builder.add_node("pay", node("pay", {}))
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "safe")
    builder.add_edge("safe", END)
    builder.compile().invoke({"x": 1})
    assert sorted(ran) == ["ask", "pay", "safe"]


@pytest.mark.parametrize("name", GRAPHS)
def test_no_node_has_two_ways_out_at_once(house: House, name: str) -> None:
    """Only the entry and the exit are static edges; every other node has one closed choice of its next."""
    graph = house.raw(name)
    assert {(source, target) for source, target in graph.builder.edges} == {
        ("__start__", "begin"),
        ("finish", "__end__"),
    }
    for node in graph.builder.nodes:
        branches = graph.builder.branches.get(node, {})
        assert len(branches) == (0 if node == "finish" else 1), node
        assert all(branch.ends for branch in branches.values()), node
        assert not graph.builder.nodes[node].ends, node


@pytest.mark.parametrize("goto", ["note.perform", ["note.propose", "note.perform"], "finish"])
def test_a_goto_adds_no_target_to_the_drawn_one(house: House, monkeypatch: pytest.MonkeyPatch, goto: Any) -> None:
    """A node that returns a goto reaches neither target; answering as it should, it reaches the drawn one, once."""
    monkeypatch.setattr(kinds, "think", lambda *arguments: Command(goto=goto, update={"thought": {"text": "x"}}))
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "think.yaml")
    run = Run(house, engine, engine.start(workflow, {"amount": 10}, "requester").id)
    attempt(run.drive)
    assert house.effects == []
    monkeypatch.undo()
    again = Run(house, house.engine(), run.id)
    again.drive()
    assert house.effects == ["note 10 anna"]
    assert [step for step, _ in again.position()] == ["think", "note"]
