"""Arguments as the fields of a form, made from the tool's JSON schema, and what was typed as arguments again.

A field is named by its path: `change.account.iban`, `change.parts.0.sku`.  What a schema says that no field can hold
is one field of JSON.  Nothing here judges: the action's own types do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.web.legible import read_json_or_text, text_of, visible

CHANGE, DROP = "change.", "drop."

DEEPEST = 4
"""Levels of objects and lists that become fields; what lies deeper is JSON."""

Kind = Literal["line", "text", "number", "choice", "flag", "json", "object", "list"]

INPUTS = {"date": "date", "email": "email", "uri": "url", "time": "time"}
"""Formats with an input of their own in browsers; that of moments holds no time zone, so they are lines."""

LONG = 80
"""Characters from which a text gets more than one line."""


@dataclass
class Field:
    """One field, or those of an object or a list."""

    path: tuple[str, ...]
    kind: Kind
    schema: Mapping[str, Any]
    about: str = ""
    required: bool = True
    value: Any = None
    """As proposed; None where there is none."""
    text: str = ""
    """What stands in the field."""
    given: bool = False
    """Whether that was typed, and is not what was proposed."""
    fields: list[Field] = field(default_factory=list)
    dropped: bool = False
    """An item of a list that is to be left out."""
    fault: str = ""

    @property
    def label(self) -> str:
        return self.path[-1]

    @property
    def name(self) -> str:
        return CHANGE + ".".join(self.path)

    @property
    def drop(self) -> str:
        return DROP + ".".join(self.path)

    @property
    def id(self) -> str:
        """As the address of an element: nothing in it is special in a selector."""
        return re.sub(r"[^A-Za-z0-9_-]", "-", self.name)

    @property
    def was(self) -> str:
        """What was proposed, as it would stand in the field."""
        return _shown(self.value, self.kind)

    @property
    def hidden(self) -> bool:
        """Whether it holds characters that show nothing."""
        return visible(self.text) != self.text

    @property
    def input(self) -> str:
        """The type of its input."""
        return INPUTS.get(str(self.schema.get("format")), "text")

    @property
    def choices(self) -> list[str]:
        return ["true", "false"] if self.kind == "flag" else [text_of(each) for each in self.schema["enum"]]

    @property
    def bounds(self) -> str:
        """What its schema allows, in words."""
        return "; ".join(_bounds(self.schema, self.kind))

    @property
    def attributes(self) -> dict[str, Any]:
        """What browsers check."""
        known = {"minlength": "minLength", "maxlength": "maxLength"}
        found = {name: self.schema[key] for name, key in known.items() if key in self.schema and self.kind != "json"}
        if self.kind == "number":
            found["inputmode"] = "numeric" if self.schema.get("type") == "integer" else "decimal"
        return found

    def every(self) -> Iterator[Field]:
        """This one and those inside it."""
        yield self
        for each in self.fields:
            yield from each.every()


def fields_of(schema: Mapping[str, Any], arguments: Mapping[str, Any], typed: Mapping[str, str]) -> list[Field]:
    """The fields of an action's arguments.

    Args:
        schema: JSON schema of the object.
        typed: what was typed already, by the names of fields.
    """
    defs: Mapping[str, Any] = schema.get("$defs", {})
    required = schema.get("required", [])
    return [
        _field((name,), inner, defs, arguments.get(name), typed, required=name in required)
        for name, inner in schema.get("properties", {}).items()
    ]


def _field(
    path: tuple[str, ...],
    schema: Mapping[str, Any],
    defs: Mapping[str, Any],
    value: Any,
    typed: Mapping[str, str],
    *,
    required: bool,
) -> Field:
    schema, empty = _resolved(schema, defs)
    kind = _kind(schema, value, len(path))
    found = Field(path, kind, schema, str(schema.get("description", "")), required and not empty, value)
    if kind == "object":
        inner: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        needed = schema.get("required", [])
        found.fields = [
            _field((*path, name), each, defs, inner.get(name), typed, required=name in needed)
            for name, each in schema["properties"].items()
        ]
        found.given = any(each.given for each in found.fields)
    elif kind == "list":
        _fill_list(found, defs, typed)
    else:
        found.given = found.name in typed
        found.text = typed[found.name] if found.given else found.was
    return found


def _fill_list(found: Field, defs: Mapping[str, Any], typed: Mapping[str, str]) -> None:
    """The items of a list: those that were proposed, and those that were typed."""
    items = found.value if isinstance(found.value, list) else []
    pattern = re.compile(rf"{re.escape(found.name)}\.([0-9]{{1,3}})(\..*)?")
    numbers = {int(match[1]) for name in typed if (match := pattern.fullmatch(name))}
    found.given = bool(numbers)
    for number in sorted(numbers | set(range(len(items)))):
        value = items[number] if number < len(items) else None
        item = _field((*found.path, str(number)), found.schema["items"], defs, value, typed, required=True)
        item.dropped = item.drop in typed
        found.given |= item.dropped
        found.fields.append(item)


def with_one_more(found: Field, schema: Mapping[str, Any]) -> Field:
    """The item that is added to a list, empty."""
    number = max((int(each.label) for each in found.fields), default=-1) + 1
    return _field((*found.path, str(number)), found.schema["items"], schema.get("$defs", {}), None, {}, required=True)


def read(found: Field) -> Any:
    """What the fields hold, as an argument; `LEFT_OUT` where it is left out."""
    match found.kind:
        case "object":
            return _read_object(found)
        case "list":
            items = [read(each) for each in found.fields if not each.dropped]
            return [item for item in items if item is not LEFT_OUT]
    if not found.given or _same(found.text, found.was):
        return LEFT_OUT if found.value is None else found.value
    if found.text == "" and (not found.required or found.kind not in ("line", "text")):
        return LEFT_OUT
    match found.kind:
        case "number":
            return _number(found.text, found.value)
        case "flag":
            return {"true": True, "false": False}.get(found.text, found.text)
        case "choice":
            return next((each for each in found.schema["enum"] if text_of(each) == found.text), found.text)
        case "json":
            return read_json_or_text(found.text)
    return found.text


LEFT_OUT: Any = object()


def _read_object(found: Field) -> Any:
    values = {each.label: read(each) for each in found.fields}
    kept = {name: value for name, value in values.items() if value is not LEFT_OUT}
    if not kept and found.value is None:
        return LEFT_OUT
    before = found.value if isinstance(found.value, Mapping) else {}
    return {**{name: value for name, value in before.items() if name not in values}, **kept}


def changes_of(fields: list[Field]) -> dict[str, Any]:
    """The arguments that are not as proposed."""
    changes: dict[str, Any] = {}
    for each in fields:
        value = read(each)
        if value is LEFT_OUT:
            if each.value is not None:
                changes[each.label] = None
        elif value != each.value or type(value) is not type(each.value):
            changes[each.label] = value
    return changes


@dataclass(frozen=True)
class Change:
    """One value that is not as proposed."""

    name: str
    before: str | None
    after: str | None


def differences(before: Any, after: Any, name: str = "") -> list[Change]:
    """What is not the same in two values, part by part."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            change
            for key in keys
            for change in differences(before.get(key), after.get(key), f"{name}.{key}" if name else str(key))
        ]
    if isinstance(before, list) and isinstance(after, list) and before != after:
        longest = range(max(len(before), len(after)))
        pairs = [
            (number, before[number] if number < len(before) else None, after[number] if number < len(after) else None)
            for number in longest
        ]
        return [change for number, one, other in pairs for change in differences(one, other, f"{name}.{number + 1}")]
    if before == after:
        return []
    return [Change(name, *(None if each is None else text_of(each) for each in (before, after)))]


def _resolved(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """A schema without references and without `null`, and whether null was allowed."""
    empty = False
    for _ in range(20):  # a schema may refer to itself
        if "$ref" in schema:
            named = str(schema["$ref"]).rpartition("/")[2]
            schema = {**defs.get(named, {}), **{key: value for key, value in schema.items() if key != "$ref"}}
        elif len(schema.get("allOf", ())) == 1:
            schema = {**schema["allOf"][0], **{key: value for key, value in schema.items() if key != "allOf"}}
        elif "anyOf" in schema and any(each.get("type") == "null" for each in schema["anyOf"]):
            empty = True
            rest = [each for each in schema["anyOf"] if each.get("type") != "null"]
            kept = {key: value for key, value in schema.items() if key != "anyOf"}
            schema = {**rest[0], **kept} if len(rest) == 1 else {**kept, "anyOf": rest}
        else:
            break
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
    return schema, empty


def _kind(schema: Mapping[str, Any], value: Any, depth: int) -> Kind:
    if "enum" in schema:
        return "choice" if value is None or value in schema["enum"] else "json"
    match schema.get("type"):
        case "object" if schema.get("properties") and depth < DEEPEST and (value is None or isinstance(value, Mapping)):
            return "object"
        case "array" if isinstance(schema.get("items"), Mapping) and depth < DEEPEST and isinstance(value, list | None):
            return "list"
        case "boolean" if value is None or isinstance(value, bool):
            return "flag"
        case "integer" | "number" if value is None or isinstance(value, int | float | str):
            return "number"
        case "string" if value is None or isinstance(value, str):
            text = value or ""
            long = "\n" in text or "\r" in text or len(text) > LONG or schema.get("maxLength", LONG) > 4 * LONG
            return "text" if long and "format" not in schema else "line"
    return "json"


def _shown(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "flag":
        return "true" if value is True else "false"
    return json.dumps(value, ensure_ascii=False, indent=2) if kind == "json" else text_of(value)


def _same(typed: str, was: str) -> bool:
    """Whether a browser sent back what it was given: it says line ends and what it cannot hold in its own way."""

    def plain(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")

    return plain(typed) == plain(was)


def _number(text: str, before: Any) -> Any:
    """A number as its argument is written: money stays text, so that no digit of it is lost."""
    text = text.strip()
    if isinstance(before, str) or not re.fullmatch(r"-?[0-9]{1,15}([.][0-9]{1,15})?", text):
        return text
    return int(text) if "." not in text else float(text)


_BOUNDS = {
    "minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}",
    "exclusiveMaximum": "less than {}", "multipleOf": "a multiple of {}", "minLength": "at least {} characters",
    "maxLength": "at most {} characters", "minItems": "at least {}", "maxItems": "at most {}",
}  # fmt: skip


def _bounds(schema: Mapping[str, Any], kind: Kind) -> Iterator[str]:
    if kind == "number":
        yield "a whole number" if schema.get("type") == "integer" else "a number"
    elif schema.get("format") in ("date-time", "uuid", "ipv4", "ipv6", "duration"):
        yield f"a {schema['format']}"
    for key, words in _BOUNDS.items():
        if key in schema and not (key in ("minLength", "minItems") and schema[key] <= 1):
            yield words.format(schema[key])
    if "pattern" in schema:
        yield f"like {schema['pattern']}"
