"""Parameters of an action as the model reads them: a name, a description and one kind of value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Literal

from jsonschema import Draft202012Validator, FormatChecker

from interlock.lam.protocol import ActionSchema

Kind = Literal["text", "email", "date", "time", "number", "integer", "option", "flag", "list", "unsupported"]
KINDS: tuple[Kind, ...] = (
    "text", "email", "date", "time", "number", "integer", "option", "flag", "list", "unsupported",
)  # fmt: skip

_UNIT = re.compile(r"\b(?:in\s+)?(seconds?|minutes?|hours?|days?|weeks?)\b")

FORMATS = FormatChecker(formats=())
"""Formats the final call is checked for.  `time` takes `HH:MM` with or without seconds, as pydantic does."""


@FORMATS.checks("email")
def _email(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", value) is not None


@FORMATS.checks("date", raises=ValueError)
def _date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@FORMATS.checks("time", raises=ValueError)
def _time(value: object) -> bool:
    return not isinstance(value, str) or time.fromisoformat(value) is not None


@FORMATS.checks("date-time", raises=ValueError)
def _moment(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


@dataclass(frozen=True)
class Parameter:
    """One argument of an action."""

    name: str
    description: str
    kind: Kind
    required: bool
    schema: dict[str, Any]
    """Its JSON Schema, without the `null` alternative of an optional argument."""
    options: tuple[Any, ...] = ()
    item: Parameter | None = None
    unit: str | None = None
    """`minutes`, `hours`…: the unit a duration is counted in."""

    def accepts(self, value: Any) -> bool:
        """Whether `value` alone fits the schema, formats included."""
        return Draft202012Validator(self.schema, format_checker=FORMATS).is_valid(value)


def plain_schema(schema: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """`schema` with a local `$ref` resolved and a `null` alternative taken away."""
    if not isinstance(schema, dict):
        return {}
    outer = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf", "allOf", "$ref"}}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return {**plain_schema(definitions.get(reference.rsplit("/", 1)[-1]), definitions), **outer}
    for word in ("anyOf", "oneOf", "allOf"):
        parts = [p for p in schema.get(word) or [] if isinstance(p, dict) and p.get("type") != "null"]
        if len(parts) >= 1:
            return {**plain_schema(parts[0], definitions), **outer}
    if isinstance(outer.get("type"), list):
        types = [name for name in outer["type"] if name != "null"]
        outer["type"] = types[0] if types else "null"
    return outer


def kind_of(schema: dict[str, Any]) -> Kind:
    """The kind of value a plain schema asks for."""
    if schema.get("enum"):
        return "option"
    by_format: dict[str, Kind] = {"email": "email", "date": "date", "time": "time"}
    by_type: dict[str, Kind] = {
        "string": "text", "number": "number", "integer": "integer", "boolean": "flag", "array": "list",
    }  # fmt: skip
    form, name = schema.get("format"), schema.get("type")
    if name in {"string", None} and isinstance(form, str) and form in by_format:
        return by_format[form]
    if name is None:
        return "text" if not schema.get("properties") else "unsupported"
    return by_type.get(str(name), "unsupported")


def _parameter(name: str, schema: dict[str, Any], required: bool, definitions: dict[str, Any]) -> Parameter:
    plain = plain_schema(schema, definitions)
    kind = kind_of(plain)
    item = None
    if kind == "list":
        item = _parameter(name, plain.get("items") or {"type": "string"}, True, definitions)
        if item.kind in {"list", "unsupported"}:
            kind = "unsupported"
    about = f"{name.replace('_', ' ')} {plain.get('description', '')}".lower()
    unit = _UNIT.search(about) if kind in {"number", "integer"} else None
    return Parameter(
        name=name,
        description=str(plain.get("description") or ""),
        kind=kind,
        required=required,
        schema={key: value for key, value in plain.items() if key not in {"title", "description", "default"}},
        options=tuple(plain.get("enum") or ()),
        item=item,
        unit=unit.group(1).rstrip("s") + "s" if unit else None,
    )


def read_parameters(schema: ActionSchema) -> tuple[Parameter, ...]:
    """The parameters of an action, in the order of its schema."""
    return _read(schema.model_dump_json())


@lru_cache(maxsize=4096)
def _read(document: str) -> tuple[Parameter, ...]:
    parameters = ActionSchema.model_validate_json(document).parameters
    definitions = {**(parameters.get("definitions") or {}), **(parameters.get("$defs") or {})}
    required = set(parameters.get("required") or ())
    return tuple(
        _parameter(name, part if isinstance(part, dict) else {}, name in required, definitions)
        for name, part in (parameters.get("properties") or {}).items()
    )


def faults(schema: ActionSchema, arguments: dict[str, Any]) -> list[str]:
    """Names of the arguments that break the action's JSON Schema; `""` stands for the whole call."""
    checker = Draft202012Validator(schema.parameters, format_checker=FORMATS)
    found: list[str] = []
    for error in checker.iter_errors(arguments):
        name = str(error.absolute_path[0]) if error.absolute_path else ""
        if error.validator == "required" and not error.absolute_path:
            name = next((key for key in error.validator_value if key not in arguments), "")
        if name not in found:
            found.append(name)
    return found
