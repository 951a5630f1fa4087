"""The text form of an edge: `START -> polish`."""

from __future__ import annotations

import re
from typing import NamedTuple

ARROW = r"\s*(?P<source>[^\s>-]+)\s*->\s*(?P<target>[^\s>-]+)\s*"
"""An edge as text; the names of an end hold no space, `-` or `>`."""


class Arrow(NamedTuple):
    """The two ends of an edge written as text, each with its offset in the text."""

    source: str
    target: str
    source_at: int
    target_at: int


def parse_arrow(text: str) -> Arrow | None:
    """The ends of `A -> B`, or None when the text is something else."""
    match = re.fullmatch(ARROW, text)
    if match is None:
        return None
    return Arrow(match["source"], match["target"], match.start("source"), match.start("target"))
