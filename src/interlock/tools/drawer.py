"""The reader of the drawer `tools/`: every `Action` that its Python files declare, and its toolsets (YAML) make.

A Python file is run under a private module name from its source, never imported by its own name, so a drawer
cannot shadow a library (`tools/email.py` and the standard `email`), and no stale bytecode is used.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from interlock.errors import InterlockError
from interlock.source import Document, Finding, SourceError, did_you_mean
from interlock.tools.action import Action
from interlock.tools.toolsets.toolset import inspect_toolset

DRAWERS = ("graphs", "nodes", "tools", "policies")


def read_actions(folder: Path) -> dict[str, Action]:
    """The actions of a drawer by name; a missing folder has none.

    Raises:
        SourceError: a file cannot be used (codes T001 to T005, C001 to C007); it names file and line.
    """
    drawer = inspect_tools(folder)
    if drawer.findings:
        raise SourceError(drawer.findings, drawer.documents)
    return drawer.actions


@dataclass(frozen=True)
class ToolDrawer:
    """What a drawer declares, and what is wrong with it."""

    actions: dict[str, Action]
    findings: list[Finding]
    documents: list[Document]
    """Its toolsets, as they were read."""


def inspect_actions(folder: Path) -> tuple[dict[str, Action], list[Finding]]:
    """The actions of a drawer, and what is wrong with it; never raises for a faulty file."""
    drawer = inspect_tools(folder)
    return drawer.actions, drawer.findings


def inspect_tools(folder: Path) -> ToolDrawer:
    """All of a drawer; never raises for a faulty file."""
    actions: dict[str, Action] = {}
    places: dict[str, tuple[Path, int]] = {}
    findings: list[Finding] = []
    documents: list[Document] = []
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in (file for file in files if file.suffix in (".py", ".yaml")):
        document: Document | None = None
        if path.suffix == ".py":
            found, faults = _actions_of(path)
        else:
            found, faults, document = inspect_toolset(path)
        findings += faults
        documents += [document] if document is not None else []
        for action in found:
            line = _line(action, path, document)
            if action.name in actions:
                first = places[action.name]
                message = f"the action `{action.name}` is declared twice; first in {first[0].name}, line {first[1]}"
                findings.append(_finding("T003", message, path, line))
            else:
                actions[action.name], places[action.name] = action, (path, line)
    for name, action in actions.items():
        if action.compensate is not None and action.compensate not in actions and not findings:
            close = did_you_mean(action.compensate, actions)
            message = f"`{name}` is compensated by `{action.compensate}`, which is no action"
            findings.append(_finding("T004", message, *places[name], f"did you mean `{close}`?" if close else None))
    return ToolDrawer(actions, findings, documents)


class _FromSource(importlib.machinery.SourceFileLoader):
    """Compiles the file each time: bytecode caches compare times too coarsely for a file just edited."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _actions_of(path: Path) -> tuple[list[Action], list[Finding]]:
    try:
        source = path.read_bytes()
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        return [], [_finding("T001", f"not Python: {error.msg}", path, error.lineno or 1, column=error.offset or 1)]
    except (OSError, ValueError) as error:
        return [], [_finding("T001", f"the file cannot be read: {error}", path, 1)]
    if faults := _foreign_imports(tree, path):
        return [], faults
    name = f"_interlock_drawer_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_FromSource(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Pydantic and dataclasses resolve annotations through sys.modules, so the private name stays there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        text = error.message if isinstance(error, InterlockError) else f"{type(error).__name__}: {error}"
        return [], [_finding("T002", f"the file cannot be loaded: {text}", path, (lines or [1])[-1] or 1)]
    return _declared(module), []


def _declared(module: ModuleType) -> list[Action]:
    found = {id(value): value for value in vars(module).values() if isinstance(value, Action)}
    return list(found.values())


def _foreign_imports(tree: ast.Module, path: Path) -> list[Finding]:
    """Relative imports and imports of drawers: a drawer's file stands alone."""
    siblings = {other.stem for other in path.parent.glob("*.py")} - set(sys.stdlib_module_names)
    findings = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.ImportFrom):
            names = ["."] if node.level else [node.module or ""]
        else:
            names = [alias.name for alias in node.names]
        for name in names:
            top = name.split(".")[0]
            if name == "." or top in DRAWERS or (top in siblings and not _installed(top, path.parent)):
                what = "a relative import" if name == "." else f"`{name}` is a drawer or another file of one"
                message = f"a tools file stands alone, but imports {what}"
                hint = "import only interlock and installed packages"
                findings.append(_finding("T005", message, path, node.lineno, hint, node.col_offset + 1))
    return findings


def _installed(top: str, folder: Path) -> bool:
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    return spec is not None and (spec.origin is None or Path(spec.origin).resolve().parent != folder.resolve())


def _line(action: Action, path: Path, document: Document | None) -> int:
    if document is not None:
        return document.mark(("tools", action.name.partition(".")[2]), key=True).line
    code = getattr(action.run, "__code__", None)
    return int(code.co_firstlineno) if code is not None and code.co_filename == str(path) else 1


def _finding(code: str, message: str, path: Path, line: int, hint: str | None = None, column: int = 1) -> Finding:
    return Finding(code=code, message=message, file=str(path), line=line, column=column, hint=hint)
