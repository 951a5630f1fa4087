"""What became of decisions, out of trajectories: how sure the model was, and what people said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.lam.confidence.certificate import Certificates, family_of, tool_digest
from interlock.lam.trajectories.trajectory import Trajectory, Verdict

PLANNED = 4
"""One verdict in so many fixes the sequence of thresholds; the others test it."""


@dataclass(frozen=True)
class Verdicted:
    """One decision to act, and its verdict."""

    id: str
    model_id: str
    tool: str
    tool_digest: str
    group: str
    confidence: float
    p_null: float
    arguments: int
    tools: int
    verdict: Verdict

    @property
    def right(self) -> bool | None:
        """What a person said: `None` when nobody was asked, for an effect that came off proves little."""
        return {"approved": True, "edited": False, "rejected": False}.get(self.verdict)

    @property
    def wrong(self) -> bool:
        """Whether anything speaks against it: a person, or an effect that failed."""
        return self.verdict in ("edited", "rejected", "executed_error")

    @property
    def part(self) -> Literal["planning", "testing"]:
        """Which half it serves, by the hash of its id: the same on every day."""
        number = int(hashlib.sha256(self.id.encode()).hexdigest()[:8], 16)
        return "planning" if number % PLANNED == 0 else "testing"

    def observed(self) -> dict[str, float]:
        """The numbers that drift looks at."""
        return {
            "confidence": self.confidence, "p_null": self.p_null,
            "arguments": float(self.arguments), "tools": float(self.tools),
        }  # fmt: skip


def read_verdicts(
    trajectories: Iterable[Trajectory], model_id: str, certificates: Certificates | None = None
) -> Iterator[Verdicted]:
    """The decisions of one model to make one call that have a verdict, in the order of the trajectories.

    Args:
        certificates: whose groups the tools belong to; by their families when `None`.
    """
    for trajectory in trajectories:
        known = {schema.name: schema for schema in trajectory.tools}
        for place, message in trajectory.steps():
            lam = message.lam
            if lam is None or message.verdict is None or lam.model_id != model_id or lam.decision != "act":
                continue
            if lam.confidence is None or len(message.calls) != 1 or message.calls[0].name not in known:
                continue
            schema = known[message.calls[0].name]
            yield Verdicted(
                f"{trajectory.unique_trajectory_id}#{place}", model_id, schema.name, tool_digest(schema),
                certificates.group_of(schema) if certificates else family_of(schema.name),
                lam.confidence, lam.p_null or 0.0, len(message.calls[0].arguments),
                len(trajectory.offered(message)), message.verdict,
            )  # fmt: skip


def series(rows: Sequence[Verdicted]) -> Mapping[str, list[float]]:
    """The numbers that drift looks at, each as a column."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.observed().items():
            columns.setdefault(name, []).append(value)
    return columns
