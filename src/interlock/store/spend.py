"""What runs use up: steps, model calls, tokens, money and time, counted against limits across restarts.

A child run's use counts for it and for every run above it, each against its own limits, in the one
transaction that records the use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, Literal

from sqlmodel import Session

from interlock.errors import LimitExceeded, Refused, RunCancelled, StepLimitExceeded
from interlock.policies.declared import duration, duration_text
from interlock.store.tables import Run, Visit

ENDED = ("done", "failed", "cancelled")
"""States of a run that is over."""

Counter = Literal["steps", "model_calls", "tokens", "micro_usd"]

_COLUMNS: dict[Counter, str] = {
    "steps": "steps",
    "model_calls": "model_calls",
    "tokens": "tokens",
    "micro_usd": "cost_micro_usd",
}
_LIMITS: dict[Counter, str] = {
    "steps": "steps (limits.steps)",
    "model_calls": "model calls (limits.model_calls)",
    "tokens": "tokens (limits.tokens)",
    "micro_usd": "micro-USD (limits.cost)",
}


def limits_of(limits: Mapping[str, Any]) -> dict[str, int]:
    """The limits of a spec or step, in its JSON form, by counter; an absent one does not limit."""
    found = {name: limits.get(name) for name in ("steps", "model_calls", "tokens")}
    if limits.get("time") is not None:
        found["time"] = ceil(duration(limits["time"]).total_seconds())
    cost = limits.get("cost")
    if cost is not None:
        found["micro_usd"] = int(Decimal(str(cost["usd"])) * 1_000_000)
    return {name: int(value) for name, value in found.items() if value is not None}


def due_at(limits: Mapping[str, int], begun: datetime) -> datetime | None:
    """When the time of a run that was accepted at a moment is over; None where nothing limits it."""
    return begun + timedelta(seconds=limits["time"]) if "time" in limits else None


def over(run: Run, now: datetime) -> bool:
    """Whether a living run is to end, for it was cancelled or its time is over; those above it aside."""
    return run.cancelled_by is not None or (run.due_at is not None and now >= run.due_at)


def going(session: Session, run: Run, now: datetime) -> None:
    """Check that the run may go on: it has not ended, and neither it nor one above it was cancelled or is overdue.

    Raises:
        Refused: it has ended.
        RunCancelled: it was cancelled.
        LimitExceeded: its time is over.
    """
    if run.status in ENDED:
        raise Refused(f"run {run.id} is {run.status}; start a new one.")
    above = list(lineage(session, run))
    for each in above:
        if each.cancelled_by is not None:
            raise RunCancelled(f"run {each.id} was cancelled.", run=each.id, person=each.cancelled_by)
    for each in reversed(above):
        if each.due_at is not None and now >= each.due_at:
            took = duration_text(timedelta(seconds=each.limits["time"]))
            raise LimitExceeded(f"run {each.id} has used its {took} (limits.time).", run=each.id)


def lineage(session: Session, run: Run) -> Iterator[Run]:
    """The run and every run above it."""
    here: Run | None = run
    while here is not None:
        yield here
        here = session.get(Run, here.parent_id) if here.parent_id else None


def _locked(session: Session, run: Run) -> Iterator[Run]:
    """The lineage, each row locked and read anew where the database does not lock as a whole."""
    for each in lineage(session, run):
        session.refresh(each, with_for_update=True)
        yield each


def use(session: Session, run: Run, counter: Counter, amount: int = 1) -> None:
    """Count before something is done.

    Raises:
        LimitExceeded: it would go past a limit of the run or of one above it; nothing was counted.
    """
    column = _COLUMNS[counter]
    for each in _locked(session, run):
        most = each.limits.get(counter)
        if most is not None and getattr(each, column) + amount > most:
            raise LimitExceeded(f"run {each.id} has used its {most} {_LIMITS[counter]}.", run=each.id)
        setattr(each, column, getattr(each, column) + amount)
        session.add(each)


def within(session: Session, run: Run) -> None:
    """Check that nothing has been overspent.

    Raises:
        LimitExceeded: the run, or one above it, has used more than it may.
    """
    for each in lineage(session, run):
        for counter, column in _COLUMNS.items():
            most = each.limits.get(counter)
            used = getattr(each, column)
            if most is not None and used > most:
                shown = f"{used / 1e6:.4f} USD of {most / 1e6:.4f} (limits.cost.usd)"
                words = shown if counter == "micro_usd" else f"{used} of {most} {_LIMITS[counter]}"
                raise LimitExceeded(f"run {each.id} has spent {words}.", run=each.id)


def record(session: Session, run: Run, visit: Visit | None, *, tokens: int, micro_usd: int) -> None:
    """Count what a call has used, whatever the limits say: it is spent."""
    for each in _locked(session, run):
        each.tokens += tokens
        each.cost_micro_usd += micro_usd
        session.add(each)
    if visit is not None:
        visit.tokens += tokens
        visit.cost_micro_usd += micro_usd
        session.add(visit)


def visit_within(visit: Visit, limits: Mapping[str, int], *, calls: int = 0) -> None:
    """Check what one visit of a step has used, `calls` more included.

    Raises:
        StepLimitExceeded: it is more than the step's `limits` allow.
    """
    used = {"model_calls": visit.model_calls + calls, "tokens": visit.tokens, "micro_usd": visit.cost_micro_usd}
    for counter, most in limits.items():
        if used.get(counter, 0) > most:
            words = {"model_calls": "model calls", "tokens": "tokens", "micro_usd": "micro-USD"}[counter]
            raise StepLimitExceeded(f"step {visit.step} may use {most} {words} in one visit (its limits.{counter}).")


def visit_of(session: Session, run_id: str, step: str, visit: int) -> Visit:
    """The visit.

    Raises:
        Refused: the run never entered it.
    """
    row = session.get(Visit, (run_id, step, visit))
    if row is None:
        raise Refused(f"run {run_id} never entered {step}.")
    return row
