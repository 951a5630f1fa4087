"""JSON Schemas that others wrote, as something that stands alone: references resolved, objects closed, nothing unread.

A server or a document says in JSON Schema what its tools take and answer.  What is read of it is a closed
list of keywords; one that is not on the list is refused by name rather than left unchecked.  A reference
leads to another part of the same document or nowhere: no file and no address is ever opened.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from pydantic import Field, TypeAdapter
from pydantic import ValidationError as PydanticError
from pydantic_core import SchemaError
from referencing import Registry

from interlock.digest import canonical
from interlock.source.rendering import FORBIDDEN

Schema = dict[str, Any]

MOST_PARTS = 5_000
"""Parts of one schema with its references written out; a few lines can unfold to gigabytes."""

_SAYS = frozenset([
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "format", "minimum",
    "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "anyOf", "oneOf", "allOf", "default",
    "description", "nullable", "readOnly", "writeOnly",
])  # fmt: skip
"""What is read."""

_REMARKS = frozenset([
    "title", "$comment", "examples", "example", "deprecated", "xml", "externalDocs", "discriminator", "$schema", "$id",
    "$anchor", "$defs", "definitions", "contentMediaType", "contentEncoding",
])  # fmt: skip
"""What changes nothing about which values fit."""

_OF_TYPE = {
    "string": {"minLength", "maxLength", "pattern", "format"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"},
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
}
_OF_TYPE["integer"] = _OF_TYPE["number"]


class Unfit(ValueError):
    """A schema says what cannot be checked here; the message names the place."""


def settled(schema: object, root: Mapping[str, Any], at: str = "", *, sent: bool = True) -> Schema:
    """A schema that stands alone and says the same or less.

    Args:
        root: the document that references lead into.
        at: where the schema stands, for messages.
        sent: whether it is of a value that is sent: then objects are closed, and read-only fields left out.

    Raises:
        Unfit: a keyword is not read, or a reference leads outside, around in a circle, or nowhere.
    """
    return _Settling(root, sent).of(schema, at or "the schema", ())


class _Settling:
    def __init__(self, root: Mapping[str, Any], sent: bool) -> None:
        self._root = root
        self._sent = sent
        self._parts = 0

    def of(self, schema: object, at: str, through: tuple[str, ...]) -> Schema:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Unfit(f"{at}: it unfolds to more than {MOST_PARTS:,} parts")
        if schema is True:
            return {}
        if not isinstance(schema, dict):
            raise Unfit(f"{at}: {schema!r} is no schema that a value can fit")
        if "$ref" in schema:
            return self._referred(schema, at, through)
        for word in schema:
            if not (word in _SAYS or word in _REMARKS or str(word).startswith("x-")):
                raise Unfit(f"{at}: `{word}` cannot be expressed")
        found = {word: copy.deepcopy(value) for word, value in schema.items() if word in _SAYS}
        self._texts(found, at)
        self._parts_of(found, at, through)
        found = self._merged(found, at)
        found = _older(found)
        if found.get("type") == "object" and self._sent and "properties" in found:
            found.setdefault("additionalProperties", False)
        return _one_type_each(found)

    def _referred(self, schema: Mapping[str, Any], at: str, through: tuple[str, ...]) -> Schema:
        reference = schema["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise Unfit(f"{at}: the reference {reference!r} leads outside the document, where nothing is read")
        if reference in through:
            raise Unfit(f"{at}: {reference} refers to itself, which cannot be expressed")
        beside = {word: value for word, value in schema.items() if word != "$ref" and word not in _REMARKS}
        if set(beside) - {"description", "default", "nullable", "readOnly", "writeOnly"}:
            raise Unfit(f"{at}: {', '.join(sorted(beside))} beside a reference cannot be expressed")
        target = resolved(reference, self._root, at)
        meant = {**target, **beside} if isinstance(target, dict) else target
        return self.of(meant, at, (*through, reference))

    def _texts(self, found: Schema, at: str) -> None:
        about = found.get("description")
        if about is not None and (not isinstance(about, str) or FORBIDDEN.search(about)):
            raise Unfit(f"{at}: its description holds characters that are not seen")
        if "pattern" in found:
            linear(found["pattern"], at)

    def _parts_of(self, found: Schema, at: str, through: tuple[str, ...]) -> None:
        properties = found.get("properties")
        if properties is not None:
            if not isinstance(properties, dict):
                raise Unfit(f"{at}: `properties` is no mapping")
            inner = {name: self.of(part, f"{at}.{name}", through) for name, part in properties.items()}
            hidden = {name for name, part in inner.items() if self._sent and part.get("readOnly") is True}
            found["properties"] = {name: part for name, part in inner.items() if name not in hidden}
            if "required" in found:
                found["required"] = [name for name in found["required"] if name not in hidden]
        for word in ("items", "additionalProperties"):
            if word in found and not isinstance(found[word], bool):
                found[word] = self.of(found[word], f"{at}.{'*' if word == 'items' else '(others)'}", through)
        for word in ("anyOf", "oneOf", "allOf"):
            if word in found:
                if not isinstance(found[word], list) or not found[word]:
                    raise Unfit(f"{at}: `{word}` is no list")
                found[word] = [
                    self.of(part, f"{at} ({word} {place})", through) for place, part in enumerate(found[word])
                ]

    def _merged(self, found: Schema, at: str) -> Schema:
        """Without `allOf`: closed objects would each refuse what the other asks for."""
        parts = found.pop("allOf", [])
        for part in parts:
            for word, value in part.items():
                if word == "properties":
                    mine = found.setdefault("properties", {})
                    if twice := [name for name in value if name in mine and mine[name] != value[name]]:
                        raise Unfit(f"{at}: `{twice[0]}` is declared twice by `allOf`, which cannot be expressed")
                    mine |= value
                elif word == "required":
                    found["required"] = list(dict.fromkeys([*found.get("required", []), *value]))
                elif word == "additionalProperties" and value is False:
                    continue  # it was closed here; the whole is closed once it is put together
                elif found.setdefault(word, value) != value and word != "description":
                    raise Unfit(f"{at}: `allOf` says two things of `{word}`, which cannot be expressed")
        return found


def _older(found: Schema) -> Schema:
    """What older drafts and OpenAPI 3.0 write otherwise."""
    for bound, strict in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(strict), bool) and found.pop(strict) and bound in found:
            found[strict] = found.pop(bound)
    if found.pop("nullable", False) is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if isinstance(found.get("enum"), list) and None not in found["enum"]:
            found["enum"] = [*found["enum"], None]
    return found


def _one_type_each(found: Schema) -> Schema:
    """A list of types as alternatives of one type each, which is how the rest of the house reads them."""
    types = found.get("type")
    if not isinstance(types, list):
        return found
    owned = set().union(*_OF_TYPE.values())
    common = {word: value for word, value in found.items() if word not in owned and word not in ("type", "enum")}
    options = []
    for kind in types:
        option: Schema = {"type": kind} | {
            word: value for word, value in found.items() if word in _OF_TYPE.get(kind, set())
        }
        if "enum" in found:
            option["enum"] = [value for value in found["enum"] if (value is None) == (kind == "null")]
        options.append(option)
    return {**common, "anyOf": options} if len(options) > 1 else {**common, **options[0]}


def resolved(reference: str, root: Mapping[str, Any], at: str) -> Any:
    """What a reference such as `#/components/schemas/Order` names in its own document.

    Raises:
        Unfit: it names nothing.
    """
    here: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
        if not isinstance(here, dict) or name not in here:
            raise Unfit(f"{at}: {reference} names nothing in the document")
        here = here[name]
    return here


@lru_cache(maxsize=512)
def _linear(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, Field(pattern=pattern)])


def linear(pattern: object, at: str) -> None:
    """Refuse a pattern whose search could take for ever: it was written by somebody else.

    Raises:
        Unfit: it is no expression that can be matched in linear time.
    """
    try:
        _linear(str(pattern))
    except SchemaError:
        raise Unfit(f"{at}: the pattern {pattern!r} cannot be expressed (it looks around or back)") from None


def _matches(validator: Any, pattern: str, value: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(value, str):
        try:
            _linear(pattern).validate_python(value)
        except PydanticError:
            yield ValidationError(f"it does not match {pattern!r}")


_Validator = cast(
    "Callable[..., Any]",
    extend(Draft202012Validator, {"pattern": _matches}),  # type: ignore[no-untyped-call]
)
_REGISTRY: Registry[Any] = Registry()
"""It knows no document and fetches none."""


def fits(value: Any, schema: Schema) -> None:
    """Refuse a value that a settled schema does not allow.

    Raises:
        ValueError: it does not fit; the message says where and how, and is short.
    """
    try:
        canonical(value)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("it holds a value that has no exact JSON form, such as a number that is too large") from None
    checker = _Validator(schema, registry=_REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER)
    fault = next(iter(sorted(checker.iter_errors(value), key=lambda error: len(error.absolute_path))), None)
    if fault is not None:
        at = ".".join(str(part) for part in fault.absolute_path)
        said = fault.message if len(fault.message) <= 200 else fault.message[:197] + "..."
        raise ValueError(f"{at}: {said}" if at else said)
