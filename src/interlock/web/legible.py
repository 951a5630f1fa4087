"""Values as a reviewer reads them, and what a reviewer typed as values again."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Cs")
"""Categories of characters that show nothing, or turn the direction of what follows."""


def text_of(value: Any) -> str:
    """Text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def visible(value: Any) -> str:
    """Text in which nothing hides: what shows nothing, or reorders its neighbours, stands as `[U+202E]`."""
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in HIDDEN else f"[U+{ord(char):04X}]"
        for char in text_of(value)
    )


def changed(before: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """The arguments whose text was changed; of a value that was no text, what was typed is read as JSON."""
    changes: dict[str, Any] = {}
    for name, text in typed.items():
        value = before.get(name)
        if value is None and not text:
            continue
        if value is not None and text == text_of(value).replace("\r\n", "\n").replace("\r", "\n"):
            continue
        changes[name] = text if isinstance(value, str) else _read(text)
    return changes


def _read(text: str) -> Any:
    """JSON where it is some, else the text: the action's own types judge it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
