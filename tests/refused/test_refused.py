"""Every file in this folder is refused, for the one fault that its first lines name and at its place.

A graph stands in the folder itself, beside the drawers that all of them use; under `warned/` the fault
is only worth a warning.  A card, policy or tools file stands under `projects/NAME/`; it is laid over
`projects/fine/`, which has no fault.
"""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from interlock.cli.check import check
from interlock.cli.checking import check_paths
from interlock.graphs.catalogue.codes import CODES
from interlock.source import MAX_BYTES

FOLDER = Path(__file__).parent
PROJECTS = FOLDER / "projects"
EXPECT = re.compile(rb"# expect: ([A-Z][0-9]{3}) ([0-9]+):([0-9]+)")


def _expected(path: Path) -> tuple[str, int, int] | None:
    match = EXPECT.search(path.read_bytes())
    return (match[1].decode(), int(match[2]), int(match[3])) if match else None


GRAPHS = {path.name: path for path in sorted(FOLDER.glob("*.yaml")) if _expected(path)}
FAULTY = {
    path.relative_to(PROJECTS).parts[0]: path
    for path in sorted(PROJECTS.rglob("*"))
    if path.suffix in (".yaml", ".py") and _expected(path)
}
WARNED = {path.name: path for path in sorted(FOLDER.glob("warned/*.yaml"))}
PARTS = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name not in GRAPHS)
"""Graphs without a fault of their own, which faulty ones use."""


def _errors(path: Path) -> list[tuple[str, str, int, int]]:
    return [(name, code, line, column) for name, code, line, column, fatal in _found(path) if fatal]


def _found(path: Path) -> list[tuple[str, str, int, int, bool]]:
    report = check_paths([path])
    return [(Path(f.file).name, f.code, f.line, f.column, f.fatal) for f in report.findings]


def _project(name: str, folder: Path) -> Path:
    """The fine project with the faulty file of `name` laid over it."""
    for source in (PROJECTS / "fine", PROJECTS / name):
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _beside(folder: Path, name: str, text: str) -> Path:
    """A graph written as `text`, beside the drawers and the other graphs of this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in FOLDER.iterdir():
        if other.name != name and (other.suffix == ".yaml" or other.name in ("nodes", "policies", "tools")):
            (folder / other.name).symlink_to(other)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_is_refused_at_its_place(name: str) -> None:
    """Checking the file reports exactly the expected error, at its line and column."""
    assert _errors(GRAPHS[name]) == [(name, *(_expected(GRAPHS[name]) or ()))]


@pytest.mark.parametrize("name", WARNED)
def test_the_graph_is_warned_about_at_its_place(name: str) -> None:
    """Checking the file reports exactly the expected warning, and the graph may run."""
    report = check_paths([WARNED[name]])
    assert report.ok
    found = [(finding.code, finding.line, finding.column) for finding in report.findings]
    assert found == [_expected(WARNED[name])]
    assert CODES[found[0][0]].severity == "warning"


@pytest.mark.parametrize("name", FAULTY)
def test_the_drawer_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    """Checking the project's fine graph reports the one faulty card, policy or tools file; a warning comes alone."""
    expected = (FAULTY[name].name, *(_expected(FAULTY[name]) or ()))
    if CODES[expected[1]].severity == "warning":
        assert _found(_project(name, tmp_path)) == [(*expected, False)]
    else:
        assert _errors(_project(name, tmp_path)) == [expected]


def test_the_fine_project_is_fine(tmp_path: Path) -> None:
    """What the faulty files are laid over has no fault itself, nor have graphs that faulty ones use."""
    assert not check_paths([_project("fine", tmp_path)]).findings
    for name in PARTS:
        assert not [finding for finding in check_paths([FOLDER / name]).findings if finding.fatal]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A folder in the place of a file is Y001, a file past 1 MB is Y002: both at the first character."""
    (tmp_path / "graphs" / "folder.yaml").mkdir(parents=True)
    (tmp_path / "graphs" / "large.yaml").write_text("# " + "x" * MAX_BYTES)
    assert _errors(tmp_path / "graphs") == [("folder.yaml", "Y001", 1, 1), ("large.yaml", "Y002", 1, 1)]


def test_the_command_reports_every_file_of_the_folder() -> None:
    """`interlock check` on the folder names each file with its code, line and column, and exits with 1."""
    app = typer.Typer()
    app.command()(check)
    result = CliRunner().invoke(app, [str(FOLDER), "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)["findings"]
    placed = {(Path(f["file"]).name, f["code"], f["line"], f["column"]) for f in found if f["severity"] == "error"}
    expected = {(name, *(_expected(path) or ())) for name, path in GRAPHS.items()}
    assert placed == {place for place in expected if place[1] != "G014"}  # said at the graph that has the errors


def test_the_folder_is_large_and_its_codes_are_known() -> None:
    """At least 90 documents; every code of YAML, cards, policies and tools has one, and each code is catalogued."""
    documents = [*GRAPHS.values(), *FAULTY.values()]
    shown = {(_expected(path) or ("",))[0] for path in documents}
    assert len(documents) >= 90
    assert shown <= set(CODES)
    made = {"Y001", "Y002", "P018"}  # of what is large: shown where it is made
    assert {code for code in CODES if code[0] in "YNPT"} - made <= shown


EXAMPLES = [code for code, about in CODES.items() if about.fault]


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_of_a_page_is_true(code: str, tmp_path: Path) -> None:
    """A document with this code holds the page's example, and is right once it is put right as the page says."""
    about = CODES[code]
    tried: dict[str, list[tuple[str, str, int, int]]] = {}
    for name, path in {**GRAPHS, **FAULTY}.items():
        if (_expected(path) or ("",))[0] != code:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        mended = _mended(text, about.fault, about.mended)
        if mended is None:
            continue
        if name in GRAPHS:
            where = _beside(tmp_path / name, name, mended)
        else:
            where = _project(name, tmp_path / name)
            (where / path.relative_to(PROJECTS / name)).write_text(mended, encoding="utf-8")
        tried[name] = [(*place, code) for *place, code, fatal in _found(where) if fatal or about.severity == "warning"]
    assert [] in tried.values(), f"{tried} for {about.fault}"


def _mended(text: str, fault: str, mended: str) -> str | None:
    """`text` with the example put right, at whatever indent it stands; None where it does not hold it."""
    for indent in (" " * width for width in range(12)):
        if "\n" in fault or "\n" in mended:
            found, better = (textwrap.indent(part, indent) + "\n" for part in (fault, mended))
        else:
            found, better = fault, mended
        if f"\n{found}" in text or (found == fault and fault in text):
            return text.replace(found, better, 1)
    return None
