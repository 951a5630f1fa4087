"""Declared models as JSON Schema for editors: draft-07, the form of a file as its author writes it.

Pydantic's own schema says what a value may be; an editor also needs what to offer.  So a value that may
be left out is not offered as `null`, a default stands as it is written in YAML, keys of a mapping carry
their pattern, and no title is made up from the name of a field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

Node = dict[str, Any]
"""A JSON Schema, or a part of one."""

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that editors of YAML understand best."""

REF = "#/definitions/"
_FIRST = (
    "$schema",
    "$id",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "pattern",
    "required",
    "if",
    "then",
    "else",
)
_LAST = ("definitions",)
_BOUNDS: Mapping[str, str] = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""Of a union, Pydantic writes the bounds under its own names."""

_MAPS = ("properties", "definitions")


def definitions(models: Iterable[type[BaseModel]], sentences: Mapping[str, str]) -> dict[str, Node]:
    """The schema of each model, and of what it is made of, by `definition_name`.

    Args:
        sentences: what an editor says where a text does not fit, by the pattern.
    """
    _, made = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=REF + "{model}",
        schema_generator=_Generator,
    )
    found = {}
    for name, schema in made["$defs"].items():
        word = definition_name(name)
        found[word] = _tidy(schema, sentences) | {"title": word.replace("_", " ")}
    return found


def definition_name(model: type[BaseModel] | str) -> str:
    """The name of a model's schema, which editors show as the name of a type: `step_limits` for `StepLimits`."""
    name = model if isinstance(model, str) else model.__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Fields")).lower()


def ref(name: str) -> Node:
    """The definition of that name."""
    return {"$ref": REF + name}


def by_key(options: dict[str, Node], otherwise: Node) -> Node:
    """A mapping that is one of several forms, each told by a key that it alone has.

    Editors report the faults of the one form that is meant, where a plain `anyOf` would mix those of all.
    """
    found = otherwise
    for key, option in reversed(options.items()):
        found = {"if": {"type": "object", "required": [key]}, "then": option, "else": found}
    return found


def offering(schema: Node, words: Iterable[str]) -> Node:
    """`schema`, with words that an editor offers; others that fit stay allowed."""
    offered = {"enum": list(words)}
    if not offered["enum"]:
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [offered, *schema["anyOf"]]}
    about = {key: value for key, value in schema.items() if key == "description"}
    return {**about, "anyOf": [offered, {key: value for key, value in schema.items() if key not in about}]}


def _tidy(node: Any, sentences: Mapping[str, str]) -> Any:
    """References by `definition_name`, bounds under their names, a sentence for a pattern, options told apart."""
    if isinstance(node, list):
        return [_tidy(item, sentences) for item in node]
    if not isinstance(node, dict):
        return node
    found: Node = {}
    for key, value in node.items():
        found[_BOUNDS.get(key, key) if isinstance(value, int | float) else key] = _tidy(value, sentences)
    if isinstance(name := found.get("$ref"), str):
        found["$ref"] = REF + definition_name(name.removeprefix(REF))
    if isinstance(pattern := found.get("pattern"), str) and pattern in sentences:
        found["errorMessage"] = sentences[pattern]
    if isinstance(options := found.get("anyOf"), list):
        found |= _by_type(options)
    return found


def _by_type(options: list[Node]) -> Node:
    """A plain value, or a list or mapping: told apart by the type, so that editors know which is meant.

    They complete a value that is not there yet from `anyOf`, and judge one that is by `if` and `then`.
    """
    made = [option for option in options if "$ref" in option or option.get("type") in ("object", "array")]
    plain = [option for option in options if option not in made]
    if len(made) != 1 or not plain:
        return {}
    [structure] = made
    kind = {"type": structure.get("type", "object")}
    return {"anyOf": [*plain, kind], "if": kind, "then": structure}


def reached(names: Iterable[str], known: dict[str, Node]) -> dict[str, Node]:
    """The definitions named, and those that they refer to, sorted by name."""
    found: dict[str, Node] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = known[name]
            waiting += references(known[name])
    return dict(sorted(found.items()))


def references(node: Any) -> list[str]:
    """The names of the definitions that a schema refers to."""
    if isinstance(node, list):
        return [name for item in node for name in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].rsplit("/", 1)[-1]] if isinstance(node.get("$ref"), str) else []
    return own + [name for item in node.values() for name in references(item)]


def written(schema: Node) -> str:
    """The text of a schema, the same for the same schema; what a reader looks for stands first."""
    return json.dumps(_ordered(schema), indent=2, ensure_ascii=False) + "\n"


def _ordered(node: Any, named: bool = False) -> Any:
    """Keywords in the order of `_FIRST`; the keys of `properties` stay in the order of the model."""
    if isinstance(node, list):
        return [_ordered(item) for item in node]
    if not isinstance(node, dict):
        return node
    place = {key: index for index, key in enumerate(_FIRST)} | {key: len(_FIRST) + 1 for key in _LAST}
    keys = node if named else sorted(node, key=lambda key: (place.get(key, len(_FIRST)), key))
    return {key: _ordered(node[key], not named and key in _MAPS) for key in keys}


class _Generator(GenerateJsonSchema):
    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        """A number; as text, which Pydantic would take too, nobody writes it."""
        bounds = {key: float(schema[key]) for key in ("ge", "gt", "le", "lt") if key in schema}
        number: Any = {"type": "float", **bounds}
        return self.float_schema(number)

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        """Plain defaults only, as they are written in YAML: a value's own type says how."""
        written = schema["schema"].get("serialization", {})
        if "default" in schema and written.get("type") == "function-plain":
            schema = {**schema, "default": written["function"](schema["default"])}
        found = super().default_schema(schema)
        if not isinstance(found.get("default"), str | int | float) or found["default"] == "":
            found.pop("default", None)
        return found

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        patterns = found.pop("patternProperties", None)
        if patterns:
            [(pattern, values)] = patterns.items()
            found |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
        return found

    def union_schema(self, schema: Any) -> JsonSchemaValue:
        found = super().union_schema(schema)
        options = found.get("anyOf", [])
        if options and all(set(option) == {"type"} and isinstance(option["type"], str) for option in options):
            types = dict.fromkeys(option["type"] for option in options)
            if "number" in types:
                types.pop("integer", None)
            del found["anyOf"]
            found["type"] = list(types) if len(types) > 1 else next(iter(types))
        return found
