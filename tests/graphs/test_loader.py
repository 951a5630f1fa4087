"""From graph file to spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.proofs import TOOLS, large
from interlock.graphs.flow import components, cycle, flow, reachable
from interlock.graphs.loader import load_spec, read_spec
from interlock.graphs.proofs.prove import prove
from interlock.graphs.spec import END, START, ApproveStep, ReasonStep, Spec
from interlock.nodes.drawer import read_cards
from interlock.policies.drawer import read_policies
from interlock.source import SourceError
from interlock.tools.drawer import read_actions

TESTS = Path(__file__).parents[1]
HOUSE = TESTS / "refused"
DRAWERS: tuple[Any, Any, Any] = (
    read_cards(HOUSE / "nodes"),
    read_actions(HOUSE / "tools"),
    read_policies(HOUSE / "policies"),
)
GRAPH = """graph: g
version: 1
input: {request: {type: string}, to: {type: string}, sum: {type: number}}
steps:
  think: {node: think, reads: [request], writes: draft}
  pay: {node: pay, bind: {payee: $.to, amount: $.sum}, writes: paid}
edges:
  - START -> think
  - {from: think, to: pay, approval: owner_agrees}
  - pay -> END
  - {from: pay, on: [rejected, expired, denied, abstained], to: END, outcome: not_paid}
"""


def load(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    (tmp_path / "g.yaml").write_text(text)
    return [(f.code, f.message) for f in load_spec(tmp_path / "g.yaml", *DRAWERS).findings if f.fatal]


def test_a_spec_holds_what_its_run_needs() -> None:
    """Cards, default outcomes and the meaning of approval names are resolved into the spec."""
    spec = read_spec(TESTS / "accepted" / "revision_loop.yaml", *DRAWERS)
    think, better = spec.steps["think"], spec.steps["better"]
    assert isinstance(think, ReasonStep)
    assert think.card.goal == "Think about a request."
    assert better.visits == 3
    first, into_pay = spec.edges[0], spec.edges[1]
    assert (first.source, first.on, first.target) == (START, [], "think")
    assert (into_pay.on, into_pay.writes, into_pay.approval) == (["done"], "review", "owner_agrees")
    assert into_pay.requires is not None
    assert into_pay.requires.role == "owner"
    assert Spec.model_validate_json(spec.model_dump_json(by_alias=True)) == spec


def test_an_approve_step_keeps_its_form_and_requirement() -> None:
    """A named requirement is resolved; the answer's fields have their types."""
    step = read_spec(TESTS / "accepted" / "form.yaml", *DRAWERS).steps["ask"]
    assert isinstance(step, ApproveStep)
    assert step.requires.role == "owner"
    assert step.form["sum"].type == "number"


def test_reading_a_faulty_file_raises_with_its_findings() -> None:
    """`read_spec` refuses what `load_spec` reports."""
    with pytest.raises(SourceError, match=r"unknown_target\.yaml:[0-9]+:[0-9]+"):
        read_spec(HOUSE / "unknown_target.yaml", *DRAWERS)


def test_every_independent_fault_is_reported_at_once(tmp_path: Path) -> None:
    """One run of the check shows all mistakes, and no consequence of them."""
    text = GRAPH.replace("node: think", "node: thnk").replace("payee: $.to", "payee: $.too")
    text = text.replace("-> END", "-> ENDE").replace("version: 1", "version: one")
    assert [code for code, _ in load(tmp_path, text)] == ["G003", "G010", "G101", "G020"]


def test_counterexamples_are_shortest_paths() -> None:
    """An undecided action comes with the shortest way to it, a cycle with its steps."""
    paths = {}
    for name in ("action_undecided", "argument_changed_after_approval", "second_payment_undecided", "endless"):
        findings = load_spec(HOUSE / f"{name}.yaml", *DRAWERS).findings
        paths[name] = next(finding.path for finding in findings if finding.fatal)
    assert paths == {
        "action_undecided": ["START", "think", "pay"],
        "argument_changed_after_approval": ["START", "think", "ask", "change", "pay"],
        "second_payment_undecided": ["START", "think", "ask", "pay", "pay"],
        "endless": ["think", "tell", "think"],
    }


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("{from: think, to: pay, approval: owner_agrees}", "think -> pay", ["G201"]),
        ("approval: owner_agrees}", "approval: owner_agrees, writes: to}", ["G107"]),
        ("writes: paid", "writes: paid, visits: 2, retry: {attempts: 0}", ["G003"]),
        ("- pay -> END", "- pay -> END -> END", ["G006"]),
        ("- pay -> END", "- [pay, END]", ["G006"]),
        ("- pay -> END", "- {from: pay, on: [], to: END}", ["G003"]),
        ("START -> think", "{from: START, to: think, on: done}", ["G026"]),
        ("START -> think", "END -> think", ["G026"]),
        ("outcome: not_paid", "writes: said", ["G029"]),
        ("amount: $.sum", "amount: true", ["G107"]),
        ("amount: $.sum", "amount: 3", []),
        ("sum: {type: number}", "sum: {type: number, default: 12.5}", []),
        ("sum: {type: number}", "sum: {type: number, default: much}", ["G003"]),
        ("sum: {type: number}", "sum: {type: number, maximum: 3, default: 4}", ["G003"]),
        ("amount: $.sum", "amount: $.sum.cents", ["G103"]),
        ("  pay: {", "  pay: {cal: x, ", ["G001"]),
        ("edges:\n", "edge:\n", ["G001"]),
        ("  think: {node: think, reads: [request], writes: draft}", "  think: polish", ["G003"]),
        ("reads: [request]", "reads: [request, request]", []),
    ],
)
def test_one_change_gives_its_codes(tmp_path: Path, old: str, new: str, codes: list[str]) -> None:
    """Each edit of a right file is answered by exactly these codes."""
    assert old in GRAPH
    assert [code for code, _ in load(tmp_path, GRAPH.replace(old, new))] == codes


def test_the_review_is_there_after_a_rejection_on_either_way(tmp_path: Path) -> None:
    """A key that one path has written and the other has under review may be read after the rejection."""
    straight = "{from: START, to: pay, when: {$.sum: {lt: 1}}, approval: owner_agrees, writes: draft}"
    text = GRAPH.replace("START -> think\n", f"{straight}\n  - {{from: START, to: think, else: true}}\n")
    text = text.replace("on: [rejected, expired", "on: [expired")
    text = text.replace("edges:", "  again: {call: house.look, bind: {name: $.draft}, visits: 1}\nedges:")
    text += "  - {from: pay, on: rejected, to: again}\n  - again -> END\n"
    assert "G102" not in [code for code, _ in load(tmp_path, text)]


def test_warnings_keep_the_spec(tmp_path: Path) -> None:
    """A limit below the longest path, an unused read and an impossible outcome are said, not refused."""
    text = GRAPH.replace("reads: [request]", "reads: [request, to]") + "limits: {steps: 1}\n"
    (tmp_path / "g.yaml").write_text(text.replace("abstained]", "abstained, exhausted]"))
    loaded = load_spec(tmp_path / "g.yaml", *DRAWERS)
    assert loaded.ok
    assert sorted(finding.code for finding in loaded.findings) == ["G031", "G110", "G205"]


def test_a_large_workflow_is_proven_whole() -> None:
    """1,000 steps and 2,000 edges with loops and approvals are proven without a false alarm."""
    spec, actions = large(1000), read_actions(TOOLS)
    faults = prove(spec, actions, lambda action: False)
    assert len(spec.edges) >= 2000
    assert len(spec.steps) == 1000
    assert not [fault for fault in faults if fault.severity == "error"], faults[:3]


def test_components_and_cycles_agree_with_reachability() -> None:
    """Two nodes share a component exactly when each reaches the other; a found cycle is one."""
    graph = {"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": ["e"], "e": ["d", "f"], "f": []}
    groups = components(graph)
    for group in groups:
        for node in graph:
            both = node in reachable(graph, [group[0]]) and group[0] in reachable(graph, [node])
            assert both == (node in group)
    assert [sorted(group) for group in groups] == [["f"], ["d", "e"], ["a", "b", "c"]]
    found = cycle(graph, graph)
    assert found == ["a", "b", "c", "a"]
    assert cycle(graph, ["a", "b", "d", "f"]) is None
    assert flow(Spec(graph="g", version=1, input={}, steps={}, edges=[])).successors() == {START: [], END: []}
