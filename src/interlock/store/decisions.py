"""The decisions of the gate as they were recorded, each with what people said of it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import col, select

from interlock.store.database import Database
from interlock.store.tables import Approval, Effect


def decisions(database: Database, newest: int | None = None) -> Iterator[tuple[Effect, Approval | None]]:
    """Every effect that the gate decided and that nobody but people took back, oldest first, and its last request.

    A proposal that was superseded because its decision had grown old was decided again, so it is left out.

    Args:
        newest: only so many, the newest; default is all of them.
    """
    query = (
        select(Effect, Approval)
        .join(Approval, col(Approval.id) == col(Effect.approval_id), isouter=True)
        .where(col(Effect.digest).is_not(None))
    )
    order = (col(Effect.created_at), col(Effect.id))
    with database.read() as session:
        if newest is None:
            found = iter(session.exec(query.order_by(*order)))
        else:
            found = reversed(session.exec(query.order_by(*(each.desc() for each in order)).limit(newest)).all())
        for effect, approval in found:
            edited = approval is not None and (approval.answer or {}).get("decision") == "edited"
            if effect.verdict is not None and (effect.state != "superseded" or edited):
                yield effect, approval
