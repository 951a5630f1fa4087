"""The reader of nodes/: one card a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.nodes.drawer import card_findings, inspect_cards, read_cards
from interlock.source import SourceError
from interlock.tools.drawer import read_actions

HOUSE = Path(__file__).parents[1] / "refused"


def test_cards_are_found_by_node_name() -> None:
    """The drawer is a mapping from node to card, and keeps each card's file."""
    drawer = read_cards(HOUSE / "nodes")
    assert sorted(drawer) == ["either", "notify", "pay", "pay_auto", "rework", "sort", "think"]
    assert drawer["pay"].kind == "act"
    assert drawer.documents["pay"].file.endswith("pay.yaml")
    assert card_findings(drawer, read_actions(HOUSE / "tools")) == []


def test_a_missing_folder_has_no_cards(tmp_path: Path) -> None:
    """A project may have call steps only."""
    assert len(read_cards(tmp_path / "nodes")) == 0


def test_a_python_node_is_not_ignored(tmp_path: Path) -> None:
    """A file that declares no node is reported, not silently left out."""
    (tmp_path / "custom.py").write_text("def run(): ...\n")
    with pytest.raises(SourceError, match="declares no node"):
        read_cards(tmp_path)


def test_one_faulty_card_hides_no_other(tmp_path: Path) -> None:
    """The other cards are there beside the finding."""
    (tmp_path / "good.yaml").write_text("node: good\nkind: act\ngoal: Act.\nactions: [house.pay]\n")
    (tmp_path / "bad.yaml").write_text("node: bad\nkind: act\ngoal: Act.\n")
    drawer, findings = inspect_cards(tmp_path)
    assert list(drawer) == ["good"]
    assert [(finding.code, finding.message) for finding in findings] == [("N002", "the key `actions` is missing")]


def test_a_dollar_sign_that_names_nothing_is_found(tmp_path: Path) -> None:
    """`$Name` and `${name}` would stop the run; `$$` and `$5` are text."""
    prompt = "prompt: |\n  It costs $$5 or $5, $name.\n  Dear $Name, ${name}\n"
    card = f"node: bill\nkind: reason\ngoal: Bill.\n{prompt}output: {{text: {{type: string}}}}\n"
    (tmp_path / "bill.yaml").write_text(card)
    _, findings = inspect_cards(tmp_path)
    assert [(f.code, f.line, f.column) for f in findings] == [("N007", 6, 8), ("N007", 6, 15)]


def test_an_action_stands_once(tmp_path: Path) -> None:
    """Naming an action twice is a slip of the pen."""
    (tmp_path / "twice.yaml").write_text("node: twice\nkind: act\ngoal: Act.\nactions: [house.pay, house.pay]\n")
    findings = card_findings(read_cards(tmp_path), read_actions(HOUSE / "tools"))
    assert [(finding.code, finding.column) for finding in findings] == [("N005", 22)]
