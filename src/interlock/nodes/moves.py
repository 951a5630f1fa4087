"""What a node answers: go on to another node of the same step, or leave the step by an outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Inner = Literal["propose", "gate", "approve", "perform"]


@dataclass(frozen=True)
class Onward:
    """Go on to `node` of the same step; `request` is what a person is asked there."""

    node: Inner
    request: dict[str, Any] | None = None


@dataclass(frozen=True)
class Leave:
    """Leave the step.  `writes` may hold only keys the step declared."""

    outcome: str
    writes: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


Move = Onward | Leave
