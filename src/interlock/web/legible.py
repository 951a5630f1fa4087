"""Values as a reviewer reads them."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from interlock.tools.connect.pictures import REFERENCE

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


PICTURE = "picture:sha256:"
"""How the reference of a picture begins; its digest follows."""


def picture_at(value: Any) -> str | None:
    """Where the picture is that a value refers to; None where it refers to none."""
    if not isinstance(value, str) or not REFERENCE.fullmatch(value):
        return None
    return f"/pictures/{value.removeprefix(PICTURE)}.png"


def read_json_or_text(text: str) -> Any:
    """JSON where it is some, else the text: the action's own types judge it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
