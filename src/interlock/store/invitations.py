"""Links that let a person set a password, once: a random value, of which only a hash is kept, in this home alone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlmodel import Session, col, select

from interlock.errors import NotAuthenticated
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.passwords import Passwords, write
from interlock.store.people import known_as
from interlock.store.tables import Invitation, User
from interlock.store.users import Role, Users, enabled, get

LASTING = timedelta(minutes=15)
"""How long a link counts."""

FIRST_ADMIN = "admin"
"""Whom a new home is opened for; they get every role, for there is nobody else."""


class Invitations:
    """Makes links, and takes them back; the value has 256 random bits, so a plain SHA-256 keeps it."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, users: Users, passwords: Passwords) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._users = users
        self._passwords = passwords

    def issue(self, name: str, *, by: str) -> str:
        """The value of a new link for a person; links that they were given before count no more.

        Raises:
            NotFound: nobody of that name has access.
        """
        now, value = self._clock(), secrets.token_hex(32)
        with self._database.write() as session:
            person = get(session, name).name
            open_ones = select(Invitation).where(Invitation.person == person, col(Invitation.used_at).is_(None))
            for row in session.exec(open_ones.where(col(Invitation.expires_at) > now)).all():
                row.expires_at = now
                session.add(row)
            session.add(
                Invitation(
                    id=_hash(value), person=person, issued_by=by, created_at=now, expires_at=now + LASTING
                )
            )  # fmt: skip
            self._audit.append(session, by, "invitation.issued", person, {"until": (now + LASTING).isoformat()})
        return value

    def open_home(self, roles: frozenset[Role], *, by: str) -> str:
        """Make the first admin of a home in which nobody has access, and the value of their link.

        Raises:
            Conflict: somebody has access already, or was given a token.
        """
        self._users.add(FIRST_ADMIN, roles, by=by, first=True)
        return self.issue(FIRST_ADMIN, by=by)

    def person(self, value: str) -> str | None:
        """Whom a link is for; None where it is none, was used, is too old, or its person was shut out."""
        with self._database.read() as session:
            found = self._usable(session, value)
        return found.person if found else None

    def use(self, value: str, password: str) -> User:
        """Set the password of the person whom a link is for; after that the link counts no more.

        Raises:
            NotAuthenticated: see `person`.
            DecisionRefused: the password is not taken; the link can still be used.
        """
        if (person := self.person(value)) is None:
            raise NotAuthenticated("this link is not valid here, or no longer; ask for a new one.")
        hashed = self._passwords.hash(password, known_as(person))
        with self._database.write() as session:
            row = self._usable(session, value)
            if row is None:  # somebody was faster
                raise NotAuthenticated("this link is not valid here, or no longer; ask for a new one.")
            row.used_at = self._clock()
            session.add(row)
            self._audit.append(session, person, "invitation.used", person, {"issued_by": row.issued_by})
            return write(session, self._audit, person, hashed, by=person)

    def _usable(self, session: Session, value: str) -> Invitation | None:
        row = session.get(Invitation, _hash(value))
        if row is None or row.used_at is not None or self._clock() >= row.expires_at:
            return None
        return row if enabled(session, row.person) else None


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
