"""Sign-ins at the page: a random value in a cookie, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlmodel import col, delete

from interlock.store.audit import Audit, Clock
from interlock.store.credentials import Credentials
from interlock.store.database import Database
from interlock.store.tables import Credential, WebSession

LASTING = timedelta(hours=8)
"""How long a sign-in counts, used or not."""


class Sessions:
    """Begins, finds and ends sign-ins.

    The value has 256 random bits, so a plain SHA-256 keeps it: there is nothing to guess.
    """

    def __init__(self, database: Database, audit: Audit, clock: Clock, credentials: Credentials) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._credentials = credentials

    def begin(self, credential: Credential, *, instead_of: str | None = None) -> str:
        """A new sign-in; returns the value of its cookie, which was never known to anybody before.

        Args:
            instead_of: the value that the browser brought, which ends here.
        """
        now, value = self._clock(), secrets.token_hex(32)
        with self._database.write() as session:
            session.exec(delete(WebSession).where(col(WebSession.expires_at) <= now))
            if instead_of is not None and (old := session.get(WebSession, _hash(instead_of))):
                session.delete(old)
            session.add(
                WebSession(
                    id=_hash(value),
                    person=credential.person,
                    credential_id=credential.id,
                    created_at=now,
                    expires_at=min(now + LASTING, credential.expires_at),
                )
            )
            self._audit.append(session, credential.person, "session.begun", credential.id, {})
        return value

    def person(self, value: str) -> str | None:
        """Whose sign-in this is; None where it is none, is over, or its token expired or was revoked."""
        with self._database.read() as session:
            found = session.get(WebSession, _hash(value))
        if found is None or self._clock() >= found.expires_at:
            return None
        return found.person if self._credentials.stands(found.credential_id) else None

    def end(self, value: str) -> None:
        """Sign out; a value that is no sign-in is passed over."""
        with self._database.write() as session:
            if found := session.get(WebSession, _hash(value)):
                session.delete(found)
                self._audit.append(session, found.person, "session.ended", found.credential_id, {})


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
