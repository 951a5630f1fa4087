"""What a node answers: go on to another node of the same step, or leave the step by an outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Inner = Literal["propose", "gate", "approve", "perform", "start", "wait"]

FailureKind = Literal["unavailable", "timeout", "invalid", "refused", "limit"]
"""Why a step failed: the three kinds of error that can be tried again, a refusal, or a limit that was reached."""


@dataclass(frozen=True)
class Onward:
    """Go on to `node` of the same step; `request` is what is waited for there."""

    node: Inner
    request: dict[str, Any] | None = None


@dataclass(frozen=True)
class Leave:
    """Leave the step.  `writes` may hold only keys the step declared."""

    outcome: str
    writes: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    kind: FailureKind | None = None
    """For an outcome that failed: why."""
    edge: int | None = None
    """The edge taken, where the step itself says: a fork goes on to its join by an edge of its branches."""


Move = Onward | Leave
"""A reason step, an action, a person, a clock, a child run: each answers with one of these."""
