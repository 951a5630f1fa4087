"""Schedules: what starts runs by itself.  The run, its job and the schedule's next moment commit together.

Any number of processes may find that a schedule is due; the first that commits starts the run, and for the others
nothing is left to do.  Whoever dies before that has done nothing, and whoever dies after it all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.errors import Conflict, NotFound
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.runs import Runs
from interlock.store.spend import ENDED
from interlock.store.tables import Run, Schedule

ACTOR = "schedule"
"""Who acts where nobody does."""

NO_RUN = Literal["skipped", "failed"]
"""What became of a moment for which no run was started: it was meant to be, or could not be otherwise."""


class Schedules:
    """The schedules of one database."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, runs: Runs) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._runs = runs

    def list(self) -> Sequence[Schedule]:
        """Every schedule, by name."""
        with self._database.read() as session:
            return session.exec(select(Schedule).order_by(col(Schedule.name))).all()

    def get(self, name: str) -> Schedule:
        """The schedule.

        Raises:
            NotFound: there is none of that name.
        """
        with self._database.read() as session:
            return _fetch(session, name)

    def last_run(self, name: str) -> Run | None:
        """The run that it started last."""
        with self._database.read() as session:
            return _last_run(session, name)

    def due(self, now: datetime) -> Sequence[Schedule]:
        """The schedules whose moment has come, the oldest first."""
        with self._database.read() as session:
            query = select(Schedule).where(col(Schedule.paused_by).is_(None), Schedule.next_at <= now)
            return session.exec(query.order_by(col(Schedule.next_at), col(Schedule.name))).all()

    # What people do ---------------------------------------------------------------------------------

    def add(self, schedule: Schedule) -> Schedule:
        """Keep a new schedule; it is its requester who adds it.

        Raises:
            Conflict: there is one of that name.
        """
        with self._database.write() as session:
            if session.get(Schedule, schedule.name) is not None:
                raise Conflict(
                    f"there is a schedule {schedule.name} already; name this one otherwise, or remove that one first: "
                    f"interlock schedules remove {schedule.name}"
                )
            schedule.created_at = self._clock()
            session.add(schedule)
            session.flush()
            told: dict[str, Json] = {
                name: getattr(schedule, name) for name in ("graph", "cron", "timezone", "input", "missed", "overlap")
            }
            self._tell(session, schedule, schedule.requester, "added", told)
            return schedule

    def remove(self, name: str, person: str) -> None:
        """Forget a schedule; its runs stay.

        Raises:
            NotFound: there is none.
        """
        with self._database.write() as session:
            schedule = _fetch(session, name)
            session.delete(schedule)
            self._tell(session, schedule, person, "removed", {})

    def pause(self, name: str, person: str) -> Schedule:
        """Let it start nothing until it is resumed; one that is paused stays so.

        Raises:
            NotFound: there is none.
        """
        with self._database.write() as session:
            schedule = _fetch(session, name)
            if schedule.paused_by is None:
                schedule.paused_by = person
                session.add(schedule)
                self._tell(session, schedule, person, "paused", {})
            return schedule

    def resume(self, name: str, person: str, next_at: datetime) -> Schedule:
        """Let it start runs again, from a moment on; one that is not paused stays as it is.

        Raises:
            NotFound: there is none.
        """
        with self._database.write() as session:
            schedule = _fetch(session, name)
            if schedule.paused_by is not None:
                schedule.paused_by, schedule.next_at = None, next_at
                session.add(schedule)
                self._tell(session, schedule, person, "resumed", {"next_at": next_at.isoformat()})
            return schedule

    # What comes of its moments ----------------------------------------------------------------------

    def start(
        self, seen: Schedule, moment: datetime, next_at: datetime, spec: dict[str, Any], values: dict[str, Any]
    ) -> Run | None:
        """Start the run of a moment and go on to the next; None where another process did, or nothing is to be started.

        Args:
            seen: the schedule as it was when it was found to be due.
            moment: the last of those that are due.
            values: the whole input, checked.
        """
        with self._database.write() as session:
            schedule = _still(session, seen)
            if schedule is None:
                return None
            known = session.exec(select(Run).where(Run.schedule == seen.name, Run.scheduled_for == moment)).first()
            if known is not None:  # the clock was set back, or the schedule was added anew
                self._go_on(session, schedule, next_at, "skipped", moment, f"{known.id} was started for that moment")
                return None
            last = _last_run(session, seen.name) if schedule.overlap == "skip" else None
            if last is not None and last.status not in ENDED:
                self._go_on(session, schedule, next_at, "skipped", moment, f"{last.id} has not ended")
                return None
            run = self._runs.accept_scheduled(session, schedule, moment, spec, values)
            told: dict[str, Json] = {"run": run.id, "moment": moment.isoformat()}
            if schedule.next_at != moment:
                told["missed_since"] = schedule.next_at.isoformat()
            schedule.next_at, schedule.error = next_at, None
            session.add(schedule)
            self._tell(session, schedule, ACTOR, "started", told)
            return run

    def pass_over(self, seen: Schedule, moment: datetime, next_at: datetime, what: NO_RUN, because: str) -> None:
        """Start no run of a moment, for a reason that is on record, and go on to the next."""
        with self._database.write() as session:
            schedule = _still(session, seen)
            if schedule is not None:
                self._go_on(session, schedule, next_at, what, moment, because)

    def _go_on(
        self, session: Session, schedule: Schedule, next_at: datetime, what: NO_RUN, moment: datetime, because: str
    ) -> None:
        told: dict[str, Json] = {"moment": moment.isoformat(), "because": because}
        if schedule.next_at != moment:
            told["missed_since"] = schedule.next_at.isoformat()
        schedule.next_at, schedule.error = next_at, because if what == "failed" else None
        session.add(schedule)
        self._tell(session, schedule, ACTOR, what, told)

    def _tell(self, session: Session, schedule: Schedule, actor: str, what: str, data: dict[str, Json]) -> None:
        session.flush()
        self._audit.append(session, actor, f"schedule.{what}", f"schedule/{schedule.name}", data)


def _still(session: Session, seen: Schedule) -> Schedule | None:
    """The schedule, where it stands as it was seen: nobody paused it, or was here before."""
    row = session.get(Schedule, seen.name, with_for_update=True)
    same = row is not None and (row.next_at, row.created_at) == (seen.next_at, seen.created_at)
    return row if row is not None and same and row.paused_by is None else None


def _last_run(session: Session, name: str) -> Run | None:
    query = select(Run).where(Run.schedule == name).order_by(col(Run.scheduled_for).desc()).limit(1)
    return session.exec(query).first()


def _fetch(session: Session, name: str) -> Schedule:
    schedule = session.get(Schedule, name)
    if schedule is None:
        raise NotFound(f"there is no schedule {name}; `interlock schedules list` shows them.")
    return schedule
