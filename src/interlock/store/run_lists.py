"""Lists of runs: filtered, counted and read a page at a time, as quickly from a hundred thousand as from ten.

A page begins after a run that was seen, not at a number, so that runs that are started meanwhile move nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, String, and_, cast, literal, or_, union_all
from sqlmodel import Session, col, func, select

from interlock.store.database import Database
from interlock.store.tables import Approval, Pause, Run, Visit

Waits = Literal["person", "doubt", "event", "moment"]
"""What a run may wait for: a decision, whether something happened, an event, or a moment."""

STATUSES = ("created", "running", "waiting", "done", "failed", "cancelled")

COUNTED = 10_000
"""Up to here a count is exact; more is not counted, so that no list takes longer the longer it is."""

SEARCHED = 5_000
"""Of the runs that the other filters leave, a text is looked for in so many of the newest."""


@dataclass(frozen=True)
class RunFilter:
    """Which runs are wanted; what is None filters nothing."""

    status: str | None = None
    graph: str | None = None
    specs: Sequence[str] | None = None
    """Digests: of one version of a graph, say."""
    requester: str | None = None
    text: str | None = None
    """Part of the id, the input, the outcome or the error."""
    since: datetime | None = None
    before: datetime | None = None
    waits: Waits | None = None
    parent: str | None = None
    """The run whose child runs are wanted; None: runs that no other started."""


@dataclass(frozen=True)
class RunPage:
    """One page of a list, newest first."""

    runs: Sequence[Run]
    older: str | None
    """The run after which the next page begins; None where there is none."""
    newer: str | None
    """The run before which the page before ends; None where there is none."""


class RunLists:
    """Reads lists of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, wanted: RunFilter, *, after: str | None = None, before: str | None = None, limit: int = 50
    ) -> RunPage:
        """The runs that are wanted, newest first.

        Args:
            after: a run: those that are older than it.
            before: a run: those that are newer than it, the page next to it.  An unknown run is passed over.
        """
        with self._database.read() as session:
            mark = session.get(Run, after or before) if after or before else None
            conditions, backwards = self._conditions(session, wanted), mark is not None and after is None
            if mark is not None:
                conditions.append(_newer_than(mark) if backwards else _older_than(mark))
            order = (col(Run.created_at), col(Run.id))
            query = select(Run).where(*conditions)
            query = query.order_by(*(order if backwards else [each.desc() for each in order])).limit(limit + 1)
            found = list(session.exec(query))
        more, found = len(found) > limit, found[:limit]
        if backwards:
            found.reverse()
        first, last = (found[0].id, found[-1].id) if found else (None, None)
        return RunPage(
            found, older=last if more or backwards else None, newer=first if mark and (more or not backwards) else None
        )

    def counts(self, wanted: RunFilter) -> Mapping[str, int]:
        """How many of the wanted runs have each status, whatever status is wanted; `COUNTED` + 1 stands for more."""
        with self._database.read() as session:
            parts = []
            for status in STATUSES:
                conditions = self._conditions(session, replace(wanted, status=status))
                some = select(Run.id).where(*conditions).limit(COUNTED + 1).subquery()
                parts.append(select(literal(status), func.count()).select_from(some))
            return {str(status): int(count) for status, count in session.execute(union_all(*parts))}

    def at(self, run_ids: Sequence[str]) -> Mapping[str, Visit]:
        """The newest visit of each of these runs, by the id of the run."""
        last = select(Visit.run_id, func.max(Visit.position).label("position"))
        newest = last.where(col(Visit.run_id).in_(run_ids)).group_by(col(Visit.run_id)).subquery()
        here = and_(col(Visit.run_id) == newest.c.run_id, col(Visit.position) == newest.c.position)
        with self._database.read() as session:
            return {visit.run_id: visit for visit in session.exec(select(Visit).join(newest, here))}

    def waits(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[Approval | Pause]]:
        """What each of these runs itself waits for now, oldest first, by its id; not what its child runs do."""
        found: dict[str, list[Approval | Pause]] = {}
        with self._database.read() as session:
            asked = select(Approval).where(col(Approval.run_id).in_(run_ids), Approval.state == "waiting")
            for approval in session.exec(asked.order_by(col(Approval.created_at))):
                found.setdefault(approval.run_id, []).append(approval)
            paused = select(Pause).where(col(Pause.run_id).in_(run_ids), Pause.state == "waiting")
            for pause in session.exec(paused.order_by(col(Pause.created_at))):
                found.setdefault(pause.run_id, []).append(pause)
        return found

    def _conditions(self, session: Session, wanted: RunFilter) -> list[ColumnElement[bool]]:
        found = self._exact(session, wanted)
        if wanted.text:
            newest = select(Run.id).where(*found).order_by(col(Run.created_at).desc(), col(Run.id).desc())
            like = f"%{_plain(wanted.text)}%"
            columns = (col(Run.id), col(Run.graph), col(Run.outcome), col(Run.error), cast(col(Run.input), String))
            found = [col(Run.id).in_(newest.limit(SEARCHED)), or_(*(each.ilike(like, escape="\\") for each in columns))]
        return found

    def _exact(self, session: Session, wanted: RunFilter) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [
            col(Run.parent_id) == wanted.parent if wanted.parent else col(Run.parent_id).is_(None)
        ]
        exact = {"status": wanted.status, "graph": wanted.graph, "requester": wanted.requester}
        found += [getattr(Run, name) == value for name, value in exact.items() if value is not None]
        if wanted.specs is not None:
            found.append(col(Run.spec_digest).in_(wanted.specs))
        if wanted.since is not None:
            found.append(col(Run.created_at) >= wanted.since)
        if wanted.before is not None:
            found.append(col(Run.created_at) < wanted.before)
        if wanted.waits is not None:
            found += [col(Run.status) == "waiting", col(Run.id).in_(_waiting_for(session, wanted.waits))]
        return found


def _waiting_for(session: Session, waits: Waits) -> Any:
    """The runs that no other started, of which one that belongs to them waits for something of that kind."""
    what = Approval if waits in ("person", "doubt") else Pause
    kinds: dict[Waits, ColumnElement[bool]] = {
        "person": col(Approval.kind) != "doubt",
        "doubt": col(Approval.kind) == "doubt",
        "event": col(Pause.event).is_not(None),
        "moment": col(Pause.event).is_(None),
    }
    return select(_root(session, col(what.run_id))).where(col(what.state) == "waiting", kinds[waits])


def _root(session: Session, run_id: Any) -> Any:
    """The id of the run above: those of child runs begin with it and a dot."""
    if session.get_bind().dialect.name == "postgresql":
        return func.split_part(run_id, ".", 1)
    return func.substr(run_id, 1, func.instr(run_id.concat("."), ".") - 1)


def _older_than(mark: Run) -> ColumnElement[bool]:
    earlier = col(Run.created_at) < mark.created_at
    return and_(
        col(Run.created_at) <= mark.created_at,  # alone it tells the index where to begin
        or_(earlier, col(Run.id) < mark.id),
    )


def _newer_than(mark: Run) -> ColumnElement[bool]:
    later = col(Run.created_at) > mark.created_at
    return and_(col(Run.created_at) >= mark.created_at, or_(later, col(Run.id) > mark.id))


def _plain(text: str) -> str:
    """A text as `LIKE` finds it, its own signs meaning nothing."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
