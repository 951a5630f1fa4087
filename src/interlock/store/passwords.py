"""Passwords: which are taken, and whether one is somebody's; only their Argon2id hash is kept."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from itertools import pairwise

from argon2 import PasswordHasher
from sqlmodel import Session

from interlock.errors import DecisionRefused, NotAuthenticated
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.hashing import matches
from interlock.store.misuses import UNKNOWN, Misuses
from interlock.store.people import PERSON, known_as
from interlock.store.sessions import end_all
from interlock.store.tables import User
from interlock.store.users import enabled, get

SHORTEST = 12
LONGEST = 256
"""Characters of a password."""

FEWEST = 5
"""Different characters that a password has at least."""

WORDS = (
    "abcdef", "administrator", "admin", "approval", "approve", "asdfghjkl", "asdfgh", "baseball", "batterystaple",
    "changeit", "changeme", "company", "correcthorse", "default", "dragon", "football", "hello", "iloveyou",
    "interlock", "letmein", "login", "master", "monkey", "newpassword", "nothing", "passwd", "password", "passwort",
    "princess", "qazwsx", "qwertyuiop", "qwertz", "qwerty", "reviewer", "secret", "server", "summer", "sunshine",
    "superman", "temp", "test", "trustno", "user", "welcome", "whatever", "winter", "zxcvbnm",
)  # fmt: skip
"""What many people choose, in small letters; a password made of these, digits and signs is obvious."""

_MEANT = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
"""Letters for which many people write a digit or a sign."""

BUCKETS = 256
"""Names that nobody has are counted in so many groups: the same work as for a known one, and a bounded table."""


def fault(password: str, person: str) -> str | None:
    """Why a password is not taken for a person; None where it is."""
    if len(password) < SHORTEST:
        return f"a password has {SHORTEST} characters or more"
    if len(password) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    if len(set(password.casefold())) < FEWEST:
        return f"a password has {FEWEST} different characters or more"
    if _obvious(password.casefold(), person):
        return "this password is among the first that anybody would try"
    return None


def require(password: str, person: str) -> None:
    """Take a password for a person, or say why not.

    Raises:
        DecisionRefused: it is too short, too long, or obvious.
    """
    if because := fault(normal(password), person):
        raise DecisionRefused(f"{because}; choose another one. Nothing was changed.")


def normal(password: str) -> str:
    """One spelling of a password, whichever keyboard wrote it (NIST SP 800-63B, section 3.1.1.2)."""
    return unicodedata.normalize("NFC", password)


class Passwords:
    """Sets and checks passwords."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, hasher: PasswordHasher) -> None:
        self._database = database
        self._audit = audit
        self._hasher = hasher
        self._misuses = Misuses(database, audit, clock)

    def hash(self, password: str, person: str) -> str:
        """The hash of a password that is taken for a person.

        Raises:
            DecisionRefused: see `require`.
        """
        require(password, person)
        return self._hasher.hash(normal(password))

    def set(self, name: str, password: str, *, by: str) -> None:
        """Give a person a password; every sign-in of theirs ends.

        Raises:
            NotFound: nobody of that name has access.
            DecisionRefused: see `require`.
        """
        person = known_as(name)
        hashed = self.hash(password, person)
        with self._database.write() as session:
            write(session, self._audit, person, hashed, by=by)

    def check(self, name: str, password: str) -> User:
        """Whose name and password these are; the same work is done whatever is wrong with them.

        Raises:
            NotAuthenticated: nobody's, or somebody's who was shut out.
        """
        person = unicodedata.normalize("NFKC", name).casefold()
        known = PERSON.fullmatch(person) is not None
        with self._database.read() as session:
            user = enabled(session, person) if known else None
        right = matches(self._hasher, user.password if user else None, normal(password[: LONGEST + 1]))
        if not right or user is None or user.password is None:
            self._refuse(person, user)
            raise NotAuthenticated("this name and password are not valid here.")
        if self._hasher.check_needs_rehash(user.password):
            return self._strengthen(user, password)
        return user

    def _refuse(self, person: str, user: User | None) -> None:
        group = int.from_bytes(hashlib.sha256(person.encode()).digest()[:2]) % BUCKETS
        about = f"password {user.name}" if user else f"password {UNKNOWN} {group}"
        subject = user.name if user else UNKNOWN
        self._misuses.note("password.refused", about, "it is no password of theirs", subject=subject)

    def _strengthen(self, user: User, password: str) -> User:
        """Hash the password again where today's parameters are stronger."""
        stronger = self._hasher.hash(normal(password))
        with self._database.write() as session:
            row = session.get_one(User, user.name)
            if row.password == user.password:
                row.password = stronger
                session.add(row)
                self._audit.append(session, row.name, "password.rehashed", row.name, {})
        return row


def write(session: Session, audit: Audit, person: str, hashed: str, *, by: str) -> User:
    """Write the hash of a new password, end the sign-ins under the old one, and tell the audit.

    Raises:
        NotFound: nobody of that name has access.
    """
    user = get(session, person)
    user.password = hashed
    session.add(user)
    end_all(session, person)
    audit.append(session, by, "user.password", person, {})
    return user


def _obvious(password: str, person: str) -> bool:
    """Whether a password is only obvious words, digits, signs, rows of keys, or one short piece again and again."""
    names = [part for part in re.split(r"[\W_]+", person) if len(part) > 2]
    for text in (password, password.translate(_MEANT)):
        letters = re.sub(r"[\W\d_]+", "", text)
        for word in sorted((*WORDS, *names, *(name[::-1] for name in names)), key=len, reverse=True):
            letters = letters.replace(word, "")
        if len(letters) < FEWEST:
            return True
    return any(password == (password[:size] * len(password))[: len(password)] for size in range(1, 6)) or _is_row(
        password
    )


def _is_row(text: str) -> bool:
    """Whether nearly every character follows the one before it, or precedes it, as in abcdefghijkl."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    return max(steps.count(1), steps.count(-1)) >= len(steps) - 2
