"""What lets an effect begin, checked in the transaction that writes its intent."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from interlock.errors import DecidedStricter, Refused
from interlock.policies.decide import Verdict
from interlock.policies.derived import Records
from interlock.policies.language import Requirement
from interlock.store.audit import Audit
from interlock.store.families import Same, unnamed
from interlock.store.reservations import Reserved
from interlock.store.tables import Approval, Effect

Again = Callable[[Effect, Records], Verdict | None]
"""What the policies say of an effect, given what counts beside it; None where none applies."""


def decide_again(session: Session, effect: Effect, again: Again) -> None:
    """Decide an action once more on what counts by now.

    Raises:
        DecidedStricter: the policies deny it, or ask for more than was granted.
    """
    verdict = again(effect, Reserved(session, effect.id))
    if verdict is None or verdict.effect == "auto":
        return
    approval = session.get(Approval, effect.approval_id) if effect.approval_id else None
    granted = Requirement.model_validate(approval.requirement) if approval is not None else None
    if verdict.effect == "approve" and granted and verdict.requirement and granted.satisfies(verdict.requirement):
        return
    because = verdict.reasons[0].because if verdict.reasons else verdict.effect
    raise DecidedStricter(f"effect {effect.id}: by now the rules say {verdict.effect}: {because}.")


def refuse_repetition(session: Session, effect: Effect, same: Same | None, states: Collection[str]) -> None:
    """Refuse what another run of the family has done or begun, unless the question about it named that.

    Args:
        same: what of the family's effects by this action it would do again; default is each.
        states: those of an effect that was done or begun.

    Raises:
        DecidedStricter: another run has.
    """
    earlier = unnamed(session, effect, same, states)
    if earlier is not None:
        what = f"{earlier.id} is {earlier.state}, and it would repeat that"
        raise DecidedStricter(f"effect {effect.id}: by now {what}.")


def authorise(session: Session, audit: Audit, effect: Effect, now: datetime) -> None:
    """Check that an action was decided `auto`, or holds an approval of exactly it, which the first attempt uses up.

    Raises:
        Refused: there is no valid authorisation.
    """
    first = effect.attempt == 0
    decided = (effect.verdict or {}).get("effect")
    if effect.state == "gated" and decided == "auto":
        return
    if effect.state in ("in_doubt", "failed") and decided == "auto":
        if effect.state == "failed" and not effect.retryable:
            raise Refused(f"effect {effect.id} failed for good.")
        return
    if effect.approval_id is None or decided != "approve":
        raise Refused(f"effect {effect.id} has no authorisation; it is {effect.state}.")
    approval = session.get(Approval, effect.approval_id)
    if approval is None or approval.digest != effect.digest or approval.run_id != effect.run_id:
        raise Refused(f"effect {effect.id}: approval {effect.approval_id} was given for another action.")
    if first:
        if effect.state != "approved" or approval.state != "approved":
            raise Refused(f"effect {effect.id}: approval {approval.id} is {approval.state}.")
        if approval.execute_before is None or now > approval.execute_before:
            raise Refused(f"effect {effect.id}: approval {approval.id} had to be used before it expired.")
        consume(session, approval, now)
        audit.append(session, "monitor", "approval.consumed", approval.id, {"effect": effect.id})
    elif approval.state != "consumed" or effect.state not in ("in_doubt", "failed"):
        raise Refused(f"effect {effect.id} cannot be tried again; it is {effect.state}.")
    elif effect.state == "failed" and not effect.retryable:
        raise Refused(f"effect {effect.id} failed for good.")


def consume(session: Session, approval: Approval, now: datetime) -> None:
    """Use an approval up.

    Raises:
        Refused: somebody else used it first.
    """
    result = session.exec(
        update(Approval)
        .where(col(Approval.id) == approval.id, col(Approval.state) == "approved")
        .values(state="consumed", revision=Approval.revision + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:
        raise Refused(f"approval {approval.id} was already used.")
