"""How the whole house stands, counted in the database: runs, requests, messages, the record, the database itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select as sql_select
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from interlock.store.database import Database
from interlock.store.tables import Entry, Meta, Notice, Pause, Row, Run


@dataclass(frozen=True)
class Waiting:
    """Some that wait, and since when the first of them does."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class Asked:
    """Requests that wait for people of certain roles."""

    roles: tuple[str, ...]
    """All of them are needed; none: anybody but those who proposed it."""
    kind: str
    waiting: Waiting
    next_due: datetime | None
    """When the first of them is refused because nobody decided."""


@dataclass(frozen=True)
class Health:
    """What a look at the database tells."""

    runs: Mapping[str, Waiting]
    """Runs that have not ended, child runs included, by status; the oldest by when it last changed."""
    asked: Sequence[Asked]
    events: Waiting
    moments: Waiting
    due: Waiting
    """Messages to people outside that are yet to be delivered."""
    given_up: int
    """Messages that could not be."""
    last_entry: datetime | None
    """When the audit was last written."""
    schema: str
    bytes: int | None
    """What the database takes on disk; None where it does not say."""


def health(database: Database) -> Health:
    """Look at all of it in one transaction.

    Raises:
        StoreUnavailable: the database cannot be read now.
    """
    with database.read() as session:
        known = session.get(Meta, "schema")
        last = select(Entry.at).order_by(col(Entry.seq).desc()).limit(1)
        return Health(
            runs=_runs(session),
            asked=_asked(session),
            events=_waiting(session, Pause, col(Pause.state) == "waiting", col(Pause.event).is_not(None)),
            moments=_waiting(session, Pause, col(Pause.state) == "waiting", col(Pause.event).is_(None)),
            due=_waiting(session, Notice, col(Notice.state) == "due"),
            given_up=session.exec(select(func.count()).where(Notice.state == "given_up")).one(),
            last_entry=session.exec(last).first(),
            schema=known.value if known else "",
            bytes=_bytes(session, database),
        )


def _runs(session: Session) -> dict[str, Waiting]:
    living = col(Run.status).in_(("created", "running", "waiting"))
    query = select(Run.status, func.count(), func.min(Run.updated_at)).where(living).group_by(col(Run.status))
    return {status: Waiting(count, oldest) for status, count, oldest in session.exec(query)}


def _asked(session: Session) -> list[Asked]:
    row = Row.metadata.tables["approvals"].c
    role = row.requirement["role"].as_string()
    query = sql_select(row.kind, role, func.count(), func.min(row.created_at), func.min(row.decide_before))
    query = query.where(row.state == "waiting").group_by(row.kind, role).order_by(role, row.kind)
    return [
        Asked(_roles(roles), kind, Waiting(count, oldest), due)
        for kind, roles, count, oldest, due in session.execute(query)
    ]


def _roles(told: str | None) -> tuple[str, ...]:
    """The roles of a requirement, which are one or a list."""
    if told is None or not told.startswith("["):
        return (told,) if told else ()
    return tuple(sorted(json.loads(told)))


def _waiting(session: Session, what: Any, *conditions: Any) -> Waiting:
    query = select(func.count(), func.min(what.created_at)).select_from(what).where(*conditions)
    count, oldest = session.exec(query).one()
    return Waiting(count, oldest)


def _bytes(session: Session, database: Database) -> int | None:
    query = (
        "SELECT pg_database_size(current_database())"
        if database.shared
        else ("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
    )
    found = session.execute(text(query)).scalar()
    return int(found) if found is not None else None
