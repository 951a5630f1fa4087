"""What goes wrong at the command line: one clear sentence, the right exit code, nothing lost."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from interlock.store import database
from tests.journeys.terminal import GRAPH, REPOSITORY, Desk, Terminal

GIVEN = {"request": "Polish it.", "draft": "hi anna", "to": "anna@example.org"}


def run(**changes: str | None) -> list[str]:
    """`run` with inputs; None leaves one out."""
    pairs = [f"{name}={value}" for name, value in (GIVEN | changes).items() if value is not None]
    return ["run", GRAPH, *(word for pair in pairs for word in ("-i", pair))]


DRAFTS = {
    "missing.txt": None,
    "empty.txt": b"",
    "blank.txt": b" \n\t\n",
    "large.txt": b"a" * 1_000_001,
    "long.txt": b"a" * 20_001,
    "picture.png": b"\x89PNG\r\n\x1a\n\x00\x00",
    "nul.txt": b"hello\x00anna",
    "latin.txt": "Grüße".encode("latin-1"),
}


@pytest.mark.parametrize("name", DRAFTS)
def test_a_broken_draft_starts_nothing(name: str, tmp_path: Path, desk: Desk) -> None:
    """A draft that is missing, empty, too long or no text is named, and no run is started."""
    path, content = tmp_path / name, DRAFTS[name]
    if content is not None:
        path.write_bytes(content)
    offender = "draft" if name == "long.txt" else name
    desk.interlock(*run(draft=f"@{path}")).refused(offender)
    assert desk.interlock("runs", "list", "--json").json() == {"runs": []}


@pytest.mark.parametrize(
    ("words", "offender", "code"),
    [
        (run(draft=None), "draft is missing", 1),
        (run(recipient="anna@example.org"), "recipient", 1),
        (run(to="anna"), "to is not a valid email", 1),
        (run(request="a" * 2001), "request", 1),
        (["run", "graphs/nothing.yaml"], "graphs/nothing.yaml", 1),
        (["run", "nothing"], "nothing", 1),
        (["run", GRAPH, "-i", "draft"], "'draft'", 2),
        (["run", GRAPH, "--input", "README.md"], "README.md", 1),
        (["runs", "show", "run-nope"], "run-nope", 1),
        (["runs", "resume", "run-nope"], "run-nope", 1),
        (["runs", "history", "run-nope"], "run-nope", 1),
        (["runs", "cancel", "run-nope"], "run-nope", 1),
        (["queue", "set", "polish_and_send"], "--at-once", 2),
        (["queue", "set", "polish_and_send", "--at-once", "0"], "'0'", 2),
        (["queue", "set", "polish_and_send", "--rate", "3"], "'3'", 2),
        (["queue", "set", "polish_and_send", "--rate", "3/2d"], "'3/2d'", 2),
        (["queue", "set", "nothing", "--at-once", "3"], "nothing", 2),
        (["queue", "clear", "polish_and_send"], "polish_and_send", 1),
        (["review", "show", "ap-nope"], "ap-nope", 1),
        (["review", "approve", "ap-nope", "--as", "bob"], "ap-nope", 1),
        ([*run(), "--as", "Bob Smith"], "'Bob Smith'", 1),
        (["review", "respond", "ap-nope", "--as", "bob"], "--happened", 2),
        (["review", "edit", "ap-nope", "--as", "bob"], "--set", 2),
        (["audit", "verify", "--head", "12"], "--head", 2),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None,
)
def test_a_wrong_command_is_one_sentence(words: list[str], offender: str, code: int, desk: Desk) -> None:
    """A wrong input, name or option is named in one sentence, with exit code 1 or 2, and nothing is started."""
    desk.interlock(*words).refused(offender, code)
    assert desk.interlock("runs", "list", "--json").json() == {"runs": []}


def test_a_wrong_setting_is_named(desk: Desk) -> None:
    """A setting of the wrong type is named as the environment calls it, with exit code 2."""
    desk.patch.setenv("INTERLOCK_BUSY_TIMEOUT", "soon")
    desk.interlock("runs", "list").refused("INTERLOCK_BUSY_TIMEOUT", 2)


@pytest.fixture
def misnamed(tmp_path: Path, desk: Desk) -> Desk:
    """A desk in a project whose card names an action that no tool declares."""
    project = tmp_path / "project"
    for drawer in ("graphs", "nodes", "tools", "policies"):
        shutil.copytree(REPOSITORY / drawer, project / drawer, ignore=shutil.ignore_patterns("__pycache__"))
    card = project / "nodes" / "send_email.yaml"
    card.write_text(card.read_text(encoding="utf-8").replace("email.send", "email.sned"), encoding="utf-8")
    desk.patch.chdir(project)
    return desk


def test_an_unknown_tool_is_named_at_its_place(misnamed: Desk) -> None:
    """A card that names an action no tool declares is refused by `check` at its place, and by `run`."""
    done = misnamed.interlock(*run())
    assert done.code == 1
    assert "email.sned" in done.err
    assert "Traceback" not in done.err
    assert misnamed.interlock(*run(), "--json").code == 1
    checked = misnamed.interlock("check", GRAPH, "--json")
    assert checked.code == 1
    [found] = checked.json()["findings"]
    assert found["file"].endswith("send_email.yaml")
    assert "email.send" in found["hint"]


def test_an_unknown_tool_starts_nothing(misnamed: Desk) -> None:
    """A run that could not reach its end because a tool is missing is not accepted."""
    misnamed.interlock(*run())
    assert misnamed.interlock("runs", "list", "--json").json() == {"runs": []}


def test_a_home_below_a_file_is_refused(tmp_path: Path, terminal: Terminal) -> None:
    """A home that cannot be made is named with INTERLOCK_HOME as the next step, by the installed script too."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    terminal.home = tmp_path / "file" / "home"
    assert "INTERLOCK_HOME" in terminal.interlock(*run()).refused(str(terminal.home))


def test_a_locked_database_loses_nothing(home: Path, desk: Desk) -> None:
    """While another program holds the lock a decision is refused in a sentence; afterwards the same one works."""
    accepted = desk.interlock(*run(), "--detach").out.split()[0]
    desk.patch.setenv("INTERLOCK_BUSY_TIMEOUT", "0.1")
    with closing(sqlite3.connect(home / "interlock.db")) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        said = desk.interlock("runs", "resume", accepted).refused("interlock.db")
        assert "lock" in said
        desk.interlock(*run()).refused("interlock.db")
        desk.interlock("runs", "cancel", accepted).refused("interlock.db")
    [row] = desk.interlock("runs", "list", "--json").json()["runs"]
    assert (row["id"], row["status"] in ("created", "running")) == (accepted, True)
    assert desk.interlock("runs", "cancel", accepted).code == 0


def test_a_full_database_loses_nothing(home: Path, desk: Desk) -> None:
    """When the database is full a start is refused in a sentence, and what was accepted before is whole."""
    accepted = desk.interlock(*run(), "--detach").out.split()[0]
    with closing(sqlite3.connect(home / "interlock.db")) as file:
        pages = file.execute("PRAGMA page_count").fetchone()[0]
    make = database._engine

    def full(*args: object, **kwargs: object) -> object:
        engine = make(*args, **kwargs)  # type: ignore[arg-type]

        @event.listens_for(engine, "connect")
        def _limit(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}")

        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_engine", full)
        said = desk.interlock(*run(draft="a" * 20_000)).refused("interlock.db")
        assert "full" in said
    [row] = desk.interlock("runs", "list", "--json").json()["runs"]
    assert row["id"] == accepted
    assert desk.interlock("audit", "verify").code == 0


def test_runs_are_listed_shown_told_and_cancelled_as_json(desk: Desk) -> None:
    """`runs list`, `show`, `history` and `cancel` print one object each, and a cancelled run stays cancelled."""
    accepted = desk.interlock(*run(), "--detach", "--json")
    event = accepted.json()
    assert (accepted.code, event["event"], event["graph"]) == (0, "started", "polish_and_send")
    assert [row["id"] for row in desk.interlock("runs", "list", "--json").json()["runs"]] == [event["run"]]
    shown = desk.interlock("runs", "show", event["run"], "--json").json()
    assert shown["input"] == GIVEN
    assert {"id", "status", "outcome", "visits", "effects", "approvals", "spec"} <= shown.keys()
    cancelled = desk.interlock("runs", "cancel", event["run"], "--as", "clerk", "--json")
    assert (cancelled.code, cancelled.json()["status"]) == (0, "cancelled")
    assert desk.interlock("runs", "list", "--status", "cancelled", "--json").json()["runs"][0]["id"] == event["run"]
    told = desk.interlock("runs", "history", event["run"], "--json").json()
    assert [entry["event"] for entry in told["entries"]] == ["run.created", "run.cancelling", "run.cancelled"]
    assert [entry["actor"] for entry in told["entries"][1:]] == ["clerk", "clerk"]
    desk.interlock("runs", "cancel", event["run"]).refused("cancelled already")
    assert desk.interlock("runs", "resume", event["run"]).code == 1
