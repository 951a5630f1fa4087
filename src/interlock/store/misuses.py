"""Refused tokens and passwords in the audit: told once in a while, with how many came between."""

from __future__ import annotations

from datetime import timedelta

from interlock.digest import Json
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.tables import Misuse

NOTED_EVERY = timedelta(minutes=1)
"""Refusals are told at most once in this time for each credential and each person."""

UNKNOWN = "unknown"
"""Whom the audit names where nobody was proven; also what it says the refused token was, where it names no row."""


class Misuses:
    """Counts refusals, so that whoever tries all day fills no disk."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def note(self, event: str, about: str, because: str, *, actor: str = UNKNOWN, subject: str | None = None) -> None:
        """Tell the audit of a refusal, unless it was told of one like it just now.

        Args:
            about: what is counted together.
            subject: how the audit names it, where that is not the same.
        """
        now = self._clock()
        with self._database.write() as session:
            row = session.get(Misuse, about)
            if row is not None and now - row.noted_at < NOTED_EVERY:
                row.unnoted += 1
            else:
                told: dict[str, Json] = {"because": because, "unnoted_before": row.unnoted if row else 0}
                self._audit.append(session, actor, event, subject or about, told)
                row = row or Misuse(about=about, noted_at=now)
                row.unnoted, row.noted_at = 0, now
            session.add(row)
