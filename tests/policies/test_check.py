"""`interlock policy check`, and what a project with a false assertion comes to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.engine.project import Project
from interlock.source import SourceError

FINE = Path(__file__).parents[1] / "refused" / "projects" / "fine"
FALSE = "never:\n  - {effect: auto, when: {amount: {gt: 50}}}\n"
GAP = ("{gt: 100}}, then: {approve: two}", "{gt: 200}}, then: {approve: two}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without a fault."""
    shutil.copytree(FINE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["policy", *words])
    return result.exit_code, result.stdout


def test_a_project_without_a_fault_passes(project: Path) -> None:
    """A project, its drawer, and one file of it are all checked; both opinions agree."""
    for path in (project, project / "policies", project / "policies" / "house.yaml"):
        assert run("check", str(path)) == (0, "ok; nothing was found\n")
    code, told = run("check", str(project), "--second-opinion", "--json")
    answer = json.loads(told)
    assert (code, answer["ok"], answer["findings"]) == (0, True, [])
    assert answer["second_opinion"] == {"agreed": 4, "open": 0, "disagreed": []}


def test_a_false_assertion_is_an_error_and_a_gap_a_warning(project: Path) -> None:
    """The exit code tells whether the project could start."""
    file = project / "policies" / "house.yaml"
    text = file.read_text()
    file.write_text(text + FALSE)
    code, told = run("check", str(file), "--json")
    assert code == 1
    assert [finding["code"] for finding in json.loads(told)["findings"]] == ["P011"]
    assert "amount 50.01, payee_known true, payee_from record is decided auto by `small`" in told
    file.write_text(text.replace(*GAP).replace("hearsay, when: {", "hearsay, when: {amount: {le: 100}, "))
    code, told = run("check", str(file), "--json")
    assert code == 0
    assert [finding["code"] for finding in json.loads(told)["findings"]] == ["P015"]


def test_an_engine_does_not_start_on_a_false_assertion(project: Path) -> None:
    """Neither a new run nor one that waits goes on under rules that break what was asserted."""
    assert Project.at(project).policies.policies
    file = project / "policies" / "house.yaml"
    file.write_text(file.read_text() + FALSE)
    with pytest.raises(SourceError, match="P011"):
        _ = Project.at(project).policies
    with pytest.raises(SourceError, match="P011"):
        _ = Project.at(project).services


def test_only_the_file_that_is_asked_about_is_told(project: Path) -> None:
    """A fault beside it is another file's."""
    other = project / "policies" / "other.yaml"
    other.write_text("policy: other\nversion: 1\napplies_to: [house.pay]\nrulez: []\n")
    assert run("check", str(project / "policies" / "house.yaml"))[0] == 0
    assert run("check", str(other))[0] == 1
    assert run("check", str(project / "nowhere"))[0] == 2
