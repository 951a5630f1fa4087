"""One declared SQL statement with bound values, in one transaction, and no more rows than were declared.

A value is never part of the text.  A statement that reads runs in a transaction that the database itself keeps from
writing, and is rolled back; one that changes more rows than it may is rolled back too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.connect.http import AnswerUnknown

KEY = "effect_key"
"""The parameter that carries the effect's key."""

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_PARAMETER = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)(?!:)")


@dataclass(frozen=True)
class Statement:
    """One statement, and how many rows it may return or change."""

    sql: str
    reads: bool
    rows: int
    seconds: float

    @property
    def bare(self) -> str:
        """Its text without quoted parts and comments."""
        return _QUOTED.sub(" ", self.sql).strip().removesuffix(";").strip()

    @property
    def parameters(self) -> list[str]:
        """The names of its values."""
        return list(dict.fromkeys(_PARAMETER.findall(self.bare)))

    def faults(self) -> str | None:
        """Why it may not be declared."""
        words = self.bare.upper().split()
        verbs = ("SELECT", "WITH") if self.reads else ("INSERT", "UPDATE", "DELETE", "WITH", "MERGE")
        if not words or words[0] not in verbs:
            return f"a statement that {'reads' if self.reads else 'changes rows'} begins with one of {', '.join(verbs)}"
        if ";" in self.bare:
            return "it is several statements; each is a tool of its own"
        if words[0] in ("UPDATE", "DELETE") and "WHERE" not in words:
            return f"{words[0]} without WHERE means every row"
        return None

    def read(self, url: str, values: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        """The rows, at most `rows` of them, and whether there are more.

        Raises:
            EffectNotDone: the database cannot be used now.
            EffectFailed: it refuses the statement.
        """
        try:
            with closing(_connect(url, self.seconds)) as connection:
                _only_read(connection)
                found = connection.execute(text(self.sql), dict(values))
                rows = [dict(row) for row in found.mappings().fetchmany(self.rows + 1)]
                connection.rollback()
        except SQLAlchemyError as error:
            raise _certain(error) from None
        return rows[: self.rows], len(rows) > self.rows

    def change(self, url: str, values: Mapping[str, Any], *, repeats: bool) -> int:
        """How many rows it changed.

        Args:
            repeats: whether changing none says that an earlier attempt did it.

        Raises:
            EffectNotDone: the database cannot be used now; nothing was changed.
            EffectFailed: it refuses the change, or it would change none, or too many rows; nothing was changed.
            AnswerUnknown: the commit broke off.
        """
        try:
            connection = _connect(url, self.seconds)
        except SQLAlchemyError as error:
            raise _certain(error) from None
        with closing(connection):
            try:
                changed = connection.execute(text(self.sql), dict(values)).rowcount
            except SQLAlchemyError as error:
                raise _certain(error) from None
            if changed < 0 or changed > self.rows or (changed == 0 and not repeats):
                connection.rollback()
                how = "it is not known how many rows" if changed < 0 else f"{changed} rows"
                raise EffectFailed(f"it would change {how}, and may change 1 to {self.rows}; nothing was changed.")
            try:
                connection.commit()
            except SQLAlchemyError as error:
                raise AnswerUnknown(
                    f"the commit broke off ({type(error).__name__}); whether it was stored is not known."
                ) from None
        return changed


def _connect(url: str, seconds: float) -> Connection:
    try:
        where = make_url(url)
        found = create_engine(where, poolclass=NullPool, connect_args=_within(where, seconds), hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise EffectFailed(f"the database's URL cannot be used ({type(error).__name__}); nothing was done.") from None
    connection = found.connect()
    if where.get_backend_name() == "postgresql":
        connection.exec_driver_sql(f"SET statement_timeout = {int(seconds * 1000)}")
        connection.commit()
    return connection


def _within(url: URL, seconds: float) -> dict[str, Any]:
    match url.get_backend_name():
        case "sqlite":
            return {"timeout": seconds}
        case "postgresql":
            return {"connect_timeout": max(2, int(seconds))}
    return {}


def _only_read(connection: Connection) -> None:
    """Have the database itself refuse to write."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
    else:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _certain(error: SQLAlchemyError) -> EffectFailed | EffectNotDone:
    """What an error before the commit means.  It names no value: they may be personal."""
    what = type(error.orig).__name__ if isinstance(error, DBAPIError) else type(error).__name__
    if isinstance(error, IntegrityError):
        return EffectFailed("the database's own constraints refuse it; nothing was changed.")
    if isinstance(error, OperationalError):
        return EffectNotDone(f"the database cannot be used now ({what}); nothing was changed.")
    return EffectFailed(f"the database refuses the statement ({what}); nothing was changed.")
