"""Several faults in one file: each is reported, at its place, and nothing that only follows from another."""

from __future__ import annotations

import shutil
import tempfile
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.cli.checking import check_paths

HOUSE = Path(__file__).parents[1] / "refused"
GRAPH = """graph: many
version: 1
input:
  request: {type: string}
  to: {type: string, format: email}
  sum: {type: number}
steps:
  think: {node: think, reads: [request], writes: draft}
  look: {call: house.look, bind: {name: $.to}, writes: found}
  ask: {approve: "Pay this?", reads: [draft, found], requires: owner_agrees, covers: pay}
  pay: {node: pay, bind: {payee: $.to, amount: $.sum}, writes: paid}
  tell: {node: notify, reads: [draft], bind: {to: $.to, text: $.draft.text}, writes: sent, visits: 2}
edges:
  - START -> think
  - {from: think, to: look, when: {$.draft.mood: glad}}
  - {from: think, to: tell, else: true}
  - look -> ask
  - ask -> pay
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
  - pay -> tell
  - {from: pay, on: [rejected, expired, denied, abstained], to: END, outcome: unpaid}
  - tell -> END
  - {from: tell, on: [rejected, expired], to: tell}
  - {from: tell, on: [denied, abstained, exhausted, failed], to: END, outcome: untold, keeps: [pay]}
limits: {steps: 20}
output: [sent]
"""

SLIPS: dict[str, tuple[str, str, str]] = {
    "version": ("version: 1", "version: one", "G003"),
    "key of the file": ("graph: many\n", "graph: many\ndescribtion: Many.\n", "G001"),
    "key of a step": ("look: {call: house.look,", "look: {call: house.look, titel: x,", "G001"),
    "misspelt key of a step": ("ask: {approve: \"Pay this?\", reads:", 'ask: {approve: "Pay this?", read:', "G001"),
    "attempts": ("writes: found}", "writes: found, retry: {attempts: 0}}", "G003"),
    "visits": ("writes: draft}", "writes: draft, visits: none}", "G003"),
    "timeout": ("writes: paid}", "writes: paid, timeout: soon}", "G003"),
    "card": ("think: {node: think,", "think: {node: thimk,", "G010"),
    "action": ("call: house.look", "call: house.loook", "G011"),
    "approval": ("requires: owner_agrees", "requires: owner_agree", "G012"),
    "target": ("- pay -> tell", "- pay -> tel", "G020"),
    "source": ("- look -> ask", "- lok -> ask", "G021"),
    "outcome": ("on: [rejected, expired], to: tell", "on: [rejcted, expired], to: tell", "G022"),
    "way out": ("[denied, abstained, exhausted, failed]", "[denied, exhausted, failed]", "G023"),
    "outcome of an end": ("- tell -> END", "- {from: tell, to: END, outcom: told}", "G001"),
    "key that is read": ("reads: [request]", "reads: [request, requst]", "G101"),
    "binding": ("bind: {to: $.to,", "bind: {to: $.too,", "G101"),
    "binding of what is covered": ("bind: {payee: $.to,", "bind: {payee: $.too,", "G101"),
    "argument": ("bind: {name: $.to}", "bind: {nam: $.to}", "G105"),
    "field": ("text: $.draft.text", "text: $.draft.txt", "G103"),
    "condition": ("{$.draft.mood: glad}", "{$.draft.mood: gald}", "G108"),
    "effect that stays": ("keeps: [pay]", "keeps: [pya]", "G038"),
    "output": ("output: [sent]", "output: [snet]", "G109"),
    "approval that is not needed": ("- START -> think", "- {from: START, to: think, approval: owner_agrees}", "G029"),
    "input": ("sum: {type: number}", "sum: {type: number, format: short}", "G003"),
    "undecided": ("covers: pay}", "writes: said}", "G201"),
    "endless": ("visits: 2}", "retry: {attempts: 1}}", "G203"),
}  # fmt: skip
"""Slips of the pen that have nothing to do with each other, each with its code."""


APART = """graph: apart
version: 1
input:
  request: {type: string}
  to: {type: string, format: email}
steps:
  think: {node: think, reads: [request], writes: draft}
  both: {fork: [left, right]}
  one: {call: house.look, bind: {name: $.to}, writes: found}
  two: {node: think, reads: [request], writes: other}
  all: {join: both}
  hold: {wait: {event: paid, within: 1d, payload: {sum: {type: number}}}, writes: said}
  tell: {node: notify, reads: [draft], bind: {to: $.to, text: $.draft.text}, writes: sent}
edges:
  - START -> think
  - think -> both
  - {from: both, on: left, to: one}
  - {from: both, on: right, to: two}
  - one -> all
  - two -> all
  - all -> hold
  - hold -> tell
  - {from: hold, on: expired, to: tell}
  - tell -> END
  - {from: tell, on: [rejected, expired, denied, abstained], to: END, outcome: untold}
output: [sent]
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("graph: apart", "graph: apart", []),
        ("join: both", "join: bth", ["G036"]),
        ("{join: both}", "{jion: both}", ["G004"]),
        ("[left, right]", "[left, rihgt]", ["G022"]),
        ("on: right", "on: rigth", ["G022"]),
        ("{from: both, on: left,", "{from: both,", ["G033"]),
        ("within: 1d", "within: soon", ["G003"]),
        ("{event: paid", "{evnt: paid", ["G001"]),
        ("- one -> all", "- one -> hold", ["G211"]),
        ("writes: other", "writes: found", ["G210"]),
        ("two: {node: think", "two: {node: thinkk", ["G010"]),
    ],
)
def test_one_slip_among_branches_is_one_finding(folder: Path, old: str, new: str, found: list[str]) -> None:
    """A fork, a join and a wait: what follows from a slip in one of them is not reported."""
    assert APART.count(old) == 1
    (folder / "apart.yaml").write_text(APART.replace(old, new))
    report = check_paths([folder / "apart.yaml"])
    assert [finding.code for finding in report.findings if finding.fatal] == found


def codes(folder: Path, *names: str) -> list[str]:
    text = GRAPH
    for name in (name for name in SLIPS if name in names):
        old, new, _ = SLIPS[name]
        assert text.count(old) == 1, name
        text = text.replace(old, new)
    (folder / "many.yaml").write_text(text)
    report = check_paths([folder / "many.yaml"])
    return sorted(finding.code for finding in report.findings if finding.fatal)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("many")
    for name in ("nodes", "policies", "tools"):
        (made / name).symlink_to(HOUSE / name)
    return made


def test_without_a_slip_nothing_is_found(folder: Path) -> None:
    """The graph itself is right."""
    assert codes(folder) == []


@pytest.mark.parametrize("name", SLIPS)
def test_one_slip_is_one_finding(folder: Path, name: str) -> None:
    """Each slip is answered by its code alone."""
    assert codes(folder, name) == [SLIPS[name][2]]


def test_two_slips_are_two_findings(folder: Path) -> None:
    """No slip hides another, and none looks different beside another: all pairs."""
    wrong = {}
    for pair in combinations(SLIPS, 2):
        expected = sorted(SLIPS[name][2] for name in pair)
        if (found := codes(folder, *pair)) != expected:
            wrong[pair] = (expected, found)
    assert not wrong


@given(st.sets(st.sampled_from(sorted(SLIPS)), min_size=3, max_size=7))
@settings(deadline=None, max_examples=150)
def test_many_slips_are_as_many_findings(names: set[str]) -> None:
    """Three slips in one file give exactly three findings, and seven give seven."""
    with tempfile.TemporaryDirectory() as made:
        for name in ("nodes", "policies", "tools"):
            (Path(made) / name).symlink_to(HOUSE / name)
        assert codes(Path(made), *names) == sorted(SLIPS[name][2] for name in names)


def test_a_graph_that_uses_a_faulty_one_is_not_reported_again(folder: Path) -> None:
    """Where the faulty graph is checked too, only its own fault is reported; alone, the outer one says why."""
    (folder / "many.yaml").write_text(GRAPH.replace("version: 1", "version: one"))
    outer = folder / "outer.yaml"
    outer.write_text(
        "graph: outer\nversion: 1\ninput: {request: {type: string}, to: {type: string}, sum: {type: number}}\n"
        "steps:\n  all: {graph: many, bind: {request: $.request, to: $.to, sum: $.sum}}\n"
        "edges:\n  - START -> all\n  - {from: all, on: [done, refused, unpaid, untold], to: END}\n"
    )
    both = check_paths([outer, folder / "many.yaml"])
    assert [(Path(finding.file).name, finding.code) for finding in both.findings] == [("many.yaml", "G003")]
    (alone,) = check_paths([outer]).findings
    assert (alone.code, alone.line, alone.column) == ("G014", 5, 16)
    assert "many.yaml" in (alone.hint or "")
    outer.unlink()


def test_a_fault_in_each_drawer_is_four_findings(tmp_path: Path) -> None:
    """A card, a policy, a tools file and a graph, each with a fault: none hides another or makes it worse."""
    projects = HOUSE / "projects"
    for source in ("fine", "card_unknown_key", "policy_undeclared_input", "tool_imports_another"):
        shutil.copytree(projects / source, tmp_path, dirs_exist_ok=True)
    graph = tmp_path / "graphs" / "fine.yaml"
    graph.write_text(graph.read_text().replace("- think -> END", "- think -> ENDE"))
    report = check_paths([tmp_path / "graphs"])
    assert sorted(finding.code for finding in report.findings) == ["G020", "N001", "P006", "T005"]
