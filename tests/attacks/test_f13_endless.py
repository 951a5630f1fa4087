"""F13: plain LangGraph compiles cycles without an exit and nodes that nothing leads to; here neither is ever run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, StateGraph

from interlock.engine.compiler import recursion_limit
from interlock.engine.project import Project
from interlock.graphs.loader import load_spec
from interlock.graphs.proofs.bounds import bounds
from interlock.nodes.drawer import read_cards
from interlock.policies.drawer import read_policies
from interlock.source import SourceError
from interlock.tools.drawer import read_actions
from tests.attacks.house import House


class Count(TypedDict):
    count: int


def _more(state: Count) -> Count:
    return {"count": state["count"] + 1}


def _plain(edges: list[tuple[str, str]], names: str) -> Any:
    """The graph of these edges in plain LangGraph, compiled."""
    builder = StateGraph(Count)
    for name in names:
        builder.add_node(name, _more)
    for source, target in edges:
        builder.add_edge(source, target)
    return builder.compile()


STEP = {"approve": "Go on?"}
GRAPHS: dict[str, tuple[list[str], dict[str, Any], list[Any]]] = {
    "a cycle without an exit": (
        ["G028", "G203"],
        {"a": STEP, "b": STEP},
        [
            "START -> a",
            {"from": "a", "on": ["approved", "rejected", "expired"], "to": "b"},
            {"from": "b", "on": ["approved", "rejected", "expired"], "to": "a"},
        ],
    ),
    "a cycle that may go round for ever": (
        ["G203"],
        {"a": STEP, "b": STEP},
        [
            "START -> a",
            {"from": "a", "on": ["approved", "rejected", "expired"], "to": "b"},
            {"from": "b", "on": "approved", "to": "a"},
            {"from": "b", "on": ["rejected", "expired"], "to": "END"},
        ],
    ),
    "a step that nothing leads to": (
        ["G027"],
        {"a": STEP, "b": STEP},
        [
            "START -> a",
            {"from": "a", "on": ["approved", "rejected", "expired"], "to": "END"},
            {"from": "b", "on": ["approved", "rejected", "expired"], "to": "END"},
        ],
    ),
}


def _written(house: House, steps: dict[str, Any], edges: list[Any]) -> Path:
    path = house.root / "graphs" / "endless.yaml"
    path.write_text(json.dumps({"graph": "endless", "version": 1, "input": {}, "steps": steps, "edges": edges}))
    return path


def test_plain_langgraph_compiles_both() -> None:
    """The rival: a cycle without an exit runs until its limit, and an unreachable node is no fault."""
    endless = _plain([(START, "a"), ("a", "b"), ("b", "a")], "ab")
    with pytest.raises(GraphRecursionError):
        endless.invoke({"count": 0}, {"recursion_limit": 40})
    reached = _plain([(START, "a"), ("a", END), ("b", END)], "ab")
    assert reached.invoke({"count": 0}) == {"count": 1}


@pytest.mark.parametrize("name", GRAPHS)
def test_it_is_refused_before_anything_runs(house: House, name: str) -> None:
    """The loader reports it with its path, and the project gives no workflow of it."""
    codes, steps, edges = GRAPHS[name]
    path = _written(house, steps, edges)
    root = house.root
    loaded = load_spec(path, read_cards(root / "nodes"), read_actions(root / "tools"), read_policies(root / "policies"))
    assert [finding.code for finding in loaded.findings if finding.fatal] == codes
    assert loaded.spec is None
    with pytest.raises(SourceError, match=codes[0]):
        house.engine().project.workflow(path)


def test_the_limit_of_langgraph_follows_from_the_proof(house: House) -> None:
    """What is compiled may take as many super-steps as its proven bound needs, not ten thousand."""
    project: Project = house.engine().project
    for path in sorted((house.root / "graphs").glob("*.yaml")):
        spec = project.workflow(path).spec
        most = bounds(spec, project.actions).steps
        assert most is not None
        assert 4 * most < recursion_limit(spec) <= 8 * most + 50
