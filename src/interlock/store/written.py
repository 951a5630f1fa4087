"""What each visit of a run wrote: the digest of the value, and where each part of it came from.

The rows, not the checkpoint, say how far a value can be trusted: one that is not what its row says was
changed from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, select

from interlock.store.tables import Written

INPUT = 0
"""The position of what a child run was given; a run's visits count from 1."""


@dataclass(frozen=True)
class Value:
    """One value that is about to be written."""

    digest: str
    marks: list[Any]
    """The labels and origins of its parts, as `policies.origins` writes them."""


def record_values(session: Session, run_id: str, position: int, values: Mapping[str, Value]) -> None:
    """Record what was written at a position, in the caller's transaction; after a crash, in place of what it was."""
    for row in session.exec(select(Written).where(Written.run_id == run_id, Written.position == position)).all():
        if row.key not in values:
            session.delete(row)
    for key, value in values.items():
        session.merge(Written(run_id=run_id, position=position, key=key, digest=value.digest, marks=value.marks))
    session.flush()


def add_values(session: Session, run_id: str, values: Mapping[str, Value]) -> None:
    """Record what a run was given beside its input, before any visit, in the caller's transaction."""
    for key, value in values.items():
        session.merge(Written(run_id=run_id, position=INPUT, key=key, digest=value.digest, marks=value.marks))
    session.flush()


def written(session: Session, run_id: str, keys: Iterable[str], before: int | None = None) -> dict[str, Written]:
    """The newest row of each key that has one.

    Args:
        before: only what stood there before the visit at this position.
    """
    newest = select(Written.key, func.max(Written.position).label("position"))
    newest = newest.where(Written.run_id == run_id, col(Written.key).in_(sorted(set(keys))))
    if before is not None:
        newest = newest.where(Written.position < before)
    last = newest.group_by(col(Written.key)).subquery()
    query = select(Written).join(last, (col(Written.key) == last.c.key) & (col(Written.position) == last.c.position))
    return {row.key: row for row in session.exec(query.where(Written.run_id == run_id))}


def rename(session: Session, run_id: str, names: Mapping[str, str | None]) -> None:
    """Give the rows of a run their keys' new names; those of keys that are gone are gone."""
    rows = session.exec(select(Written).where(Written.run_id == run_id)).all()
    moved = [(row, names.get(row.key)) for row in rows if names.get(row.key) != row.key]
    kept = [(name, row.position, row.digest, row.marks) for row, name in moved if name is not None]
    for row, _ in moved:
        session.delete(row)
    session.flush()
    for name, position, digest, marks in kept:
        session.add(Written(run_id=run_id, position=position, key=name, digest=digest, marks=marks))
    session.flush()
