"""`interlock doctor`: what is set, where it comes from, and what does not work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.cli.author import make_project
from interlock.engine.project import Project
from interlock.store.tables import Meta


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project, and the current folder in it."""
    make_project(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path / "home"))
    return tmp_path / "here"


def told(*options: str) -> tuple[int, dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """The exit code, the settings by name and the looks by what they are about."""
    ended = CliRunner().invoke(app, ["doctor", "--json", *options])
    found = json.loads(ended.stdout)
    return ended.exit_code, {s["name"]: s for s in found["settings"]}, {look["about"]: look for look in found["looks"]}


def test_a_new_project_is_well_and_nothing_is_made_by_looking(project: Path, tmp_path: Path) -> None:
    """Its drawers are read; a home that is not there yet is no fault, and is not made."""
    code, _, looks = told()
    assert code == 0
    assert looks["drawers"]["word"] == looks["home"]["word"] == "ok"
    assert not (tmp_path / "home").exists()


def test_each_setting_says_where_it_comes_from(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins over `.env`; a secret is said to be set and never shown."""
    (project / ".env").write_text("INTERLOCK_SMTP_PORT=2525\nINTERLOCK_BUSY_TIMEOUT=3\nINTERLOCK_TOKEN=hush\n")
    monkeypatch.setenv("INTERLOCK_BUSY_TIMEOUT", "4")
    monkeypatch.setenv("INTERLOCK_DATABASE_URL", f"sqlite:///{project / 'other.db'}")
    _, settings, _ = told()
    assert (settings["INTERLOCK_SMTP_PORT"]["value"], settings["INTERLOCK_SMTP_PORT"]["source"]) == ("2525", ".env")
    assert settings["INTERLOCK_BUSY_TIMEOUT"]["source"] == "environment"
    assert settings["INTERLOCK_BUSY_TIMEOUT"]["value"] == "4.0"
    assert settings["INTERLOCK_MODEL"]["source"] == "default"
    assert settings["INTERLOCK_TOKEN"]["value"] == "set"
    assert "hush" not in json.dumps(settings)


def test_the_password_of_a_database_is_not_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither among the settings nor in what is said of a server that cannot be reached, which is a fault."""
    monkeypatch.setenv("INTERLOCK_DATABASE_URL", "postgresql+psycopg://me:hush@127.0.0.1:1/none")
    ended = CliRunner().invoke(app, ["doctor", "--all"])
    assert ended.exit_code == 1
    assert "fault database" in ended.stdout
    assert "hush" not in ended.stdout


def test_what_does_not_work_is_a_fault_with_the_next_step(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that nobody knows, and a policy with a slip."""
    monkeypatch.setenv("INTERLOCK_MODEL", "opnai:small")
    (project / "policies" / "email.yaml").write_text("policy: email\nversion: one\n")
    code, _, looks = told()
    assert code == 1
    assert "Did you mean openai?" in looks["chat model opnai:small"]["found"]
    assert looks["drawers"]["word"] == "fault"


def test_a_home_of_another_version_is_a_fault(project: Path, tmp_path: Path) -> None:
    """What the database says of itself is told, not a stack."""
    made = Project.at()
    with made.database.write() as session:
        meta = session.get(Meta, "schema")
        assert meta is not None
        meta.value = "999"
    made.database.engine.dispose()
    code, _, looks = told()
    assert code == 1
    assert "table version 999" in looks["database"]["found"]


def test_outside_a_project_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That there is none is a note: the rest is still looked at."""
    monkeypatch.chdir(tmp_path)
    code, _, looks = told()
    assert (code, looks["project"]["word"]) == (0, "note")
    assert "interlock init" in looks["project"]["found"]
