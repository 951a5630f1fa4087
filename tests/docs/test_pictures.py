"""The pictures in docs/ are those of the graphs as they are now."""

from __future__ import annotations

from tests.docs.pictures import PICTURES, pictures


def test_the_pictures_are_those_of_the_graphs() -> None:
    """Every shipped graph has its picture, and each is what is drawn today: `python -m tests.docs.pictures`."""
    wanted = dict(pictures())
    there = {file.stem: file.read_text(encoding="utf-8") for file in PICTURES.glob("*.svg")}
    assert sorted(there) == sorted(wanted)
    assert [name for name in wanted if there[name] != wanted[name]] == [], "run `python -m tests.docs.pictures`"
