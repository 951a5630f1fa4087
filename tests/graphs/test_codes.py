"""The catalogue of codes: whole, shown by true examples, and published as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.graphs.catalogue.codes import CODES, FAMILIES
from interlock.graphs.catalogue.pages import page, pages, with_index

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "src" / "interlock"
DOCS = ROOT / "docs"


def emitted() -> set[str]:
    """Every code that the engine's source gives to a finding, and the three of each validated family."""
    found = set()
    for path in ENGINE.rglob("*.py"):
        if path.parent.name == "catalogue" or path.parent.parent.name == "starter":
            continue
        text = re.sub(r"_AFTER_\w+ = frozenset\([^)]*\)", "", path.read_text(encoding="utf-8"))
        found |= set(re.findall(r'"([YGNPTUC][0-9]{3})"', text))
    return found | {f"{family}00{number}" for family in "GNPUC" for number in (1, 2, 3)}


def test_the_catalogue_is_what_the_engine_says() -> None:
    """Every code that a reader, a proof or the command gives has its page, and every page its code."""
    assert emitted() == set(CODES)


def test_no_code_is_declared_twice() -> None:
    """A code stands in one family, in order."""
    listed = [code for _, codes in FAMILIES.values() for code in codes]
    assert len(listed) == len(set(listed))
    assert all(list(codes) == sorted(codes) for _, codes in FAMILIES.values())


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_why_and_what_to_do(code: str) -> None:
    """Each part is there, as sentences, and an example has both its halves."""
    about = CODES[code]
    assert all(
        text.endswith((".", "!", "?", "`.")) and text[0] == text[0].upper()
        for text in (about.title, about.meaning, about.mend)
    ), about
    assert bool(about.fault) == bool(about.mended)
    assert about.fault != about.mended or not about.fault
    assert page(code).startswith(f"# {code}: {about.title}\n")


def test_the_published_pages_are_up_to_date() -> None:
    """`python docs/diagnostics.py` would change nothing."""
    again = "run `python docs/diagnostics.py`"
    published = {f"diagnostics/{path.name}": path.read_text(encoding="utf-8") for path in DOCS.glob("diagnostics/*.md")}
    assert published == pages(), again
    index = (DOCS / "diagnostics.md").read_text(encoding="utf-8")
    assert with_index(index) == index, again


def test_a_page_without_its_place_is_refused() -> None:
    """The tables are never written into a text that has no place for them."""
    with pytest.raises(ValueError, match="end of codes"):
        with_index("# Diagnostics\n")
