"""The compiled graph: closed, JSON only, and blind to what a step did not declare."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from interlock.engine.compiler import BEGIN, FINISH, compile_spec, recursion_limit
from interlock.errors import InputError
from interlock.graphs.proofs.bounds import bounds
from interlock.testing import ScriptedChatModel
from tests.engine.conftest import Make, counted, start

DECIDE = """
graph: decide
version: 1
input:
  question: {type: string}
  secret: {type: string, optional: true}
steps:
  think: {node: think, reads: [question], writes: decision}
  add: {call: counter.add, bind: {amount: $.decision.amount}, writes: total}
edges:
  - START -> think
  - {from: think, to: add, when: {$.decision.verdict: go}}
  - {from: think, to: END, else: true, outcome: stopped}
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: not_added}
output: [total]
"""


def test_every_edge_is_conditional_with_a_closed_path_map(make: Make) -> None:
    """No node can route outside the edges that were declared for it."""
    project = make({"decide": DECIDE})
    spec = project.workflow(project.root / "graphs" / "decide.yaml").spec
    builder = compile_spec(spec, lambda: project.services).builder
    for name in builder.nodes:
        if name == FINISH:
            continue
        branches = list(builder.branches[name].values())
        assert len(branches) == 1, name
        assert branches[0].ends, f"{name} has no closed path map"
        assert set(branches[0].ends.values()) <= set(builder.nodes)
    assert builder.edges == {("__start__", BEGIN), (FINISH, "__end__")}


def test_an_act_or_call_step_is_four_nodes(make: Make) -> None:
    """Proposing, gating, approving and performing are checkpoints of their own."""
    project = make({"decide": DECIDE})
    spec = project.workflow(project.root / "graphs" / "decide.yaml").spec
    nodes = set(compile_spec(spec, lambda: project.services).builder.nodes)
    assert {"add.propose", "add.gate", "add.approve", "add.perform"} <= nodes


def test_no_node_has_a_retry_or_cache_policy(make: Make) -> None:
    """LangGraph never repeats a node by itself; retries are counted in our tables."""
    project = make({"decide": DECIDE})
    spec = project.workflow(project.root / "graphs" / "decide.yaml").spec
    for node in compile_spec(spec, lambda: project.services).builder.nodes.values():
        assert not node.retry_policy
        assert not node.cache_policy


def test_the_recursion_limit_comes_from_the_bound(make: Make) -> None:
    """The limit covers every node of every possible visit, and is far from LangGraph's default."""
    project = make({"decide": DECIDE})
    spec = project.workflow(project.root / "graphs" / "decide.yaml").spec
    graph = compile_spec(spec, lambda: project.services)
    assert graph.config is not None
    assert graph.config["recursion_limit"] == recursion_limit(spec)
    assert 4 * bounds(spec).steps < recursion_limit(spec) < 1000


def test_a_reason_step_sees_only_what_it_reads(make: Make) -> None:
    """An input that the step did not declare never reaches the model."""
    chat = ScriptedChatModel([{"verdict": "go", "amount": 3}])
    project = make({"decide": DECIDE}, chat=chat)
    _, run_id = start(project, "decide", question="adding", secret="hunter2")
    assert counted(project) == [3]
    assert "hunter2" not in str(chat.received)
    assert project.services.runs.get(run_id).output == {"total": {"total": 3}}


def test_edges_on_values_choose_the_way(make: Make) -> None:
    """The first edge whose conditions hold is taken, otherwise the one marked else."""
    project = make({"decide": DECIDE}, chat=ScriptedChatModel([{"verdict": "stop", "amount": 3}]))
    engine, run_id = start(project, "decide", question="adding")
    assert engine.standing(run_id).run.outcome == "stopped"
    assert counted(project) == []


def test_checkpoints_hold_plain_json_types_only(make: Make) -> None:
    """No class path reaches a checkpoint: every stored value survives a round trip through JSON."""
    project = make({"decide": DECIDE}, chat=ScriptedChatModel([{"verdict": "go", "amount": 50}]))
    _, run_id = start(project, "decide", question="adding")
    for stored in project.checkpoints.list({"configurable": {"thread_id": run_id}}):
        for value in stored.checkpoint["channel_values"].values():
            assert ast.literal_eval(repr(value)) == value


def test_undeclared_input_is_refused_by_the_raw_graph_too(make: Make) -> None:
    """The compiled graph checks its input against the schema like the command line does."""
    project = make({"decide": DECIDE})
    graph = project.workflow(project.root / "graphs" / "decide.yaml").compile(InMemorySaver())
    with pytest.raises(InputError, match="question"):
        graph.invoke({"question": 7}, {"configurable": {"thread_id": "raw-1"}})


def test_a_run_without_an_id_is_refused(make: Make) -> None:
    """Without a thread id there is no run to store the effect under."""
    project = make({"decide": DECIDE})
    graph = project.workflow(project.root / "graphs" / "decide.yaml").compile()
    with pytest.raises((InputError, ValueError)):
        graph.invoke({"question": "adding"})


def test_the_raw_graph_runs_waits_and_resumes_like_the_engine(make: Make) -> None:
    """Whoever holds the compiled graph gets the same gate, the same question and one effect."""
    project = make({"decide": DECIDE}, chat=ScriptedChatModel([{"verdict": "go", "amount": 50}]))
    graph = project.workflow(project.root / "graphs" / "decide.yaml").compile(InMemorySaver())
    config: Any = {"configurable": {"thread_id": "raw-2"}}
    answer = graph.invoke({"question": "adding"}, config)
    asked = answer["__interrupt__"][0].value["interlock"]
    assert counted(project) == []
    project.services.approvals.approve(asked["id"], "reviewer")
    graph.invoke(Command(resume={"any": "thing"}), config)
    assert counted(project) == [50]
    assert project.services.runs.get("raw-2").status == "done"
