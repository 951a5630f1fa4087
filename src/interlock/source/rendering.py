"""Findings as text: the place, the source line, a caret under the fault, the hint, and the path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.source.finding import Finding

if TYPE_CHECKING:
    from interlock.source.document import Document

FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"  # line breaks of YAML 1.1 only; marks that reorder shown text
)

_LONG = 14
"""Of a longer path the middle is left out; the JSON form has it whole."""

_COLOURS = {"error": "1;31", "warning": "1;33", "strong": "1", "place": "34", "hint": "36"}


def render(findings: Iterable[Finding], documents: Iterable[Document] = (), *, colour: bool = False) -> str:
    """The findings as text, each with its source line and a caret under the place; `colour` for a terminal."""
    texts = {document.file: document.lines for document in documents}
    return "\n\n".join(_block(finding, texts, colour) for finding in findings)


def painted(style: str, text: str, colour: bool) -> str:
    """`text` in the colour of `error`, `warning`, `strong`, `place` or `hint`, if there are colours."""
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if colour and text else text


def shown(line: str) -> str:
    """Without what a terminal would obey instead of show."""
    return FORBIDDEN.sub("\ufffd", line)


def _block(finding: Finding, texts: dict[str, list[str]], colour: bool) -> str:
    lines = _lines(finding.file, texts)
    gutter = " " * len(str(finding.line))

    def beside(mark: str, rest: str = "") -> str:
        return f"{gutter} {painted('place', mark, colour)}{rest}"

    block = [
        painted(finding.severity, f"{finding.severity}[{finding.code}]", colour)
        + painted("strong", shown(f": {' '.join(finding.message.split())}"), colour),
        f"  {painted('place', '-->', colour)} {shown(finding.file)}:{finding.line}:{finding.column}",
    ]
    hint = shown(finding.hint or "")
    if 0 < finding.line <= len(lines) and lines[finding.line - 1].strip():
        line, start = shown(lines[finding.line - 1].replace("\t", " ")), finding.column - 1
        left = max(0, start - 80)
        width = max(1, min(finding.length, len(line) - start, 60))
        visible = line[left : start + max(width, 100)]
        pad = " " * _cells(line[left:start])
        carets = painted(finding.severity, "^" * _cells(line[start : start + width]), colour)
        said = f" {painted('hint', hint, colour)}" if hint else ""
        number = painted("place", f"{finding.line} |", colour)
        block += [beside("|"), f"{number} {visible}", beside("|", f" {pad}{carets}{said}")]
    elif hint:
        block.append(beside("=", f" hint: {hint}"))
    if finding.path:
        block.append(beside("=", f" path: {shown(walk(finding.path))}"))
    return "\n".join(block)


def walk(path: Sequence[str]) -> str:
    """A path of steps as one line; of a long one the two ends."""
    if len(path) > _LONG:
        half = _LONG // 2
        path = [*path[:half], f"({len(path) - 2 * half} more)", *path[-half:]]
    return " -> ".join(path)


def _cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _lines(file: str, texts: dict[str, list[str]]) -> list[str]:
    if file not in texts:
        try:
            texts[file] = Path(file).read_text("utf-8", "replace").split("\n")
        except OSError:
            texts[file] = []
    return texts[file]
