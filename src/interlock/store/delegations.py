"""Delegations: one person's right to vote, given to another for a time; explicit, dated and not passed on.

A delegate votes as themselves on behalf of whoever delegated.  What they may do is what the delegator
may do at that moment, within the role that was named.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from interlock.digest import Json
from interlock.errors import DecisionRefused, NotFound
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.people import Roster, known_as
from interlock.store.tables import Delegation


class Delegations:
    """Gives, revokes and reads delegations."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, roster: Roster) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._roster = roster

    def give(
        self, delegator: str, delegate: str, *, begins_at: datetime, ends_at: datetime, role: str | None = None
    ) -> Delegation:
        """Let `delegate` vote on behalf of `delegator` from `begins_at` until `ends_at`.

        Args:
            role: the one role it is for; default is every role that the delegator holds.

        Raises:
            DecisionRefused: the times, the people or the role do not allow it; nothing was given.
        """
        now, giver, taker = self._clock(), known_as(delegator), known_as(delegate)
        self._sound(giver, taker, role)
        if begins_at.tzinfo is None or ends_at.tzinfo is None or not max(begins_at, now) < ends_at:
            raise DecisionRefused("a delegation ends after it begins, and after now; nothing was given.")
        row = Delegation(
            id=f"dg-{secrets.token_hex(5)}", delegator=giver, delegate=taker, role=role,
            begins_at=begins_at, ends_at=ends_at, created_at=now,
        )  # fmt: skip
        with self._database.write() as session:
            for other in session.exec(_touching(giver, taker).where(col(Delegation.revoked_at).is_(None))):
                if _overlap(row, other):
                    _refuse_beside(row, other)
            session.add(row)
            session.flush()
            self._audit.append(session, giver, "delegation.given", row.id, _told(row))
        return row

    def revoke(self, delegation_id: str, person: str) -> Delegation:
        """End a delegation now; the delegator may, and so may the delegate, who need not accept it.

        Raises:
            NotFound: there is none of that id.
            DecisionRefused: it is over, or it is somebody else's.
        """
        now, name = self._clock(), known_as(person)
        with self._database.write() as session:
            row = session.get(Delegation, delegation_id)
            if row is None:
                raise NotFound(f"there is no delegation {delegation_id}; `interlock review delegations` lists them.")
            if name not in (row.delegator, row.delegate):
                raise DecisionRefused(f"{row.id} is between {row.delegator} and {row.delegate}; only they revoke it.")
            if row.revoked_at is not None or row.ends_at < now:
                raise DecisionRefused(f"{standing(row, now)}; there is nothing to revoke.")
            row.revoked_at, row.revoked_by = now, name
            session.add(row)
            session.flush()
            self._audit.append(session, name, "delegation.revoked", row.id, _told(row))
        return row

    def all(self) -> Sequence[Delegation]:
        """Every delegation there was, oldest first."""
        with self._database.read() as session:
            return session.exec(select(Delegation).order_by(col(Delegation.created_at), col(Delegation.id))).all()

    def standing(self, limit: int) -> Sequence[Delegation]:
        """Those in force and those to come, in the order in which they begin; at most so many."""
        query = select(Delegation).where(col(Delegation.revoked_at).is_(None), col(Delegation.ends_at) >= self._clock())
        with self._database.read() as session:
            return session.exec(query.order_by(col(Delegation.begins_at), col(Delegation.id)).limit(limit)).all()

    def between(self, session: Session, delegator: str, delegate: str) -> Sequence[Delegation]:
        """Every delegation from one person to another, in the order in which they end."""
        query = select(Delegation).where(Delegation.delegator == delegator, Delegation.delegate == delegate)
        return session.exec(query.order_by(col(Delegation.ends_at))).all()

    def current(self, session: Session, now: datetime, *, of: Collection[str] | None = None) -> Sequence[Delegation]:
        """The delegations in force at `now`, of these delegators or of all."""
        query = select(Delegation).where(
            col(Delegation.revoked_at).is_(None), col(Delegation.begins_at) <= now, col(Delegation.ends_at) >= now
        )
        if of is not None:
            query = query.where(col(Delegation.delegator).in_(of))
        return session.exec(query.order_by(col(Delegation.created_at), col(Delegation.id))).all()

    def _sound(self, giver: str, taker: str, role: str | None) -> None:
        if giver == taker:
            raise DecisionRefused(f"{giver} votes for themselves already; delegate to somebody else.")
        for name in (giver, taker):
            if name not in self._roster:
                raise DecisionRefused(f"policies/people.yaml does not name {name}; nothing was given.")
        held = self._roster.roles(giver)
        if not held:
            raise DecisionRefused(f"{giver} holds no role, so there is nothing to delegate.")
        if role is not None and role not in held:
            raise DecisionRefused(f"{giver} does not hold the role {role}; they hold {', '.join(sorted(held))}.")


def in_force(row: Delegation, now: datetime) -> bool:
    """Whether a delegation holds at `now`; its last moment counts."""
    return row.revoked_at is None and row.begins_at <= now <= row.ends_at


def standing(row: Delegation, now: datetime) -> str:
    """How a delegation stands, as a sentence without its full stop."""
    what = f"the delegation of {row.role or 'every role'} from {row.delegator} to {row.delegate}"
    if row.revoked_at is not None:
        return f"{what} was revoked by {row.revoked_by} at {_minute(row.revoked_at)}"
    if now < row.begins_at:
        return f"{what} begins only at {_minute(row.begins_at)}"
    if row.ends_at < now:
        return f"{what} expired at {_minute(row.ends_at)}"
    return f"{what} holds until {_minute(row.ends_at)}"


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _touching(giver: str, taker: str) -> SelectOfScalar[Delegation]:
    """The delegations that, beside a new one, would pass a vote on or give it twice."""
    return select(Delegation).where(
        or_(
            col(Delegation.delegate) == giver,
            col(Delegation.delegator) == taker,
            (col(Delegation.delegator) == giver) & (col(Delegation.delegate) == taker),
        )
    )


def _overlap(row: Delegation, other: Delegation) -> bool:
    in_time = row.begins_at <= other.ends_at and other.begins_at <= row.ends_at
    return in_time and (row.role is None or other.role is None or row.role == other.role)


def _refuse_beside(row: Delegation, other: Delegation) -> None:
    """Raises:
    DecisionRefused: always, saying why `row` cannot stand beside `other`.
    """
    if (row.delegator, row.delegate) == (other.delegator, other.delegate):
        raise DecisionRefused(f"{other.id} says so already, until {_minute(other.ends_at)}; revoke it first.")
    if other.delegate == row.delegator:
        raise DecisionRefused(
            f"{row.delegator} votes on behalf of {other.delegator} in that time ({other.id}), and what was delegated "
            "is not passed on; revoke it first."
        )
    raise DecisionRefused(
        f"{row.delegate} has delegated to {other.delegate} in that time ({other.id}), and what was delegated is not "
        "passed on; choose somebody else."
    )


def _told(row: Delegation) -> dict[str, Json]:
    return {
        "delegator": row.delegator,
        "delegate": row.delegate,
        "role": row.role,
        "from": row.begins_at.isoformat(),
        "until": row.ends_at.isoformat(),
    }
