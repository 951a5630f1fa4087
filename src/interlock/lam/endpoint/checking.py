"""What an endpoint wrote, checked against the action space; nothing it says is taken at its word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.lam.endpoint.forms import Written
from interlock.lam.functions import named
from interlock.lam.invented import flat_arguments
from interlock.lam.parameters import faults, plain_schema, read_parameters
from interlock.lam.protocol import ActionSchema, Evidence, Observation
from interlock.lam.quoting import invented, quote, stands_nowhere
from interlock.lam.strict_json import leaves


@dataclass(frozen=True)
class Checked:
    """One call after the check."""

    name: str
    arguments: dict[str, Any]
    """What may be used, bound arguments included."""
    evidence: dict[str, Evidence]
    """By the path of the parameter."""
    missing: list[str]
    """Paths of what has to be asked for; the action's own name where the call as a whole is wrong."""
    wrong: list[str] = field(default_factory=list)
    """Sentences about values that do not fit; their arguments are left out and missing."""


class NotOffered(ValueError):
    """The call is of an action, or has an argument, that was not offered."""


def check(call: Written, observation: Observation, space: Sequence[ActionSchema], *, copy_only: bool) -> Checked:
    """A call with its bound arguments, its evidence, and what is missing or wrong in it.

    Raises:
        NotOffered: the action is not in the space, or an argument is unknown or bound.
    """
    schema = _offered(call, observation, space)
    properties: Mapping[str, Any] = schema.parameters.get("properties") or {}
    bound = {name: value for name, value in observation.bound.items() if name in properties}
    arguments = {**call.arguments, **bound}
    missing, wrong, dropped = list[str](), list[str](), set[str]()
    for path in faults(schema, arguments):
        head = head_of(path, properties)
        missing.append(path or schema.name)
        if head in call.arguments:
            wrong.append(f"{path} = {str(call.arguments[head])[:80]!r} does not fit its schema.")
            dropped.add(head)
        elif not path:
            wrong.append(f"the arguments of {schema.name} do not fit together.")
    evidence: dict[str, Evidence] = {}
    parameters = {parameter.name: parameter for parameter in read_parameters(schema)}
    given = flat_arguments(schema, call.arguments)
    for path, value in given.items():
        found = quote(parameters[path], value, observation)
        if found is not None:
            evidence[path] = found
        elif copy_only and invented(parameters[path], value, observation):
            missing.append(path)
            dropped.add(head_of(path, properties))
    if copy_only:
        seen = {(type(value), value) for _, value in leaves(given)}
        for path, value in leaves(call.arguments):
            if (type(value), value) not in seen and stands_nowhere(value, observation):
                missing.append(head_of(path, properties))
                dropped.add(head_of(path, properties))
    return Checked(
        schema.name,
        {name: value for name, value in arguments.items() if name not in dropped},
        {path: found for path, found in evidence.items() if head_of(path, properties) not in dropped},
        list(dict.fromkeys(missing)),
        wrong,
    )


def _offered(call: Written, observation: Observation, space: Sequence[ActionSchema]) -> ActionSchema:
    schema = named(space, call.name)
    if schema is None:
        raise NotOffered(f"there is no action {call.name[:80]!r}; there are {', '.join(s.name for s in space)}.")
    properties = schema.parameters.get("properties") or {}
    for name in call.arguments:
        if name not in properties or name in observation.bound:
            raise NotOffered(f"{schema.name} has no argument {name[:80]!r} to be chosen.")
    definitions = {**(schema.parameters.get("definitions") or {}), **(schema.parameters.get("$defs") or {})}
    for path in _undeclared(schema.parameters, call.arguments, definitions, ""):
        raise NotOffered(f"{schema.name} has nothing that is called {path[:80]!r}.")
    return schema


def _undeclared(schema: Any, value: Any, definitions: dict[str, Any], path: str) -> Iterator[str]:
    """Paths of names inside objects that their schemas do not list, where they list any."""
    if not isinstance(schema, Mapping):
        return
    parts = [
        part for word in ("anyOf", "oneOf", "allOf") for part in schema.get(word) or () if part != {"type": "null"}
    ]
    if len(parts) > 1:
        return  # which of the alternatives is meant is for the schema's own check
    plain = plain_schema(schema, definitions)
    listed = plain.get("properties") or {}
    if isinstance(value, Mapping) and listed:
        for name, inner in value.items():
            if name not in listed:
                yield f"{path}.{name}".lstrip(".")
            else:
                yield from _undeclared(listed[name], inner, definitions, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _undeclared(plain.get("items"), inner, definitions, path)


def head_of(path: str, properties: Mapping[str, Any]) -> str:
    """The argument that a path lies in."""
    if path in properties:
        return path
    return path.partition("[].")[0].partition(".")[0]
