"""Declared SQL statements as actions: values are bound, rows are counted, and a read cannot write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import Action, ActionContext
from interlock.tools.drawer import inspect_actions
from tests import postgres

Make = Callable[..., ActionContext]

TOOLSET = """
sql: crm
database: secret://crm_url
seconds: 2
tools:
  customer:
    description: Look a customer up.
    statement: SELECT id, name FROM customers WHERE name = :name OR id = :id ORDER BY id
    effect: read
    arguments: {name: {type: string, max_length: 200}, id: {type: integer}}
    columns: {id: integer, name: string}
    records: [rows.id]
    rows: 2
  rename:
    description: Give a customer another name.
    statement: UPDATE customers SET name = :name WHERE id = :id
    effect: idempotent
    targets: [id]
    arguments: {id: {type: integer}, name: {type: string}}
  forget:
    description: Forget the customers of a town.
    statement: DELETE FROM customers WHERE town = :town
    arguments: {town: {type: string}}
    rows: 2
  add:
    description: Add a customer.
    statement: INSERT INTO customers (name, town, key) VALUES (:name, 'Bern', :effect_key) ON CONFLICT DO NOTHING
    effect: keyed
    arguments: {name: {type: string}}
"""

INJECTED = [
    "x' OR '1'='1",
    "'; DROP TABLE customers; --",
    "x\\'; DELETE FROM customers; --",
    ":id",
    "%s",
    "{0}",
    "x\x00'",
]


class Crm:
    """A database with customers, and the actions on it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        (root / "tools").mkdir()
        self.file = root / "crm.db"
        with sqlite3.connect(self.file) as db:
            db.execute(
                "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, town TEXT, key TEXT UNIQUE)"
            )
            rows = [("Anna", "Bern"), ("Ben", "Bern"), ("Cleo", "Basel"), ("Dora", "Bern")]
            db.executemany("INSERT INTO customers (name, town) VALUES (?, ?)", rows)
        monkeypatch.setenv("INTERLOCK_SECRET_CRM_URL", f"sqlite:///{self.file}")

    def names(self) -> list[str]:
        """All customers."""
        with sqlite3.connect(self.file) as db:
            return [name for (name,) in db.execute("SELECT name FROM customers ORDER BY id")]

    def inspected(self, old: str = "sql", new: str = "sql") -> tuple[dict[str, Action], list[Any]]:
        """The drawer, with one thing changed."""
        assert old in TOOLSET
        (self.root / "tools" / "crm.yaml").write_text(TOOLSET.replace(old, new, 1))
        return inspect_actions(self.root / "tools")

    def run(self, verb: str, context: ActionContext, /, **arguments: Any) -> Any:
        """Perform an action as the monitor would, without its ledger."""
        actions, findings = self.inspected()
        assert findings == []
        action = actions[f"crm.{verb}"]
        return action.run(action.validate(arguments), context).model_dump()


EVERYBODY = ["Anna", "Ben", "Cleo", "Dora"]


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crm:
    return Crm(tmp_path, monkeypatch)


def test_rows_are_read_as_declared_and_no_more_of_them(crm: Crm, context: Make) -> None:
    """At most so many, with their types, and whether there are more."""
    assert crm.run("customer", context(), name="Ben", id=1) == {
        "rows": [{"id": 1, "name": "Anna"}, {"id": 2, "name": "Ben"}], "more": False,
    }  # fmt: skip
    actions, _ = crm.inspected("name = :name OR id = :id", "name > :name AND id > :id")
    action = actions["crm.customer"]
    assert action.run(action.validate({"name": "", "id": 0}), context()).model_dump()["more"] is True


@pytest.mark.parametrize("value", INJECTED)
def test_a_value_is_never_part_of_the_statement(crm: Crm, context: Make, value: str) -> None:
    """Whatever it holds, it is compared and stored as the text that it is."""
    assert crm.run("customer", context(), name=value, id=-1) == {"rows": [], "more": False}
    crm.run("rename", context(), id=1, name=value)
    assert crm.names() == [value, *EVERYBODY[1:]]
    with pytest.raises(ValueError, match="validation error"):
        crm.run("rename", context(), id="1 OR 1=1", name="x")


def test_more_rows_than_declared_are_not_changed(crm: Crm, context: Make) -> None:
    """The transaction is rolled back; so it is where nothing would be changed."""
    with pytest.raises(EffectFailed, match="it would change 3 rows, and may change 1 to 2; nothing was changed"):
        crm.run("forget", context(), town="Bern")
    with pytest.raises(EffectFailed, match="it would change 0 rows"):
        crm.run("rename", context(), id=99, name="x")
    assert crm.names() == EVERYBODY
    assert crm.run("forget", context(), town="Basel") == {"rows": 1}


def test_a_keyed_statement_is_done_once(crm: Crm, context: Make) -> None:
    """The repeat carries the same key and changes nothing more."""
    assert crm.run("add", context("k1"), name="Emil") == {"rows": 1}
    assert crm.run("add", context("k1"), name="Emil") == {"rows": 0}
    assert crm.names() == [*EVERYBODY, "Emil"]


def test_a_read_cannot_write_whatever_it_says(crm: Crm, context: Make) -> None:
    """The database refuses it, not a look at the text."""
    actions, findings = crm.inspected(
        "SELECT id, name FROM customers WHERE name = :name OR id = :id ORDER BY id",
        "WITH a AS (SELECT :id AS id) DELETE FROM customers WHERE name = :name RETURNING id, name",
    )
    assert findings == []
    action = actions["crm.customer"]
    with pytest.raises((EffectFailed, EffectNotDone), match="nothing was changed"):
        action.run(action.validate({"name": "Anna", "id": 1}), context())
    assert crm.names() == EVERYBODY


def test_a_locked_or_missing_database_is_certain(crm: Crm, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was changed, and the URL is nowhere in what is said."""
    with sqlite3.connect(crm.file, isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(EffectNotDone, match=r"cannot be used now .OperationalError.; nothing was changed"):
            crm.run("rename", context(), id=1, name="x")
        db.execute("ROLLBACK")
    for url in ("no url", "oracle9://crm", "sqlite:////nowhere/crm.db"):
        monkeypatch.setenv("INTERLOCK_SECRET_CRM_URL", url)
        with pytest.raises((EffectNotDone, EffectFailed)) as told:
            crm.run("rename", context(), id=1, name="x")
        assert "nowhere" not in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("WHERE id = :id\n", "\n", "UPDATE without WHERE means every row"),
        ("WHERE town = :town", "WHERE town = :town; DROP TABLE customers", "several statements"),
        ("DELETE FROM customers WHERE town = :town", "DROP TABLE customers", "begins with one of INSERT"),
        ("SELECT id, name", "PRAGMA writable_schema = :x --", "begins with one of SELECT, WITH"),
        ("arguments: {town: {type: string}}", "arguments: {city: {type: string}}", "stands in only one of"),
        ("WHERE town = :town", "WHERE town = ':town'", "stands in only one of"),
        ("effect: keyed\n", "effect: blind\n", "carries its key as `:effect_key`"),
        ("    columns: {id: integer, name: string}\n    records: [rows.id]\n", "", "names its `columns`"),
        ("records: [rows.id]", "records: [rows.town]", "has no field `town`"),
        ("targets: [id]", "targets: [payee]", "is not an argument"),
        ("    description: Forget the customers of a town.\n", "", "say what it does"),
    ],
)
def test_a_faulty_declaration_is_told(crm: Crm, old: str, new: str, says: str) -> None:
    """Several statements, one for every row, and one that makes or drops tables are refused before anything runs."""
    _, findings = crm.inspected(old, new)
    assert [(finding.code, says in finding.message) for finding in findings] == [("C006", True)], findings


def test_the_database_is_named_by_a_secret_alone(crm: Crm) -> None:
    """A URL with its password has no place in a file of the project."""
    _, [finding] = crm.inspected("secret://crm_url", "postgresql://me:pw@db/crm")
    assert finding.code == "C003"


def test_a_read_cannot_write_on_a_server_either(crm: Crm, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL refuses it by the transaction, gives up a statement that takes too long, and keeps what is right."""
    with postgres.database(empty=True) as url:
        name = postgres.name_of(url)
        postgres.sql("CREATE TABLE customers (id int PRIMARY KEY, name text)", database=name)
        postgres.sql("INSERT INTO customers VALUES (1, 'Anna'), (2, 'Ben')", database=name)
        monkeypatch.setenv("INTERLOCK_SECRET_CRM_URL", url)
        assert crm.run("customer", context(), name="Ben", id=-1)["rows"] == [{"id": 2, "name": "Ben"}]
        assert crm.run("rename", context(), id=1, name="x'; --") == {"rows": 1}
        select = "SELECT id, name FROM customers WHERE name = :name OR id = :id ORDER BY id"
        for instead, error in (
            ("WITH a AS (DELETE FROM customers RETURNING *) SELECT id, name FROM a WHERE :id = 1 OR name = :name",
             EffectFailed),
            ("SELECT :id AS id, :name AS name FROM pg_sleep(60)", EffectNotDone),
        ):  # fmt: skip
            actions, _ = crm.inspected(select, instead)
            action = actions["crm.customer"]
            with pytest.raises(error, match="nothing was changed"):
                action.run(action.validate({"name": "Ben", "id": 1}), context())
        assert postgres.sql("SELECT count(*) FROM customers", database=name)[0][0] == 2
