"""One thing found in a file, with its place, and the words that were meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

Loc = tuple[str | int, ...]
"""Where a value stands in a document: `("steps", "send", "reads", 0)`."""


class Mark(NamedTuple):
    """A span in one line of a file; line and column count from 1, in characters."""

    line: int
    column: int
    length: int


class Finding(BaseModel):
    """One thing found in a file, with its stable code and place."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Literal["error", "warning"] = "error"
    message: str
    file: str
    line: int = 1
    column: int = 1
    length: int = 1
    hint: str | None = None
    path: list[str] = []

    @property
    def fatal(self) -> bool:
        return self.severity == "error"


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, if one is close."""
    known = list(known)
    if same := [name for name in known if name.lower() == word.lower()]:
        return same[0]
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.6)), None)


def hint_for(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the closest known word, else the few that there are."""
    known = list(known)
    close = did_you_mean(word, known)
    if close:
        return f"did you mean `{close}`?"
    return f"one of {', '.join(f'`{name}`' for name in known)}" if 0 < len(known) <= 10 else None
