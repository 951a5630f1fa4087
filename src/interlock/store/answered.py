"""Writes that programs repeat: a key and what was sent under it, so that the change happens once, crash or not.

A key is begun before the change.  Whoever then changes something has the first audit entry of that change note the
key in the same transaction, so a key that names a subject was followed by its change, and one that names none was not.
The answer is kept afterwards; where a crash took it, the subject tells what it was about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, delete, select

from interlock.errors import Conflict, InputError
from interlock.store.audit import Clock
from interlock.store.chain import Link
from interlock.store.database import Database
from interlock.store.tables import Answered

KEPT = timedelta(hours=24)
"""How long a key is remembered."""

LEASE = timedelta(minutes=2)
"""After so long without an answer, whoever sends the key again goes on in place of the first, who then changes
nothing more."""

FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True)
class Attempt:
    """One try to do what a key is for; its changes note the key."""

    id: str
    number: int
    person: str
    subject: str | None = None
    """What an earlier try changed before it was cut off, so that nothing is left to do but to answer."""


@dataclass(frozen=True)
class Kept:
    """The answer that was given."""

    status: int
    body: str


class BeingAnswered(Conflict):
    """The same request is being answered now; try again in a moment."""

    retryable = True


class OtherRequest(InputError):
    """The key was sent before with another request; take a new key for a new request."""


_UNDER: ContextVar[Attempt | None] = ContextVar("interlock_attempt", default=None)


class Answers:
    """Remembers keys, each of one person and one route."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, person: str, route: str, key: str, digest: str) -> Attempt | Kept:
        """A try under a key, or the answer that was given to it.

        Args:
            route: method and path, with what the path names.
            digest: of what is sent.

        Raises:
            BeingAnswered: somebody is at it.
            OtherRequest: something else was sent under the key.
        """
        now, identity = self._clock(), _identity(person, route, key)
        with self._database.write() as session:
            self._forget(session)
            row = session.get(Answered, identity)
            if row is None:
                row = Answered(id=identity, digest=digest, created_at=now, begun_at=now)
            elif row.digest != digest:
                raise OtherRequest
            elif row.status is not None:
                return Kept(row.status, row.body or "")
            elif now < row.begun_at + LEASE:
                raise BeingAnswered
            row.attempt, row.begun_at = row.attempt + 1, now
            session.add(row)
        return Attempt(identity, row.attempt, person, row.subject)

    @contextmanager
    def under(self, attempt: Attempt) -> Iterator[None]:
        """In this block and thread, what the attempt's person changes notes the key in its own transaction."""
        token = _UNDER.set(attempt)
        try:
            yield
        finally:
            _UNDER.reset(token)

    def heard(self, session: Session, entry: Link) -> None:
        """Note the key with the first change under it.

        Raises:
            Conflict: somebody else went on with the key, so nothing of the transaction is kept.
        """
        attempt = _UNDER.get()
        if attempt is None or entry.actor != attempt.person:
            return
        row = session.get(Answered, attempt.id)
        if row is None or row.attempt != attempt.number:
            raise Conflict("another try with the same key goes on with this; this one changed nothing.")
        if row.subject is None:
            row.subject = entry.subject
            session.add(row)

    def finish(self, attempt: Attempt, status: int, body: str) -> None:
        """Keep the answer."""
        with self._database.write() as session:
            row = session.get(Answered, attempt.id)
            if row is not None and row.attempt == attempt.number:
                row.status, row.body = status, body
                session.add(row)

    def drop(self, attempt: Attempt) -> None:
        """Forget a key under which nothing was changed: what was refused may be tried again."""
        with self._database.write() as session:
            row = session.get(Answered, attempt.id)
            if row is not None and row.attempt == attempt.number and row.subject is None:
                session.delete(row)

    def _forget(self, session: Session) -> None:
        old = select(Answered.id).where(col(Answered.created_at) < self._clock() - KEPT).limit(FORGOTTEN_AT_ONCE)
        session.exec(delete(Answered).where(col(Answered.id).in_(old)))


def _identity(person: str, route: str, key: str) -> str:
    """What finds a key; of the key itself only this is kept."""
    return hashlib.sha256("\0".join((person, route, key)).encode()).hexdigest()
