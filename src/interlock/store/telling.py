"""Tells of audit entries once the transaction that wrote them is committed, and never of one that was not."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import event
from sqlmodel import Session

from interlock.store.chain import Link

_TOLD = "entries_to_tell"


class Telling:
    """Calls `tell` with each committed entry, in their order."""

    def __init__(self, tell: Callable[[Link], None]) -> None:
        self._tell = tell

    def heard(self, session: Session, entry: Link) -> None:
        """Remember an entry until its transaction is committed."""
        if _TOLD not in session.info:
            session.info[_TOLD] = []
            event.listen(session, "after_commit", self._committed, once=True)
        session.info[_TOLD].append(entry)

    def _committed(self, session: Session) -> None:
        for entry in session.info.pop(_TOLD):
            self._tell(entry)
