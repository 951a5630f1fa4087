"""Open Agent Spec: what its flows have in common with our graphs, as values.

The format is documented at https://oracle.github.io/agent-spec (language specification, 25.4.1 and later).
A flow is one JSON or YAML object with a `component_type`; components refer to each other by
`{"$component_ref": ID}` into the top's `$referenced_components`.  Properties are JSON Schemas with a
`title`; `{{name}}` in a prompt is an input of that title; an edge without `from_branch` leaves by `next`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FIRST_VERSION = "25.4.1"
"""The first released version: flows, LLM, tool, branching, map and message nodes."""

STRUCTURED_VERSION = "25.4.2"
"""From here an LLM node may have several typed outputs, a tool may ask for confirmation, and flows may be parallel."""

VERSIONS = ("25.4.1", "25.4.2", "26.1.0", "26.1.2", "26.3.1")
"""Versions whose flows are read; a later one may mean something else by the same words."""

REF = "$component_ref"
REFERENCED = "$referenced_components"
NEXT = "next"
DEFAULT = "default"
ITERATED, COLLECTED = "iterated_", "collected_"
"""Prefixes of a map node's inputs and outputs before the names that the inner flow gives them."""

OURS = "interlock"
"""Key of a component's `metadata` under which we keep what the format has no word for."""

PLACEHOLDER = re.compile(r"{{\s*(\w+)\s*}}")


@dataclass(frozen=True)
class Loss:
    """Something that another runtime will not do, or will do otherwise."""

    step: str
    """The step, edge or component; empty for the whole graph."""
    message: str
    guard: bool = False
    """Whether a guard is lost: an approval, a policy, a limit."""

    def text(self) -> str:
        """The loss in one line."""
        return f"{self.step}: {self.message}" if self.step else self.message


def title_of(path: Iterable[str]) -> str:
    """The title of the property that carries the value at a path."""
    return "_".join(path)


_PLAIN = ("type", "description", "default", "enum", "const", "minLength", "maxLength", "minimum", "maximum", "format")


def simple(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None, depth: int = 0) -> dict[str, Any]:
    """A JSON Schema without references, as far as the format compares types.

    Types that it does not compare (`oneOf`, `allOf`) become any value; the action itself still checks.
    """
    known = definitions if definitions is not None else schema.get("$defs", {})
    if "$ref" in schema and depth < 8:
        return simple(known.get(str(schema["$ref"]).rsplit("/", 1)[-1], {}), known, depth + 1)
    if not {"$ref", "oneOf", "allOf"}.isdisjoint(schema) or depth >= 8:
        return {key: schema[key] for key in ("title", "description") if key in schema}
    plain = (
        "type",
        "description",
        "default",
        "enum",
        "const",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "format",
    )
    found = {key: schema[key] for key in plain if key in schema}
    if "anyOf" in schema:
        found["anyOf"] = [simple(option, known, depth + 1) for option in schema["anyOf"]]
    if isinstance(schema.get("items"), Mapping):
        found["items"] = simple(schema["items"], known, depth + 1)
    if isinstance(schema.get("properties"), Mapping):
        found["properties"] = {name: simple(inner, known, depth + 1) for name, inner in schema["properties"].items()}
    return found


def named(title: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A property: the schema under its title."""
    return {"title": title, **{key: value for key, value in schema.items() if key != "title"}}


def optional(property_: Mapping[str, Any]) -> dict[str, Any]:
    """The property where it may be left out: with its own default, else null."""
    if "default" in property_:
        return dict(property_)
    about = {key: property_[key] for key in ("title", "description") if key in property_}
    rest = {key: value for key, value in property_.items() if key not in about}
    if "anyOf" in rest:
        options = [*rest["anyOf"], *([] if {"type": "null"} in rest["anyOf"] else [{"type": "null"}])]
        return {**about, "anyOf": options, "default": None}
    return {**about, **({"anyOf": [rest, {"type": "null"}]} if "type" in rest else rest), "default": None}


_NUMBERS = {"integer", "number", "boolean"}


def fits(source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether a data edge may join these properties: surely, by the format's own rules of conversion."""
    if not {"type", "anyOf"} & target.keys() or target.get("type") == "string":
        return True
    if "anyOf" in target and "anyOf" not in source:
        return any(fits(source, option) for option in target["anyOf"])
    if "anyOf" in source:
        return all(fits(option, target) for option in source["anyOf"])
    if source.get("type") in _NUMBERS and target.get("type") in _NUMBERS:
        return True
    shape = ("type", "items", "properties")
    return all(source.get(key) == target.get(key) for key in shape)


def untyped(property_: Mapping[str, Any]) -> dict[str, Any]:
    """The property as one that takes any value."""
    return {key: property_[key] for key in ("title", "description", "default") if key in property_}


_KEPT = {"minLength": "min_length", "maxLength": "max_length", "minimum": "minimum", "maximum": "maximum"}
_FORMATS = ("email", "date", "time", "date-time", "uri")


def declared(schema: Any, depth: int = 0) -> dict[str, Any]:
    """A property as an author writes a type here; what our types cannot say is any value."""
    found: dict[str, Any]
    if not isinstance(schema, Mapping):
        return {"type": "any"}
    options = schema.get("anyOf")
    kinds = schema.get("type")
    if isinstance(kinds, list):
        options = [{**schema, "type": kind} for kind in kinds]
    if isinstance(options, list):
        real = [option for option in options if isinstance(option, Mapping) and option.get("type") != "null"]
        found = declared(real[0], depth + 1) if len(real) == 1 and depth < 8 else {"type": "any"}
        found |= {"optional": True} if len(real) < len(options) else {}
    elif kinds in ("string", "integer", "number", "boolean", "array", "object") and depth < 8:
        found = {"type": str(kinds)}
        found |= {ours: schema[theirs] for theirs, ours in _KEPT.items() if theirs in schema}
        if schema.get("format") in _FORMATS:
            found["format"] = schema["format"]
        if isinstance(schema.get("enum"), list) and all(isinstance(word, str) for word in schema["enum"]):
            found["enum"] = list(schema["enum"])
        if kinds == "array" and isinstance(schema.get("items"), Mapping):
            found["items"] = declared(schema["items"], depth + 1)
        if kinds == "object" and isinstance(schema.get("properties"), Mapping) and schema["properties"]:
            found["properties"] = {name: declared(inner, depth + 1) for name, inner in schema["properties"].items()}
    else:
        found = {"type": "any"}
    if isinstance(schema.get("description"), str) and schema["description"]:
        found["description"] = schema["description"]
    return found
