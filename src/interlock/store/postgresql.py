"""The tables of checkpoints in a PostgreSQL database, over the connections of our own.

A commit here does not wait for the disk of the server (`synchronous_commit=off`).  Nothing is lost unless the
server itself dies, and then only the last moments: the log of a server is one sequence, so each commit of our
other rows, which does wait, forces what was written before it to the disk too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import inspect

from interlock.store.database import Database, unusable
from interlock.store.threads import TABLES


class ServerTables:
    """Each transaction has a connection of the database's pool."""

    def __init__(self, database: Database) -> None:
        """Make the tables where they are not there; of many processes one does so at a time.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """
        self.database = database
        with database.connection() as connection:
            known = inspect(connection).has_table("thread_contents")
        if not known:
            with database.write() as session:
                connection = session.connection()
                for statement in TABLES:
                    made = statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").replace("BLOB", "BYTEA")
                    connection.exec_driver_sql(made)

    @contextmanager
    def reading(self) -> Iterator[ServerTransaction]:
        """A transaction that sees one moment.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """
        with self._transaction(one_moment=True) as transaction:
            yield transaction

    @contextmanager
    def writing(self, *, forced: bool = False) -> Iterator[ServerTransaction]:
        """A transaction that commits unless its block raises.

        Args:
            forced: its commit waits for the disk.

        Raises:
            StoreUnavailable: the database cannot be used now; nothing of the block was kept.
        """
        with self._transaction() as transaction:
            if not forced:
                transaction.later("SET LOCAL synchronous_commit TO off")
            yield transaction

    def close(self) -> None:
        """Nothing: the connections are the database's."""

    @contextmanager
    def _transaction(self, *, one_moment: bool = False) -> Iterator[ServerTransaction]:
        try:
            with self.database.connection(one_moment=one_moment) as connection:
                raw: Any = connection.connection.driver_connection
                with raw.pipeline() as pipeline:  # what needs no answer waits for none
                    yield ServerTransaction(raw, pipeline)
        except psycopg.Error as error:
            raise unusable(f"the checkpoints in {self.database.name}", str(error)) from None


class ServerTransaction:
    """An open transaction of a server."""

    FOR_UPDATE = " FOR UPDATE"

    def __init__(self, connection: psycopg.Connection[Any], pipeline: psycopg.Pipeline) -> None:
        self._connection, self._pipeline = connection, pipeline

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return list(self._connection.cursor(binary=True).execute(_asked(query), values).fetchall())

    def change(self, statement: str, *values: Any) -> int:
        return self.later(statement, *values)()

    def later(self, statement: str, *values: Any) -> Callable[[], int]:
        cursor = self._connection.cursor(binary=True).execute(_asked(statement), values)

        def changed() -> int:
            if cursor.rowcount < 0:
                self._pipeline.sync()
            return max(cursor.rowcount, 0)

        return changed

    def repeat(self, statement: str, values: Sequence[tuple[Any, ...]]) -> None:
        self._connection.cursor(binary=True).executemany(_asked(statement), values)


@lru_cache(maxsize=512)
def _asked(statement: str) -> Any:
    """A statement as the driver reads it."""
    return statement.replace("?", "%s")
