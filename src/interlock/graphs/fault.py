"""What a proof has found wrong with a spec, before it is placed in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interlock.source import Loc


@dataclass(frozen=True)
class Fault:
    """A finding on the spec itself; `at` says where, in the words of the graph file."""

    code: str
    message: str
    at: Loc
    key: bool = False
    """Whether the key at `at` is meant, not its value."""
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"
    path: tuple[str, ...] = ()
    part: str | None = None
    """The part of the text at `at` that is meant."""
