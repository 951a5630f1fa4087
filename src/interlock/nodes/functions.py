"""The reader of the Python files of `nodes/`: every `Function` that they declare.

A file is run under a private module name from the very text whose digest its functions carry, so what
is pinned is what is called, and no file can shadow a library.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from interlock.digest import digest
from interlock.errors import InterlockError
from interlock.nodes.function import Function
from interlock.nodes.purity import impurities
from interlock.source import Finding

MAX_BYTES = 1_000_000
"""A longer file is data, not a node."""


@dataclass(frozen=True)
class Declared:
    """A function and where it stands."""

    function: Function
    path: Path
    line: int


def read_functions(folder: Path) -> dict[str, Function]:
    """The functions that can be used, by name, whatever is wrong with other files."""
    found: dict[str, Function] = {}
    for declared in inspect_functions(folder)[0]:
        found.setdefault(declared.function.name, declared.function)
    return found


def inspect_functions(folder: Path) -> tuple[list[Declared], list[Finding]]:
    """The functions of a drawer in order, and what is wrong with its files; never raises for a faulty one."""
    found: list[Declared] = []
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.py")) if folder.is_dir() else []:
        declared, faults = _of_file(path)
        found += declared
        findings += faults
    return found, findings


def _of_file(path: Path) -> tuple[list[Declared], list[Finding]]:
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            return [], [_finding("N011", f"the file has {len(data)} bytes; at most {MAX_BYTES} are read", path)]
        text = data.decode("utf-8")
        tree = ast.parse(text, str(path))
    except SyntaxError as error:
        return [], [_finding("N011", f"not Python: {error.msg}", path, error.lineno or 1, error.offset or 1)]
    except OSError as error:
        return [], [_finding("N011", f"the file cannot be read: {error.strerror}", path)]
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        return [], [_finding("N011", f"the file cannot be read: {error}", path)]
    if faults := impurities(tree, path):
        return [], faults
    module = ModuleType(f"_interlock_nodes_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}_{path.stem}")
    module.__file__ = str(path)
    # Pydantic resolves annotations through sys.modules, so the private name stays there.
    sys.modules[module.__name__] = module
    try:
        exec(compile(tree, str(path), "exec"), module.__dict__)  # a drawer's file is the project's code
    except (Exception, SystemExit) as error:
        sys.modules.pop(module.__name__, None)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        said = error.message if isinstance(error, InterlockError) else f"{type(error).__name__}: {error}"
        return [], [_finding("N012", f"the file cannot be loaded: {said}", path, (lines or [1])[-1] or 1)]
    source = digest(text)
    functions = {id(value): value for value in vars(module).values() if isinstance(value, Function)}
    if not functions and any(not isinstance(statement, ast.Expr) for statement in tree.body):
        return [], [_finding("N015", "the file declares no node, so no step can use what is in it", path)]
    return [Declared(replace(one, source=source), path, _line(one)) for one in functions.values()], []


def _line(function: Function) -> int:
    code = getattr(function.run, "__code__", None)
    return int(code.co_firstlineno) if code is not None else 1


def _finding(code: str, message: str, path: Path, line: int = 1, column: int = 1) -> Finding:
    return Finding(code=code, message=message, file=str(path), line=line, column=column)
