"""What steps hand over: inputs of nested graphs, values of pure functions, moments to wait for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.graphs.fault import Fault
from interlock.graphs.paths import Shapes, field_fault, misfit, shapes_at, source_faults, split
from interlock.graphs.proofs.reducers import unreducible
from interlock.graphs.proofs.shapes import Shape, state_shapes
from interlock.graphs.spec import GraphStep, MapStep, PythonStep, Step, WaitStep
from interlock.source import Loc, hint_for
from interlock.tools.action import Action


def handed_over(name: str, step: Step, shapes: Shapes, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """Everything wrong with what a step of one of these kinds is given."""
    match step:
        case GraphStep():
            yield from _inputs(name, step, shapes, ("steps", name, "graph"))
        case MapStep():
            yield from _inputs(name, step, shapes, ("steps", name, "map", "graph"))
            yield from _items(name, step, shapes)
            yield from _reduced(name, step, actions)
        case PythonStep():
            yield from _values(name, step, shapes)
        case WaitStep(until=str(path)):
            yield from _moment(path, ("steps", name, "wait", "until"), shapes)


def _inputs(name: str, step: GraphStep | MapStep, shapes: Shapes, graph: Loc) -> Iterator[Fault]:
    """The inputs of a nested graph: each exists, fits, and is there if it must be."""
    spec = step.spec
    wrong = False
    for given, value in step.bind.items():
        at: Loc = ("steps", name, "bind", given)
        schema = spec.input.get(given)
        faults = list(source_faults(value, at, shapes))
        if schema is None:
            wrong = True
            hint = hint_for(given, spec.input)
            yield Fault("G105", f"`{spec.graph}` has no input `{given}`", at, key=True, hint=hint)
        elif faults:
            yield from faults
        elif odd := misfit(value, Shape(schema.json_schema()), shapes):
            yield Fault("G107", f"`{given}` of `{spec.graph}` {odd[0]}", at, hint=odd[1])
    items = [step.item] if isinstance(step, MapStep) else []
    missing = [
        given
        for given, schema in spec.input.items()
        if not schema.optional and schema.default is None and given not in step.bind and given not in items
    ]
    if missing and not wrong:
        words = ", ".join(f"`{given}`" for given in missing)
        hint = f"add `bind: {{{missing[0]}: …}}`"
        yield Fault("G106", f"`{spec.graph}` needs {words}", graph, hint=hint)


def _items(name: str, step: MapStep, shapes: Shapes) -> Iterator[Fault]:
    """The list is one, and its items are what the graph takes."""
    over: Loc = ("steps", name, "map", "over")
    wanted = step.spec.input.get(step.item)
    if wanted is None:
        hint = hint_for(step.item, step.spec.input)
        message = f"`{step.spec.graph}` has no input `{step.item}`"
        yield Fault("G105", message, ("steps", name, "map", "as"), hint=hint)
    if fault := field_fault(step.over, *split(step.over), shapes):
        yield Fault("G103", fault[0], over, hint=fault[1])
        return
    found = shapes_at(step.over, shapes)
    odd = {kind for shape in found for kind in shape.kinds} - {"array", "null"}
    if odd:
        yield Fault("G107", f"`over` is a list, but `{step.over}` is {' or '.join(sorted(odd))}", over)
    elif wanted is not None:
        kinds = Shape(wanted.json_schema()).kinds
        items = [Shape(option.schema.get("items", {}), option.definitions) for one in found for option in one.options()]
        odd = {kind for item in items for kind in item.kinds} - kinds - ({"integer"} if "number" in kinds else set())
        if kinds and odd:
            words = " or ".join(sorted(odd))
            message = f"`{step.item}` of `{step.spec.graph}` is {' or '.join(sorted(kinds))}, but an item is {words}"
            yield Fault("G107", message, ("steps", name, "map", "as"))


def _reduced(name: str, step: MapStep, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """Each reduced key is an output of the graph, and of a type that its reducer takes."""
    inner = state_shapes(step.spec, actions)
    known = step.spec.output or list(inner)
    for key, reducer in step.reduce.items():
        at: Loc = ("steps", name, "reduce", key)
        if key not in known:
            message = f"`{step.spec.graph}` has no output `{key}`"
            yield Fault("G109", message, at, key=True, hint=hint_for(key, known))
        elif odd := unreducible(reducer, inner.get(key, [])):
            yield Fault("G210", f"`{reducer}` does not go with `{key}`, which is {odd}", at)


def _values(name: str, step: PythonStep, shapes: Shapes) -> Iterator[Fault]:
    """What a pure function takes: each read is one of its values and fits, and none is left out."""
    schema: Mapping[str, Any] = step.card.reads
    wanted = schema.get("properties", {})
    for index, key in enumerate(step.reads):
        at: Loc = ("steps", name, "reads", index)
        if key not in wanted:
            yield Fault("G105", f"`{step.card.node}` takes no value `{key}`", at, hint=hint_for(key, wanted))
        elif odd := misfit(f"$.{key}", Shape(wanted[key], schema.get("$defs", {})), shapes):
            yield Fault("G107", f"`{key}` of `{step.card.node}` {odd[0]}", at, hint=odd[1])
    missing = [key for key in schema.get("required", ()) if key not in step.reads]
    if missing:
        words = ", ".join(f"`{key}`" for key in missing)
        hint = f"add `{missing[0]}` to `reads`"
        yield Fault("G106", f"`{step.card.node}` needs {words}", ("steps", name, "reads"), key=True, hint=hint)


def _moment(path: str, at: Loc, shapes: Shapes) -> Iterator[Fault]:
    """A moment to wait for is the text of a date-time."""
    if fault := field_fault(path, *split(path), shapes):
        yield Fault("G103", fault[0], at, hint=fault[1])
        return
    for option in (option for shape in shapes_at(path, shapes) for option in shape.options()):
        kind, form = option.schema.get("type"), option.schema.get("format")
        if kind not in (None, "null", "string"):
            yield Fault("G107", f"`until` is a date-time, but `{path}` is {kind}", at)
            return
        if form not in (None, "date-time"):
            yield Fault("G107", f"`until` is a date-time, but `{path}` is a text of the format {form}", at)
            return
