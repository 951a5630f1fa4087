"""Proof of who somebody is: tokens, of which only a hash is kept.

A token is `ilk_ID_SECRET`.  The id finds the row, the secret (256 random bits) is compared by its Argon2id hash
(RFC 9106).  A token that names no row costs the same work as a wrong one, so no answer's time tells which ids
there are.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher
from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.errors import Conflict, NotAuthenticated, NotFound
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.hashing import matches
from interlock.store.misuses import UNKNOWN, Misuses
from interlock.store.ownership import not_owner, shared
from interlock.store.people import known_as
from interlock.store.tables import Credential, User
from interlock.store.users import GIVEN_WITH_A_TOKEN, admit, enabled

TOKEN = re.compile(r"ilk_([0-9a-f]{12})_([0-9a-f]{64})")

KEPT = 1_000
"""Tokens that are not hashed again at their next use, at most."""

USED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a token is known."""


class Credentials:
    """Issues, checks and revokes tokens; `home` is the folder whose owner may always issue one."""

    def __init__(
        self, database: Database, audit: Audit, clock: Clock, home: Path, hasher: PasswordHasher | None = None
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._home = home
        self.hasher = hasher or PasswordHasher()
        """How tokens are hashed; passwords too."""
        self._proven: dict[bytes, str] = {}
        """The hash that a token was found to have, by the token's SHA-256."""
        self._misuses = Misuses(database, audit, clock)

    # Where names need proof ---------------------------------------------------------------------

    def needed(self) -> str | None:
        """Why a name needs proof here; None in a single-user home, where it is taken at its word.

        A home is single-user while no token was ever issued in it and nobody but the login that runs this
        process can write to its database.
        """
        if self.issued():
            return "people have tokens here"
        return shared(self._database.url)

    def issued(self) -> bool:
        """Whether a token was ever issued in this home."""
        with self._database.read() as session:
            return _any(session)

    def not_owner(self) -> str | None:
        """Why the login that runs this process does not own this home; None where it does."""
        because = not_owner(self._home, self._database.url)
        if because is None:
            with self._database.read() as session:
                if not self._audit.seals(session):
                    return f"the key in {self._home} is not the one that this database's audit is sealed with"
        return because

    # Issuing ------------------------------------------------------------------------------------

    def issue(
        self, person: str, *, by: str, lasting: timedelta, note: str = "", first: bool = False
    ) -> tuple[Credential, str]:
        """A new token of a person, which may have several; the secret is told here and never again.

        Whoever had no access before is given it, as a reviewer.

        Args:
            first: only while none was ever issued.

        Raises:
            DecisionRefused: it is no person's name.
            Conflict: `first`, and somebody has issued one in the meantime.
        """
        name, now = known_as(person), self._clock()
        identity = secrets.token_hex(6)
        token = f"ilk_{identity}_{secrets.token_hex(32)}"
        credential = Credential(
            id=identity,
            person=name,
            hash=self.hasher.hash(token),
            note=note,
            issued_by=by,
            created_at=now,
            expires_at=now + lasting,
        )
        with self._database.write() as session:
            if first and _any(session):
                raise Conflict("somebody has issued the first token in the meantime; nothing was changed.")
            if session.get(User, name) is None:
                admit(session, self._audit, self._clock, name, GIVEN_WITH_A_TOKEN, by=by, how="given a token")
            session.add(credential)
            told: dict[str, Json] = {"person": name, "expires_at": credential.expires_at.isoformat(), "note": note}
            self._audit.append(session, by, "credential.issued", identity, told)
        return credential, token

    def revoke(self, identity: str, *, by: str) -> Credential:
        """Make a token worthless from now on; one that is revoked already stays as it is.

        Raises:
            NotFound: there is no token of that id.
        """
        with self._database.write() as session:
            credential = session.get(Credential, identity)
            if credential is None:
                raise NotFound(f"there is no token {identity}; `interlock people list` shows them.")
            if credential.revoked_at is None:
                credential.revoked_at = self._clock()
                session.add(credential)
                self._audit.append(session, by, "credential.revoked", identity, {"person": credential.person})
        return credential

    def all(self, person: str | None = None) -> Sequence[Credential]:
        """Every token that was issued, or those of one person; oldest first."""
        query = select(Credential).order_by(col(Credential.created_at), col(Credential.id))
        with self._database.read() as session:
            return session.exec(query.where(Credential.person == known_as(person)) if person else query).all()

    # Checking -----------------------------------------------------------------------------------

    def check(self, token: str, *, claimed: str | None = None) -> Credential:
        """The credential of a valid token.

        Args:
            claimed: the name that its holder goes by; it must be the token's own.

        Raises:
            NotAuthenticated: the token is unknown here, wrong, expired, revoked, or somebody else's.
        """
        found = TOKEN.fullmatch(token)
        with self._database.read() as session:
            credential = session.get(Credential, found[1]) if found else None
        if not self._matches(credential, token) or credential is None:
            self._refuse(credential.id if credential else UNKNOWN, UNKNOWN, "it is no token of this home")
            raise NotAuthenticated("this token is not valid here; ask for a new one: interlock people token NAME.")
        now = self._clock()
        if because := self._ended(credential, now):
            self._refuse(credential.id, credential.person, because)
            raise NotAuthenticated(f"this token {because}; ask for a new one: interlock people token NAME.")
        if claimed is not None and known_as(claimed) != credential.person:
            self._refuse(credential.id, credential.person, f"it was used as {known_as(claimed)}")
            raise NotAuthenticated(
                f"this is not the token of {claimed}, but of {credential.person}; act under your own name."
            )
        self._use(credential, token, now)
        return credential

    def person(self, credential_id: str) -> str | None:
        """Whose token has this id; proves nothing."""
        with self._database.read() as session:
            credential = session.get(Credential, credential_id)
        return credential.person if credential else None

    def _matches(self, credential: Credential | None, token: str) -> bool:
        """Whether the token has the row's hash; the same work is done where there is no row.

        A token that had this very hash before in this process is not hashed again: it has 256 random bits, so that
        what is kept of it here tells nobody anything.
        """
        if credential is None:
            return matches(self.hasher, None, token[:256])
        shown = hashlib.sha256(token.encode()).digest()
        if self._proven.get(shown) == credential.hash:
            return True
        right = matches(self.hasher, credential.hash, token[:256])
        if right:
            if len(self._proven) >= KEPT:
                self._proven.clear()
            self._proven[shown] = credential.hash
        return right

    def _ended(self, credential: Credential, now: datetime) -> str | None:
        """Why a token counts no more, or None."""
        if because := ended(credential, now):
            return because
        with self._database.read() as session:
            return None if enabled(session, credential.person) else "is that of somebody who was shut out"

    def _use(self, credential: Credential, token: str, now: datetime) -> None:
        """Note the use, and hash the token again where today's parameters are stronger."""
        weak = self.hasher.check_needs_rehash(credential.hash)
        recent = credential.last_used_at is not None and now - credential.last_used_at < USED_EVERY
        if recent and not weak:
            return
        stronger = self.hasher.hash(token) if weak else None
        with self._database.write() as session:
            row = session.get_one(Credential, credential.id)
            row.last_used_at = now
            if stronger is not None:
                row.hash = stronger
                self._audit.append(session, row.person, "credential.rehashed", row.id, {})
            session.add(row)

    def _refuse(self, about: str, actor: str, because: str) -> None:
        self._misuses.note("credential.refused", about, because, actor=actor)


def _any(session: Session) -> bool:
    return session.exec(select(Credential.id).limit(1)).first() is not None


def ended(credential: Credential, now: datetime) -> str | None:
    """Why a token counts no more by itself, or None."""
    if credential.revoked_at is not None:
        return "was revoked"
    return "has expired" if now >= credential.expires_at else None
