"""The types of the values in a run's state, and paths into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from interlock.graphs.cards import Schema, object_schema
from interlock.graphs.spec import ActStep, ApproveStep, CallStep, ReasonStep, Spec
from interlock.tools.action import Action


@dataclass(frozen=True)
class Shape:
    """A JSON Schema, read only as far as names and types; an empty one is anything."""

    schema: Mapping[str, Any]
    definitions: Mapping[str, Any] = field(default_factory=dict)

    def options(self) -> list[Shape]:
        """The alternatives behind references and unions."""
        schema = self.schema
        if "$ref" in schema:
            return self._of(self.definitions.get(schema["$ref"].rsplit("/", 1)[-1], {})).options()
        nested = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if nested:
            return [option for inner in nested for option in self._of(inner).options()]
        return [self]

    def _of(self, schema: Any) -> Shape:
        return Shape(schema if isinstance(schema, Mapping) else {}, self.definitions)

    @property
    def kinds(self) -> frozenset[str]:
        """The JSON types it may have; empty when nothing is known."""
        kinds = [option.schema.get("type") for option in self.options()]
        return frozenset() if None in kinds else frozenset(str(kind) for kind in kinds)

    @property
    def words(self) -> list[str] | None:
        """The values it may have, where these are listed."""
        found: list[str] = []
        for option in self.options():
            if "const" in option.schema:
                found.append(str(option.schema["const"]))
            elif option.schema.get("enum"):
                found += [str(word) for word in option.schema["enum"]]
            elif option.schema.get("type") != "null":
                return None
        return found or None

    def names(self) -> list[str]:
        """The fields it may have, where these are listed."""
        return [name for option in self.options() for name in option.schema.get("properties", {})]

    def inner(self, name: str) -> Shape | None:
        """The shape of one field or element; None when there is no such field."""
        for option in self.options():
            schema = option.schema
            if name in schema.get("properties", {}):
                return self._of(schema["properties"][name])
            kind = schema.get("type")
            if kind == "array" and name.isdecimal():
                return self._of(schema.get("items", {}))
            rest = schema.get("additionalProperties", True)
            if kind is None or (
                kind == "object" and rest is not False and ("properties" not in schema or rest is not True)
            ):
                return self._of(rest)
        return None


REVIEW_FIELDS = {name: Schema(type="string") for name in ("decision", "comment", "by")}
"""What a reviewer's answer always holds: in the key of an approval edge, and beside a form's own fields."""


def state_shapes(spec: Spec, actions: Mapping[str, Action]) -> dict[str, list[Shape]]:
    """The shapes each key may have: one for every writer."""
    found: dict[str, list[Shape]] = {name: [Shape(schema.json_schema())] for name, schema in spec.input.items()}

    def add(key: str | None, shape: Shape) -> None:
        if key is not None and shape not in found.setdefault(key, []):
            found[key].append(shape)

    for step in spec.steps.values():
        match step:
            case ReasonStep():
                add(step.writes, Shape(object_schema(step.card.output)))
            case ActStep() | CallStep():
                for name in step.actions:
                    add(step.writes, result_shape(actions[name]) if name in actions else Shape({}))
            case ApproveStep():
                add(step.writes, Shape(object_schema(step.form | REVIEW_FIELDS)))
    for edge in spec.edges:
        add(edge.writes, Shape(object_schema(REVIEW_FIELDS)))
    return found


def result_shape(action: Action) -> Shape:
    """The shape of what an action returns."""
    schema = _schema(action.result, "serialization")
    return Shape(schema, schema.get("$defs", {}))


def argument_shapes(action: Action) -> tuple[dict[str, Shape], list[str]]:
    """The shapes of an action's arguments, and the names of the required ones."""
    schema = _schema(action.arguments, "validation")
    definitions = schema.get("$defs", {})
    shapes = {name: Shape(inner, definitions) for name, inner in schema.get("properties", {}).items()}
    return shapes, list(schema.get("required", []))


@lru_cache(maxsize=256)
def _schema(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    return model.model_json_schema(mode=mode)
