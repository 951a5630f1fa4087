"""Draws the pictures of `docs/`: `python -m tests.docs.pictures` writes them all anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from interlock.graphs.loader import Loaded, load_spec
from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.drawing import drawn
from interlock.graphs.pictures.figure import Marks
from interlock.nodes.drawer import inspect_cards
from interlock.policies.drawer import inspect_policies
from interlock.tools.drawer import inspect_actions
from tests.graphs.all_kinds import every_kind

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
COUNTEREXAMPLE = ROOT / "tests" / "refused" / "approval_passed_by.yaml"


def shipped() -> list[Path]:
    """The graph files of this project and of its examples, but for the many of a replay, which no page shows."""
    examples = sorted((ROOT / "examples").glob("*/graphs/*.yaml"))
    return [*sorted((ROOT / "graphs").glob("*.yaml")), *(file for file in examples if file.parts[-3] != "agentdojo")]


def load(file: Path, project: Path) -> Loaded:
    """A graph file with the drawers of its project."""
    actions, _ = inspect_actions(project / "tools")
    cards, _ = inspect_cards(project / "nodes")
    policies, _ = inspect_policies(project / "policies")
    return load_spec(file, cards.cards, actions, policies)


def pictures() -> Iterator[tuple[str, str]]:
    """Every picture of the pages: its name, and its SVG."""
    for file in shipped():
        spec = load(file, file.parent.parent).spec
        assert spec is not None, f"{file} has errors"
        yield file.stem, drawn(depicted(spec))
    yield "every_kind", drawn(depicted(every_kind(), expand=True))
    waiting = Marks({"START": "done", "think": "done", "sort": "done", "ask": "waiting"}, frozenset({0, 3, 5}))
    yield "live", drawn(depicted(every_kind()), waiting)
    wrong = load(COUNTEREXAMPLE, COUNTEREXAMPLE.parent)
    assert wrong.partial is not None
    path = next(tuple(finding.path) for finding in wrong.findings if finding.path)
    yield "counterexample", drawn(depicted(wrong.partial), Marks(path=path))


def main() -> None:
    """Write all pictures, and remove those that nothing draws any more."""
    PICTURES.mkdir(exist_ok=True)
    found = dict(pictures())
    for name, svg in found.items():
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
    for file in PICTURES.glob("*.svg"):
        if file.stem not in found:
            file.unlink()


if __name__ == "__main__":
    main()
