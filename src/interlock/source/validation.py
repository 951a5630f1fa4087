"""A part of a document as a Pydantic model, each fault placed in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from interlock.source.document import Document
from interlock.source.finding import Finding, Loc, did_you_mean, hint_for

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M], document: Document, family: str, at: Loc = (), instead: Mapping[str, Any] | None = None
) -> tuple[M | None, list[Finding]]:
    """The value at `at` as `model`, and findings: `<family>001` unknown key, `002` missing key, `003` wrong value.

    Where unknown keys are all that is wrong the model is there as well, each key taken for the close
    match or left out, so that one slip hides no other fault.  Strict: the data goes through JSON, so
    text is no number and a number no text.

    Args:
        instead: keys that nothing else depends on, with what is taken in place of a wrong value (None:
            the default).
    """
    data = json.dumps(document.at(at))
    try:
        return model.model_validate_json(data), []
    except ValidationError as error:
        faults = _faults(document, error, at)
    unknown = {loc: _known(model, loc[len(at) :]) for loc, item in faults.items() if item["type"] == "extra_forbidden"}
    findings = _findings(document, faults, unknown, family)
    meant = json.loads(data)
    for loc, known in unknown.items():
        _rename(meant, loc[len(at) :], did_you_mean(str(loc[-1]), known))
    for key, value in (instead or {}).items():
        if any(loc[: len(at) + 1] == (*at, key) and loc not in unknown for loc in faults):
            meant[key] = value
            if value is None:
                del meant[key]
    try:
        return model.model_validate_json(json.dumps(meant)), findings
    except ValidationError:
        return None, findings


def _faults(document: Document, error: ValidationError, at: Loc) -> dict[Loc, Any]:
    """Pydantic's errors by their places in the document.

    Of the branches of a union each reports; the one that got furthest into the value is the one meant.
    """
    kept: dict[Loc, Any] = {}
    for item in error.errors(include_url=False):
        if item["type"] == "missing":
            loc = (*_walk(document, at, item["loc"][:-1], dict), item["loc"][-1])
        else:
            loc = _walk(document, at, item["loc"])
        if loc in kept and kept[loc]["type"] == "literal_error" and item["type"] == "model_type":
            kept[loc]["msg"] += ", or a mapping"
        kept.setdefault(loc, item)
    return {
        loc: item for loc, item in kept.items() if not any(other[: len(loc)] == loc and other != loc for other in kept)
    }


def _findings(document: Document, faults: dict[Loc, Any], unknown: dict[Loc, list[str]], family: str) -> list[Finding]:
    meant = {(*loc[:-1], did_you_mean(str(loc[-1]), known)) for loc, known in unknown.items()}
    found = []
    for loc, item in faults.items():
        if loc in unknown:
            hint = hint_for(str(loc[-1]), unknown[loc])
            found.append(document.finding(f"{family}001", f"unknown key `{loc[-1]}`", loc, key=True, hint=hint))
        elif item["type"] == "missing":
            if loc not in meant:
                found.append(document.finding(f"{family}002", f"the key `{loc[-1]}` is missing", loc[:-1], key=True))
        else:
            found.append(document.finding(f"{family}003", _sentence(item, loc), loc, hint=_hint(item)))
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _rename(data: Any, loc: Loc, name: str | None) -> None:
    """Give the value at `loc` the key that was meant, unless it is there; without one the value is left out."""
    for part in loc[:-1]:
        data = data[part]
    value = data.pop(loc[-1])
    if name is not None:
        data.setdefault(name, value)


def _walk(document: Document, at: Loc, parts: Loc, kind: type = object) -> Loc:
    """`parts` without the tags that pydantic adds for unions and functions: what the document has.

    A tag may be called like a key, so of all ways through the document the one is taken that ends in a
    value of `kind`, uses the last part, and uses the most.
    """
    ways: list[Loc] = [()]
    for part in parts:
        further = [(*way, part) for way in ways if _has(document.at((*at, *way)), part)]
        ways = list(dict.fromkeys([*further, *ways]))[:_WAYS]
    best = max(ways, key=lambda way: (isinstance(document.at((*at, *way)), kind), way[-1:] == parts[-1:], len(way)))
    return (*at, *best)


_WAYS = 64
"""More ways than this are not followed: deep nesting of like names would have too many."""


def _has(value: Any, part: str | int) -> bool:
    return (isinstance(value, dict) and part in value) or (isinstance(value, list) and part in range(len(value)))


def _known(model: type[BaseModel], parts: tuple[str | int, ...]) -> list[str]:
    """The keys that the object holding the unknown key may have."""
    schema: dict[str, Any] = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def options(node: dict[str, Any]) -> list[dict[str, Any]]:
        if "$ref" in node:
            return options(definitions[node["$ref"].rsplit("/", 1)[-1]])
        nested = [option for key in ("anyOf", "oneOf", "allOf") for option in node.get(key, [])]
        return [node, *(found for option in nested for found in options(option))]

    here = options(schema)
    for part in parts[:-1]:
        nearer: list[dict[str, Any]] = []
        for node in here:
            inner = (
                node.get("items")
                if isinstance(part, int)
                else node.get("properties", {}).get(part, node.get("additionalProperties"))
            )
            if isinstance(inner, dict):
                nearer += options(inner)
        here = nearer or here
    return sorted({name for node in here for name in node.get("properties", {})})


TYPES = ("string", "integer", "number", "boolean", "array", "object")
"""Types of JSON; where one stands instead of a mapping, a schema was meant."""


def _hint(item: Any) -> str | None:
    """What was meant by a wrong word: one of the few that fit, or the short form of a schema."""
    word = item["input"]
    if not isinstance(word, str):
        return None
    if item["type"] == "literal_error":
        close = did_you_mean(word, re.findall(r"'([^']*)'", item["ctx"]["expected"]))
        return f"did you mean `{close}`?" if close else None
    if item["type"] == "model_type" and word in TYPES:
        return f"write `{{type: {word}}}`"
    return None


def _sentence(item: Any, loc: Loc) -> str:
    named = [str(part) for part in loc if isinstance(part, str)]
    about = f"`{named[-1]}` " if named else "it "
    match item["type"]:
        case "int_type" | "int_parsing" | "int_from_float":
            return f"{about}should be a whole number"
        case "string_type":
            return f"{about}should be a text"
        case "too_short" | "too_long":
            least, most = item["ctx"].get("min_length"), item["ctx"].get("max_length")
            bound = f"at least {least}" if least is not None else f"at most {most}"
            entries = "entry" if (least or most) == 1 else "entries"
            return f"{about}needs {bound} {entries}, has {item['ctx']['actual_length']}"
    message = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "should be")
    message = re.sub(r"^String should", "the text should", message)
    if message.startswith("should"):
        message = about + message
    return message[:1].lower() + message[1:]
