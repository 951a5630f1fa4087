"""Checks of what flows where: paths into values, arguments of actions, prompts and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.graphs.fault import Fault
from interlock.graphs.paths import Shapes, field_fault, kind_of, misfit, shapes_at, source_faults, split
from interlock.graphs.prompts import prompt_paths
from interlock.graphs.proofs.assigned import writers
from interlock.graphs.proofs.handover import handed_over
from interlock.graphs.proofs.shapes import argument_shapes, result_shape, state_shapes
from interlock.graphs.spec import CallStep, CompensateStep, Performing, ReasonStep, Spec
from interlock.source import Loc, hint_for
from interlock.tools.action import Action
from interlock.tools.secret import names_secret

_OPERATORS: dict[str, tuple[str, ...]] = {
    "string": ("eq", "ne", "in", "not_in", "matches"),
    "integer": ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in"),
    "number": ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in"),
    "boolean": ("eq", "ne"),
}
"""The comparisons that say something about each JSON type; lists and objects have none."""


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
            if isinstance(step, CompensateStep):
                yield from _undone(name, step, spec, actions)
        else:
            yield from handed_over(name, step, shapes, actions)
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
        elif fault := field_fault(path, key, rest, shapes):
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
        for fault in source_faults(value, ("steps", name, "bind", argument), shapes):
            yield fault
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
            elif argument not in wrong and (odd := misfit(value, arguments[argument], shapes)):
                yield Fault("G107", f"`{argument}` of `{action.name}` {odd[0]}", at, hint=odd[1])
                wrong.add(argument)
            elif argument in action.secret_arguments and not names_secret(value):
                message = f"`{argument}` of `{action.name}` names a secret, which only a constant of the graph may do"
                yield Fault("G107", message, at, hint="write secret://name")
                wrong.add(argument)
        missing = [argument for argument in required if argument not in step.bind]
        if not isinstance(step, CallStep):  # a model fills in the others
            missing = [argument for argument in missing if argument in action.secret_arguments]
        if missing and not wrong:
            words = ", ".join(f"`{argument}`" for argument in missing)
            message = f"`{action.name}` needs {words}"
            field = "bind" if step.bind else "call" if isinstance(step, CallStep) else "node"
            yield Fault("G106", message, ("steps", name, field), key=bool(step.bind))


def _undone(name: str, step: CompensateStep, spec: Spec, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """What the compensating action needs and neither the effect that it undoes nor a binding holds."""
    undone = spec.steps.get(step.compensate)
    for done in undone.actions if isinstance(undone, Performing) else ():
        action = actions.get(done)
        undoing = actions.get(action.compensate) if action is not None and action.compensate else None
        if action is None or undoing is None:
            continue
        held = {*step.bind, *result_shape(action).names(), *argument_shapes(action)[0]}
        missing = [argument for argument in argument_shapes(undoing)[1] if argument not in held]
        if missing:
            words = ", ".join(f"`{argument}`" for argument in missing)
            message = f"`{undoing.name}` needs {words}, which neither the result nor the arguments of `{done}` hold"
            yield Fault("G106", message, ("steps", name, "compensate"), hint=f"add `bind: {{{missing[0]}: …}}`")


def _condition(path: str, operators: Mapping[str, Any], at: Loc, shapes: Shapes) -> Iterator[Fault]:
    try:
        key, rest = split(path)
    except ValueError:
        yield Fault("G111", f"`{path}` is not a path", at, key=True, hint="write $.key or $.key.field")
        return
    if fault := field_fault(path, key, rest, shapes):
        yield Fault("G103", fault[0], at, key=True, hint=fault[1])
        return
    for shape in shapes_at(path, shapes):
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
                kind = kind_of(item)
                if kind not in fitting and not (kind in ("integer", "number") and {"integer", "number"} & set(fitting)):
                    message = f"`{path}` is {' or '.join(sorted(kinds))}, but is compared with {kind}"
                    yield Fault("G108", message, spot)
                    return
                if isinstance(item, str) and shape.words is not None and item not in shape.words:
                    yield Fault("G108", f"`{path}` is never `{item}`", spot, hint=hint_for(item, shape.words))
                    return
