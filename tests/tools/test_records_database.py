"""Records: one field or note at a time, with before and after, once per key."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from interlock.digest import Json
from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect import database, sql

Contexts = Callable[..., ActionContext]
ANNA: dict[str, Json] = {"name": "Anna", "limit": 500, "rate": 1.5, "active": True, "tags": ["a"], "city": None}


@pytest.fixture
def records(home: Path) -> Path:
    """A home that holds the customer 17."""
    sql.put("customer", "17", ANNA, home)
    return home


def change(context: ActionContext, field: str, value: str, id: str = "17") -> sql.Change:
    return sql.set_field(context, kind="customer", id=id, field=field, value=value)


def test_a_change_tells_before_and_after(context: Contexts, records: Path) -> None:
    """The result holds all fields before and after, and the row is as the result says."""
    made = change(context(), "name", "Anna B.")
    assert (made.before, made.after) == (ANNA, ANNA | {"name": "Anna B."})
    assert sql.find("customer", "17", records) == made.after


def test_a_repeat_returns_the_first_change(context: Contexts, records: Path) -> None:
    """The same key changes nothing more, even after another change; with other arguments it is refused."""
    first = change(context("one"), "name", "Anna B.")
    change(context("two"), "name", "Anna C.")
    assert change(context("one"), "name", "Anna B.") == first
    assert sql.find("customer", "17", records)["name"] == "Anna C."
    with pytest.raises(EffectFailed, match="Key one was already used"):
        change(context("one"), "name", "Anna D.")
    with pytest.raises(EffectFailed, match="Key one was already used"):
        sql.add_note(context("one"), kind="customer", id="17", note="Anna B.")


@pytest.mark.parametrize(
    ("field", "value", "after"),
    [
        ("limit", "600", 600),
        ("limit", "600.5", 600.5),
        ("rate", "2", 2),
        ("active", "FALSE", False),
        ("city", "x", "x"),
    ],
)
def test_a_value_takes_the_type_it_replaces(
    context: Contexts, records: Path, field: str, value: str, after: Json
) -> None:
    """Numbers stay numbers and switches stay switches, although arguments are text."""
    assert change(context(), field, value).after[field] == after


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("limit", "a lot", "plain number"),
        ("rate", "nan", "plain number"),
        ("active", "yes", "true or false"),
        ("tags", "b", "several values"),
        ("nmae", "x", "no field nmae.*It has: active, city, limit, name, rate, tags"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    context: Contexts, records: Path, field: str, value: str, message: str
) -> None:
    """A wrong type or a mistyped field is final and leaves the record as it was."""
    with pytest.raises(EffectFailed, match=message):
        change(context(), field, value)
    assert sql.find("customer", "17", records) == ANNA


def test_notes_add_up(context: Contexts, records: Path) -> None:
    """Each key appends one note; a repeat appends none."""
    for key, note in (("one", "Called."), ("two", "Wrote {name}; DROP TABLE records"), ("two", None)):
        text = note or "Wrote {name}; DROP TABLE records"
        sql.add_note(context(key), kind="customer", id="17", note=text)
    assert sql.find("customer", "17", records)["notes"] == ["Called.", "Wrote {name}; DROP TABLE records"]


def test_an_unknown_record_is_final(context: Contexts, home: Path) -> None:
    """Finding, changing or noting what does not exist says so, and finding creates no database."""
    with pytest.raises(EffectFailed, match=r"There is no customer 18. Check the identifier"):
        sql.find("customer", "18", home)
    assert not home.exists()
    with pytest.raises(EffectFailed, match="There is no customer 18"):
        change(context(), "name", "x", id="18")
    with pytest.raises(EffectFailed, match="There is no customer 18"):
        sql.add_note(context(), kind="customer", id="18", note="x")


def test_a_locked_database_is_certain(context: Contexts, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another connection writes nothing is changed, reading goes on, and the repeat changes once."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(records / "records.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(EffectNotDone, match=r"records.db is locked.*nothing was changed"):
            change(context(), "name", "Anna B.")
        assert sql.find("customer", "17", records) == ANNA
        other.execute("ROLLBACK")
    assert change(context(), "name", "Anna B.").before == ANNA


def test_a_full_database_is_certain(context: Contexts, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note that does not fit is not half written."""
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "max_page_count=1"))
    with pytest.raises(EffectNotDone, match="full; nothing was changed"):
        sql.add_note(context(), kind="customer", id="17", note="x" * 20_000)
    assert sql.find("customer", "17", records) == ANNA


def test_a_home_that_cannot_be_written_is_certain(context: Contexts, home: Path) -> None:
    """A file in place of the home fails with its name."""
    home.write_text("")
    with pytest.raises(EffectNotDone, match=r"home.*cannot be"):
        change(context(), "name", "x")


def test_a_database_opened_read_only_is_certain(
    context: Contexts, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When SQLite may only read, nothing is changed and the error asks for write access."""
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "query_only=ON"))
    with pytest.raises(EffectNotDone, match="write access"):
        change(context(), "name", "x")


def test_processes_that_create_the_database_together_lose_nothing(home: Path) -> None:
    """Six processes that open a fresh database at once all store their record."""
    program = (
        "import sys; from pathlib import Path; from interlock.tools.connect import sql; "
        "print('ready', flush=True); sys.stdin.readline(); sql.put('order', sys.argv[2], {}, Path(sys.argv[1]))"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program, str(home)]
    running = [subprocess.Popen([*command, str(n)], stdin=pipe, stdout=pipe, text=True) for n in range(6)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        process.communicate()
        assert process.returncode == 0
    assert [sql.find("order", str(n), home) for n in range(6)] == [{}] * 6


def test_the_declared_actions_update_note_and_find(
    context: Contexts, records: Path, actions: dict[str, Action]
) -> None:
    """The three record actions work together through their declared arguments."""

    def run(name: str, key: str, **values: str) -> dict[str, object]:
        action = actions[name]
        arguments = action.validate({"kind": "customer", "id": "17"} | values)
        return action.run(arguments, context(key)).model_dump()

    changed = run("records.update", "u", field="name", value="Anna B.")
    assert (changed["before"], changed["after"]) == (ANNA, ANNA | {"name": "Anna B."})
    noted = run("records.note", "n", note="Called.")
    assert run("records.find", "f") == {"kind": "customer", "id": "17", "fields": noted["after"]}
