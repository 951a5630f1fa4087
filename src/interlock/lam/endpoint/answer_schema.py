"""The JSON Schema of an answer: any number of calls of an action space, none being the abstention.

It is kept to the words that every grammar engine knows; formats, patterns and ranges are checked here afterwards.
Required arguments may be left out, or a model that does not know one would be made to invent it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.lam.protocol import ActionSchema

DEEPEST = 8
"""Levels of a schema that are sent; anything may stand below, and is checked here."""


def answer_schema(space: Sequence[ActionSchema]) -> dict[str, Any]:
    """The schema of `{"tool_calls": […]}` for an action space without bound arguments."""
    return _object({"tool_calls": {"type": "array", "items": {"anyOf": [_call(schema) for schema in space]}}})


def _object(properties: Mapping[str, Any], required: Sequence[str] | None = None) -> dict[str, Any]:
    names = list(properties if required is None else required)
    return {
        "type": "object", "properties": dict(properties), "additionalProperties": False,
        **({"required": names} if names else {}),
    }  # fmt: skip


def _call(schema: ActionSchema) -> dict[str, Any]:
    definitions = {**(schema.parameters.get("definitions") or {}), **(schema.parameters.get("$defs") or {})}
    arguments = {
        name: _plain(part, definitions, 0) for name, part in (schema.parameters.get("properties") or {}).items()
    }
    return _object({"name": {"type": "string", "enum": [schema.name]}, "arguments": _object(arguments, ())})


def _plain(schema: Any, definitions: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """`schema` in the common words, with its references written out."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _plain(definitions.get(reference.rsplit("/", 1)[-1]), definitions, depth + 1)
    if "const" in schema:
        return {"enum": [schema["const"]]}
    if schema.get("enum"):
        return {"enum": list(schema["enum"])}
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return {"anyOf": [_plain(part, definitions, depth + 1) for part in schema[word]]}
    parts: list[Any] = schema.get("allOf") or []
    if len(parts) == 1:
        return _plain(parts[0], definitions, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        return {"anyOf": [_plain({**schema, "type": name}, definitions, depth + 1) for name in kind]}
    if kind == "array":
        return {"type": "array", "items": _plain(schema.get("items"), definitions, depth + 1)}
    if kind == "object" and schema.get("properties"):
        inner = {name: _plain(part, definitions, depth + 1) for name, part in schema["properties"].items()}
        return _object(inner, [name for name in schema.get("required") or () if name in inner])
    return {"type": kind} if isinstance(kind, str) else {}
