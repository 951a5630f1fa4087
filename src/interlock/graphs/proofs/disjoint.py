"""The proof that of conditional edges at most one can be taken, and that each can be.

Every condition compares one value with constants, so values fall into cells: each constant, and the
gaps between them.  One value out of each cell decides exactly what any value would.  The one exception
is `matches` on a text that may be anything: two such patterns are taken to overlap only when one of a
few texts made from them fits both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from interlock.graphs.fault import Fault
from interlock.graphs.paths import Shapes, shapes_at
from interlock.graphs.proofs.shapes import Shape
from interlock.graphs.spec import Edge, Spec
from interlock.policies.cells import Range, constants, numbers, texts
from interlock.policies.comparing import compare
from interlock.policies.language import Comparison

Wishes = Sequence[Comparison]


def disjoint(spec: Spec, shapes: Shapes, wrong: set[int]) -> Iterator[Fault]:
    """Conditions that can hold together with an earlier sibling's, and conditions that never hold.

    Args:
        wrong: edges whose conditions do not fit their values; these are left out.
    """
    never: set[int] = set()
    for index, edge in enumerate(spec.edges):
        if edge.when is None or index in wrong:
            continue
        for path, comparison in edge.when.items():
            if witness(path, [comparison], shapes) is NOTHING:
                never.add(index)
                message = f"no value of `{path}` fits this, so the edge is never taken"
                yield Fault("G112", message, ("edges", index, "when", path), key=True)
                break
    for group in _siblings(spec):
        sound = [index for index in group if index not in wrong | never]
        for place, later in enumerate(sound):
            for earlier in sound[:place]:
                both = together(spec.edges[earlier], spec.edges[later], shapes)
                if both is not None:
                    yield _overlap(spec, earlier, later, both)
                    break


def _siblings(spec: Spec) -> list[list[int]]:
    """Conditional edges by source and outcome; a group that stands there twice counts once."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, edge in enumerate(spec.edges):
        for outcome in edge.on or [""] if edge.when is not None else ():
            groups.setdefault((edge.source, outcome), []).append(index)
    return [list(group) for group in dict.fromkeys(tuple(group) for group in groups.values() if len(group) > 1)]


def _overlap(spec: Spec, earlier: int, later: int, both: Mapping[str, Any]) -> Fault:
    first, edge = spec.edges[earlier], spec.edges[later]
    values = " and ".join(f"{path} = {_written(value)}" for path, value in both.items())
    message = f"with {values} this condition and that of the edge to `{first.target}` both hold"
    if not both:
        message = f"this condition and that of the edge to `{first.target}` can hold together"
    return Fault(
        "G032",
        message,
        ("edges", later, "when"),
        key=True,
        hint=f"exclude it from one of them; `{edge.target}` would never be reached so",
    )


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def together(one: Edge, other: Edge, shapes: Shapes) -> dict[str, Any] | None:
    """Values with which both conditions hold; None when there are none."""
    found = {}
    for path in dict.fromkeys([*(one.when or {}), *(other.when or {})]):
        wishes = [edge.when[path] for edge in (one, other) if edge.when and path in edge.when]
        value = witness(path, wishes, shapes)
        if value is NOTHING:
            return None
        found[path] = value
    return found


NOTHING = object()


def witness(path: str, wishes: Wishes, shapes: Shapes) -> Any:
    """A value at `path` that fits all of `wishes`, or `NOTHING`."""
    for shape in shapes_at(path, shapes) or [Shape({})]:
        for option in shape.options():
            for value in candidates(option, wishes):
                if all(compare(wish, value) for wish in wishes):
                    return value
    return NOTHING


def candidates(shape: Shape, wishes: Wishes) -> Iterator[Any]:
    """One value out of each cell into which the constants of `wishes` cut the values of `shape`."""
    schema = shape.schema
    if "const" in schema or schema.get("enum"):
        yield from [schema["const"]] if "const" in schema else schema["enum"]
        return
    kind = schema.get("type")
    cuts = constants(wishes)
    if kind in (None, "integer", "number"):
        ends = (schema.get(key) for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
        within = Range(*(None if end is None else Decimal(str(end)) for end in ends))
        yield from numbers(cuts, whole=kind == "integer", within=within)
    if kind in (None, "boolean"):
        yield from (True, False)
    if kind in (None, "string"):
        patterns = [wish.matches for wish in wishes if wish.matches is not None]
        yield from texts(cuts, patterns, schema.get("minLength", 0), schema.get("maxLength"))
    if kind in (None, "array", "object"):
        yield []  # a value of another kind: it fits only what is said by `ne` and `not_in`
