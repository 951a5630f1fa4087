"""What is measured: one request of a public set with the calls that answer it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.lam.protocol import ActionSchema, Observation


@dataclass(frozen=True)
class GoldCall:
    """A right call: for each argument the values that are accepted; `""` among them means it may be left out."""

    name: str
    arguments: dict[str, list[Any]]

    def document(self) -> dict[str, Any]:
        """As BFCL writes it."""
        return {self.name: self.arguments}


@dataclass(frozen=True)
class Case:
    """One request of a set; right is a decision that makes exactly the calls of `gold`, in any order.

    Without gold calls, right is to make none.
    """

    id: str
    column: str
    observation: Observation
    space: tuple[ActionSchema, ...]
    gold: tuple[GoldCall, ...]


def order_of(id: str) -> str:
    """Where a row stands in the order that samples are taken in: the SHA-256 of its id."""
    return hashlib.sha256(id.encode()).hexdigest()


def sample(cases: Iterable[Case], limit: int | None) -> list[Case]:
    """The first `limit` cases in the order of their hashes, all without a limit; a larger sample holds a smaller."""
    chosen: Sequence[Case] = sorted(cases, key=lambda case: order_of(case.id))
    return list(chosen[:limit])
