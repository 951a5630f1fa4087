"""A part of a document as a Pydantic model, each fault placed in the file."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from interlock.source.document import Document
from interlock.source.finding import Finding, Loc, did_you_mean, hint_for

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], document: Document, family: str, at: Loc = ()) -> tuple[M | None, list[Finding]]:
    """The value at `at` as `model`, or findings: `<family>001` unknown key, `002` missing key, `003` wrong value.

    Strict: the data goes through JSON, so text is no number and a number no text.
    """
    try:
        return model.model_validate_json(json.dumps(document.at(at))), []
    except ValidationError as error:
        return None, _findings(model, error, document, family, at)


def _findings(
    model: type[BaseModel], error: ValidationError, document: Document, family: str, at: Loc
) -> list[Finding]:
    kept: dict[Loc, Any] = {}
    for item in error.errors(include_url=False):
        loc = _walk(document, at, item["loc"])
        kept.setdefault((*loc, item["loc"][-1]) if item["type"] == "missing" else loc, item)
    # Of the branches of a union each reports; the one that got furthest into the value is the one meant.
    locs = [loc for loc in kept if not any(other[: len(loc)] == loc and other != loc for other in kept)]
    unknown = {loc: _known(model, kept[loc]["loc"]) for loc in locs if kept[loc]["type"] == "extra_forbidden"}
    meant = {(*loc[:-1], did_you_mean(str(loc[-1]), known)) for loc, known in unknown.items()}
    found = []
    for loc in locs:
        item = kept[loc]
        if item["type"] == "extra_forbidden":
            name = str(loc[-1])
            found.append(
                document.finding(
                    f"{family}001", f"unknown key `{name}`", loc, key=True, hint=hint_for(name, unknown[loc])
                )
            )
        elif item["type"] == "missing":
            if loc not in meant:
                found.append(document.finding(f"{family}002", f"the key `{loc[-1]}` is missing", loc[:-1], key=True))
        else:
            found.append(document.finding(f"{family}003", _sentence(item, loc), loc))
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _walk(document: Document, at: Loc, parts: tuple[str | int, ...]) -> Loc:
    """`parts` without the tags that pydantic adds for unions and functions: what the document has."""
    loc = at
    for part in parts:
        here = document.at(loc)
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and part in range(len(here))):
            loc = (*loc, part)
    return loc


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


def _sentence(item: Any, loc: Loc) -> str:
    named = [str(part) for part in loc if isinstance(part, str)]
    message = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "should be")
    message = re.sub(r"^String should", "the text should", message)
    if message.startswith("should"):
        message = (f"`{named[-1]}` " if named else "it ") + message
    return message[:1].lower() + message[1:]
