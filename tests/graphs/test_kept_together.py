"""The hint of a finding about a failed end can be followed as it stands, also where several effects stand."""

from __future__ import annotations

from pathlib import Path

from interlock.graphs.loader import load_spec
from interlock.nodes.drawer import inspect_cards
from interlock.policies.drawer import inspect_policies
from interlock.tools.drawer import inspect_actions

PROJECT = Path(__file__).resolve().parents[1] / "accepted"
GRAPH = """\
graph: told_twice
version: 1
input:
  request: {type: string}
  to: {type: string, format: email}
steps:
  first: {call: house.notify, bind: {to: $.to, text: $.request}}
  second: {call: house.notify, bind: {to: $.to, text: $.request}}
  think: {node: think, reads: [request], writes: draft}
edges:
  - START -> first
  - first -> second
  - {from: first, on: [rejected, expired, denied], to: END}
  - second -> think
  - {from: second, on: [rejected, expired, denied], to: END}
  - {from: second, on: failed, to: END, keeps: [first]}
  - think -> END
  - {from: think, on: failed, to: END, keeps: [KEPT]}
"""


def test_one_hint_names_all_that_stays(tmp_path: Path) -> None:
    """What an edge keeps already and what it lacks stand in one list; written there, the graph passes."""
    actions, _ = inspect_actions(PROJECT / "tools")
    cards, _ = inspect_cards(PROJECT / "nodes")
    policies, _ = inspect_policies(PROJECT / "policies")
    file = tmp_path / "told_twice.yaml"

    file.write_text(GRAPH.replace("KEPT", "first"), encoding="utf-8")
    [finding] = load_spec(file, cards.cards, actions, policies).findings
    assert (finding.code, finding.hint) == ("G209", "it cannot be undone: say `keeps: [first, second]`")

    file.write_text(GRAPH.replace("KEPT", "first, second"), encoding="utf-8")
    assert load_spec(file, cards.cards, actions, policies).findings == []
