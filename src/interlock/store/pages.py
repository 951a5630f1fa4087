"""Long lists, one page at a time: each page begins behind a row that the last one named, so none costs more than
another, and rows that come or go meanwhile shift nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import literal, tuple_
from sqlmodel import Session, col

from interlock.errors import UsageError
from interlock.store.tables import Approval, Moment, Run

T = TypeVar("T", Approval, Run)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list."""

    rows: Sequence[T]
    next: str | None
    """The id behind which the next page begins; None where this is the last one."""


def ordered(
    session: Session, query: Any, table: type[T], after: str | None, *, newest: bool, by: str = "created_at"
) -> Any:
    """A query in the order in which rows were made, behind the row `after`.

    Args:
        by: another moment of the rows that orders them.

    Raises:
        UsageError: there is no such row.
    """
    place = (col(getattr(table, by)), col(table.id))
    if after is not None:
        row = session.get(table, after)
        if row is None:
            raise UsageError(f"no page begins after {after}; begin anew, without `after`.")
        here = tuple_(literal(getattr(row, by), Moment()), literal(row.id))
        query = query.where(tuple_(*place) < here if newest else tuple_(*place) > here)
    return query.order_by(*(each.desc() if newest else each for each in place))


def cut(rows: Sequence[T], limit: int) -> Page[T]:
    """The page of rows of which one more than wanted was read."""
    kept = rows[:limit]
    return Page(kept, kept[-1].id if len(rows) > limit else None)
