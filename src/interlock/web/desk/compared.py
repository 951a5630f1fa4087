"""Two values side by side: what of a text was taken out, and what was put in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from interlock.web.legible import text_of

LONGEST = 6_000
"""Characters of a value that are compared word by word; of a longer one the beginning is shown."""

SHOWN = 2_000

LINE = 72
"""Characters of JSON that stand on one line."""


@dataclass(frozen=True)
class Piece:
    """A part of a text."""

    word: Literal["same", "gone", "new"]
    text: str


def pieces(before: Any, after: Any) -> list[Piece]:
    """The two values as one text, with what is gone and what is new in it; None is nothing."""
    old, new = told(before), told(after)
    if not old or not new or len(old) + len(new) > LONGEST:
        return [Piece(word, _short(text)) for word, text in (("gone", old), ("new", new)) if text]  # type: ignore[arg-type]
    left, right = _words(old), _words(new)
    matched = SequenceMatcher(a=left, b=right, autojunk=False)
    if matched.quick_ratio() < 0.4:
        return [Piece("gone", old), Piece("new", new)]
    found: list[Piece] = []
    for tag, from_old, to_old, from_new, to_new in matched.get_opcodes():
        if tag == "equal":
            found.append(Piece("same", "".join(left[from_old:to_old])))
            continue
        gone, new_text = "".join(left[from_old:to_old]), "".join(right[from_new:to_new])
        found += [Piece("gone", gone)] if gone else []
        found += [Piece("new", new_text)] if new_text else []
    return found


def told(value: Any) -> str:
    """A value as text: JSON on one line where it is short; nothing for None."""
    if value is None or isinstance(value, str):
        return value or ""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= LINE else text_of(value)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} … ({len(text):,} characters)"
