"""Sign-ins at the page: a random value in a cookie, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session, col, delete, select

from interlock.errors import NotAuthenticated, NotFound
from interlock.store.audit import Audit, Clock
from interlock.store.credentials import ended
from interlock.store.database import Database
from interlock.store.tables import Credential, User, WebSession
from interlock.store.users import enabled

LASTING = timedelta(hours=8)
"""How long a sign-in counts, used or not."""

SHORT = 12
"""So many digits of a hash name a sign-in to people."""

Way = Literal["token", "password", "invitation", "account"]
"""How somebody signed in."""


class Sessions:
    """Begins, finds and ends sign-ins.

    The value has 256 random bits, so a plain SHA-256 keeps it: there is nothing to guess.
    """

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def begin(
        self, proven: User, way: Way, *, credential: Credential | None = None, instead_of: str | None = None
    ) -> str:
        """A new sign-in; returns the value of its cookie, which was never known to anybody before.

        Args:
            proven: who signs in, as their row was when they proved it.
            credential: the token, where it is one.
            instead_of: the value that the browser brought, which ends here.

        Raises:
            NotAuthenticated: they were shut out, or their password was changed, in the meantime.
        """
        now, value, person = self._clock(), secrets.token_hex(32), proven.name
        with self._database.write() as session:
            user = enabled(session, person)
            if user is None or user.password != proven.password:
                raise NotAuthenticated
            session.exec(delete(WebSession).where(col(WebSession.expires_at) <= now))
            if instead_of is not None and (old := session.get(WebSession, _hash(instead_of))):
                session.delete(old)
            session.add(
                WebSession(
                    id=_hash(value),
                    person=person,
                    way=way,
                    credential_id=credential.id if credential else None,
                    created_at=now,
                    expires_at=min(now + LASTING, credential.expires_at) if credential else now + LASTING,
                )
            )
            subject = credential.id if credential else person
            self._audit.append(session, person, "session.begun", subject, {"way": way})
        return value

    def user(self, value: str) -> User | None:
        """Whose sign-in this is, as their row is now.

        None where it is none, is over, its token expired or was revoked, or its person was shut out.
        """
        now = self._clock()
        with self._database.read() as session:
            found = session.get(WebSession, _hash(value))
            if found is None or not _stands(session, found, now):
                return None
            return enabled(session, found.person)

    def of(self, person: str) -> Sequence[WebSession]:
        """The sign-ins of a person that count now, oldest first."""
        now = self._clock()
        with self._database.read() as session:
            query = select(WebSession).where(WebSession.person == person).order_by(col(WebSession.created_at))
            return [row for row in session.exec(query).all() if _stands(session, row, now)]

    def end(self, value: str) -> None:
        """Sign out; a value that is no sign-in is passed over."""
        with self._database.write() as session:
            if found := session.get(WebSession, _hash(value)):
                session.delete(found)
                self._audit.append(session, found.person, "session.ended", found.credential_id or found.person, {})

    def end_of(self, person: str, short: str, *, by: str) -> None:
        """End one sign-in of a person, named by the first digits of its hash.

        Raises:
            NotFound: there is none.
        """
        with self._database.write() as session:
            rows = session.exec(select(WebSession).where(WebSession.person == person)).all()
            found = [row for row in rows if row.id[:SHORT] == short]
            if not found:
                raise NotFound(f"{person} has no sign-in {short}.")
            for row in found:
                session.delete(row)
            self._audit.append(session, by, "session.ended", person, {"sign_in": short})


def end_all(session: Session, person: str) -> None:
    """End every sign-in of a person; whoever calls it tells the audit why."""
    session.exec(delete(WebSession).where(col(WebSession.person) == person))


def _stands(session: Session, row: WebSession, now: datetime) -> bool:
    """Whether a sign-in counts, as far as its time and its token go."""
    if now >= row.expires_at:
        return False
    if row.credential_id is None:
        return True
    credential = session.get(Credential, row.credential_id)
    return credential is not None and ended(credential, now) is None


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
