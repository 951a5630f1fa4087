"""What a server does that a file does not: many processes make, migrate and share one database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import inspect

from interlock.store.database import Database
from interlock.store.migrations import SCHEMA
from tests import postgres
from tests.store.stores import Stores
from tests.store.test_migrations import NOW, VERSION_1, VERSION_2


@pytest.fixture
def empty() -> Iterator[str]:
    """The URL of a database without tables."""
    with postgres.database(empty=True) as url:
        yield url


def test_processes_that_find_a_database_empty_make_its_tables_once(empty: str) -> None:
    """All of them can use it at once, and it has one version."""
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(Database, [empty] * 4))
    runs = [Stores(database).run() for database in databases]
    assert {run.id for run in Stores(databases[0]).runs.list()} == set(runs)
    assert [
        tuple(row) for row in postgres.sql("SELECT * FROM meta WHERE name = 'schema'", database=postgres.name_of(empty))
    ] == [("schema", SCHEMA)]


@pytest.mark.parametrize(("version", "script"), [("1", VERSION_1), ("2", VERSION_2)])
def test_processes_that_find_an_earlier_version_migrate_it_once(empty: str, version: str, script: Path) -> None:
    """A run of that version goes on, and every table has the columns of a new database."""
    name = postgres.name_of(empty)
    tables = re.sub(r",\s*FOREIGN KEY\(\w+\) REFERENCES \w+ \(\w+\)", "", script.read_text())  # they stand in no order
    for statement in tables.replace("DATETIME", "TIMESTAMP WITH TIME ZONE").split(";"):
        if statement.strip():
            postgres.sql(statement, database=name)
    limits = {"1": ("", ""), "2": (", limits, ordinal", ", '{\"steps\": 2}', 0")}[version]
    for statement in (
        f"INSERT INTO meta VALUES ('schema', '{version}')",
        "INSERT INTO specs VALUES ('sha256:old', 'old', 1, '{\"limits\": {\"steps\": 2}}', :now)",
        "INSERT INTO runs (id, graph, spec_digest, status, input, output, requester, steps, model_calls, tokens,"
        f" cost_micro_usd, created_at, updated_at{limits[0]})"
        f" VALUES ('run-old', 'old', 'sha256:old', 'waiting', '{{}}', '{{}}', 'me', 1, 0, 0, 0, :now, :now{limits[1]})",
    ):
        postgres.sql(statement, database=name, **({"now": NOW} if ":now" in statement else {}))
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(Database, [empty] * 4))
    stores = Stores(databases[0])
    assert (stores.runs.get("run-old").limits, stores.runs.get("run-old").input) == ({"steps": 2}, {})
    stores.runs.enter("run-old", "a", 1, entered_by=0, first=True)
    with postgres.database() as new:
        assert _shape(databases[0]) == _shape(Database(new))


def test_what_is_read_in_one_block_is_one_moment(empty: str) -> None:
    """An entry that another process writes between two looks is in neither: the audit's count fits its last entry."""
    stores, other = Stores(Database(empty)), Stores(Database(empty))
    run = stores.run()
    with stores.database.read() as session:
        before = stores.audit.head(session)
        other.runs.end(run, "done", outcome="done")
        assert stores.audit.head(session) == before
    assert stores.head().entries == before.entries + 1


def _shape(database: Database) -> dict[str, dict[str, tuple[str, bool]]]:
    looked = inspect(database.engine)
    shape = {
        table: {each["name"]: (str(each["type"]), bool(each["nullable"])) for each in looked.get_columns(table)}
        for table in looked.get_table_names()
    }
    database.engine.dispose()
    return shape
