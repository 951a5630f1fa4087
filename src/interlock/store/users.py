"""The people who have access to the page and the API, and in which roles.

Access and approval are two things: these rows say who comes in and what they find there; which requests a reviewer may
decide is what policies say, with the roles of `policies/people.yaml`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, get_args

from sqlmodel import Session, col, delete, select

from interlock.digest import Json
from interlock.errors import Conflict, NotAuthenticated, NotFound
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.people import known_as
from interlock.store.tables import Credential, User, WebSession

Role = Literal["author", "operator", "reviewer", "admin"]
"""What access is given for; a person may hold several."""

ROLES: frozenset[Role] = frozenset(get_args(Role))

GIVEN_WITH_A_TOKEN: tuple[Role, ...] = ("reviewer",)
"""The roles of somebody who was not known before they were given a token."""


class Users:
    """Adds people, gives them roles, and shuts them out; each change has its audit entry in the same transaction."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    # Reading ------------------------------------------------------------------------------------

    def any(self) -> bool:
        """Whether anybody was ever added."""
        with self._database.read() as session:
            return _any(session)

    def can_sign_in(self) -> bool:
        """Whether somebody has a password."""
        with self._database.read() as session:
            return session.exec(select(User.name).where(col(User.password).is_not(None)).limit(1)).first() is not None

    def get(self, name: str) -> User:
        """The row of a person.

        Raises:
            NotFound: nobody of that name has access.
            DecisionRefused: it is no person's name.
        """
        with self._database.read() as session:
            return get(session, name)

    def find(self, name: str) -> User | None:
        """The row of a person, in the one spelling of their name; None where nobody of that name has access."""
        with self._database.read() as session:
            return session.get(User, name)

    def all(self) -> Sequence[User]:
        """Everybody, by name."""
        with self._database.read() as session:
            return session.exec(select(User).order_by(col(User.name))).all()

    # Changing -----------------------------------------------------------------------------------

    def add(self, name: str, roles: Collection[Role], *, by: str, first: bool = False) -> User:
        """Give a new person access.

        Args:
            first: only while nobody has access and nobody was ever given a token.

        Raises:
            Conflict: the name is taken, or `first` and somebody has come in the meantime.
            DecisionRefused: it is no person's name.
        """
        with self._database.write() as session:
            if first and (_any(session) or session.exec(select(Credential.id).limit(1)).first() is not None):
                raise Conflict("somebody was given access in the meantime; nothing was changed.")
            if session.get(User, known_as(name)) is not None:
                raise Conflict(f"{known_as(name)} has access already; `interlock users list` shows everybody.")
            return admit(session, self._audit, self._clock, known_as(name), roles, by=by)

    def give(self, name: str, roles: Collection[Role], *, by: str) -> User:
        """Let a person hold exactly these roles, from their next request on.

        Raises:
            NotFound: nobody of that name has access.
            Conflict: it would leave nobody who is an admin.
        """
        with self._database.write() as session:
            user = get(session, name)
            if "admin" not in roles:
                _keep_an_admin(session, user)
            before, user.roles = user.roles, sorted(roles)
            if before != user.roles:
                session.add(user)
                told: dict[str, Json] = {"before": list(before), "after": list(user.roles)}
                self._audit.append(session, by, "user.roles", user.name, told)
        return user

    def arrive(self, name: str, *, account: str | None = None, create: bool = False) -> User:
        """The row of somebody whom another server signed in, under their name here.

        An account that was here before comes in as whom it was then; another one does not take over the name.

        Args:
            account: issuer and subject, where the other server tells them.
            create: give whoever is not known access without any role.

        Raises:
            NotAuthenticated: nobody of that name has access, or they were shut out, or it is another's name.
            DecisionRefused: it is no person's name.
        """
        with self._database.write() as session:
            known = session.exec(select(User).where(User.account == account)).first() if account else None
            user = known or session.get(User, known_as(name))
            if user is None:
                if not create:
                    raise NotAuthenticated(f"{known_as(name)} has no access here; an admin gives it.")
                user = admit(session, self._audit, self._clock, known_as(name), (), by=known_as(name), how="arrived")
            if user.disabled_at is not None:
                raise NotAuthenticated(f"{user.name} has no access here; an admin gives it.")
            if account is not None and user.account not in (None, account):
                raise NotAuthenticated(f"{user.name} is somebody else's name here.")
            if account is not None and user.account is None:
                user.account = account
                session.add(user)
                self._audit.append(session, user.name, "user.account", user.name, {"account": account})
        return user

    def disable(self, name: str, *, by: str) -> User:
        """Shut a person out: their sign-ins end, and their tokens and password count no more.

        Raises:
            NotFound: nobody of that name has access.
            Conflict: it would leave nobody who is an admin.
        """
        with self._database.write() as session:
            user = get(session, name)
            if user.disabled_at is None:
                _keep_an_admin(session, user)
                user.disabled_at = self._clock()
                session.add(user)
                session.exec(delete(WebSession).where(col(WebSession.person) == user.name))
                self._audit.append(session, by, "user.disabled", user.name, {})
        return user

    def enable(self, name: str, *, by: str) -> User:
        """Let a person in again, with the roles, tokens and password they had.

        Raises:
            NotFound: nobody of that name has access.
        """
        with self._database.write() as session:
            user = get(session, name)
            if user.disabled_at is not None:
                user.disabled_at = None
                session.add(user)
                self._audit.append(session, by, "user.enabled", user.name, {})
        return user


def admit(
    session: Session, audit: Audit, clock: Clock, name: str, roles: Collection[str], *, by: str, how: str = "added"
) -> User:
    """Write the row of a new person, and its entry."""
    user = User(name=name, roles=sorted(roles), added_by=by, created_at=clock())
    session.add(user)
    session.flush()  # before what refers to it
    told: dict[str, Json] = {"roles": list(user.roles), "how": how}
    audit.append(session, by, "user.added", name, told)
    return user


def enabled(session: Session, name: str) -> User | None:
    """The row of a person who may come in now; None for everybody else."""
    user = session.get(User, name)
    return user if user is not None and user.disabled_at is None else None


def roles_of(user: User) -> frozenset[Role]:
    """The roles that a row holds; a word that is none of them gives nothing."""
    return frozenset(role for role in ROLES if role in user.roles)


def get(session: Session, name: str) -> User:
    """The row of a person.

    Raises:
        NotFound: nobody of that name has access.
        DecisionRefused: it is no person's name.
    """
    user = session.get(User, known_as(name))
    if user is None:
        raise NotFound(f"nobody named {known_as(name)} has access; `interlock users list` shows who has.")
    return user


def _any(session: Session) -> bool:
    return session.exec(select(User.name).limit(1)).first() is not None


def _keep_an_admin(session: Session, user: User) -> None:
    """Raises:
    Conflict: this is the last admin who may come in.
    """
    if "admin" not in user.roles or user.disabled_at is not None:
        return
    others = session.exec(select(User).where(User.name != user.name, col(User.disabled_at).is_(None))).all()
    if not any("admin" in other.roles for other in others):
        raise Conflict(f"{user.name} is the last admin; make somebody else one first.")
