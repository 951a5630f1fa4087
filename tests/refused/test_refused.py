"""Every file in this folder is refused, for the one fault that its first lines name and at its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from interlock.cli.check import check
from interlock.cli.checking import check_paths
from interlock.graphs.codes import CODES

FOLDER = Path(__file__).parent
EXPECT = re.compile(rb"# expect: ([A-Z][0-9]{3}) ([0-9]+):([0-9]+)")


def _expected(path: Path) -> tuple[str, int, int] | None:
    match = EXPECT.search(path.read_bytes())
    return (match[1].decode(), int(match[2]), int(match[3])) if match else None


GRAPHS = {path.name: path for path in sorted(FOLDER.glob("*.yaml"))}
FAULTY = {
    path.relative_to(FOLDER / "projects").parts[0]: path
    for path in sorted((FOLDER / "projects").rglob("*.yaml"))
    if _expected(path)
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_is_refused_at_its_place(name: str) -> None:
    """Checking the file reports exactly the expected error, at its line and column."""
    report = check_paths([GRAPHS[name]])
    errors = [(f.code, f.line, f.column) for f in report.findings if f.fatal]
    assert errors == [_expected(GRAPHS[name])], report.text()


@pytest.mark.parametrize("name", FAULTY)
def test_the_drawer_is_refused_at_its_place(name: str) -> None:
    """Checking the project's fine graph reports the one faulty card or policy."""
    report = check_paths([FOLDER / "projects" / name])
    errors = [(Path(f.file).resolve(), (f.code, f.line, f.column)) for f in report.findings if f.fatal]
    assert errors == [(FAULTY[name].resolve(), _expected(FAULTY[name]))], report.text()


def test_the_command_reports_every_file_of_the_folder() -> None:
    """`interlock check` on the folder names each file with its code, line and column, and exits with 1."""
    app = typer.Typer()
    app.command()(check)
    result = CliRunner().invoke(app, [str(FOLDER), "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)["findings"]
    placed = {(Path(f["file"]).name, f["code"], f["line"], f["column"]) for f in found if f["severity"] == "error"}
    expected = {name: _expected(path) for name, path in GRAPHS.items()}
    assert placed == {(name, *place) for name, place in expected.items() if place}
    assert len(placed) >= 32


def test_every_finding_of_the_folder_has_a_known_code() -> None:
    """The codes of the expectations stand in the catalogue, and each file has an expectation."""
    places = [_expected(path) for path in [*GRAPHS.values(), *FAULTY.values()]]
    assert all(place is not None and place[0] in CODES for place in places)
