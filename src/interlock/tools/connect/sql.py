"""Business records: a SQL row each, in `records.db` of the home, with before and after of every change.

A record's fields are JSON.  The change and the note that its key was used are one transaction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import JSON, Column, Connection, MetaData, String, Table, insert, select, update

from interlock.digest import Json, digest
from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext
from interlock.tools.connect import database
from interlock.tools.connect.keys import key_clash, name_of

Fields = dict[str, Json]

schema = MetaData()
records = Table(
    "records",
    schema,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("fields", JSON, nullable=False),
)
changes = Table(
    "changes",
    schema,
    Column("key", String, primary_key=True),
    Column("request", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("made", String, nullable=False),
)


@dataclass(frozen=True)
class Change:
    """All fields of a record before and after a change."""

    before: Fields
    after: Fields


def put(kind: str, id: str, fields: Fields, home: Path) -> None:
    """Store a record, replacing the one of the same kind and identifier.

    Raises:
        EffectNotDone: the database cannot be written; nothing was changed.
    """
    with database.writing(home / "records.db", schema) as db:
        _store(db, kind, id, fields)


def find(kind: str, id: str, home: Path) -> Fields:
    """The fields of a record.

    Raises:
        EffectNotDone: the database cannot be read now.
        EffectFailed: there is no such record.
    """
    with database.reading(home / "records.db", schema) as db:
        fields = _fields(db, kind, id) if db is not None else None
    if fields is None:
        raise _unknown(kind, id)
    return fields


def set_field(context: ActionContext, *, kind: str, id: str, field: str, value: str) -> Change:
    """Give one existing field a new value, read as the type of the old one.

    A repeat with the same key returns the first change.  The point of no return is the commit.

    Raises:
        EffectNotDone: the database is locked, full or cannot be written; nothing was changed.
        EffectFailed: no such record or field, the value does not fit, or the key stands for another request.
    """

    def changed(before: Fields) -> Fields:
        if field not in before:
            raise EffectFailed(
                f"The {kind} {id} has no field {field}; nothing was changed. It has: {', '.join(sorted(before))}."
            )
        return before | {field: _as(before[field], value, field)}

    return _apply(context, kind, id, digest(["update", kind, id, field, value]), changed)


def add_note(context: ActionContext, *, kind: str, id: str, note: str) -> Change:
    """Append a note to the list in the record's field `notes`.

    A repeat with the same key returns the first change.  The point of no return is the commit.

    Raises:
        EffectNotDone: the database is locked, full or cannot be written; nothing was changed.
        EffectFailed: no such record, its `notes` are no list, or the key stands for another request.
    """

    def changed(before: Fields) -> Fields:
        notes = before.get("notes", [])
        if not isinstance(notes, list):
            raise EffectFailed(f"The field notes of {kind} {id} is no list; nothing was changed. Make it one first.")
        return before | {"notes": [*notes, note]}

    return _apply(context, kind, id, digest(["note", kind, id, note]), changed)


def _apply(context: ActionContext, kind: str, id: str, request: str, changed: Callable[[Fields], Fields]) -> Change:
    with database.writing(context.home / "records.db", schema) as db:
        earlier = db.execute(select(changes).where(changes.c.key == name_of(context.key))).one_or_none()
        if earlier is not None:
            if earlier.request != request:
                raise key_clash(context.key, f"a change of {earlier.kind} {earlier.id}")
            return Change(earlier.before, earlier.after)
        before = _fields(db, kind, id)
        if before is None:
            raise _unknown(kind, id)
        after = changed(before)
        _store(db, kind, id, after)
        row = {"key": name_of(context.key), "request": request, "kind": kind, "id": id, "made": context.now.isoformat()}
        db.execute(insert(changes).values(**row, before=before, after=after))
    return Change(before, after)


def _fields(db: Connection, kind: str, id: str) -> Fields | None:
    return db.scalar(select(records.c.fields).where(records.c.kind == kind, records.c.id == id))


def _store(db: Connection, kind: str, id: str, fields: Fields) -> None:
    if _fields(db, kind, id) is None:
        db.execute(insert(records).values(kind=kind, id=id, fields=fields))
    else:
        db.execute(update(records).where(records.c.kind == kind, records.c.id == id).values(fields=fields))


def _unknown(kind: str, id: str) -> EffectFailed:
    return EffectFailed(f"There is no {kind} {id}. Check the identifier, or add the record first.")


def _as(old: Json, value: str, field: str) -> Json:
    """`value` in the type of the value it replaces."""
    match old:
        case bool():
            if value.casefold() in ("true", "false"):
                return value.casefold() == "true"
            raise EffectFailed(f"Field {field} is true or false; nothing was changed.")
        case int() if re.fullmatch(r"-?[0-9]{1,15}", value):
            return int(value)
        case int() | float():
            if re.fullmatch(r"-?[0-9]{1,15}([.][0-9]{1,15})?", value) and math.isfinite(float(value)):
                return float(value)
            raise EffectFailed(f"Field {field} is a plain number such as 12.5; nothing was changed.")
        case list() | dict():
            raise EffectFailed(
                f"Field {field} holds several values and cannot be replaced by one; nothing was changed."
            )
    return value
