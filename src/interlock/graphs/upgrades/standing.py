"""How a run stands, and what would become of it under another spec: the values an upgrade is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from interlock.digest import Json
from interlock.graphs.proofs.bounds import Bounds

Word = Literal["safe", "voids_approval", "needs_mapping", "impossible"]
"""What would become of a waiting run.

safe: it can go on.  voids_approval: it can, but an approval that waits or was given is asked for again.
needs_mapping: it can, once the mapping says what has become of something.  impossible: it ends under the
spec that it was started with.
"""

GONE = -2
"""In place of an edge that a visit took, which the run's present spec does not have."""


@dataclass(frozen=True)
class Passed:
    """One visit of the run, as it was recorded; it is open without an outcome."""

    step: str
    visit: int
    outcome: str | None
    entered_by: int
    left_by: int | None


@dataclass(frozen=True)
class Standing:
    """All that is known of a run between two nodes."""

    input: Mapping[str, Json]
    values: Mapping[str, Json]
    """Its state."""
    visits: Sequence[Passed]
    used: Mapping[str, int] = field(default_factory=dict)
    """What it has used, by counter."""
    performed: Sequence[tuple[str, str]] = ()
    """The actions that were performed: step and action."""
    names: frozenset[str] = frozenset()
    """Names of steps that its rows carry from still earlier specs."""


@dataclass(frozen=True)
class Position:
    """Where it would go on."""

    step: str
    visit: int
    edge: int
    """The edge of the new spec by which it comes into the step."""
    open: bool
    """Whether the visit has begun: it is entered again, and not counted again."""


@dataclass(frozen=True)
class Judged:
    """What would become of a run, with the reason; where it can go on, all that has to be rewritten."""

    word: Word
    reason: str
    position: Position | None = None
    """None where the run has not begun."""
    input: Mapping[str, Json] = field(default_factory=dict)
    values: Mapping[str, Json] = field(default_factory=dict)
    edges: Mapping[tuple[str, int], tuple[int, int | None]] = field(default_factory=dict)
    """By old step and visit: the edges that it was entered and left by, in the new spec."""
    bounds: Bounds | None = None
    """The most that the run can still take from there."""
