"""Copies of runs in another database: their rows in every table, read in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select

from interlock.store.database import Database
from interlock.store.tables import Row


def copy_runs(source: Database, target: Database, run_ids: Sequence[str]) -> None:
    """Copy runs, and all rows that name them, into a database that holds none of them.

    Their pinned specs come along, and nothing of the audit or of people's tokens: a copy has a record of its own.
    """
    tables = Row.metadata.tables
    runs, approvals = tables["runs"], tables["approvals"]
    digests = select(runs.c.spec_digest).where(runs.c.id.in_(run_ids))
    requests = select(approvals.c.id).where(approvals.c.run_id.in_(run_ids))
    with source.read() as read, target.write() as write:
        for table in Row.metadata.sorted_tables:
            if table is runs:
                query = select(table).where(runs.c.id.in_(run_ids))
            elif table is tables["specs"]:
                query = select(table).where(table.c.digest.in_(digests))
            elif "run_id" in table.c:
                query = select(table).where(table.c.run_id.in_(run_ids))
            elif "approval_id" in table.c:
                query = select(table).where(table.c.approval_id.in_(requests))
            else:
                continue  # about people, or the database itself
            rows = [dict(row) for row in read.execute(query).mappings()]
            if rows:
                write.execute(insert(table), rows)
