"""Runs that wait for people, as many as you like: copies of one that the engine made, under other ids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert, select

from interlock.store.database import Database
from interlock.store.tables import Row

AT_ONCE = 1_000
"""Runs that are written in one transaction."""


def copied(database: Database, run_id: str, count: int) -> None:
    """Write `count` copies of a run's rows; the audit and the checkpoints stay those of the one run."""
    rows = list(_rows(database, run_id))
    for first in range(0, count, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, count))
        with database.write() as session:
            for table, originals in rows:
                copies = [_copy(row, run_id, number) for number in numbers for row in originals]
                session.execute(insert(Row.metadata.tables[table]), copies)


def _rows(database: Database, run_id: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of a run, table by table, those that others name first."""
    with database.read() as session:
        for table in Row.metadata.sorted_tables:
            column = table.c.id if table.name == "runs" else table.c.get("run_id")
            if column is not None:
                found = [dict(row) for row in session.execute(select(table).where(column == run_id)).mappings()]
                if found:
                    yield table.name, found


def _copy(row: dict[str, Any], run_id: str, number: int) -> dict[str, Any]:
    """A row as that of another run; what is named by a request's own id is named by the run's."""
    other = f"run-w{number:09x}"
    made: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, str) and value.startswith("ap-"):
            made[name] = f"ap-{number:09x}"
        elif isinstance(value, str):
            made[name] = value.replace(run_id, other)
        elif isinstance(value, dict | list):
            made[name] = json.loads(json.dumps(value).replace(run_id, other))
        else:
            made[name] = value
    return made
