"""Paths into a run's state, checked against the shapes that its values may have."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from interlock.graphs.proofs.shapes import Shape
from interlock.graphs.spec import is_path, path_parts
from interlock.source import hint_for

Shapes = Mapping[str, list[Shape]]
"""The shapes that each key of the state may have."""


def split(path: str) -> tuple[str, list[str]]:
    key, *rest = path_parts(path)
    return key, rest


def field_fault(path: str, key: str, rest: list[str], shapes: Shapes) -> tuple[str, str | None] | None:
    """What is wrong with a path, and a hint; the field must be there whoever wrote the key."""
    for start in shapes.get(key, ()):
        shape: Shape = start
        for place, part in enumerate(rest):
            inner = shape.inner(part)
            if inner is None:
                holder = ".".join([key, *rest[:place]])
                return f"`{holder}` has no field `{part}`", hint_for(part, shape.names())
            shape = inner
    return None


def shapes_at(path: str, shapes: Shapes) -> list[Shape]:
    """The shapes that the value at `path` may have; the path is known to be right."""
    key, rest = split(path)
    found = []
    for start in shapes.get(key, ()):
        shape: Shape | None = start
        for part in rest:
            shape = shape.inner(part) if shape is not None else None
        if shape is not None:
            found.append(shape)
    return found


def misfit(value: Any, wanted: Shape, shapes: Shapes) -> tuple[str, str | None] | None:
    kinds = wanted.kinds
    if not kinds:
        return None
    expected = " or ".join(sorted(kinds - {"null"}))
    if isinstance(value, str) and is_path(value):
        for shape in shapes_at(value, shapes):
            odd = shape.kinds - kinds - ({"integer"} if "number" in kinds else set())
            if shape.kinds and odd:
                return f"is of type {expected}, but `{value}` is {' or '.join(sorted(odd))}", None
        return None
    kind = kind_of(value)
    if kind not in kinds and not (kind == "integer" and "number" in kinds):
        return f"is of type {expected}, but the constant is {kind}", None
    if isinstance(value, str) and wanted.words is not None and value not in wanted.words:
        return f"is never `{value}`", hint_for(value, wanted.words)
    return None


def kind_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float() | Decimal():
            return "number"
    return "string"
