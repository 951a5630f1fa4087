"""The effect ledger: one row per proposed action, every arrow a compare-and-set with its audit entry.

::

    proposed -> gated -> approved -> intent -> executed -> verified
       |          |         |         |  \\
     denied    denied    expired      |   failed -> intent (only a certain, retryable failure)
               rejected  superseded   |
               expired             in_doubt -> executed | failed | intent (next attempt)
               superseded

An effect that another row undoes goes along with that row, in the same transaction::

    executed | verified -> compensating   (the undoing row: intent)
    compensating -> compensated           (executed)
    compensating -> executed              (failed: it certainly was not undone)

`intent` is committed before the outside world is called.  Whoever finds `intent` when no live process
holds the effect may not call; the row goes to `in_doubt`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.errors import Conflict, NotFound, Refused
from interlock.policies.derived import Records
from interlock.store.audit import Audit, Clock
from interlock.store.authorising import Again, authorise, decide_again, refuse_repetition
from interlock.store.database import Database
from interlock.store.families import Same, inherited, repeated
from interlock.store.locks import Hold
from interlock.store.reservations import Reserved, follow, reserve
from interlock.store.spend import ENDED, going
from interlock.store.tables import Approval, Effect, Run

ARROWS: dict[str, tuple[str, ...]] = {
    "proposed": ("gated", "denied", "superseded"),
    "gated": ("approved", "intent", "denied", "rejected", "expired", "superseded"),
    "approved": ("intent", "expired", "superseded"),
    "intent": ("executed", "failed", "in_doubt"),
    "in_doubt": ("executed", "failed", "intent"),
    "failed": ("intent", "superseded"),
    "executed": ("verified", "compensating"),
    "verified": ("compensating",),
    "compensating": ("compensated", "executed"),
}
"""The states that may follow each state; a state without an entry is final."""

STANDING = ("executed", "verified")
"""States of a row whose effect is there, and which can be undone."""

BEGUN = ("intent", "in_doubt", *STANDING, "compensating", "compensated")
"""States in which the outside world may have changed: at most one row of a visit is ever here."""

OPEN = ("proposed", "gated", "approved")

SETTLED = (*STANDING, "compensating", "compensated", "failed", "denied", "rejected", "expired", "superseded")
"""States of a row that nobody waits for: it happened, or certainly did not."""


class Ledger:
    """Reads and moves effect rows.  Nothing here calls a tool."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def get(self, effect_id: str) -> Effect:
        """The row.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.read() as session:
            return fetch(session, effect_id)

    def latest(self, run_id: str, step: str, visit: int) -> Effect | None:
        """The newest proposal of a visit."""
        with self._database.read() as session:
            return newest(session, run_id, step, visit)

    def of_run(self, run_id: str) -> Sequence[Effect]:
        """All rows of a run, oldest first."""
        with self._database.read() as session:
            return session.exec(select(Effect).where(Effect.run_id == run_id).order_by(col(Effect.created_at))).all()

    def propose(self, proposal: Effect) -> Effect:
        """Store a proposal, or return the row that already stands in its place, unchanged."""
        with self._database.write() as session:
            known = newest(session, proposal.run_id, proposal.step, proposal.visit)
            if known is not None:
                return known
            return self.add(session, proposal, actor="run")

    def follow(self, proposal: Effect) -> Effect:
        """Store one more proposal of a visit that looks things up again and again.

        Raises:
            Refused: the one before it is still open, or nobody knows yet what became of it.
        """
        with self._database.write() as session:
            before = newest(session, proposal.run_id, proposal.step, proposal.visit)
            if before is not None and before.state not in SETTLED:
                raise Refused(f"effect {before.id} is {before.state}; the next waits until that is settled.")
            return self.add(session, proposal, actor="run")

    def add(self, session: Session, proposal: Effect, *, actor: str) -> Effect:
        """Store a new proposal in the caller's transaction; its slot follows the visit's newest."""
        before = newest(session, proposal.run_id, proposal.step, proposal.visit)
        proposal.slot = before.slot + 1 if before else 0
        proposal.id = f"{proposal.run_id}/{proposal.step}/{proposal.visit}/{proposal.slot}"
        proposal.state = "proposed"
        proposal.created_at = proposal.updated_at = self._clock()
        session.add(proposal)
        session.flush()
        self._audit.append(
            session, actor, "effect.proposed", proposal.id, {"action": proposal.action, "arguments": proposal.arguments}
        )
        return proposal

    def move(self, session: Session, effect: Effect, state: str, *, actor: str, **changes: Any) -> Effect:
        """Take one arrow in the caller's transaction.

        Raises:
            Conflict: somebody else moved the row first, or there is no such arrow.
        """
        if state not in ARROWS.get(effect.state, ()):
            raise Conflict(f"effect {effect.id} is {effect.state}; it cannot become {state}.")
        result = session.exec(
            update(Effect)
            .where(col(Effect.id) == effect.id, col(Effect.state) == effect.state)
            .where(col(Effect.revision) == effect.revision)
            .values(state=state, revision=effect.revision + 1, updated_at=self._clock(), **changes)
            .execution_options(synchronize_session=False)
        )
        if result.rowcount != 1:
            raise Conflict(f"effect {effect.id} was changed by somebody else; nothing was done.")
        before, undoes = effect.state, effect.undoes
        told: dict[str, Json] = {"from": before, "to": state}
        told |= {name: changes[name] for name in ("digest", "approval_id", "attempt", "error") if name in changes}
        self._audit.append(session, actor, f"effect.{state}", effect.id, told)
        session.expire_all()
        moved = fetch(session, effect.id)
        if state == "intent":
            reserve(session, moved, moved.intent_at or self._clock())
        elif before in BEGUN:
            follow(session, moved.id, state)
        if undoes is not None:
            self._move_undone(session, fetch(session, undoes), before, state, actor)
        return fetch(session, effect.id)

    def _move_undone(self, session: Session, original: Effect, before: str, state: str, actor: str) -> None:
        """Move an effect along with the row that undoes it, which went from `before` to `state`.

        Raises:
            Refused: it is undone already, or another row is undoing it.
        """
        match state:
            case "intent" if before != "in_doubt":  # an attempt in doubt holds it already
                if original.state not in STANDING:
                    raise Refused(f"effect {original.id} is {original.state}; nothing is undone twice.")
                self.move(session, original, "compensating", actor=actor)
            case "executed":
                self.move(session, original, "compensated", actor=actor)
            case "failed":
                self.move(session, original, "executed", actor=actor)

    def gate(
        self,
        effect: Effect,
        *,
        digest: str,
        verdict: dict[str, Json],
        denied: bool,
        inputs: dict[str, Json] | None = None,
    ) -> Effect:
        """Record the gate's verdict, and what the policies were given: `gated`, or `denied` for good."""
        state = "denied" if denied else "gated"
        with self._database.write() as session:
            return self.move(session, effect, state, actor="gate", digest=digest, verdict=verdict, inputs=inputs)

    def supersede(
        self,
        effect: Effect,
        because: str,
        *,
        repeat: bool,
        actor: str = "monitor",
        arguments: dict[str, Json] | None = None,
    ) -> Effect:
        """Withdraw a row that has not begun; with `repeat`, propose the same action again to be gated anew.

        Args:
            arguments: how the action reads its arguments now, where that is known.
        """
        with self._database.write() as session:
            current = fetch(session, effect.id)
            if current.approval_id and withdraw(session, current.approval_id, self._clock()):
                self._audit.append(session, actor, "approval.superseded", current.approval_id, {"effect": current.id})
            moved = self.move(session, current, "superseded", actor=actor, error=because)
            if not repeat:
                return moved
            again = copy(moved)
            again.arguments = dict(arguments) if arguments is not None else again.arguments
            return self.add(session, again, actor=actor)

    def cancel(self, session: Session, run_id: str) -> None:
        """Withdraw every proposal of a run that has not begun, in the caller's transaction."""
        query = select(Effect.id).where(Effect.run_id == run_id, col(Effect.state).in_(OPEN))
        for effect_id in session.exec(query).all():
            self.move(session, fetch(session, effect_id), "superseded", actor="run", error="the run ended")

    @contextmanager
    def records(self, effect: Effect) -> Iterator[Records]:
        """What counts beside `effect`, for the derived inputs of policies, in one snapshot."""
        with self._database.read() as session:
            yield Reserved(session, effect.id)

    def inherited(self, run_id: str) -> Sequence[tuple[int, Effect]]:
        """What was proposed, in the runs that a fork came from, in the visits that it stands after, by position."""
        with self._database.read() as session:
            return inherited(session, run_id)

    def repeated(self, effect: Effect, same: Same) -> Sequence[Effect]:
        """What other runs of the effect's family have done, or begun, that this one would do again; oldest first."""
        with self._database.read() as session:
            return repeated(session, effect, same, BEGUN)

    def intend(
        self,
        effect: Effect,
        digest: str,
        *,
        reads: bool = False,
        again: Again | None = None,
        same: Same | None = None,
        hold: Hold | None = None,
    ) -> Effect:
        """Commit the intent: from now on the outside world may change.

        The same transaction checks that the run may go on, that the row's digest is `digest` (what is
        about to be sent), that no other proposal of the visit has begun, and that the action was decided
        `auto` or holds an approval, which it consumes.  With `again` it is decided once more on what counts
        by now, and from then on the action counts itself: of two that fit a budget only alone, one passes.
        What another run of the same family has done or begun is not done again, unless the question that
        people said yes to named it: of two forks that would do the same, one passes unasked.

        Args:
            reads: the action changes nothing, so it may follow others of the visit that have ended.
            same: what of the family's effects by this action it would do again; default is each.
            again: what the policies say, given what counts beside this action.  An attempt in doubt is not
                asked about: it counts since it first began, so what came later was decided with it.
            hold: the lock under which it is performed.

        Raises:
            StoreUnavailable: the lock is not held any more; nothing changed.
            DecidedStricter: the policies deny it by now, or ask for more than was granted, or another run of
                the family has done it; nothing changed.
            Refused: there is no valid authorisation; nothing changed.
            RunCancelled, LimitExceeded: its run was cancelled, or its time is over; nothing changed.
            Conflict: somebody else moved the row first.
        """
        now = self._clock()
        with self._database.write() as session:
            if hold is not None:
                hold.check(session)
            current = fetch(session, effect.id)
            if (current.state, current.revision) != (effect.state, effect.revision):
                raise Conflict(f"effect {effect.id} was changed by somebody else; nothing was done.")
            run = session.get(Run, current.run_id)
            if run is None or run.status in ENDED:
                raise Refused(f"effect {effect.id}: its run has ended, so nothing more is done.")
            going(session, run, now)
            if current.digest is None or current.digest != digest:
                raise Refused(f"effect {effect.id}: what would be sent is not what was decided; it is gated again.")
            begun = select(Effect).where(Effect.run_id == current.run_id, Effect.step == current.step)
            for other in session.exec(begun.where(Effect.visit == current.visit, Effect.id != current.id)):
                if other.state in BEGUN and not (reads and other.state in SETTLED):
                    raise Refused(f"effect {effect.id}: this visit already acted as {other.id}.")
            if again is not None and current.state != "in_doubt":
                decide_again(session, current, again)
            if not reads and current.state != "in_doubt":
                refuse_repetition(session, current, same, BEGUN)
            authorise(session, self._audit, current, now)
            return self.move(
                session, current, "intent", actor="monitor", attempt=current.attempt + 1, intent_at=now, error=None
            )

    def executed(self, effect: Effect, result: dict[str, Json] | None, *, actor: str = "monitor") -> Effect:
        """Record that it happened."""
        with self._database.write() as session:
            return self.move(session, effect, "executed", actor=actor, result=result or {}, error=None)

    def verified(self, effect: Effect) -> Effect:
        """Record that a look at the outside world confirmed it."""
        with self._database.write() as session:
            return self.move(session, effect, "verified", actor="monitor")

    def failed(self, effect: Effect, error: str, *, retryable: bool) -> Effect:
        """Record that it certainly did not happen."""
        with self._database.write() as session:
            return self.move(session, effect, "failed", actor="monitor", error=error, retryable=retryable)

    def doubt(self, effect: Effect, because: str) -> Effect:
        """Record that nobody knows yet whether it happened."""
        with self._database.write() as session:
            return self.move(session, effect, "in_doubt", actor="monitor", error=because)


def fetch(session: Session, effect_id: str) -> Effect:
    """The row.

    Raises:
        NotFound: there is none of that id.
    """
    row = session.get(Effect, effect_id)
    if row is None:
        raise NotFound(f"there is no effect {effect_id}.")
    return row


def newest(session: Session, run_id: str, step: str, visit: int) -> Effect | None:
    """The proposal with the highest slot of a visit."""
    place = select(Effect).where(Effect.run_id == run_id, Effect.step == step, Effect.visit == visit)
    return session.exec(place.order_by(col(Effect.slot).desc()).limit(1)).first()


def copy(effect: Effect) -> Effect:
    """The same proposal as a new, unplaced row."""
    place = ("run_id", "step", "visit", "undoes", "proposed_by")
    call = ("action", "arguments", "missing", "labels", "origins", "evidence", "model")
    return Effect(id="", slot=0, state="proposed", **{name: getattr(effect, name) for name in (*place, *call)})


def withdraw(session: Session, approval_id: str, now: datetime) -> bool:
    """Close a request that no longer has an object; whether it was open or unused until now."""
    result = session.exec(
        update(Approval)
        .where(col(Approval.id) == approval_id, col(Approval.state).in_(["waiting", "approved"]))
        .values(state="superseded", revision=Approval.revision + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)
