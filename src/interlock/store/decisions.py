"""The decisions of the gate as they were recorded, each with what people said of it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import col, select

from interlock.store.database import Database
from interlock.store.tables import Approval, Effect


def decisions(database: Database) -> Iterator[tuple[Effect, Approval | None]]:
    """Every effect that the gate decided and that nobody but people took back, oldest first, and its last request.

    A proposal that was superseded because its decision had grown old was decided again, so it is left out.
    """
    query = (
        select(Effect, Approval)
        .join(Approval, col(Approval.id) == col(Effect.approval_id), isouter=True)
        .where(col(Effect.digest).is_not(None))
        .order_by(col(Effect.created_at), col(Effect.id))
    )
    with database.read() as session:
        for effect, approval in session.exec(query):
            edited = approval is not None and (approval.answer or {}).get("decision") == "edited"
            if effect.verdict is not None and (effect.state != "superseded" or edited):
                yield effect, approval
