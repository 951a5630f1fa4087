"""The reader of tools/: what it collects, and what it refuses at which line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from interlock.errors import ProjectError
from interlock.source import SourceError
from interlock.tools.drawer import inspect_actions, read_actions

TOOL = '''from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Note(Arguments):
    text: str = about("What to note.")


class Done(Result):
    id: str


@action("notes.add", effect="keyed")
def add(arguments: Note, context: ActionContext) -> Done:
    """Add a note."""
    return Done(id="1")
'''


def test_actions_are_found_by_name(tmp_path: Path) -> None:
    """Every declared action is there under its own name."""
    (tmp_path / "notes.py").write_text(TOOL)
    assert list(read_actions(tmp_path)) == ["notes.add"]


def test_a_missing_folder_has_no_actions(tmp_path: Path) -> None:
    """A project without tools is a project."""
    assert read_actions(tmp_path / "tools") == {}


def test_a_file_does_not_shadow_a_library(tmp_path: Path) -> None:
    """A file named like a standard module leaves that module, and the import path, alone."""
    (tmp_path / "email.py").write_text("import email.message\nMESSAGE = email.message.EmailMessage\n" + TOOL)
    import email

    before = list(sys.path)
    read_actions(tmp_path)
    assert sys.modules["email"] is email
    assert sys.path == before


def test_an_edited_file_is_read_anew(tmp_path: Path) -> None:
    """An edit of the same size in the same second is seen: no bytecode is written or read."""
    path = tmp_path / "notes.py"
    path.write_text(TOOL)
    stamp = path.stat()
    read_actions(tmp_path)
    path.write_text(TOOL.replace("notes.add", "notes.put"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert list(read_actions(tmp_path)) == ["notes.put"]
    assert not (tmp_path / "__pycache__").exists()


def test_annotations_written_as_text_are_resolved(tmp_path: Path) -> None:
    """A tools file may postpone its annotations and hold models that refer to each other."""
    source = "from __future__ import annotations\n" + TOOL.replace(
        "    id: str", "    id: str\n    parts: list[Part] = []"
    )
    (tmp_path / "notes.py").write_text(source + "\n\nclass Part(Result):\n    id: str\n")
    action = read_actions(tmp_path)["notes.add"]
    assert "Part" in action.result.model_json_schema()["$defs"]


@pytest.mark.parametrize(
    ("source", "code", "line", "says"),
    [
        ("x = 1\ndef broken(:\n", "T001", 2, "not Python"),
        ("x = 1\n\nraise RuntimeError('no')\n", "T002", 3, "RuntimeError: no"),
        ("import sys\nsys.exit(1)\n", "T002", 2, "SystemExit"),
        ("import interlock.no_such_module\n", "T002", 1, "no_such_module"),
        (TOOL.replace(' """Add a note."""', " pass"), "T002", 12, "write a docstring"),
        (TOOL.replace('"keyed"', '"Keyd"'), "T002", 12, "effect 'Keyd' is not one of read, idempotent, keyed"),
        (TOOL.replace('"keyed"', '"Keyd"'), "T002", 12, "Did you mean 'keyed'?"),
        (TOOL.replace('"keyed"', '"keyed", risk="hihg"'), "T002", 12, "low, medium, high. Did you mean 'high'?"),
        (TOOL + TOOL[TOOL.index("@action") :].replace("def add", "def put"), "T003", 16, "declared twice"),
        (TOOL.replace('"keyed"', '"keyed", compensate="notes.rm"'), "T004", 12, "`notes.rm`, which is no action"),
        ("from .other import x\n", "T005", 1, "relative import"),
        ("import tools.other\n", "T005", 1, "`tools.other`"),
        ("x = 1\nfrom neighbour import x\n", "T005", 2, "`neighbour`"),
    ],
)
def test_a_faulty_file_is_refused_at_its_line(tmp_path: Path, source: str, code: str, line: int, says: str) -> None:
    """The error names the file, the line and the reason."""
    (tmp_path / "neighbour.py").write_text("x = 1\n")
    (tmp_path / "faulty.py").write_text(source)
    with pytest.raises(ProjectError, match=rf"faulty\.py:{line}:") as refused:
        read_actions(tmp_path)
    assert isinstance(refused.value, SourceError)
    assert [(finding.code, finding.line) for finding in refused.value.findings] == [(code, line)]
    assert says in refused.value.findings[0].message


def test_one_faulty_file_hides_no_other(tmp_path: Path) -> None:
    """The actions of the other files are still there beside the finding."""
    (tmp_path / "notes.py").write_text(TOOL)
    (tmp_path / "broken.py").write_text("(\n")
    actions, findings = inspect_actions(tmp_path)
    assert list(actions) == ["notes.add"]
    assert [finding.code for finding in findings] == ["T001"]
