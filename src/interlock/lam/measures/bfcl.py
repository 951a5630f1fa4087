"""Rows of the Berkeley Function Calling Leaderboard: a column is a file `NAME.jsonl` beside `NAME.answers.jsonl`.

A column without a file of answers is one of requests that none of the functions fits: right is no call.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError
from interlock.lam.functions import named, read_functions
from interlock.lam.jsonl import read_objects, text_in
from interlock.lam.measures.cases import Case, GoldCall, sample
from interlock.lam.protocol import ActionSchema, Observation
from interlock.lam.rows import sources_of_messages

ANSWERS = ".answers.jsonl"
_OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def columns_in(folder: Path) -> list[str]:
    """The names of the columns that lie in a folder.

    Raises:
        UsageError: there is no such folder, or no column in it.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; give the folder of the files NAME.jsonl.")
    found = sorted(p.name.removesuffix(".jsonl") for p in folder.glob("*.jsonl") if not p.name.endswith(ANSWERS))
    if not found:
        raise UsageError(f"{folder} holds no file NAME.jsonl; give the folder of the rows.")
    return found


def read_columns(folder: Path, names: Sequence[str] = (), limit: int | None = None) -> list[Case]:
    """The rows of some columns, or of all, at most `limit` of each.

    Raises:
        UsageError: there is no such folder or column.
        InputError: a row is malformed; the message names file and line.
    """
    known = columns_in(folder)
    for name in names:
        if name not in known:
            raise UsageError(f"{folder} has no column {name}; there are {', '.join(known)}.")
    return [case for name in names or known for case in sample(_read_column(folder, name), limit)]


def _read_column(folder: Path, name: str) -> list[Case]:
    answers_file = folder / f"{name}{ANSWERS}"
    answers: dict[str, tuple[str, Any]] | None = None
    if answers_file.is_file():
        answers = {}
        for where, document in read_objects(answers_file):
            id = text_in(document, "id", where)
            if id in answers:
                raise InputError(f"{where}: the row {id} is answered twice.")
            answers[id] = (where, document.get("ground_truth"))
    found: dict[str, Case] = {}
    for where, document in read_objects(folder / f"{name}.jsonl"):
        id = text_in(document, "id", where)
        if id in found:
            raise InputError(f"{where}: the row {id} is there twice.")
        space = read_functions(document.get("function"), where)
        gold: tuple[GoldCall, ...] = ()
        if answers is not None:
            if id not in answers:
                raise InputError(f"{where}: {answers_file} has no answer for {id}.")
            gold = read_gold(answers[id][1], answers[id][0], space)
        observation = Observation(sources=sources_of_messages(document.get("question"), where))
        found[id] = Case(f"{name}/{id}", name, observation, tuple(space), gold)
    return list(found.values())


def read_gold(document: Any, where: str, space: Sequence[ActionSchema]) -> tuple[GoldCall, ...]:
    """The right calls of a row: objects `{name: {argument: [accepted values]}}`, or calls written as Python.

    Raises:
        InputError: they are neither; the message begins with `where`.
    """
    if not isinstance(document, list) or not document:
        raise InputError(f'{where}: "ground_truth" must be a list of calls.')
    return tuple(
        _written(part, where, space) if isinstance(part, str) else _accepting(part, where) for part in document
    )


def _accepting(document: Any, where: str) -> GoldCall:
    if not isinstance(document, dict) or len(document) != 1:
        raise InputError(f"{where}: a right call is one object {{name: {{argument: [accepted values]}}}}.")
    (name, arguments), *_ = document.items()
    if not isinstance(arguments, dict) or not all(isinstance(answers, list) for answers in arguments.values()):
        raise InputError(f"{where}: each argument of {name} needs the list of its accepted values.")
    return GoldCall(name, arguments)


def _written(text: str, where: str, space: Sequence[ActionSchema]) -> GoldCall:
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{where}: {text!r} is not a call in Python's syntax.") from error
    if not isinstance(call, ast.Call):
        raise InputError(f"{where}: {text!r} is not a call in Python's syntax.")
    name = ast.unparse(call.func)
    schema = named(space, name)
    places = list((schema.parameters.get("properties") or {}) if schema else {})
    if len(call.args) > len(places):
        raise InputError(f"{where}: {name} is given more arguments than it declares.")
    pairs = list(zip(places, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None:
            raise InputError(f"{where}: {name} is given arguments by **, which cannot be read.")
        pairs.append((keyword.arg, keyword.value))
    try:
        return GoldCall(name, {argument: [_value(node)] for argument, node in pairs})
    except (ValueError, ArithmeticError) as error:
        raise InputError(f"{where}: an argument of {text!r} is no literal ({error}).") from error


def _value(node: ast.expr) -> Any:
    """A literal as JSON would hold it: tuples are lists, and arithmetic of numbers is worked out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(part) for part in node.elts]
    if isinstance(node, ast.Dict):
        return {_value(key): [_value(part)] for key, part in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_number(node.left), _number(node.right))
    raise ValueError(ast.unparse(node))


def _number(node: ast.expr) -> int | float:
    value = _value(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(ast.unparse(node))
    return value
