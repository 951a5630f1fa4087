"""Parameters of an action as the model reads them: a name, a description and one kind of value.

Objects are flattened: `city` inside `address` is the parameter `address.city`, and `name` inside a list of
objects `items` is the parameter `items[].name`, whose value is the list of all names.  `nest` puts them
together again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Literal

from jsonschema import Draft202012Validator, FormatChecker

from interlock.lam.protocol import ActionSchema
from interlock.lam.units import unit_asked

Kind = Literal[
    "text", "email", "date", "time", "number", "integer", "option", "flag", "list", "unsupported", "url", "datetime"
]
KINDS: tuple[Kind, ...] = (
    "text", "email", "date", "time", "number", "integer", "option", "flag", "list", "unsupported", "url", "datetime",
)  # fmt: skip
DEEPEST = 4
"""Objects inside objects that are flattened; what lies deeper is unsupported."""

_UNIT = re.compile(r"\b(seconds|minutes|hours|days|weeks|months|years)\b|\bin (?:an? )?(second|minute|hour|day|week)\b")
_FORM = re.compile(
    r"(?<!\w)(?P<date>yyyy([-/.])mm\2dd|mm([-/.])dd\3yyyy|dd([-/.])mm\4yyyy|yyyymmdd|month dd,? yyyy|mmmm dd,? yyyy)?"
    r"(?P<gap>(?:\s|t|'t'|, ?| at )(?=hh))?(?P<time>hh:mm(?::ss)?)?(?P<zone>z|'z')?(?![\w])",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"(?:\bone of(?: the)?(?: following)?|\b(?:possible |valid |allowed |available |supported |accepted )?"
    r"(?:options|values|choices)(?: are| include)?|\beither|\b(?:can|must|should|may)(?: only)? be(?: either)?"
    r"|\bchoose (?:from|between))(?: of)?\s*:?\s*(?=[\[('\"`\w])",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"'([^']{1,40})'|\"([^\"]{1,40})\"|`([^`]{1,40})`")
_QUOTED_LIST = re.compile(
    rf"[\[(]?\s*(?:{_QUOTE.pattern})(?:\s*(?:,|/|\||\bor\b|\band\b|,\s*or\b|,\s*and\b)\s*(?:{_QUOTE.pattern}))+"
)
_PLAIN_LIST = re.compile(
    r"\[([\w .-]+(?:,[\w .-]+)+)\]|([\w-]+(?:\s?\|\s?[\w-]+)+)"
    r"|(?<=: )([\w-]+(?: [\w-]+)?(?:, (?:or )?[\w-]+(?: [\w-]+)?)+)(?=\.|$)"
)

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
    """Its path: `city`, `address.city`, `items[].name`."""
    description: str
    kind: Kind
    required: bool
    """Whether every call has it: for a part of an object, whether the object is required too."""
    schema: dict[str, Any]
    """Its JSON Schema, without the `null` alternative of an optional argument."""
    options: tuple[Any, ...] = ()
    item: Parameter | None = None
    unit: str | None = None
    """`minutes`, `hours`…: the unit a duration is counted in."""
    measure: str | None = None
    """`kg`, `m`…: the unit of measure that a number is in, where its description says so."""
    default: Any = None
    """What the schema says holds when it is left out; never written into a call."""
    form: str | None = None
    """How a date or time is written: `YYYY-MM-DD`, `MM/DD/YYYY`, `YYYY-MM-DD HH:MM`…; ISO when `None`."""
    needed: bool = False
    """Whether its own object is incomplete without it."""

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


def form_of(schema: dict[str, Any]) -> tuple[Kind, str] | None:
    """The form in which the description of a string asks for a date or time, and which of them it is."""
    about = str(schema.get("description") or "")
    if schema.get("type", "string") != "string" or schema.get("format") or schema.get("enum"):
        return None
    for match in _FORM.finditer(about):
        day, clock = match["date"], match["time"]
        if clock and re.search(r"am/pm|a\.m\.|12-hour", about, re.IGNORECASE):
            return None
        form = (day or "") + (match["gap"] or "" if day and clock else "") + (clock or "") + (match["zone"] or "")
        if day or clock:
            kind: Kind = "datetime" if day and clock else "date" if day else "time"
            return kind, form.upper().replace("'", "")
    return None


def described_options(schema: dict[str, Any]) -> tuple[str, ...]:
    """The options that the description of a string declares: `one of 'fast', 'exact'`, `options: [a, b]`, `a|b|c`.

    Examples (`such as`, `e.g.`) are no options: other values are as good.
    """
    about = str(schema.get("description") or "")
    if schema.get("type") != "string" or schema.get("format") or schema.get("enum"):
        return ()
    for match in _CLOSED.finditer(about):
        quoted, plain = _QUOTED_LIST.match(about, match.end()), _PLAIN_LIST.match(about, match.end())
        if quoted:
            found = [a or b or c for a, b, c in _QUOTE.findall(quoted[0])]
        elif plain:
            found = [part.strip(" '\"`") for part in re.split(r"[,|/]|\bor\b", plain[1] or plain[2] or plain[3])]
            found = [part for part in found if part]
        else:
            continue
        if len(set(found)) > 1 and all(len(option) <= 40 for option in found):
            return tuple(dict.fromkeys(found))
    return ()


def kind_of(schema: dict[str, Any]) -> Kind:
    """The kind of value a plain schema asks for.

    A string whose description says how a date or time is written (`YYYY-MM-DD`) is one, and one whose
    description declares its options is an option.
    """
    if schema.get("enum") or described_options(schema):
        return "option"
    by_format: dict[str, Kind] = {
        "email": "email", "date": "date", "time": "time", "uri": "url", "url": "url", "date-time": "datetime",
    }  # fmt: skip
    by_type: dict[str, Kind] = {
        "string": "text", "number": "number", "integer": "integer", "boolean": "flag", "array": "list",
    }  # fmt: skip
    form, name = schema.get("format"), schema.get("type")
    if name in {"string", None} and isinstance(form, str) and form in by_format:
        return by_format[form]
    asked = form_of(schema)
    if asked:
        return asked[0]
    if name is None:
        return "text" if not schema.get("properties") else "unsupported"
    return by_type.get(str(name), "unsupported")


def _parameter(name: str, schema: dict[str, Any], required: bool, definitions: dict[str, Any]) -> Parameter:
    plain = plain_schema(schema, definitions)
    kind = "unsupported" if set(name) & {".", "["} else kind_of(plain)
    item = None
    if kind == "list":
        inner = plain_schema(plain.get("items") or {"type": "string"}, definitions)
        inner.setdefault("description", plain.get("description") or "")
        item = _parameter(name, inner, True, definitions)
        deep = item.item is not None and item.item.kind not in {"number", "integer", "text"}
        if item.kind == "unsupported" or deep:
            kind = "unsupported"
    about = f"{re.sub(r'[_.]', ' ', name)} {plain.get('description', '')}".lower()
    unit = _UNIT.search(about) if kind in {"number", "integer"} else None
    asked = form_of(plain)
    return Parameter(
        name=name,
        description=str(plain.get("description") or ""),
        kind=kind,
        required=required,
        schema={key: value for key, value in plain.items() if key not in {"title", "description", "default"}},
        options=tuple(plain.get("enum") or described_options(plain)),
        item=item,
        unit=(unit[1] or unit[2]).rstrip("s") + "s" if unit else None,
        measure=unit_asked(about) if kind in {"number", "integer"} else None,
        default=plain.get("default"),
        form=asked[1] if asked else None,
        needed=required,
    )


def _flat(
    name: str, schema: dict[str, Any], required: bool, definitions: dict[str, Any], depth: int = 0
) -> Iterator[Parameter]:
    """The parameter of one property, or those of the object or list of objects that it is."""
    plain = plain_schema(schema, definitions)
    if depth < DEEPEST and plain.get("properties") and plain.get("type", "object") == "object":
        inner = set(plain.get("required") or ())
        for key, part in plain["properties"].items():
            for leaf in _flat(key, part, key in inner, definitions, depth + 1):
                about = leaf.description or str(plain.get("description") or "")
                yield replace(leaf, name=f"{name}.{leaf.name}", required=required and leaf.required, description=about)
        return
    items = plain_schema(plain.get("items"), definitions) if plain.get("type") == "array" else {}
    if items.get("properties") and depth == 0:
        inner = set(items.get("required") or ())
        for key, part in items["properties"].items():
            leaf = _parameter(key, part, key in inner, definitions)
            yield replace(
                leaf,
                name=f"{name}[].{key}",
                description=leaf.description or str(plain.get("description") or ""),
                required=required and leaf.required,
                kind="unsupported" if leaf.kind in {"unsupported", "list", "flag"} else "list",
                item=leaf,
                schema={"type": "array", "items": leaf.schema},
                options=(),
                unit=None,
                default=None,
            )
        return
    yield _parameter(name, plain, required, definitions)


def read_parameters(schema: ActionSchema) -> tuple[Parameter, ...]:
    """The parameters of an action, in the order of its schema, those of objects by their paths."""
    return _read(schema.model_dump_json())


@lru_cache(maxsize=4096)
def _read(document: str) -> tuple[Parameter, ...]:
    parameters = ActionSchema.model_validate_json(document).parameters
    definitions = {**(parameters.get("definitions") or {}), **(parameters.get("$defs") or {})}
    required = set(parameters.get("required") or ())
    found = [
        parameter
        for name, part in (parameters.get("properties") or {}).items()
        for parameter in _flat(name, part if isinstance(part, dict) else {}, name in required, definitions)
    ]
    if any("unit" in parameter.name.lower() for parameter in found):  # the call says itself what its numbers are in
        return tuple(replace(parameter, measure=None) for parameter in found)
    return tuple(found)


def nest(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by path as a call holds them: `{"a.b": 1, "c[].d": [2, 3]}` is `{"a": {"b": 1}, "c": [{"d": 2}, …]}`.

    Lists of objects whose parts differ in length lack those parts at the end, which `faults` then names.
    """
    nested: dict[str, Any] = {}
    for path, value in arguments.items():
        head, listed, rest = path.partition("[].")
        *outer, last = head.split(".")
        place = nested
        for name in outer:
            place = place.setdefault(name, {})
        if not listed:
            place[last] = value
            continue
        rows = place.setdefault(last, [])
        for number, part in enumerate(value):
            if number == len(rows):
                rows.append({})
            rows[number][rest] = part
    return nested


def faults(schema: ActionSchema, arguments: dict[str, Any]) -> list[str]:
    """Paths of the arguments that break the action's JSON Schema; `""` stands for the whole call.

    Args:
        arguments: as the call holds them, objects nested.
    """
    checker = Draft202012Validator(schema.parameters, format_checker=FORMATS)
    known = [parameter.name for parameter in read_parameters(schema)]
    found: list[str] = []
    for error in checker.iter_errors(arguments):
        paths = [list(error.absolute_path)]
        if error.validator == "required":
            paths = [[*paths[0], key] for key in error.validator_value if key not in error.instance]
        found += [_known_path(path, known) for path in paths]
    return list(dict.fromkeys(found))


def _known_path(path: Sequence[str | int], known: Sequence[str]) -> str:
    """The parameter that a path of an error lies in, else its outermost name."""
    joined = ""
    for part in path:
        joined += "[]" if isinstance(part, int) else f".{part}" if joined else part
        if joined in known:
            return joined
    inside = [name for name in known if joined and name.startswith((joined + ".", joined + "["))]
    return inside[0] if inside else str(path[0]) if path else ""
