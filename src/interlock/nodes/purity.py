"""What the source of a pure function may say: a fence against mistakes, not a sandbox.

A function that read the clock, a file or chance would give another result when a run is replayed, and
one that kept something between calls would mix runs up.  Whoever can write to `nodes/` can get around
these rules; they are for those who would break them without noticing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from interlock.source import Finding, hint_for

PURE = frozenset([
    "__future__", "collections", "collections.abc", "dataclasses", "datetime", "decimal", "difflib", "enum",
    "fractions", "functools", "hashlib", "itertools", "json", "math", "operator", "re", "statistics", "string",
    "textwrap", "typing", "unicodedata",
])  # fmt: skip
"""Modules of the standard library whose functions depend on their arguments alone."""

OFFERED = frozenset(["Result", "Values", "node"])
"""What a nodes file may take from `interlock`."""

BARRED = frozenset([
    "BaseException", "GeneratorExit", "KeyboardInterrupt", "SystemExit", "breakpoint", "compile", "delattr", "eval",
    "exec", "exit", "getattr", "globals", "hash", "help", "id", "input", "locals", "memoryview", "open", "print",
    "quit", "setattr", "vars",
])  # fmt: skip
"""Built-in names that reach outside, or differ from one process to the next."""

CLOCKS = frozenset(["now", "today", "utcnow"])
"""Constructors of `datetime` and `date` that read the clock."""

UNSURE = frozenset([
    ("decimal", "getcontext"), ("decimal", "setcontext"), ("decimal", "localcontext"), ("operator", "attrgetter"),
    ("operator", "methodcaller"), ("statistics", "random"),
])  # fmt: skip
"""What pure modules hold that is not pure, or gets around these rules."""

NAMED = frozenset(["_asdict", "_fields", "_make", "_replace"])
"""What named tuples call their methods."""


def impurities(tree: ast.Module, path: Path) -> list[Finding]:
    """Everything in a nodes file that no pure function needs (codes N013 and N014), in order of place."""
    found = [*_imports(tree, path), *_uses(tree, path), *_state(tree, path)]
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _imports(tree: ast.Module, path: Path) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name not in PURE:
                    yield _foreign(alias.name, alias, path)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            if name == "interlock":
                for alias in node.names:
                    if alias.name not in OFFERED:
                        message = f"a nodes file takes {', '.join(sorted(OFFERED))} from interlock, not `{alias.name}`"
                        yield _finding("N013", message, alias, path, hint_for(alias.name, OFFERED))
            elif name not in PURE:
                yield _foreign(name, node, path)
            else:
                for alias in node.names:
                    if alias.name == "*":
                        message = f"`from {name} import *` hides what is used"
                        yield _finding("N013", message, alias, path, "name what you need")
                    elif alias.name.startswith("_") or (name, alias.name) in UNSURE:
                        message = f"`{alias.name}` of `{name}` is not for pure functions"
                        yield _finding("N013", message, alias, path)


def _foreign(name: str, node: ast.AST, path: Path) -> Finding:
    what = "a relative import" if name.startswith(".") else f"`{name}`"
    message = f"a pure function cannot import {what}"
    hint = f"import from interlock, or one of {', '.join(sorted(PURE - {'__future__'}))}"
    return _finding("N013", message, node, path, hint)


def _uses(tree: ast.Module, path: Path) -> Iterator[Finding]:
    dates = {"date", "datetime"} | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "datetime"
        for alias in node.names
        if alias.asname
    }
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in BARRED or _dunder(name):
                yield _finding("N014", f"a pure function cannot use `{name}`", node, path)
            case ast.Attribute(attr=name) if name.startswith("_") and name not in NAMED:
                message = f"a pure function cannot reach into `{name}`"
                yield _finding("N014", message, node, path)
            case ast.Call(func=ast.Attribute(attr=name) as clock) if name in CLOCKS:
                message = f"a pure function cannot read the clock (`{name}`)"
                yield _finding("N014", message, clock, path, "let the step read the time from the state")
            case ast.Attribute(value=ast.Name(id=module), attr=name) if (module, name) in UNSURE:
                yield _finding("N014", f"`{module}.{name}` is not for pure functions", node, path)
            case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr=word) if (
                word in CLOCKS and name in dates and node not in called
            ):
                message = f"a pure function cannot read the clock (`{word}`)"
                yield _finding("N014", message, node, path, "let the step read the time from the state")
            case ast.Call(func=ast.Attribute(attr="fromtimestamp")) if len(node.args) + len(node.keywords) < 2:
                message = "`fromtimestamp` without a time zone reads this machine's"
                yield _finding("N014", message, node, path, "pass a time zone")
            case ast.Global() | ast.Nonlocal():
                word = "global" if isinstance(node, ast.Global) else "nonlocal"
                message = f"`{word}` would keep something from one call to the next"
                yield _finding("N014", message, node, path)
            case ast.Await() | ast.AsyncFunctionDef() | ast.Yield() | ast.YieldFrom():
                yield _finding("N014", "a pure function neither awaits nor yields", node, path)


def _state(tree: ast.Module, path: Path) -> Iterator[Finding]:
    """Values of the module that functions could change: lists, dicts and sets under a name."""
    mutable = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    shared: set[str] = set()
    for statement in tree.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign) and isinstance(statement.value, mutable):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.value, mutable):
            targets = [statement.target]
        shared |= {target.id for target in targets if isinstance(target, ast.Name)}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)):
        for node in ast.walk(function):
            name = _changed(node)
            if name in shared:
                message = f"`{name}` of the module would be changed by a call, and kept for the next"
                yield _finding("N014", message, node, path, "make a copy inside the function")


CHANGING = frozenset([
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault",
    "sort", "update",
])  # fmt: skip
"""Methods that change a list, dict or set in place."""


def _changed(node: ast.AST) -> str | None:
    """The name whose value a node changes in place, if it does."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if method in CHANGING:
            return name
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
        case ast.AugAssign(target=ast.Name(id=name)):
            return name
    return None


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in ("__name__", "__doc__", "__all__")


def _finding(code: str, message: str, node: ast.AST, path: Path, hint: str | None = None) -> Finding:
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
    end = getattr(node, "end_col_offset", None)
    same = getattr(node, "end_lineno", line) == line
    length = max(1, end - column + 1) if isinstance(end, int) and same else 1
    return Finding(code=code, message=message, file=str(path), line=line, column=column, length=length, hint=hint)
