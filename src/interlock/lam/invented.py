"""Finds invented values: arguments that their evidence does not give when it is read again.

An option or truth value that the schema declares is not invented, whatever words it was chosen for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.lam.candidates import evidenced
from interlock.lam.functions import named
from interlock.lam.parameters import nest, read_parameters
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation

_ABSENT = object()


def flat_arguments(schema: ActionSchema, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by the paths of their parameters; the reverse of `parameters.nest`.

    What has no path of a parameter is left out: putting the rest together again shows whether anything was.
    """
    found: dict[str, Any] = {}
    for parameter in read_parameters(schema):
        outer, listed, part = parameter.name.partition("[].")
        value = _at(arguments, outer)
        if listed and isinstance(value, list):
            value = [row[part] for row in value if isinstance(row, dict) and part in row] or _ABSENT
        if value is not _ABSENT:
            found[parameter.name] = value
    return found


def _at(arguments: Mapping[str, Any], path: str) -> Any:
    if path in arguments:
        return arguments[path]
    value: Any = arguments
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _invented(action: Action, schema: ActionSchema | None, observation: Observation) -> list[str]:
    if schema is None:
        return list(action.arguments)
    parameters = {parameter.name: parameter for parameter in read_parameters(schema)}
    flat = flat_arguments(schema, action.arguments)
    whole = nest(flat)
    found = [name for name, value in action.arguments.items() if whole.get(name, _ABSENT) != value]
    bound = flat_arguments(schema, observation.bound)
    for path, value in flat.items():
        if path in bound and bound[path] == value:
            continue
        evidence = action.evidence.get(path)
        if evidence is None or not _equal(
            evidenced(parameters[path], evidence, observation.sources, observation.today), value
        ):
            found.append(path)
    return found


def _equal(read: Any, value: Any) -> bool:
    """Whether two values are one, `true` and `1` told apart."""
    return bool(read == value) and isinstance(read, bool) == isinstance(value, bool)


def invented_values(observation: Observation, space: Iterable[ActionSchema], decision: Decision) -> list[str]:
    """Paths of the arguments, not bound, whose evidence does not give their value when read again."""
    known = list(space)
    return [path for action in decision.actions for path in _invented(action, named(known, action.name), observation)]
