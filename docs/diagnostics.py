"""Writes the page of every code, and the tables of `diagnostics.md`: `python docs/diagnostics.py`."""

from __future__ import annotations

from pathlib import Path

from interlock.graphs.catalogue.pages import pages, with_index

DOCS = Path(__file__).parent


def write(docs: Path = DOCS) -> None:
    """Write what the catalogue of codes says; pages of codes that are no more are deleted."""
    index = docs / "diagnostics.md"
    index.write_text(with_index(index.read_text(encoding="utf-8")), encoding="utf-8")
    found = pages()
    (docs / "diagnostics").mkdir(exist_ok=True)
    for old in (docs / "diagnostics").glob("*.md"):
        if f"diagnostics/{old.name}" not in found:
            old.unlink()
    for name, text in found.items():
        (docs / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
