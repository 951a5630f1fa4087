"""Paths into a run's state, checked against the shapes that its values may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from interlock.graphs.bind import Bound, Only, StandsIn, is_path, path_parts, sources, well_formed
from interlock.graphs.fault import Fault
from interlock.graphs.proofs.shapes import Shape
from interlock.source import Loc, hint_for

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


def source_faults(value: Bound, at: Loc, shapes: Shapes) -> Iterator[Fault]:
    """Everything wrong with the paths that a binding reads, where nothing is known yet of what it is for."""
    for part, path in sources(value).items():
        spot = (*at, part) if part else at
        if not well_formed(path):
            yield Fault("G111", f"`{path}` is not a path", spot, hint="write $.key or $.key.field")
        elif fault := field_fault(path, *split(path), shapes):
            yield Fault("G103", fault[0], spot, hint=fault[1])
        elif isinstance(value, Only):
            yield from _list_faults(value, at, shapes)


def _list_faults(value: Only, at: Loc, shapes: Shapes) -> Iterator[Fault]:
    """What `only` looks into is a list, and its elements have the field."""
    for shape in shapes_at(value.only, shapes):
        odd = shape.kinds - {"array", "null"}
        if odd:
            yield Fault("G107", f"`only` takes a list, but `{value.only}` is {' or '.join(sorted(odd))}", (*at, "only"))
            return
        for element in elements(shape):
            if value.field is not None and element.inner(value.field) is None:
                message = f"an element of `{value.only}` has no field `{value.field}`"
                hint = hint_for(value.field, element.names())
                yield Fault("G103", message, (*at, "field"), hint=hint)
                return


def elements(shape: Shape) -> list[Shape]:
    """The shapes that the elements of a list may have."""
    return [
        Shape(option.schema.get("items", {}), option.definitions)
        for option in shape.options()
        if option.schema.get("type") != "null"
    ]


def given_shapes(value: Bound, shapes: Shapes) -> list[Shape]:
    """The shapes of what a binding may give; its paths are known to be right."""
    match value:
        case StandsIn():
            return shapes_at(value.value, shapes)
        case Only():
            found = [element for shape in shapes_at(value.only, shapes) for element in elements(shape)]
            inner = [element.inner(value.field) if value.field else element for element in found]
            return [shape for shape in inner if shape is not None]
        case str() if is_path(value):
            return shapes_at(value, shapes)
    return []


def _written(value: Bound) -> str:
    match value:
        case StandsIn():
            return value.value
        case Only():
            return f"{value.only}.{value.field}" if value.field else f"an element of {value.only}"
    return str(value)


def misfit(value: Any, wanted: Shape, shapes: Shapes) -> tuple[str, str | None] | None:
    kinds = wanted.kinds
    if not kinds:
        return None
    expected = " or ".join(sorted(kinds - {"null"}))
    if is_path(value) or isinstance(value, StandsIn | Only):
        for shape in given_shapes(value, shapes):
            odd = shape.kinds - kinds - ({"integer"} if "number" in kinds else set())
            if shape.kinds and odd:
                return f"is of type {expected}, but `{_written(value)}` is {' or '.join(sorted(odd))}", None
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
