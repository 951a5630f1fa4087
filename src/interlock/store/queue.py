"""The queue of requests as people look at it: filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, exists, or_
from sqlmodel import Session, col, func, select

from interlock.store.electorate import Electorate
from interlock.store.pages import Page, cut, ordered
from interlock.store.tables import Approval, Claim

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
    claim: Literal["free", "taken", "mine"] | None = None
    """Whether somebody is at work on it: nobody, somebody else, or `claimant`."""
    claimant: str = ""
    newest: bool = False
    """The newest first instead of the oldest."""
    due: bool = False
    """Those with the least time left first."""

    def query(self, now: datetime) -> Any:
        query = select(Approval)
        if self.states:
            query = query.where(col(Approval.state).in_(self.states))
        if self.kinds:
            query = query.where(col(Approval.kind).in_(self.kinds))
        for column, value in ((Approval.risk, self.risk), (Approval.action, self.action), (Approval.graph, self.graph)):
            if value is not None:
                query = query.where(col(column) == value)
        if self.run is not None:
            below = col(Approval.run_id).startswith(self.run + ".", autoescape=True)
            query = query.where(or_(col(Approval.run_id) == self.run, below))
        if self.text:
            told = (Approval.title, Approval.action, Approval.id, Approval.run_id, Approval.step)
            query = query.where(or_(*(col(each).icontains(self.text, autoescape=True) for each in told)))
        if self.claim is not None:
            held = and_(col(Claim.approval_id) == col(Approval.id), col(Claim.until) >= now)
            own = col(Claim.person) == self.claimant
            match self.claim:
                case "free":
                    query = query.where(~exists().where(held))
                case "taken":
                    query = query.where(exists().where(held, ~own))
                case "mine":
                    query = query.where(exists().where(held, own))
        return query


@dataclass(frozen=True)
class Counts:
    """How long the queue is."""

    found: int
    """Of what is sought."""
    waiting: Mapping[str | None, int]
    """Of all that wait, by risk."""

    @property
    def in_all(self) -> int:
        return sum(self.waiting.values())


@dataclass(frozen=True)
class Choices:
    """What the queue can be narrowed to: the graphs and actions of the requests there are."""

    graphs: Sequence[str]
    actions: Sequence[str]


CHOICES = 500
"""Pairs of a graph and an action that are offered at most."""

COUNTED = 10_000
"""Up to here a count is exact; one more stands for any more, so that no list takes longer the longer it is."""


def page_of(session: Session, sought: Sought, after: str | None, limit: int, now: datetime) -> Page[Approval]:
    """A page of the requests that are sought.

    Raises:
        UsageError: there is no request `after`.
    """
    by = "decide_before" if sought.due else "created_at"
    query = ordered(session, sought.query(now), Approval, after, newest=sought.newest, by=by)
    return cut(session.exec(query.limit(limit + 1)).all(), limit)


def counts_of(session: Session, sought: Sought, now: datetime) -> Counts:
    """How many requests are sought, and how many wait."""
    all_waiting = select(Approval.risk).where(Approval.state == "waiting").limit(COUNTED + 1).subquery()
    by_risk = select(all_waiting.c.risk, func.count()).group_by(all_waiting.c.risk)
    waiting = {risk: int(count) for risk, count in session.exec(by_risk)}
    some = sought.query(now).with_only_columns(col(Approval.id)).limit(COUNTED + 1).subquery()
    return Counts(session.exec(select(func.count()).select_from(some)).one(), waiting)


def choices_of(session: Session, states: Collection[str]) -> Choices:
    """The graphs and actions among the requests of these states; of all, where there are none."""
    query = select(Approval.graph, Approval.action).distinct().limit(CHOICES)
    found = session.exec(query.where(col(Approval.state).in_(states)) if states else query).all()
    return Choices(sorted({graph for graph, _ in found if graph}), sorted({action for _, action in found if action}))


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
        page = page_of(session, sought, after, max(limit, 100), now)
        found += electorate.decidable(session, page.rows, person, now)
        looked_at += len(page.rows)
        after = page.next
        if len(found) > limit:
            return cut(found, limit)
        if after is None or looked_at >= LOOKED_AT:
            return Page(found, after)
