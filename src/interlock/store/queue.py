"""The queue of requests as people look at it: filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from interlock.store.electorate import Electorate
from interlock.store.pages import Page, cut, ordered
from interlock.store.tables import Approval, Run

LOOKED_AT = 2_000
"""Requests that are looked at for one page of those that a person may decide: the page may then be short, or empty."""


@dataclass(frozen=True)
class Sought:
    """What is looked for; what is None or empty is not asked about."""

    states: Collection[str] = ("waiting",)
    kinds: Collection[str] = ()
    risk: str | None = None
    graph: str | None = None
    action: str | None = None
    run: str | None = None
    """A run, with every run below it."""
    text: str | None = None
    """A part of the title, the action, the step, or the ids of the request and its run, in any letters."""
    newest: bool = False
    """The newest first instead of the oldest."""

    def query(self) -> Any:
        query = select(Approval)
        title, action, risk = (col(Approval.request)[name].as_string() for name in ("title", "action", "risk"))
        if self.states:
            query = query.where(col(Approval.state).in_(self.states))
        if self.kinds:
            query = query.where(col(Approval.kind).in_(self.kinds))
        if self.risk is not None:
            query = query.where(risk == self.risk)
        if self.action is not None:
            query = query.where(action == self.action)
        if self.graph is not None:
            query = query.join(Run, col(Run.id) == col(Approval.run_id)).where(Run.graph == self.graph)
        if self.run is not None:
            below = col(Approval.run_id).startswith(self.run + ".", autoescape=True)
            query = query.where(or_(col(Approval.run_id) == self.run, below))
        if self.text:
            told = (title, action, col(Approval.id), col(Approval.run_id), col(Approval.step))
            query = query.where(or_(*(each.icontains(self.text, autoescape=True) for each in told)))
        return query


def page_of(session: Session, sought: Sought, after: str | None, limit: int) -> Page[Approval]:
    """A page of the requests that are sought.

    Raises:
        UsageError: there is no request `after`.
    """
    query = ordered(session, sought.query(), Approval, after, newest=sought.newest)
    return cut(session.exec(query.limit(limit + 1)).all(), limit)


def decidable(
    session: Session,
    sought: Sought,
    after: str | None,
    limit: int,
    electorate: Electorate,
    person: str,
    now: datetime,
) -> Page[Approval]:
    """A page of those of them that a person may decide now, in their own name or on behalf of others.

    Raises:
        UsageError: there is no request `after`.
    """
    found: list[Approval] = []
    looked_at = 0
    while True:
        page = page_of(session, sought, after, max(limit, 100))
        found += electorate.decidable(session, page.rows, person, now)
        looked_at += len(page.rows)
        after = page.next
        if len(found) > limit:
            return cut(found, limit)
        if after is None or looked_at >= LOOKED_AT:
            return Page(found, after)
