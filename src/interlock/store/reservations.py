"""What effects take of budgets: written with the intent, in its transaction, and added up exactly.

A number of up to 18 digits on each side of the point is kept in four whole numbers of nine digits, so
that a sum over many rows is made by the database and is exact on every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from interlock.policies.derived import Selection, hold, key_of, number
from interlock.store.tables import Effect, Reservation

LIMB, PLACES = 10**9, 18

Conditions = list[ColumnElement[bool]]

EFFECT = ""
"""The name, in place of an argument's, of the row that stands for the effect itself."""


def reserve(session: Session, effect: Effect, at: datetime) -> None:
    """Count an effect whose attempt begins at `at`, in the caller's transaction; an earlier attempt counts no more."""
    release(session, effect.id)
    place = {
        "effect_id": effect.id,
        "run_id": effect.run_id,
        "family": effect.action.partition(".")[0],
        "action": effect.action,
        "hold": "open",
        "at": at,
    }
    values: dict[str, Any] = {EFFECT: None, **effect.arguments}
    rows = []
    for name, value in values.items():
        found = number(value)
        told = {"argument": name, "key": key_of(value), "is_number": found is not None}
        rows.append(place | told | _limbs(found or Decimal(0)))
    session.execute(insert(Reservation), rows)


def release(session: Session, effect_id: str) -> None:
    """Count an effect no longer."""
    session.exec(delete(Reservation).where(col(Reservation.effect_id) == effect_id))


def follow(session: Session, effect_id: str, state: str) -> None:
    """Keep what an effect takes in step with its new state, in the transaction that moved it."""
    held = hold(state)
    if held is None:
        release(session, effect_id)
        return
    session.exec(
        update(Reservation)
        .where(col(Reservation.effect_id) == effect_id)
        .values(hold=held)
        .execution_options(synchronize_session=False)
    )


def _limbs(value: Decimal) -> dict[str, int]:
    """The parts of a number, each with its sign."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    whole = int("".join(map(str, digits))) * 10 ** (PLACES + exponent)
    parts = {}
    for place in (3, 2, 1, 0):
        whole, part = divmod(whole, LIMB)
        parts[f"limb_{place}"] = -part if sign else part
    return parts


def _joined(parts: Sequence[int]) -> Decimal:
    """The number whose parts, or sums of parts, these are."""
    whole = 0
    for part in parts:
        whole = whole * LIMB + part
    return Decimal(f"{whole}E-{PLACES}")


class Reserved:
    """The effects that count, without one: `interlock.policies.derived.Records` inside a transaction."""

    def __init__(self, session: Session, but: str) -> None:
        self._session = session
        self._but = but

    def total(self, selection: Selection, argument: str) -> Decimal | None:
        """The exact sum of an argument; None where one of the effects has no plain number there."""
        if selection.argument is None:
            summed, chosen = Reservation, self._meant(selection, argument)
            query = select(func.count(), *_sums(summed)).select_from(summed)
        else:
            summed, chosen = aliased(Reservation), self._meant(selection, selection.argument)
            same = and_(col(summed.effect_id) == col(Reservation.effect_id), col(summed.argument) == argument)
            query = select(func.count(), *_sums(summed)).select_from(Reservation).join(summed, same)
        numbers, parts = 0, [0, 0, 0, 0]
        for meant in chosen:
            count, *row = self._session.execute(query.where(col(summed.is_number), *meant)).one()
            numbers += count
            parts = [before + int(part or 0) for before, part in zip(parts, row, strict=True)]
        return _joined(parts) if numbers == self.count(selection) else None

    def count(self, selection: Selection) -> int:
        """How many count."""
        query = select(func.count()).select_from(Reservation)
        chosen = self._meant(selection, selection.argument or EFFECT)
        return sum(self._session.exec(query.where(*meant)).one() for meant in chosen)

    def seen(self, selection: Selection) -> bool:
        """Whether one of them stands."""
        _, standing = self._meant(selection, selection.argument or EFFECT)
        return self._session.exec(select(Reservation.effect_id).where(*standing).limit(1)).first() is not None

    def _meant(
        self, selection: Selection, argument: str
    ) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
        """The rows of one argument of those effects: those that are open, and those that stand.

        They are asked for one after the other, because only so the database finds both in an index.
        """
        families = [pattern.partition(".")[0] for pattern in selection.actions]
        whole = [pattern.partition(".")[0] for pattern in selection.actions if pattern.endswith(".*")]
        single = [pattern for pattern in selection.actions if not pattern.endswith(".*")]
        found = [
            col(Reservation.argument) == argument,
            or_(col(Reservation.family).in_(whole), col(Reservation.action).in_(single)),
            col(Reservation.effect_id) != self._but,
        ]
        if selection.argument is not None:
            found.append(col(Reservation.key) == selection.key)
        else:
            found.append(col(Reservation.family).in_(families))
        standing = [col(Reservation.hold) == "stands", col(Reservation.at) > selection.since]
        return [*found, col(Reservation.hold) == "open"], [*found, *standing]


def _sums(summed: Any) -> list[Any]:
    return [func.sum(getattr(summed, f"limb_{place}")) for place in range(4)]
