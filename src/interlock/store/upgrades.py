"""Moving a run from one pinned spec to another, in one transaction.

Nothing that people or rules decided under the old spec is left to act on: requests that wait or were
granted and not used are withdrawn with their proposals.  The state that the run goes on from is kept in
the same transaction, so a process that dies before the checkpoint is written loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from interlock.digest import Json, compact, digest
from interlock.errors import Conflict, Refused
from interlock.store.approvals import Approvals
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.effects import OPEN, Ledger, fetch
from interlock.store.runs import is_body_of
from interlock.store.spend import ENDED, due_at, limits_of
from interlock.store.tables import Approval, EarlyEvent, Effect, Pause, PinnedSpec, Run, Upgrade, Visit
from interlock.store.written import Value, add_values, rename

UNSETTLED = ("intent", "in_doubt")
"""States of an effect of which nobody knows yet what became of it."""

Place = tuple[str, int]
"""A step and the number of a visit."""


@dataclass(frozen=True)
class Change:
    """All that is rewritten when a run is moved."""

    run_id: str
    old: str
    new: str
    spec: dict[str, Any]
    mapping: dict[str, Any]
    input: dict[str, Any]
    steps: Mapping[str, str]
    """Every step that is called otherwise now, old name to new name."""
    keys: Mapping[str, str | None]
    """What each key of the old spec is called in the new one; None where it is gone."""
    given: Mapping[str, Value]
    """Where values came from that no visit wrote under their new name."""
    edges: Mapping[Place, tuple[int, int | None]]
    """By old step and visit: the edges that it was entered and left by, in the new spec."""
    at: tuple[str, int, str | None] | None
    """The run's last visit as the plan saw it: step, number, outcome; None where it had not begun."""
    source: str
    """The node after which the new checkpoint stands; empty where the run had not begun."""
    state: dict[str, Any]
    """The state in that checkpoint."""


class Upgrades:
    """Moves runs, and remembers each move."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, ledger: Ledger, approvals: Approvals) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._ledger = ledger
        self._approvals = approvals

    def of_run(self, run_id: str) -> Sequence[Upgrade]:
        """Every move of a run, in order."""
        with self._database.read() as session:
            found: Sequence[Upgrade] = session.exec(_moves(run_id)).all()
            return found

    def unsettled(self, run_id: str) -> Upgrade | None:
        """The last move of a run, while its checkpoint is not known to be written."""
        found = [row for row in self.of_run(run_id) if not row.settled]
        return found[-1] if found else None

    def settle(self, move: Upgrade) -> None:
        """Note that the checkpoint of a move is written."""
        with self._database.write() as session:
            for row in session.exec(_moves(move.run_id)).all():
                row.settled = row.settled or row.ordinal <= move.ordinal
                session.add(row)

    def move(self, change: Change, actor: str, *, voiding: bool) -> Upgrade:
        """Move a run to another spec; the caller holds its lease.

        Args:
            voiding: whether requests that wait, or were granted and not used, may be withdrawn.

        Raises:
            Conflict: the run has moved, acted or ended since the plan was made; nothing changed.
            Refused: a request would be withdrawn, and that was not asked for; or the new spec is stored
                damaged; nothing changed.
        """
        with self._database.write() as session:
            run = self._unmoved(session, change)
            open_rows = self._open(session, run.id)
            voided = self._approvals.unused(session, run.id)
            if voided and not voiding:
                names = ", ".join(row.id for row in voided)
                raise Refused(f"run {run.id}: {names} would be void; add --void-approvals to have it asked again.")
            because = f"the workflow was upgraded by {actor}"
            for approval in voided:
                self._approvals.void(session, approval, actor, because)
            for effect_id in open_rows:
                self._ledger.move(session, fetch(session, effect_id), "superseded", actor=actor, error=because)
            self._pin(session, change)
            self._rename(session, run.id, change)
            rename(session, run.id, change.keys)
            add_values(session, run.id, change.given)
            run.spec_digest, run.input = change.new, change.input
            run.graph = change.spec["graph"]
            run.limits, run.updated_at = limits_of(change.spec.get("limits") or {}), self._clock()
            run.due_at = due_at(run.limits, run.created_at)
            session.add(run)
            session.flush()
            return self._recorded(session, change, actor, [row.id for row in voided])

    def _unmoved(self, session: Session, change: Change) -> Run:
        """The run, as the plan saw it."""
        run = session.get(Run, change.run_id, with_for_update=True)
        if run is None or run.status in ENDED or run.spec_digest != change.old:
            raise Conflict(f"run {change.run_id} has ended or was moved by somebody else; plan again.")
        if (
            run.parent_id
            or session.exec(select(Run.id).where(Run.parent_id == run.id, col(Run.status).not_in(ENDED))).first()
        ):
            raise Conflict(f"run {change.run_id} has child runs, or is one; finish the step first.")
        last = session.exec(_visits(run.id).order_by(col(Visit.position).desc()).limit(1)).first()
        if (None if last is None else (last.step, last.visit, last.outcome)) != change.at:
            raise Conflict(f"run {change.run_id} has gone on since; plan again.")
        return run

    def _open(self, session: Session, run_id: str) -> list[str]:
        """The proposals that have not begun.

        Raises:
            Conflict: one has, and nobody knows yet what became of it.
        """
        rows = session.exec(select(Effect.id, Effect.state).where(Effect.run_id == run_id)).all()
        for effect_id, state in rows:
            if state in UNSETTLED:
                raise Conflict(f"effect {effect_id} is {state}; it must be settled first.")
        return [effect_id for effect_id, state in rows if state in OPEN]

    def _pin(self, session: Session, change: Change) -> None:
        """Store the new spec.

        Raises:
            Refused: what is stored under its digest is another one: it was changed or damaged.
        """
        known = session.get(PinnedSpec, change.new)
        body = known.body if known is not None else compact(change.spec)
        if not is_body_of(body, change.new):
            raise Refused(f"the stored spec {change.new} was changed or damaged; restore the database from a backup.")
        if known is None:
            graph, version = change.spec["graph"], change.spec["version"]
            session.add(PinnedSpec(digest=change.new, graph=graph, version=version, body=body, stored_at=self._clock()))
            session.flush()

    def _rename(self, session: Session, run_id: str, change: Change) -> None:
        """Give the rows of visits their new names and edges.  Ids stay: audit and providers know effects by them."""
        for visit in session.exec(_visits(run_id)).all():
            visit.entered_by, visit.left_by = change.edges.get(
                (visit.step, visit.visit), (visit.entered_by, visit.left_by)
            )
            session.add(visit)
        session.flush()
        for old, new in change.steps.items():
            for table in (Visit, Effect, Approval):
                for row in session.exec(select(table).where(table.run_id == run_id, table.step == old)).all():
                    row.step = new
                    session.add(row)
            for pause in session.exec(select(Pause).where(Pause.run_id == run_id, Pause.step == old)).all():
                for event in session.exec(select(EarlyEvent).where(EarlyEvent.taken_by == pause.id)).all():
                    event.taken_by = f"{run_id}/{new}/{pause.visit}"
                    session.add(event)
                pause.step, pause.id = new, f"{run_id}/{new}/{pause.visit}"
                session.add(pause)
            for child in session.exec(select(Run).where(Run.parent_id == run_id, Run.parent_step == old)).all():
                child.parent_step = new
                session.add(child)
            session.flush()

    def _recorded(self, session: Session, change: Change, actor: str, voided: list[str]) -> Upgrade:
        before = session.exec(_moves(change.run_id)).all()
        row = Upgrade(
            run_id=change.run_id,
            ordinal=len(before) + 1,
            old=change.old,
            new=change.new,
            mapping=change.mapping,
            actor=actor,
            source=change.source,
            state=change.state,
            settled=False,
            at=self._clock(),
        )
        session.add(row)
        session.flush()
        told: dict[str, Json] = {"old": change.old, "new": change.new, "mapping": digest(change.mapping)}
        told |= {"steps": dict(change.steps), "voided": list(voided)}
        self._audit.append(session, actor, "run.upgraded", change.run_id, told)
        return row


def _moves(run_id: str) -> Any:
    return select(Upgrade).where(Upgrade.run_id == run_id).order_by(col(Upgrade.ordinal))


def _visits(run_id: str) -> Any:
    return select(Visit).where(Visit.run_id == run_id)
