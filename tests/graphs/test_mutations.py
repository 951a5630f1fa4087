"""Every class of fault, planted into every shipped graph in every place where it fits, is found."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
from faults import CLASSES, Planted, cards_with_probe, normal

from interlock.graphs.cards import Card, ReasonCard
from interlock.graphs.loader import load_spec
from interlock.nodes.drawer import read_cards
from interlock.policies.drawer import read_policies
from interlock.source import read_document
from interlock.tools.drawer import read_actions

ROOT = Path(__file__).parents[2]
PROJECTS = {
    "graphs": (ROOT, ROOT / "graphs"),
    **{
        path.name: (path, path / "graphs")
        for path in sorted((ROOT / "examples").iterdir())
        if (path / "graphs").is_dir()
    },
    "accepted": (ROOT / "tests" / "accepted", ROOT / "tests" / "accepted"),
}
GRAPHS = {
    f"{project}/{path.stem}": (root, path)
    for project, (root, folder) in PROJECTS.items()
    for path in sorted(folder.glob("*.yaml"))
}


class _Cards(dict[str, Card]):
    """The cards of a project; `NAME+ACTION` is the card NAME with one action more to look things up with."""

    def __missing__(self, name: str) -> Card:
        card, _, action = name.partition("+")
        found = self[card]
        assert isinstance(found, ReasonCard)
        return found.model_copy(update={"actions": [action]})

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).partition("+")[0])


@cache
def planted(graph: str) -> tuple[Planted, _Cards]:
    root, path = GRAPHS[graph]
    cards = _Cards(cards_with_probe(read_cards(root / "nodes")))
    actions, policies = read_actions(root / "tools"), read_policies(root / "policies")
    loaded = load_spec(path, cards, actions, policies)
    assert loaded.spec is not None, loaded.findings
    return Planted(normal(dict(read_document(path).data)), actions, policies, loaded.spec), cards


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_fault_is_found(graph: str, tmp_path: Path) -> None:
    """The loader reports each planted fault by its code, and nothing of the kind before it is planted."""
    right, cards = planted(graph)
    folder = tmp_path / "graphs"
    shutil.copytree(GRAPHS[graph][1].parent, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / GRAPHS[graph][1].name

    def codes(one: Planted) -> set[str]:
        path.write_text(json.dumps(one.data), encoding="utf-8")
        return {finding.code for finding in load_spec(path, cards, one.actions, one.policies).findings}

    before = codes(right)
    for name, (plant, expected) in CLASSES.items():
        assert not before & expected, name
        for number, wrong in enumerate(plant(right)):
            assert codes(wrong) & expected, (name, number, json.dumps(wrong.data["edges"]), codes(wrong))


def test_every_class_fits_at_least_two_graphs() -> None:
    """No class of fault is left untried, and no shipped graph is without one."""
    fits = {name: [graph for graph in GRAPHS if any(plant(planted(graph)[0]))] for name, (plant, _) in CLASSES.items()}
    assert {name: graphs for name, graphs in fits.items() if len(graphs) < 2} == {}
    assert set(GRAPHS) == {graph for graphs in fits.values() for graph in graphs}
