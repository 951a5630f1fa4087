"""What an action model was shown at a visit, and what it decided: what its proposal was made from.

The row is written before the proposal, under the slot that the proposal takes.  A process that dies between the two
asks the model again and writes the row anew, so it always tells of the proposal that stands.  Where checkpoints are
sealed it is sealed as well, for it holds texts of the state.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from interlock.errors import Refused
from interlock.store.audit import Clock
from interlock.store.database import Database
from interlock.store.sealing import Ring
from interlock.store.tables import Consultation


@dataclass(frozen=True)
class Consulted:
    """One question to an action model and its answer, as JSON types."""

    step: str
    visit: int
    slot: int
    """That of the proposal which follows from it; of an abstention, the one that it would have taken."""
    observation: dict[str, Any]
    tools: list[dict[str, Any]]
    """The actions that were offered, as the model saw them."""
    risk: float
    decision: dict[str, Any]


class Consultations:
    """Writes and reads the rows.

    Args:
        ring: the keys that seal them; None where checkpoints are not sealed.
    """

    def __init__(self, database: Database, ring: Ring | None, clock: Clock) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock

    def record(self, run_id: str, consulted: Consulted) -> None:
        """Write the row, or write it anew."""
        place = _place(run_id, consulted.step, consulted.visit, consulted.slot)
        body = json.dumps(
            {
                "observation": consulted.observation,
                "tools": consulted.tools,
                "risk": consulted.risk,
                "decision": consulted.decision,
            }
        )
        if self._ring is not None:
            body = self._ring.seal_text(body, place)
        row = Consultation(
            run_id=run_id, step=consulted.step, visit=consulted.visit, slot=consulted.slot, body=body,
            sealed=self._ring is not None, at=self._clock(),
        )  # fmt: skip
        with self._database.write() as session:
            session.merge(row)

    def of_run(self, run_id: str) -> Sequence[Consulted]:
        """All of a run, oldest first.

        Raises:
            Refused: one was sealed with a key that is not there, or was changed.
        """
        query = select(Consultation).where(Consultation.run_id == run_id)
        with self._database.read() as session:
            rows = session.exec(query.order_by(col(Consultation.at), col(Consultation.slot))).all()
        return [Consulted(step=row.step, visit=row.visit, slot=row.slot, **self._read(row)) for row in rows]

    def _read(self, row: Consultation) -> dict[str, Any]:
        body = row.body
        if row.sealed:
            if self._ring is None:
                raise Refused(
                    f"what was asked in run {row.run_id} is sealed; set INTERLOCK_CHECKPOINT_KEY to read it. "
                    "Nothing was read."
                )
            body = self._ring.open_text(body, _place(row.run_id, row.step, row.visit, row.slot))
        document: dict[str, Any] = json.loads(body)
        return document


def _place(run_id: str, step: str, visit: int, slot: int) -> tuple[str, ...]:
    return (run_id, "consultation", step, str(visit), str(slot))
