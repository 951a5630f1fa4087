"""Runs that come from one: a run, the forks of it, and the forks of those.

What one of them has done to the world, the others must not do again unasked.  A child run belongs to the run that
stands above all others of its lineage, whose id its own begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from interlock.store.tables import Approval, Effect, Fork, Run, Visit

Same = Callable[[Effect, Effect], bool]
"""Whether an effect may do again what an earlier one, by the same action, has done."""

REPEATS = "repeats"
"""Where a request names the effects, of other runs of its family, that the action would repeat."""

GRANTED = ("approved", "consumed")


@dataclass(frozen=True)
class Ancestor:
    """A run whose visits a fork stands after."""

    run_id: str
    up_to: int
    """The last of its visits that the fork stands after."""


def base_of(run_id: str) -> str:
    """The run that nobody's step started, at or above this one."""
    return run_id.partition(".")[0]


def relatives(session: Session, run_id: str) -> list[str]:
    """The other runs of the family, without their child runs."""
    base = base_of(run_id)
    own = session.get(Fork, base)
    first = own.family if own is not None else base
    forks = session.exec(select(Fork.run_id).where(Fork.family == first).order_by(col(Fork.at), col(Fork.run_id))).all()
    return [each for each in (first, *forks) if each != base]


def elsewhere(session: Session, run_id: str, action: str, states: Collection[str]) -> list[Effect]:
    """The effects of the other runs of the family, and of their child runs, that an action in one of `states` made."""
    found: list[Effect] = []
    for other in relatives(session, run_id):
        whose = or_(Effect.run_id == other, col(Effect.run_id).startswith(f"{other}.", autoescape=True))
        query = select(Effect).where(whose, Effect.action == action, col(Effect.state).in_(states))
        found += session.exec(query.order_by(col(Effect.created_at), col(Effect.id))).all()
    return found


def repeated(session: Session, effect: Effect, same: Same | None, states: Collection[str]) -> list[Effect]:
    """What other runs of the family have done, or begun, that an effect would do again; oldest first.

    Args:
        same: which of those by the same action; default is each.
        states: those of an effect that was done or begun.
    """
    found = elsewhere(session, effect.run_id, effect.action, states)
    return [earlier for earlier in found if earlier.id != effect.undoes and (same is None or same(effect, earlier))]


def unnamed(session: Session, effect: Effect, same: Same | None, states: Collection[str]) -> Effect | None:
    """The first of them that the question to people about the effect did not name."""
    approval = session.get(Approval, effect.approval_id) if effect.approval_id else None
    named = set(approval.request.get(REPEATS, ())) if approval is not None else set()
    return next((each for each in repeated(session, effect, same, states) if each.id not in named), None)


def ancestry(session: Session, run_id: str) -> list[Ancestor]:
    """The runs that a run came from, nearest first; none where it is no fork."""
    found: list[Ancestor] = []
    here = session.get(Fork, base_of(run_id))
    while here is not None:
        up_to = min(here.position, found[-1].up_to) if found else here.position
        found.append(Ancestor(here.origin, up_to))
        here = session.get(Fork, here.origin)
    return found


def inherited(session: Session, run_id: str) -> list[tuple[int, Effect]]:
    """The effects of the visits that a fork stands after, those of their branches included, each with that position.

    Newest last.  A graph that a step ran by itself has steps of its own, so what it did is not among them.
    """
    found: list[tuple[int, Effect]] = []
    for ancestor in ancestry(session, run_id) if base_of(run_id) == run_id else ():
        run = session.get(Run, ancestor.run_id)
        if run is None:
            continue
        positions = _positions(session, ancestor)
        branches = select(Run.id).where(
            col(Run.id).startswith(f"{run.id}.", autoescape=True),
            col(Run.graph).startswith(f"{run.graph}.", autoescape=True),
        )
        whose = or_(Effect.run_id == run.id, col(Effect.run_id).in_(branches))
        for effect in session.exec(select(Effect).where(whose)):
            position = positions.get(_place(session, run.id, effect))
            if position is not None:
                found.append((position, effect))
    return sorted(found, key=lambda item: (item[0], item[1].created_at, item[1].slot))


def requesters(session: Session, run_id: str) -> list[str]:
    """Who asked for a run and, where it is a fork, for those that it came from; each once."""
    ids = [run_id, *(each.run_id for each in ancestry(session, run_id))]
    return list(dict.fromkeys(run.requester for run in (session.get(Run, each) for each in ids) if run is not None))


def granted_before(session: Session, run_id: str) -> list[tuple[int, Approval]]:
    """The forms that were approved in visits which a fork stands after, or below them, each with that position."""
    found: list[tuple[int, Approval]] = []
    for ancestor in ancestry(session, run_id):
        positions = _positions(session, ancestor)
        whose = or_(
            Approval.run_id == ancestor.run_id,
            col(Approval.run_id).startswith(f"{ancestor.run_id}.", autoescape=True),
        )
        query = select(Approval).where(whose, Approval.kind == "form", col(Approval.state).in_(GRANTED))
        for approval in session.exec(query.order_by(col(Approval.created_at), col(Approval.id))):
            position = positions.get(_place(session, ancestor.run_id, approval))
            if position is not None:
                found.append((position, approval))
    return found


def _positions(session: Session, ancestor: Ancestor) -> dict[tuple[str, int], int]:
    query = select(Visit).where(Visit.run_id == ancestor.run_id, Visit.position <= ancestor.up_to)
    return {(visit.step, visit.visit): visit.position for visit in session.exec(query)}


def _place(session: Session, base: str, row: Approval | Effect) -> tuple[str, int]:
    """The visit of the run `base` in which, or below which, something was asked or proposed."""
    place, run_id = (row.step, row.visit), row.run_id
    while run_id != base:
        below = session.get(Run, run_id)
        if below is None or below.parent_id is None:
            return "", 0
        place, run_id = (below.parent_step or "", below.parent_visit or 0), below.parent_id
    return place


def visits_up_to(session: Session, run_id: str, position: int) -> Sequence[Visit]:
    """The visits of a run up to a position, in order."""
    query = select(Visit).where(Visit.run_id == run_id, Visit.position <= position)
    found: Sequence[Visit] = session.exec(query.order_by(col(Visit.position))).all()
    return found
