"""The types of the values in a run's state, and paths into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from interlock.graphs.cards import Schema, object_schema
from interlock.graphs.spec import (
    FAILED,
    ApproveStep,
    Edge,
    GraphStep,
    MapStep,
    Performing,
    PythonStep,
    ReasonStep,
    Reducer,
    RouteStep,
    Spec,
    Step,
    WaitStep,
    ends,
)
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

    def resolved(self) -> dict[str, Any]:
        """The schema by itself: references replaced by what they name."""
        found: dict[str, Any] = _resolved(self.schema, self.definitions)
        return found

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


def _resolved(schema: Any, definitions: Mapping[str, Any], depth: int = 0) -> Any:
    if depth > 20:  # a type that contains itself; deeper than this nothing is known
        return {}
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            return _resolved(definitions.get(schema["$ref"].rsplit("/", 1)[-1], {}), definitions, depth + 1)
        return {key: _resolved(value, definitions, depth + 1) for key, value in schema.items() if key != "$defs"}
    return [_resolved(item, definitions, depth + 1) for item in schema] if isinstance(schema, list) else schema


REVIEW_FIELDS = {name: Schema(type="string") for name in ("decision", "comment", "by")}
"""What a reviewer's answer always holds: in the key of an approval edge, and beside a form's own fields."""


def state_shapes(spec: Spec, actions: Mapping[str, Action]) -> dict[str, list[Shape]]:
    """The shapes each key may have: one for every writer."""
    found: dict[str, list[Shape]] = {name: [Shape(schema.json_schema())] for name, schema in spec.input.items()}
    for step in spec.steps.values():
        if step.writes is not None:
            for shape in written_shapes(step, actions):
                _add(found, step.writes, shape)
    for edge in spec.edges:
        if edge.writes is not None:
            _add(found, edge.writes, Shape(object_schema(ERROR_FIELDS if reports_error(edge) else REVIEW_FIELDS)))
    return found


def _add(found: dict[str, list[Shape]], key: str, shape: Shape) -> None:
    if shape not in found.setdefault(key, []):
        found[key].append(shape)


def reports_error(edge: Edge) -> bool:
    """Whether the `writes` of an edge receives what went wrong: it is taken on failures alone, without a review."""
    return edge.approval is None and bool(edge.on) and set(edge.on) <= set(FAILURES)


def written_shapes(step: Step, actions: Mapping[str, Action]) -> list[Shape]:
    """The shapes of what `step` writes."""
    match step:
        case ReasonStep():
            return [Shape(object_schema(step.card.output))]
        case ApproveStep():
            return [Shape(object_schema(step.form | REVIEW_FIELDS))]
        case RouteStep():
            labels = {"type": "string", "enum": list(step.card.labels)}
            chosen = {"label": labels, "by": {"type": "string", "enum": ["lam", "model"]}}
            return [Shape({"type": "object", "properties": chosen, "additionalProperties": False})]
        case PythonStep():
            return [Shape(step.card.output, step.card.output.get("$defs", {}))]
        case WaitStep():
            return [Shape(object_schema(step.payload))]
        case GraphStep():
            return [Shape(_outputs(step.spec, actions))]
        case MapStep(reduce={}):
            names = [name for name in ends(step.spec) if name not in FAILED]
            ended = {"type": "string", "enum": [*dict.fromkeys(["done", *names])]}
            item: dict[str, Any] = {"outcome": ended, "output": _outputs(step.spec, actions)}
            return [Shape({"type": "array", "items": {"type": "object", "properties": item}})]
        case MapStep():
            outputs = _outputs(step.spec, actions)["properties"]
            found = {key: _reduced(reducer, outputs.get(key, {})) for key, reducer in step.reduce.items()}
            return [Shape({"type": "object", "properties": found, "additionalProperties": False})]
        case _ if isinstance(step, Performing):
            return [result_shape(actions[name]) if name in actions else Shape({}) for name in step.actions]
    return []


def _outputs(spec: Spec, actions: Mapping[str, Action]) -> dict[str, Any]:
    """JSON Schema of what a run of `spec` gives back: its output keys, or all where it names none."""
    shapes = state_shapes(spec, actions)
    found = {}
    for key in spec.output or shapes:
        options = [shape.resolved() for shape in shapes.get(key, [])]
        found[key] = options[0] if len(options) == 1 else {"anyOf": options} if options else {}
    return {"type": "object", "properties": found, "additionalProperties": False}


def _reduced(reducer: Reducer, schema: dict[str, Any]) -> dict[str, Any]:
    """What a reducer makes of values of this shape; concat also takes single values into a list."""
    return {"type": "boolean"} if reducer in ("all", "any") else schema


ERROR_FIELDS = {name: Schema(type="string") for name in ("step", "outcome", "kind", "message")}
"""What an edge of failure writes: the step, how it ended, what kind of fault it was, and a sentence."""

FAILURES = ("failed", "exhausted", "expired", "denied", "abstained")
"""Outcomes of which an edge may write what went wrong."""


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
