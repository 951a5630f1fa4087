"""JSON Schemas as the grammar takes them: references resolved, and what it cannot do refused by name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from interlock.errors import ModelError
from interlock.lam.protocol import ActionSchema

REFUSED = (
    "not", "if", "then", "else", "contains", "minContains", "maxContains", "dependentSchemas", "dependentRequired",
    "dependencies", "patternProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "minProperties",
    "maxProperties", "$dynamicRef", "$recursiveRef",
)  # fmt: skip
"""Keywords that change what is valid and that no grammar here follows."""


class Unsupported(ModelError):
    """The action's schema has a feature that the grammar cannot follow."""


def refuse(action: str, where: str, why: str) -> Unsupported:
    """The error that names the action and the argument."""
    place = f"the argument {where} of {action}" if where else f"the arguments of {action}"
    return Unsupported(f"{place} cannot be put into a grammar: {why}. Simplify its schema, or leave the action out.")


def definitions_of(parameters: dict[str, Any]) -> dict[str, Any]:
    """What `$ref` may name."""
    return {**(parameters.get("definitions") or {}), **(parameters.get("$defs") or {})}


def open_arguments(action: ActionSchema, bound: Collection[str]) -> ActionSchema:
    """The action without the arguments that the graph has fixed."""
    if not bound:
        return action
    properties = action.parameters.get("properties") or {}
    required = action.parameters.get("required") or []
    left = action.parameters | {
        "properties": {name: schema for name, schema in properties.items() if name not in bound},
        "required": [name for name in required if name not in bound],
    }
    return action.model_copy(update={"parameters": left})


class Resolver:
    """Schemas of one action, with references followed.

    Args:
        action: the action whose schema this is, for errors.
        definitions: what `$ref` may name.
    """

    def __init__(self, action: str, definitions: dict[str, Any]) -> None:
        self.action, self._definitions = action, definitions

    def plain(self, schema: Any, where: str, seen: tuple[str, ...] = ()) -> tuple[dict[str, Any], tuple[str, ...]]:
        """`schema` without `$ref` and without an `allOf` of one, and the references followed to it.

        Raises:
            Unsupported: a reference leads outside or around in a circle, or a keyword is in `REFUSED`.
        """
        if schema is True:
            return {}, seen
        if not isinstance(schema, dict):
            raise refuse(self.action, where, f"{schema!r} is no schema that anything fits")
        for keyword in REFUSED:
            if keyword in schema:
                raise refuse(self.action, where, f"the keyword {keyword} is not supported")
        outer = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        if "$ref" in schema:
            name = str(schema["$ref"]).rsplit("/", 1)[-1]
            if not str(schema["$ref"]).startswith("#/") or name not in self._definitions:
                raise refuse(self.action, where, f"the reference {schema['$ref']} leads nowhere")
            if name in seen:
                raise refuse(self.action, where, f"{name} contains itself")
            inner, seen = self.plain(self._definitions[name], where, (*seen, name))
            return {**inner, **outer}, seen
        parts = schema.get("allOf")
        if parts is not None:
            if len(parts) != 1:
                raise refuse(self.action, where, "allOf with several parts is not supported")
            inner, seen = self.plain(parts[0], where, seen)
            return {**inner, **outer}, seen
        return outer, seen
