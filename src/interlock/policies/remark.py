"""Something that is to be said of a policy, without its file: the drawer gives it a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interlock.source import Loc


@dataclass(frozen=True)
class Remark:
    """One finding about the rules of `policy`; `key` points at the key of the place."""

    policy: str
    code: str
    message: str
    at: Loc
    severity: Literal["error", "warning"] = "error"
    key: bool = False
    hint: str | None = None
