"""The author's verbs: `interlock check` and `interlock init`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from interlock.cli import author
from interlock.cli.check import check
from interlock.cli.checking import check_paths
from interlock.cli.report import sentence
from interlock.graphs.proofs.bounds import Bounds

TESTS = Path(__file__).parents[1]
BOUNDS = {"steps", "model_calls", "actions", "approvals", "tokens", "cost", "seconds"}

app = typer.Typer()
app.command()(check)
app.command()(author.init)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_right_graph_exits_with_0() -> None:
    """The text says what a run takes at most, and the next command."""
    result = run("check", TESTS / "accepted" / "revision_loop.yaml")
    assert result.exit_code == 0
    assert "at most 9 steps, 12 chat-model calls, 1 action, 4 questions to people, 0.25 USD" in result.stdout
    assert "Next: interlock run" in result.stdout


def test_bounds_in_words() -> None:
    """One is singular, nothing bounded is said so, and money only where a model is used."""
    found = Bounds(steps=1, model_calls=1200, actions=0, approvals=None)
    words = "1 step, 1,200 chat-model calls, 0 actions, any number of questions to people"
    assert sentence(found) == f"{words}; nothing limits its tokens or cost"
    assert sentence(found.model_copy(update={"cost": Decimal("0.50")})) == f"{words}, 0.50 USD"
    assert sentence(found.model_copy(update={"tokens": 9000})) == f"{words}, 9,000 tokens"
    timed = found.model_copy(update={"cost": Decimal("0.50"), "seconds": 5400})
    assert sentence(timed) == f"{words}, 0.50 USD and 90m"
    without = found.model_copy(update={"model_calls": 0, "tokens": 0, "cost": Decimal(0)})
    assert sentence(without) == "1 step, 0 chat-model calls, 0 actions, any number of questions to people"


def test_json_of_one_file_is_the_contract() -> None:
    """One object with ok, findings and the bounds of the file."""
    result = run("check", TESTS / "accepted" / "revision_loop.yaml", "--json")
    report = json.loads(result.stdout)
    assert report == {
        "ok": True,
        "findings": [],
        "bounds": {
            "steps": 9,
            "model_calls": 12,
            "actions": 1,
            "approvals": 4,
            "tokens": None,
            "cost": 0.25,
            "seconds": None,
        },
    }


def test_json_of_a_folder_adds_the_bounds_of_each_file() -> None:
    """With several files the bounds are the largest, and `graphs` has those of each."""
    report = json.loads(run("check", TESTS / "accepted", "--format", "json").stdout)
    assert set(report["bounds"]) == BOUNDS
    assert report["bounds"]["steps"] == 9
    assert {Path(item["file"]).stem for item in report["graphs"]} >= {"one_thought", "form"}
    assert all(set(item["bounds"] or BOUNDS) == BOUNDS for item in report["graphs"])


def test_a_finding_has_its_place_and_path() -> None:
    """A faulty graph exits with 1; its finding carries exactly the documented keys."""
    path = TESTS / "refused" / "action_undecided.yaml"
    result = run("check", path, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["bounds"] is None
    (finding,) = report["findings"]
    assert set(finding) == {"code", "severity", "message", "file", "line", "column", "hint", "path"}
    assert finding["file"] == str(path)
    assert finding["path"] == ["START", "think", "pay"]
    text = run("check", path).stdout
    assert f"--> {path}:{finding['line']}:{finding['column']}" in text
    assert "= path: START -> think -> pay" in text
    assert "1 error, 0 warnings" in text


@pytest.mark.parametrize("arguments", [["no_such_file.yaml"], ["--format", "xml"], ["--nonsense"]])
def test_wrong_use_exits_with_2(arguments: list[str]) -> None:
    """A path that is not there and an unknown option are mistakes of the caller, not findings."""
    assert run("check", *arguments).exit_code == 2


def test_a_folder_without_graphs_is_wrong_use(tmp_path: Path) -> None:
    """An empty folder passes nothing: it is refused."""
    assert run("check", tmp_path).exit_code == 2


def test_a_fault_in_a_drawer_makes_no_graph_look_wrong(tmp_path: Path) -> None:
    """Where a tools file is broken only that is reported, and the check still fails."""
    run("init", tmp_path / "p")
    (tmp_path / "p" / "tools" / "email.py").write_text("(\n")
    report = check_paths([tmp_path / "p" / "graphs"])
    assert [finding.code for finding in report.findings] == ["T001"]
    assert not report.ok


def test_a_new_project_passes_its_own_checks_and_tests(tmp_path: Path) -> None:
    """`init` makes a project whose graphs are right and whose test passes."""
    folder = tmp_path / "new"
    result = run("init", folder)
    assert result.exit_code == 0
    assert "interlock check graphs" in result.stdout
    assert sorted(path.name for path in folder.iterdir()) == [
        ".gitignore", "README.md", "docs", "graphs", "nodes", "policies", "tests", "tools",
    ]  # fmt: skip
    assert run("check", folder).exit_code == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    tested = subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout


def test_init_keeps_what_is_there(tmp_path: Path) -> None:
    """A folder that is not empty is refused without --force, and with it no file is overwritten."""
    (tmp_path / "README.md").write_text("mine")
    assert run("init", tmp_path).exit_code == 2
    assert not (tmp_path / "graphs").exists()
    assert run("init", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / "graphs" / "polish_and_send.yaml").exists()


def test_importing_the_verbs_is_light() -> None:
    """The module loads neither torch nor langgraph, so help and completion stay quick."""
    heavy = "torch langgraph transformers langchain_core sqlmodel"
    code = f"import sys, interlock.cli.author; sys.exit(any(m in sys.modules for m in {heavy.split()!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_checking_needs_no_model_and_no_engine() -> None:
    """A whole check runs without torch, transformers or langgraph."""
    path = TESTS / "accepted" / "form.yaml"
    code = (
        "import sys, pathlib; from interlock.cli.checking import check_paths; "
        f"check_paths([pathlib.Path({str(path)!r})]); "
        "sys.exit(any(m in sys.modules for m in ['torch', 'transformers', 'langgraph']))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
