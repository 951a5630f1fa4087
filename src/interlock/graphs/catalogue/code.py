"""What stands on the page of one code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Code:
    """A code's page.  Where an example makes it clearer, `fault` is one and `mended` the same put right.

    The examples are held to the truth: some document of `tests/refused/` with this code holds `fault`,
    and with `mended` in its place nothing is wrong with it.
    """

    title: str
    """One sentence: what was found."""
    meaning: str
    """Why it is refused: what could go wrong in a run, or which two readings there are."""
    mend: str
    """What to do about it."""
    fault: str = ""
    mended: str = ""
    language: Literal["yaml", "python"] = "yaml"
    severity: Literal["error", "warning"] = "error"
