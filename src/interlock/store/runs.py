"""Runs, their pinned specs, and every step they entered.

The visits in these tables, not the checkpoint, say where a run is: a step can be entered only by the
edge that its predecessor was recorded to leave by, so a position forged in a checkpoint is refused.
Counters (steps, model calls, tokens, money, attempts) live here and survive restarts.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from interlock.digest import Json, compact, digest
from interlock.errors import NotFound, Refused
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.families import Ancestor, ancestry, requesters
from interlock.store.spend import ENDED, due_at, going, limits_of, lineage, record, use, visit_of, visit_within, within
from interlock.store.tables import PinnedSpec, Run, Schedule, Visit, Written
from interlock.store.written import INPUT, Value, record_values, written

AT_ONCE = 500
"""Runs that one query names; databases bound how many values a statement takes."""


def new_id() -> str:
    """The id of a run that was not there before."""
    return f"run-{secrets.token_hex(5)}"


def is_body_of(body: str, spec_digest: str) -> bool:
    """Whether `body` is the JSON that `spec_digest` is of."""
    try:
        return digest(json.loads(body)) == spec_digest
    except ValueError:
        return False


@dataclass(frozen=True)
class Child:
    """A child run to be created."""

    id: str
    spec: dict[str, Any]
    spec_digest: str
    input: dict[str, Any]
    given: Mapping[str, Value] = field(default_factory=dict)
    """Where its input came from."""


class Runs:
    """Reads and moves run and visit rows."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def create(
        self,
        *,
        spec: dict[str, Any],
        spec_digest: str,
        input: dict[str, Any],
        requester: str,
        run_id: str | None = None,
    ) -> Run:
        """Accept a run: from here on it is never lost."""
        run = self._new(spec, spec_digest, input, requester, run_id or new_id())
        with self._database.write() as session:
            self._store(session, run, spec)
        return run

    def accept_scheduled(
        self, session: Session, schedule: Schedule, moment: datetime, spec: dict[str, Any], values: dict[str, Any]
    ) -> Run:
        """Accept, in somebody's transaction, the run that a schedule starts for a moment."""
        run = self._new(spec, digest(spec), values, schedule.requester, new_id())
        run.schedule, run.scheduled_for = schedule.name, moment
        self._store(session, run, spec)
        return run

    def create_children(
        self, parent: Run, step: str, visit: int, children: Sequence[Child], requester: str
    ) -> Sequence[Run]:
        """The child runs of a visit, all created in one transaction; those that are there already are kept.

        Raises:
            Refused: the run above them has ended; nothing begins below it any more.
        """
        with self._database.write() as session:
            above = session.get(Run, parent.id, with_for_update=True)
            if above is None or above.status in ENDED:
                raise Refused(f"run {parent.id} has ended; nothing begins below it.")
            known: list[Run] = list(session.exec(_children_of(parent.id, step, visit)))
            if known:
                return known
            for ordinal, child in enumerate(children):
                run = self._new(child.spec, child.spec_digest, child.input, requester, child.id)
                run.parent_id, run.parent_step, run.parent_visit, run.ordinal = parent.id, step, visit, ordinal
                self._store(session, run, child.spec)
                record_values(session, run.id, INPUT, child.given)
                known.append(run)
            return known

    def children(self, run_id: str, step: str | None = None, visit: int | None = None) -> Sequence[Run]:
        """The child runs of a run, or of one of its visits, in the order of branches or items."""
        with self._database.read() as session:
            found: Sequence[Run] = session.exec(_children_of(run_id, step, visit)).all()
            return found

    def family(self, run_id: str) -> Sequence[Run]:
        """The run and every run below it, each after its parent."""
        with self._database.read() as session:
            return _family(session, run_id)

    def lineage(self, run_id: str) -> Sequence[str]:
        """The run and every run above it, by their ids."""
        with self._database.read() as session:
            return [run.id for run in lineage(session, _fetch(session, run_id))]

    def root(self, run_id: str) -> Run:
        """The run that nobody's step started, at or above this one."""
        with self._database.read() as session:
            *_, above = lineage(session, _fetch(session, run_id))
            return above

    def ancestry(self, run_id: str) -> Sequence[Ancestor]:
        """The runs that a fork came from, nearest first; none where it is no fork, nor below one."""
        with self._database.read() as session:
            return ancestry(session, run_id)

    def requesters(self, run_id: str) -> list[str]:
        """Who asked for a run, and for those that it was forked from."""
        with self._database.read() as session:
            return requesters(session, run_id)

    def _new(self, spec: dict[str, Any], spec_digest: str, input: dict[str, Any], requester: str, run_id: str) -> Run:
        now = self._clock()
        limits = limits_of(spec.get("limits") or {})
        return Run(
            id=run_id,
            graph=spec["graph"],
            spec_digest=spec_digest,
            status="created",
            input=input,
            output={},
            limits=limits,
            requester=requester,
            traced=True,
            due_at=due_at(limits, now),
            created_at=now,
            updated_at=now,
        )

    def _store(self, session: Session, run: Run, spec: dict[str, Any]) -> None:
        if session.get(PinnedSpec, run.spec_digest) is None:
            session.add(
                PinnedSpec(
                    digest=run.spec_digest,
                    graph=spec["graph"],
                    version=spec["version"],
                    body=compact(spec),
                    stored_at=run.created_at,
                )
            )
            session.flush()
        session.add(run)
        session.flush()
        told: dict[str, Json] = {"graph": run.graph, "spec": run.spec_digest, "input": run.input}
        if run.schedule is not None and run.scheduled_for is not None:
            told |= {"schedule": run.schedule, "scheduled_for": run.scheduled_for.isoformat()}
        if run.parent_id:
            told["parent"] = f"{run.parent_id}/{run.parent_step}/{run.parent_visit}"
        self._audit.append(session, run.requester, "run.created", run.id, told)

    def get(self, run_id: str) -> Run:
        """The run.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.read() as session:
            return _fetch(session, run_id)

    def find(self, run_id: str) -> Run | None:
        """The run, or None."""
        with self._database.read() as session:
            return session.get(Run, run_id)

    def spec_body(self, spec_digest: str) -> str:
        """JSON of a pinned spec, in authored order.

        Raises:
            NotFound: no run was ever started with it.
            Refused: it is not what its digest says: it was changed or damaged.
        """
        with self._database.read() as session:
            pinned = session.get(PinnedSpec, spec_digest)
        if pinned is None:
            raise NotFound(f"no spec {spec_digest} is stored.")
        if not is_body_of(pinned.body, spec_digest):
            raise Refused(
                f"the stored spec {spec_digest} was changed or damaged, so its runs do not go on; nothing was done "
                "and nothing is lost. Restore the database from a backup."
            )
        return pinned.body

    def specs(self) -> Sequence[PinnedSpec]:
        """Every spec that runs were pinned to, oldest first."""
        with self._database.read() as session:
            return session.exec(select(PinnedSpec).order_by(col(PinnedSpec.stored_at))).all()

    def living(self, spec_digest: str, at_most: int | None = None) -> Sequence[Run]:
        """The runs pinned to a spec that have not ended, child runs included, oldest first; so many of them."""
        with self._database.read() as session:
            query = select(Run).where(Run.spec_digest == spec_digest, col(Run.status).not_in(ENDED))
            return session.exec(query.order_by(col(Run.created_at), col(Run.id)).limit(at_most)).all()

    def living_by_spec(self) -> Mapping[str, Mapping[str, int]]:
        """How many runs have not ended, child runs included, by the digest of their spec and by status."""
        living = col(Run.status).in_(("created", "running", "waiting"))
        query = select(Run.spec_digest, Run.status, func.count()).where(living)
        found: dict[str, dict[str, int]] = {}
        with self._database.read() as session:
            for spec_digest, status, count in session.exec(query.group_by(col(Run.spec_digest), col(Run.status))):
                found.setdefault(spec_digest, {})[status] = count
        return found

    def list(self, *, status: str | None = None, limit: int = 100) -> Sequence[Run]:
        """Runs, newest first, without child runs."""
        with self._database.read() as session:
            query = select(Run).where(col(Run.parent_id).is_(None)).order_by(col(Run.created_at).desc()).limit(limit)
            return session.exec(query.where(Run.status == status) if status else query).all()

    def graphs(self) -> Sequence[str]:
        """The names of the graphs that there are runs of."""
        with self._database.read() as session:
            return session.exec(select(Run.graph).distinct()).all()

    def visits(self, run_id: str) -> Sequence[Visit]:
        """Every step the run entered, in order."""
        with self._database.read() as session:
            return session.exec(select(Visit).where(Visit.run_id == run_id).order_by(col(Visit.position))).all()

    # Status -------------------------------------------------------------------------------------

    def status(self, run_id: str, status: str) -> None:
        """Note that a living run is `running` or `waiting`.

        Raises:
            Refused, RunCancelled, LimitExceeded: it may not go on, so it is not to wait either.
        """
        with self._database.write() as session:
            run = _fetch(session, run_id)
            going(session, run, self._clock())
            if run.status != status:
                run.status, run.updated_at = status, self._clock()
                session.add(run)

    def going(self, run_id: str) -> None:
        """Check that a run may go on.

        Raises:
            Refused, RunCancelled, LimitExceeded: it has ended, it was cancelled, or its time is over.
        """
        with self._database.read() as session:
            going(session, _fetch(session, run_id), self._clock())

    def cancel(self, run_id: str, person: str) -> Run:
        """Note that somebody wants a run cancelled: from here on no node of it begins, and no intent is written.

        Whoever drives it, or will, ends it.  The first who asks is the one on record.

        Raises:
            Refused: it has ended already.
        """
        with self._database.write() as session:
            run = _fetch(session, run_id)
            if run.status in ENDED:
                raise Refused(f"run {run_id} is {run.status} already.")
            if run.cancelled_by is None:
                run.cancelled_by = person
                session.add(run)
                self._audit.append(session, person, "run.cancelling", run_id, {})
            return run

    def overdue(self) -> Sequence[str]:
        """Living runs that are to end, for they were cancelled or their time is over, the oldest first."""
        over = col(Run.cancelled_by).is_not(None) | (col(Run.due_at) <= self._clock())
        query = select(Run.id).where(col(Run.status).not_in(ENDED), over).order_by(col(Run.created_at)).limit(AT_ONCE)
        with self._database.read() as session:
            return session.exec(query).all()

    def end(
        self,
        run_id: str,
        status: str,
        *,
        outcome: str | None,
        output: dict[str, Any] | None = None,
        error: str | None = None,
        actor: str = "run",
        also: Callable[[Session, Sequence[str]], None] | None = None,
        by_itself: bool = False,
    ) -> Run:
        """End a run for good, and with it every run below it that lives; ending an ended run changes nothing.

        It is one transaction, so no crash leaves a run that could go on from children ended under it.

        Args:
            also: further changes that belong to the same transaction; it is given the ids of the runs that end.
            by_itself: it has come to its end, which it may only where it may go on.

        Raises:
            RunCancelled, LimitExceeded: it was to end by itself, and was cancelled before, or its time is over.
        """
        with self._database.write() as session:
            run = _fetch(session, run_id)
            if run.status in ENDED:
                return run
            if by_itself:
                going(session, run, self._clock())
            ending = [each for each in reversed(_family(session, run_id)) if each.status not in ENDED]
            for each in ending:  # every row before the first entry: others lock rows upwards, and the chain last
                each.status, each.outcome, each.error, each.updated_at = status, outcome, error, self._clock()
                each.output = (output or {}) if each.id == run_id else {}
                session.add(each)
                session.flush()
            told = [each.id for each in ending]
            if also:
                also(session, told)
            for each_id in told:
                self._audit.append(session, actor, f"run.{status}", each_id, {"outcome": outcome, "error": error})
            session.refresh(run)
        return run

    # Position -----------------------------------------------------------------------------------

    def enter(
        self,
        run_id: str,
        step: str,
        visit: int,
        *,
        entered_by: int,
        first: bool,
        counts: bool = True,
    ) -> Visit:
        """Enter a step, or find the visit again after a crash.

        Args:
            entered_by: index of the edge that leads here.
            first: whether that edge comes from START.
            counts: whether the visit will do work; one that only finds its limit used up does not.

        Raises:
            Refused: the run has ended, or was not at that edge: its position was forged.
            RunCancelled: it was cancelled.
            LimitExceeded: the run, or one above it, has used its steps or its time.
        """
        now = self._clock()
        with self._database.write() as session:
            run = _fetch(session, run_id)
            going(session, run, now)
            last = _last_visit(session, run_id)
            known = session.get(Visit, (run_id, step, visit))
            if known is not None:
                if last is None or known.position != last.position or known.entered_by != entered_by:
                    raise Refused(f"run {run_id} has moved on from {step}; its position was changed from outside.")
                return known
            count = session.exec(
                select(func.count()).select_from(Visit).where(Visit.run_id == run_id, Visit.step == step)
            ).one()
            came_from = last.left_by if last else None
            if visit != count + 1 or (came_from != entered_by if last else not first) or (last and first):
                raise Refused(f"run {run_id} is not at the way into {step}; its position was changed from outside.")
            if counts:
                use(session, run, "steps")
            run.updated_at = now
            position = (last.position if last else 0) + 1
            entered = Visit(
                run_id=run_id, step=step, visit=visit, entered_by=entered_by, position=position, entered_at=now
            )
            session.add(run)
            session.add(entered)
            return entered

    def require(self, run_id: str, step: str, visit: int) -> None:
        """Check that the run is at this visit now.

        Raises:
            Refused: it is not: it has ended, moved on, or its position was forged.
            RunCancelled, LimitExceeded: it was cancelled, or its time is over.
        """
        with self._database.read() as session:
            run = _fetch(session, run_id)
            going(session, run, self._clock())
            last = _last_visit(session, run_id)
            if last is None or (last.step, last.visit) != (step, visit):
                raise Refused(f"run {run_id} is not at {step}; its position was changed from outside.")

    def leave(
        self,
        run_id: str,
        step: str,
        visit: int,
        *,
        outcome: str,
        left_by: int,
        note: str | None = None,
        error_kind: str | None = None,
        wrote: Mapping[str, Value] | None = None,
    ) -> None:
        """Record the outcome of a visit, the edge taken and what it wrote; a crash may make it record the same again.

        Raises:
            Refused: the run never entered the step, or has moved on from it.
        """
        with self._database.write() as session:
            row = visit_of(session, run_id, step, visit)
            later = select(Visit.position).where(Visit.run_id == run_id, col(Visit.position) > row.position)
            if session.exec(later.limit(1)).first() is not None:
                raise Refused(f"run {run_id} has moved on from {step}; its position was changed from outside.")
            row.outcome, row.left_by, row.note, row.left_at = outcome, left_by, note, self._clock()
            row.error_kind = error_kind
            session.add(row)
            session.flush()
            record_values(session, run_id, row.position, wrote or {})
            told: dict[str, Json] = {"outcome": outcome, "visit": visit, "note": note}
            self._audit.append(session, "run", "step.left", f"{run_id}/{step}", told)

    def written(self, run_id: str, keys: Iterable[str], before: int | None = None) -> dict[str, Written]:
        """What was last written under each of these keys that has a record.

        Args:
            before: the position of a visit; only what stood there before it.
        """
        with self._database.read() as session:
            return written(session, run_id, keys, before)

    def visit(self, run_id: str, step: str, visit: int) -> Visit:
        """One visit.

        Raises:
            NotFound: the run never entered it.
        """
        with self._database.read() as session:
            row = session.get(Visit, (run_id, step, visit))
            if row is None:
                raise NotFound(f"run {run_id} has no visit {visit} of {step}.")
            return row

    def find_visit(self, run_id: str, step: str, visit: int) -> Visit | None:
        """One visit, or None."""
        with self._database.read() as session:
            return session.get(Visit, (run_id, step, visit))

    def attempt(self, run_id: str, step: str, visit: int) -> int:
        """Count one more attempt at a visit's work; returns how many there were, this one included."""
        with self._database.write() as session:
            row = visit_of(session, run_id, step, visit)
            row.attempts += 1
            session.add(row)
            return row.attempts

    # Spend --------------------------------------------------------------------------------------

    def count_call(self, run_id: str, step: str, visit: int, limits: Mapping[str, int] | None = None) -> None:
        """Count one model call of a visit before it is made.

        Args:
            limits: what one visit of the step may use, by counter.

        Raises:
            LimitExceeded: the run, or one above it, has used its calls, or has overspent already.
            StepLimitExceeded: the visit has.
        """
        with self._database.write() as session:
            run, row = _fetch(session, run_id), visit_of(session, run_id, step, visit)
            going(session, run, self._clock())
            visit_within(row, limits or {}, calls=1)
            within(session, run)
            use(session, run, "model_calls")
            row.model_calls += 1
            session.add(row)

    def count_usage(
        self,
        run_id: str,
        step: str,
        visit: int,
        *,
        tokens: int,
        micro_usd: int,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """Add what a call used.

        Raises:
            LimitExceeded, StepLimitExceeded: more than may be is spent; the spend is recorded all the same.
        """
        with self._database.write() as session:
            run, row = _fetch(session, run_id), visit_of(session, run_id, step, visit)
            record(session, run, row, tokens=tokens, micro_usd=micro_usd)
        with self._database.read() as session:
            within(session, _fetch(session, run_id))
            visit_within(visit_of(session, run_id, step, visit), limits or {})

    def limits_cost(self, run_id: str) -> bool:
        """Whether the run, or one above it, limits what it may cost."""
        with self._database.read() as session:
            return any("micro_usd" in each.limits for each in lineage(session, _fetch(session, run_id)))


def _family(session: Session, run_id: str) -> list[Run]:
    """The run and every run below it, each after its parent, with one query for each level of nesting."""
    found = level = [_fetch(session, run_id)]
    while level:
        below: dict[str, list[Run]] = {}
        names = [run.id for run in level]
        for first in range(0, len(names), AT_ONCE):
            query = select(Run).where(col(Run.parent_id).in_(names[first : first + AT_ONCE]))
            for run in session.exec(query.order_by(col(Run.created_at), col(Run.ordinal))):
                below.setdefault(str(run.parent_id), []).append(run)
        level = [run for name in names for run in below.get(name, ())]
        found = found + level
    return found


def _children_of(run_id: str, step: str | None = None, visit: int | None = None) -> Any:
    query = select(Run).where(Run.parent_id == run_id).order_by(col(Run.created_at), col(Run.ordinal))
    if step is not None:
        query = query.where(Run.parent_step == step, Run.parent_visit == visit)
    return query


def _last_visit(session: Session, run_id: str) -> Visit | None:
    query = select(Visit).where(Visit.run_id == run_id).order_by(col(Visit.position).desc()).limit(1)
    return session.exec(query).first()


def _fetch(session: Session, run_id: str) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}; `interlock runs list` shows them.")
    return run
