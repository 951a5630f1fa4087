"""Names that look like another person's: what a reader takes for one person shall not be two."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_LIKE = {
    "a": "\u0251\u0430\u03b1",
    "b": "\u0432\u03b2",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435\u03b5",
    "f": "\u0192",
    "g": "\u0261",
    "h": "\u04bb\u043d",
    "i": "\u0456\u0131\u03b9",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf1",
    "m": "\u043c",
    "n": "\u043f\u03b7",
    "o": "\u043e\u03bf\u03c30",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5",
    "v": "\u0475\u03bd",
    "w": "\u051d\u03c9\u0461",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3",
}
"""Small letters of other scripts, and digits, by the Latin letter they look like (after Unicode TR 39)."""

_LATIN = str.maketrans({other: latin for latin, others in _LIKE.items() for other in others})


def shape(name: str) -> str:
    """How a name looks: without case, accents, and the script of its letters."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(char for char in bare if not unicodedata.combining(char)).translate(_LATIN)


def lookalike(name: str, known: Iterable[str]) -> str | None:
    """Another known name that `name` could be taken for, or None."""
    own = unicodedata.normalize("NFKC", name).casefold()
    return next(
        (each for each in known if each.casefold() != own and shape(each) == shape(name)),
        None,
    )
