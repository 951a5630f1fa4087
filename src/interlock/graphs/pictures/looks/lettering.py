"""How much room text takes.  The widths are those of a wide common face, so that others fit in as well."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

# Advance widths of U+0020 to U+007E in hundredths of the type size, as DejaVu Sans has them.
_WIDTHS = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84,
    84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61,
    69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59,
    82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
_BOLD = 1.13


def text_width(text: str, size: float, *, bold: bool = False, spacing: float = 0) -> float:
    """Width of one line in pixels; `spacing` is added after each character."""
    hundredths = 0.0
    for char in text:
        code = ord(char)
        if 32 <= code < 127:
            hundredths += _WIDTHS[code - 32]
        elif not unicodedata.combining(char):
            hundredths += 105 if unicodedata.east_asian_width(char) in "WF" else 90
    return hundredths * size / 100 * (_BOLD if bold else 1) + spacing * len(text)


def shortened(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters, the end cut off for an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def wrapped(text: str, most: int, lines: int) -> list[str]:
    """`text` in at most `lines` lines, broken between words; the end is cut off where there is no room."""
    words = text.split()
    found: list[str] = []
    while words and len(found) < lines - 1:
        count = 1
        while count < len(words) and len(" ".join(words[: count + 1])) <= most:
            count += 1
        found.append(shortened(" ".join(words[:count]), most))
        words = words[count:]
    return [*found, shortened(" ".join(words), most)] if words else found


def folded(words: Sequence[str], most: int, lines: int = 4) -> list[str]:
    """Words in at most `lines` lines of at most `most` characters; those for which there is no room are counted."""
    for shown in range(len(words), -1, -1):
        hidden = len(words) - shown
        found = _filled([*words[:shown], *([f"and {hidden} more"] if hidden else [])], most)
        if len(found) <= lines:
            return found
    return []


def _filled(words: Sequence[str], most: int) -> list[str]:
    found: list[str] = []
    for place, word in enumerate(words):
        text = shortened(word, most - 1) + ("," if place < len(words) - 1 else "")
        if found and len(found[-1]) + 1 + len(text) <= most:
            found[-1] += f" {text}"
        else:
            found.append(text)
    return found
