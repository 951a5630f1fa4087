"""Making a run that begins at a position of another, in one transaction.

Its visits up to there, and the record of what they wrote, are its own rows.  Ledger rows and approvals stay with the
run that made them: what was done is looked up there, and what was agreed to counts for that run alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.errors import Conflict, Refused
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.families import visits_up_to
from interlock.store.runs import new_id
from interlock.store.sealing import Ring
from interlock.store.spend import due_at
from interlock.store.tables import Fork, Run, Visit, Written
from interlock.store.written import Value

COUNTERS = ("steps", "model_calls", "tokens", "cost_micro_usd")


@dataclass(frozen=True)
class Branching:
    """All that a fork is made from."""

    origin: str
    spec_digest: str
    """The spec that the origin went by when it was looked at."""
    named: str
    input: dict[str, Any]
    seen: Sequence[tuple[int, str, int, str | None, int | None]]
    """The origin's visits up to the position, as they were looked at: position, step, visit, outcome, edge."""
    left_by: int | None = None
    """The edge that the fork leaves the last of them by."""
    edited: Mapping[str, Value] = field(default_factory=dict)
    source: str = ""
    """The node after which its first checkpoint stands; empty where it begins from its input."""
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def position(self) -> int:
        return len(self.seen)


class Forks:
    """Makes forks, and remembers where each came from.

    Args:
        ring: the keys that seal their states; None where checkpoints are not sealed.
    """

    def __init__(self, database: Database, audit: Audit, clock: Clock, ring: Ring | None) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._ring = ring

    def of_run(self, run_id: str) -> Fork | None:
        """Where a run came from; None where it is no fork."""
        with self._database.read() as session:
            return session.get(Fork, run_id)

    def made_from(self, run_id: str) -> Sequence[Fork]:
        """The forks of a run, oldest first."""
        with self._database.read() as session:
            query = select(Fork).where(Fork.origin == run_id).order_by(col(Fork.at), col(Fork.run_id))
            return session.exec(query).all()

    def written(self, run_id: str) -> Sequence[Written]:
        """All that the visits of a run wrote, in order."""
        with self._database.read() as session:
            query = select(Written).where(Written.run_id == run_id)
            return session.exec(query.order_by(col(Written.position), col(Written.key))).all()

    def unsettled(self, run_id: str) -> Fork | None:
        """The fork, while its first checkpoint is not known to be written."""
        found = self.of_run(run_id)
        return found if found is not None and not found.settled else None

    def settle(self, run_id: str) -> None:
        """Note that the first checkpoint of a fork is written; the row holds its state no longer."""
        with self._database.write() as session:
            row = session.get(Fork, run_id)
            if row is not None and not row.settled:
                row.settled, row.state = True, ""
                session.add(row)

    def state(self, fork: Fork) -> dict[str, Any]:
        """The state that a fork begins with; empty once its checkpoint is written, and where it begins from its input.

        Raises:
            Refused: it was sealed with a key that is not there, or was changed.
        """
        if not fork.state:
            return {}
        text = fork.state
        if fork.sealed:
            if self._ring is None:
                raise Refused(
                    f"what run {fork.run_id} begins with is sealed; set INTERLOCK_CHECKPOINT_KEY to go on. "
                    "Nothing was lost."
                )
            text = self._ring.open_text(text, _place(fork.run_id))
        found: dict[str, Any] = json.loads(text)
        return found

    def _kept(self, run_id: str, state: Mapping[str, Any]) -> str:
        text = json.dumps(state) if state else ""
        return self._ring.seal_text(text, _place(run_id)) if self._ring is not None and text else text

    def make(self, plan: Branching, actor: str) -> Run:
        """Make the fork: from here on it is never lost.

        Raises:
            Conflict: its origin was moved to another spec, or its visits changed, since the plan was made.
        """
        now = self._clock()
        with self._database.write() as session:
            origin = session.get(Run, plan.origin, with_for_update=True)
            visits = visits_up_to(session, plan.origin, plan.position)
            there = [(row.position, row.step, row.visit, row.outcome, row.left_by) for row in visits]
            if origin is None or origin.spec_digest != plan.spec_digest or there != list(plan.seen):
                raise Conflict(f"run {plan.origin} was changed since it was looked at; fork it again.")
            used = used_at(session, origin, plan.position)
            above = session.get(Fork, plan.origin)
            run = Run(
                id=new_id(), graph=origin.graph, spec_digest=origin.spec_digest, status="created",
                input=plan.input, output={}, limits=origin.limits, requester=actor, traced=True,
                due_at=due_at(origin.limits, now), created_at=now, updated_at=now, steps=used["steps"],
                model_calls=used["model_calls"], tokens=used["tokens"], cost_micro_usd=used["cost_micro_usd"],
            )  # fmt: skip
            session.add(run)
            session.flush()
            self._audit.append(
                session, actor, "run.created", run.id, {"graph": run.graph, "spec": run.spec_digest, "input": run.input}
            )
            for row in visits:
                last = row.position == plan.position
                session.add(Visit(**{**_fields(row, run.id), **({"left_by": plan.left_by} if last else {})}))
            self._write_values(session, plan, run.id)
            digests = {key: value.digest for key, value in plan.edited.items()}
            session.add(
                Fork(
                    run_id=run.id,
                    origin=origin.id,
                    family=above.family if above is not None else origin.id,
                    position=plan.position,
                    named=plan.named,
                    edited=digests,
                    used=used,
                    actor=actor,
                    source=plan.source,
                    state=self._kept(run.id, plan.state),
                    sealed=self._ring is not None,
                    settled=not plan.source,
                    at=now,
                )
            )
            session.flush()
            told: dict[str, Json] = {"from": origin.id, "at": plan.named, "visits": plan.position}
            self._audit.append(session, actor, "run.forked", run.id, told | {"edited": dict(digests)})
            return run

    def _write_values(self, session: Session, plan: Branching, run_id: str) -> None:
        """The record of what the visits wrote, and of the edits as if the last of them had written those."""
        query = select(Written).where(Written.run_id == plan.origin, Written.position <= plan.position)
        for row in session.exec(query).all():
            if row.position != plan.position or row.key not in plan.edited:
                session.add(Written(**_fields(row, run_id)))
        for key, value in plan.edited.items():
            session.add(Written(run_id=run_id, position=plan.position, key=key, digest=value.digest, marks=value.marks))
        session.flush()


def used_at(session: Session, run: Run, position: int) -> dict[str, int]:
    """What a run had used once it had left the visit at a position, its child runs included, by column."""
    fork = session.get(Fork, run.id)
    since, used = 0, dict.fromkeys(COUNTERS, 0)
    if fork is not None:
        origin = session.get(Run, fork.origin)
        if position < fork.position and origin is not None:
            return used_at(session, origin, position)
        since, used = fork.position, {name: int(fork.used.get(name, 0)) for name in COUNTERS}
    visits = [row for row in visits_up_to(session, run.id, position) if row.position > since]
    places = {(row.step, row.visit) for row in visits}
    used["steps"] += sum(row.outcome != "exhausted" for row in visits)
    children = session.exec(select(Run).where(Run.parent_id == run.id)).all()
    for each in (*visits, *(child for child in children if (child.parent_step, child.parent_visit) in places)):
        for name in COUNTERS[1:]:
            used[name] += getattr(each, name)
        used["steps"] += each.steps if isinstance(each, Run) else 0
    return used


def _place(run_id: str) -> tuple[str, ...]:
    return (run_id, "fork")


def _fields(row: Visit | Written, run_id: str) -> dict[str, Any]:
    """The columns of a row, as another run's."""
    return {**row.model_dump(), "run_id": run_id}
