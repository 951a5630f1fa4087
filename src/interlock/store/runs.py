"""Runs, their pinned specs, and every step they entered.

The visits in these tables, not the checkpoint, say where a run is: a step can be entered only by the
edge that its predecessor was recorded to leave by, so a position forged in a checkpoint is refused.
Counters (steps, model calls, tokens, money, attempts) live here and survive restarts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from interlock.digest import Json, canonical
from interlock.errors import LimitExceeded, NotFound, Refused
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.tables import PinnedSpec, Run, Visit

ENDED = ("done", "failed", "cancelled")


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
        now = self._clock()
        run = Run(
            id=run_id or f"run-{secrets.token_hex(5)}",
            graph=spec["graph"],
            spec_digest=spec_digest,
            status="created",
            input=input,
            output={},
            requester=requester,
            created_at=now,
            updated_at=now,
        )
        with self._database.write() as session:
            if session.get(PinnedSpec, spec_digest) is None:
                body = canonical(spec).decode()
                session.add(
                    PinnedSpec(
                        digest=spec_digest, graph=spec["graph"], version=spec["version"], body=body, stored_at=now
                    )
                )
                session.flush()
            session.add(run)
            session.flush()
            self._audit.append(
                session, requester, "run.created", run.id, {"graph": run.graph, "spec": spec_digest, "input": input}
            )
        return run

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
        """Canonical JSON of a pinned spec.

        Raises:
            NotFound: no run was ever started with it.
        """
        with self._database.read() as session:
            pinned = session.get(PinnedSpec, spec_digest)
            if pinned is None:
                raise NotFound(f"no spec {spec_digest} is stored.")
            return pinned.body

    def list(self, *, status: str | None = None, limit: int = 100) -> Sequence[Run]:
        """Runs, newest first."""
        with self._database.read() as session:
            query = select(Run).order_by(col(Run.created_at).desc()).limit(limit)
            return session.exec(query.where(Run.status == status) if status else query).all()

    def visits(self, run_id: str) -> Sequence[Visit]:
        """Every step the run entered, in order."""
        with self._database.read() as session:
            return session.exec(select(Visit).where(Visit.run_id == run_id).order_by(col(Visit.position))).all()

    # Status -------------------------------------------------------------------------------------

    def status(self, run_id: str, status: str) -> None:
        """Note that a living run is `running` or `waiting`."""
        with self._database.write() as session:
            run = _fetch(session, run_id)
            if run.status in ENDED:
                raise Refused(f"run {run_id} is {run.status}; start a new one.")
            if run.status != status:
                run.status, run.updated_at = status, self._clock()
                session.add(run)

    def end(
        self,
        run_id: str,
        status: str,
        *,
        outcome: str | None,
        output: dict[str, Any] | None = None,
        error: str | None = None,
        actor: str = "run",
        also: Callable[[Session], None] | None = None,
    ) -> Run:
        """End a run for good; ending an ended run changes nothing.

        Args:
            also: further changes that belong to the same transaction.
        """
        with self._database.write() as session:
            run = _fetch(session, run_id)
            if run.status in ENDED:
                return run
            run.status, run.outcome, run.error, run.updated_at = status, outcome, error, self._clock()
            run.output = output or {}
            session.add(run)
            session.flush()
            if also:
                also(session)
            self._audit.append(session, actor, f"run.{status}", run_id, {"outcome": outcome, "error": error})
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
        max_steps: int | None = None,
    ) -> Visit:
        """Enter a step, or find the visit again after a crash.

        Args:
            entered_by: index of the edge that leads here.
            first: whether that edge comes from START.
            counts: whether the visit will do work; one that only finds its limit used up does not.
            max_steps: the run's limit of visits in all.

        Raises:
            Refused: the run has ended, or was not at that edge: its position was forged.
            LimitExceeded: the run has used its steps.
        """
        now = self._clock()
        with self._database.write() as session:
            run = _fetch(session, run_id)
            if run.status in ENDED:
                raise Refused(f"run {run_id} is {run.status}; start a new one.")
            last = session.exec(
                select(Visit).where(Visit.run_id == run_id).order_by(col(Visit.position).desc()).limit(1)
            ).first()
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
            if counts and max_steps is not None and run.steps >= max_steps:
                raise LimitExceeded(f"run {run_id} has used its {max_steps} steps (limits.steps).")
            run.steps += counts
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
        """
        with self._database.read() as session:
            run = _fetch(session, run_id)
            if run.status in ENDED:
                raise Refused(f"run {run_id} is {run.status}; start a new one.")
            last = session.exec(
                select(Visit).where(Visit.run_id == run_id).order_by(col(Visit.position).desc()).limit(1)
            ).first()
            if last is None or (last.step, last.visit) != (step, visit):
                raise Refused(f"run {run_id} is not at {step}; its position was changed from outside.")

    def leave(self, run_id: str, step: str, visit: int, *, outcome: str, left_by: int, note: str | None = None) -> None:
        """Record the outcome of a visit and the edge taken; a crash may make it record the same again.

        Raises:
            Refused: the run never entered the step, or has moved on from it.
        """
        with self._database.write() as session:
            row = session.get(Visit, (run_id, step, visit))
            if row is None:
                raise Refused(f"run {run_id} never entered {step}.")
            later = select(Visit.position).where(Visit.run_id == run_id, col(Visit.position) > row.position)
            if session.exec(later.limit(1)).first() is not None:
                raise Refused(f"run {run_id} has moved on from {step}; its position was changed from outside.")
            row.outcome, row.left_by, row.note, row.left_at = outcome, left_by, note, self._clock()
            session.add(row)
            session.flush()
            told: dict[str, Json] = {"outcome": outcome, "visit": visit, "note": note}
            self._audit.append(session, "run", "step.left", f"{run_id}/{step}", told)

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

    def attempt(self, run_id: str, step: str, visit: int) -> int:
        """Count one more attempt at a visit's work; returns how many there were, this one included."""
        with self._database.write() as session:
            row = session.get(Visit, (run_id, step, visit))
            if row is None:
                raise Refused(f"run {run_id} never entered {step}.")
            row.attempts += 1
            session.add(row)
            return row.attempts

    # Spend --------------------------------------------------------------------------------------

    def count_call(self, run_id: str, *, max_calls: int | None, max_micro_usd: int | None = None) -> None:
        """Count one chat model call before it is made.

        Raises:
            LimitExceeded: the run has used its calls, or has spent more than it may already.
        """
        with self._database.write() as session:
            run = _fetch(session, run_id)
            if max_calls is not None and run.model_calls >= max_calls:
                raise LimitExceeded(f"run {run_id} has used its {max_calls} model calls (limits.model_calls).")
            _within(run, max_micro_usd)
            run.model_calls += 1
            session.add(run)

    def count_usage(self, run_id: str, *, tokens: int, micro_usd: int, max_micro_usd: int | None) -> None:
        """Add what a call used.

        Raises:
            LimitExceeded: the run has spent more than it may; the spend is recorded all the same.
        """
        with self._database.write() as session:
            run = _fetch(session, run_id)
            run.tokens += tokens
            run.cost_micro_usd += micro_usd
            session.add(run)
        _within(run, max_micro_usd)


def _within(run: Run, max_micro_usd: int | None) -> None:
    if max_micro_usd is not None and run.cost_micro_usd > max_micro_usd:
        spent, limit = run.cost_micro_usd / 1e6, max_micro_usd / 1e6
        raise LimitExceeded(f"run {run.id} has spent {spent:.4f} USD of {limit:.4f} (limits.cost.usd).")


def _fetch(session: Session, run_id: str) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}; `interlock runs list` shows them.")
    return run
