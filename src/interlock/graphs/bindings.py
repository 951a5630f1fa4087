"""Checks of what flows where: paths into values, arguments of actions, prompts and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from interlock.graphs.assigned import bound_keys, writers
from interlock.graphs.fault import Fault
from interlock.graphs.shapes import Shape, argument_shapes, state_shapes
from interlock.graphs.spec import CallStep, Performing, ReasonStep, Spec, is_path, path_parts
from interlock.source import Loc, hint_for
from interlock.tools.action import Action

_PROMPT_NAME = re.compile(r"\$(?:\$|([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)*))")

_OPERATORS: dict[str, tuple[str, ...]] = {
    "string": ("eq", "ne", "in", "not_in", "matches"),
    "integer": ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in"),
    "number": ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in"),
    "boolean": ("eq", "ne"),
}
"""The comparisons that say something about each JSON type; lists and objects have none."""

Shapes = Mapping[str, list[Shape]]


def prompt_paths(prompt: str) -> list[str]:
    """The values that a prompt names: `polished.subject` for `$polished.subject`; `$$` is a dollar sign."""
    return list(dict.fromkeys(match[1] for match in _PROMPT_NAME.finditer(prompt) if match[1]))


def bindings(spec: Spec, actions: Mapping[str, Action], whole: bool = True) -> Iterator[Fault]:
    """Everything wrong with the prompts, bindings, conditions and outputs of `spec`.

    Unless the spec is `whole`, a step that could not be read may write what seems not to be written.
    """
    shapes = state_shapes(spec, actions)
    for name, step in spec.steps.items():
        if isinstance(step, ReasonStep):
            yield from _prompt(name, step, shapes)
        elif isinstance(step, Performing):
            yield from _bound(name, step, shapes, actions)
    for index, edge in enumerate(spec.edges):
        for path, comparison in (edge.when or {}).items():
            yield from _condition(path, comparison.operators(), ("edges", index, "when", path), shapes)
    known = sorted(writers(spec))
    for index, key in enumerate(spec.output):
        if key not in known and whole:
            yield Fault("G109", f"nothing writes the output `{key}`", ("output", index), hint=hint_for(key, known))


def _prompt(name: str, step: ReasonStep, shapes: Shapes) -> Iterator[Fault]:
    used = set()
    for path in prompt_paths(step.card.prompt):
        key, *rest = path.split(".")
        used.add(key)
        if key not in step.reads:
            message = f"the prompt of `{step.card.node}` uses `${key}`, which `{name}` does not read"
            yield Fault("G104", message, ("steps", name, "reads"), hint=f"add `{key}` to `reads`")
        elif fault := _field(path, key, rest, shapes):
            message, hint = fault
            yield Fault("G103", f"in the prompt of `{step.card.node}`: {message}", ("steps", name, "node"), hint=hint)
    for index, key in enumerate(step.reads):
        if key not in used and key in shapes:
            message = f"`{name}` reads `{key}`, but the prompt of `{step.card.node}` never uses it"
            yield Fault("G110", message, ("steps", name, "reads", index), severity="warning")


def _bound(name: str, step: Performing, shapes: Shapes, actions: Mapping[str, Action]) -> Iterator[Fault]:
    known = [actions[action] for action in step.actions if action in actions]
    wrong: set[str] = set()
    for argument, value in step.bind.items():
        at = ("steps", name, "bind", argument)
        if isinstance(value, str) and value.startswith("$"):
            if argument not in bound_keys(step):
                yield Fault("G111", f"`{value}` is not a path", at, hint="write $.key or $.key.field")
                wrong.add(argument)
            elif fault := _field(value, *_split(value), shapes):
                yield Fault("G103", fault[0], at, hint=fault[1])
                wrong.add(argument)
    for action in known:
        arguments, required = argument_shapes(action)
        for argument, value in step.bind.items():
            at = ("steps", name, "bind", argument)
            if argument not in arguments:
                if argument not in wrong:
                    message = f"`{action.name}` has no argument `{argument}`"
                    yield Fault("G105", message, at, key=True, hint=hint_for(argument, arguments))
                wrong.add(argument)
            elif argument not in wrong and (misfit := _misfit(value, arguments[argument], shapes)):
                yield Fault("G107", f"`{argument}` of `{action.name}` {misfit[0]}", at, hint=misfit[1])
                wrong.add(argument)
        missing = [argument for argument in required if argument not in step.bind]
        if missing and isinstance(step, CallStep) and not wrong:
            words = ", ".join(f"`{argument}`" for argument in missing)
            message = f"`{action.name}` needs {words}"
            yield Fault("G106", message, ("steps", name, "bind" if step.bind else "call"), key=bool(step.bind))


def _split(path: str) -> tuple[str, list[str]]:
    key, *rest = path_parts(path)
    return key, rest


def _field(path: str, key: str, rest: list[str], shapes: Shapes) -> tuple[str, str | None] | None:
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


def _shapes_at(path: str, shapes: Shapes) -> list[Shape]:
    """The shapes that the value at `path` may have; the path is known to be right."""
    key, rest = _split(path)
    found = []
    for start in shapes.get(key, ()):
        shape: Shape | None = start
        for part in rest:
            shape = shape.inner(part) if shape is not None else None
        if shape is not None:
            found.append(shape)
    return found


def _misfit(value: Any, wanted: Shape, shapes: Shapes) -> tuple[str, str | None] | None:
    kinds = wanted.kinds
    if not kinds:
        return None
    expected = " or ".join(sorted(kinds - {"null"}))
    if isinstance(value, str) and is_path(value):
        for shape in _shapes_at(value, shapes):
            odd = shape.kinds - kinds - ({"integer"} if "number" in kinds else set())
            if shape.kinds and odd:
                return f"is of type {expected}, but `{value}` is {' or '.join(sorted(odd))}", None
        return None
    kind = _kind(value)
    if kind not in kinds and not (kind == "integer" and "number" in kinds):
        return f"is of type {expected}, but the constant is {kind}", None
    if isinstance(value, str) and wanted.words is not None and value not in wanted.words:
        return f"is never `{value}`", hint_for(value, wanted.words)
    return None


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float() | Decimal():
            return "number"
    return "string"


def _condition(path: str, operators: Mapping[str, Any], at: Loc, shapes: Shapes) -> Iterator[Fault]:
    try:
        key, rest = _split(path)
    except ValueError:
        yield Fault("G111", f"`{path}` is not a path", at, key=True, hint="write $.key or $.key.field")
        return
    if fault := _field(path, key, rest, shapes):
        yield Fault("G103", fault[0], at, key=True, hint=fault[1])
        return
    for shape in _shapes_at(path, shapes):
        kinds = shape.kinds - {"null"}
        if not kinds:
            continue
        for operator, value in operators.items():
            fitting = [kind for kind in kinds if operator in _OPERATORS.get(kind, ())]
            if not fitting:
                message = f"`{operator}` says nothing about `{path}`, which is {' or '.join(sorted(kinds))}"
                yield Fault("G108", message, (*at, operator), key=True)
                return
            if operator == "matches":
                continue
            many = isinstance(value, list | tuple)
            for index, item in enumerate(value if many else [value]):
                spot = (*at, operator, index) if many else (*at, operator)
                kind = _kind(item)
                if kind not in fitting and not (kind in ("integer", "number") and {"integer", "number"} & set(fitting)):
                    message = f"`{path}` is {' or '.join(sorted(kinds))}, but is compared with {kind}"
                    yield Fault("G108", message, spot)
                    return
                if isinstance(item, str) and shape.words is not None and item not in shape.words:
                    yield Fault("G108", f"`{path}` is never `{item}`", spot, hint=hint_for(item, shape.words))
                    return
