"""What runs wait for besides people: a moment, or an event from outside that must come before one.

A pause ends once: by its moment, by the event, or by its deadline, whichever is written first.  An
event that comes before its wait is kept and taken by the first wait of its name whose fields it fits,
so nobody who sends has to know how far the run is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from interlock.errors import Refused
from interlock.store.audit import Audit, Clock
from interlock.store.database import Database
from interlock.store.spend import ENDED
from interlock.store.tables import EarlyEvent, Pause, Run

EARLY = 100
"""So many events of a run may be kept unread."""

Fits = Callable[[dict[str, Any], dict[str, Any]], bool]
"""Whether a payload fits a schema."""


class Pauses:
    """Opens, settles and reads pauses."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, fits: Fits) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._fits = fits

    def open(
        self,
        run_id: str,
        step: str,
        visit: int,
        due_at: datetime,
        *,
        event: str | None = None,
        schema: dict[str, Any] | None = None,
        lineage: Sequence[str] = (),
    ) -> Pause:
        """Begin to wait, or find the pause that this visit began; an event that came early settles it at once.

        Args:
            lineage: the run and the runs above it, to any of which the event may have been sent.
        """
        identifier, now = f"{run_id}/{step}/{visit}", self._clock()
        with self._database.write() as session:
            known = session.get(Pause, identifier)
            if known is not None:
                return known
            pause = Pause(
                id=identifier, run_id=run_id, step=step, visit=visit, event=event, payload_schema=schema or {},
                due_at=due_at, state="waiting", created_at=now,
            )  # fmt: skip
            session.add(pause)
            session.flush()
            if event is not None and due_at > now:
                early = self._early(session, lineage or [run_id], event, pause.payload_schema)
                if early is not None:
                    early.taken_by = pause.id
                    session.add(early)
                    self._settle(session, pause, "done", early.payload, early.sender)
            return pause

    def get(self, pause_id: str) -> Pause | None:
        """The pause, or None."""
        with self._database.read() as session:
            return session.get(Pause, pause_id)

    def of_run(self, run_id: str) -> Sequence[Pause]:
        """Every pause of a run, oldest first."""
        with self._database.read() as session:
            query = select(Pause).where(Pause.run_id == run_id)
            return session.exec(query.order_by(col(Pause.created_at), col(Pause.id))).all()

    def waiting(self, run_ids: Sequence[str]) -> Sequence[Pause]:
        """What these runs wait for now, the soonest first."""
        with self._database.read() as session:
            query = select(Pause).where(col(Pause.run_id).in_(run_ids), Pause.state == "waiting")
            return session.exec(query.order_by(col(Pause.due_at), col(Pause.id))).all()

    def ready(self, pause_id: str) -> bool:
        """Whether the pause is over; an unknown one is, so that its step looks again."""
        pause = self.get(pause_id)
        return pause is None or pause.state != "waiting" or pause.due_at <= self._clock()

    def settled(self) -> Sequence[str]:
        """The living runs with a pause that is over or due: they can go on, unless they did already."""
        self.settle_due()
        with self._database.read() as session:
            living = select(Run.id).where(col(Run.status).not_in(ENDED))
            query = select(Pause.run_id).where(Pause.state != "waiting", col(Pause.run_id).in_(living))
            return session.exec(query.distinct()).all()

    def settle_due(self) -> int:
        """End every pause whose moment has come: a timer is done, an event that did not come is expired."""
        now = self._clock()
        with self._database.read() as session:
            due = session.exec(select(Pause.id).where(Pause.state == "waiting", col(Pause.due_at) <= now)).all()
        settled = 0
        for identifier in due:
            with self._database.write() as session:
                pause = session.get(Pause, identifier, with_for_update=True)
                if pause is not None and pause.state == "waiting":
                    timer = pause.event is None
                    self._settle(session, pause, "done" if timer else "expired", {} if timer else None, "clock")
                    settled += 1
        return settled

    def send(
        self, run_id: str, family: Sequence[str], event: str, payload: dict[str, Any], sender: str, *, keep: bool = True
    ) -> Pause | None:
        """Give an event to the oldest open wait of its name that it fits; None where it is kept for a later one.

        Args:
            run_id: the run it is sent to.
            family: that run and all runs below it.
            keep: whether a later wait may still take it.

        Raises:
            Refused: nothing waits for it and nothing will, or too many events of this run are unread already.
        """
        self.settle_due()
        with self._database.write() as session:
            query = select(Pause).where(col(Pause.run_id).in_(family), Pause.event == event, Pause.state == "waiting")
            for pause in session.exec(query.order_by(col(Pause.created_at), col(Pause.id)).with_for_update()):
                if pause.due_at > self._clock() and self._fits(payload, pause.payload_schema):
                    self._settle(session, pause, "done", payload, sender)
                    return pause
            if not keep:
                raise Refused(f"run {run_id} waits for the event {event} no more; it was not sent.")
            unread = select(func.count()).select_from(EarlyEvent)
            unread = unread.where(EarlyEvent.run_id == run_id, col(EarlyEvent.taken_by).is_(None))
            if session.exec(unread).one() >= EARLY:
                raise Refused(f"run {run_id} has {EARLY} events that it has not read yet; send this one later.")
            now = self._clock()
            session.add(EarlyEvent(run_id=run_id, event=event, payload=payload, sender=sender, sent_at=now))
            session.flush()
            self._audit.append(session, sender, "event.kept", run_id, {"event": event, "payload": payload})
            return None

    def _early(self, session: Session, run_ids: Sequence[str], event: str, schema: dict[str, Any]) -> EarlyEvent | None:
        query = select(EarlyEvent).where(
            col(EarlyEvent.run_id).in_(run_ids), EarlyEvent.event == event, col(EarlyEvent.taken_by).is_(None)
        )
        found = session.exec(query.order_by(col(EarlyEvent.id)).with_for_update())
        return next((early for early in found if self._fits(early.payload, schema)), None)

    def _settle(self, session: Session, pause: Pause, state: str, payload: dict[str, Any] | None, sender: str) -> None:
        pause.state, pause.payload, pause.sender, pause.settled_at = state, payload, sender, self._clock()
        session.add(pause)
        session.flush()
        self._audit.append(session, sender, f"pause.{state}", pause.id, {"event": pause.event, "payload": payload})
