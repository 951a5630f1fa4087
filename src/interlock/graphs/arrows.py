"""The text form of an edge: `START -> polish`."""

from __future__ import annotations

import re
from typing import NamedTuple

_ARROW = re.compile(r"\s*(?P<source>[^\s>-]+)\s*->\s*(?P<target>[^\s>-]+)\s*")


class Arrow(NamedTuple):
    """The two ends of an edge written as text, each with its offset in the text."""

    source: str
    target: str
    source_at: int
    target_at: int


def parse_arrow(text: str) -> Arrow | None:
    """The ends of `A -> B`, or None when the text is something else."""
    match = _ARROW.fullmatch(text)
    if match is None:
        return None
    return Arrow(match["source"], match["target"], match.start("source"), match.start("target"))
