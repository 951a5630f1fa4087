"""The pictures in docs/ are those of the graphs as they are now."""

from __future__ import annotations

import re
from pathlib import Path

from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.drawing import drawn
from tests.docs.pictures import PICTURES, ROOT, load, pictures


def test_the_pictures_are_those_of_the_graphs() -> None:
    """Every shipped graph has its picture, and each is what is drawn today: `python -m tests.docs.pictures`."""
    wanted = dict(pictures())
    there = {file.stem: file.read_text(encoding="utf-8") for file in PICTURES.glob("*.svg")}
    assert sorted(there) == sorted(wanted)
    assert [name for name in wanted if there[name] != wanted[name]] == [], "run `python -m tests.docs.pictures`"


def test_the_graph_of_the_readme_is_the_one_beside_it(tmp_path: Path) -> None:
    """The YAML on the first screen draws the picture that stands next to it, but for its description."""
    [text] = re.findall(r"```yaml\n(graph: .*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "polish_and_send.yaml"
    file.write_text(text, encoding="utf-8")
    spec = load(file, ROOT).spec
    assert spec is not None
    described = re.compile("<desc.*?</desc>", re.DOTALL)
    shown = (PICTURES / "polish_and_send.svg").read_text(encoding="utf-8")
    assert described.sub("", drawn(depicted(spec))) == described.sub("", shown)
    assert 'src="docs/pictures/polish_and_send.svg"' in (ROOT / "README.md").read_text(encoding="utf-8")
