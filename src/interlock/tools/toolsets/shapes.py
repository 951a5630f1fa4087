"""Arguments and results of an action whose types are told by a schema instead of by Python."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, create_model

from interlock.digest import Json, plain
from interlock.tools.action import Arguments, Result
from interlock.tools.toolsets.schemas import Schema, Unfit, fits

_TAKEN = frozenset(dir(Arguments))
_LEFT_OUT: Schema = {"type": "null"}


@dataclass(frozen=True)
class Slot:
    """One argument: what it is called outside, where it goes, and which values it may have."""

    wire: str
    schema: Schema
    required: bool = True
    place: str = ""
    """For a request: `path`, `query`, `header` or `body`."""


@dataclass(frozen=True)
class Shape:
    """The arguments of an action, and the names that they have outside."""

    model: type[Arguments]
    slots: Mapping[str, Slot] = field(default_factory=dict)
    """By the name here."""

    def sent(self, arguments: Arguments) -> dict[str, Json]:
        """What is sent, by the names outside; what was left out is not sent as null."""
        values = arguments.model_dump()
        return {
            slot.wire: plain(values[name])
            for name, slot in self.slots.items()
            if slot.required or values[name] is not None
        }


def shape_of(title: str, slots: Iterable[Slot]) -> Shape:
    """The model of arguments that has a field for each slot.

    Raises:
        Unfit: two of them would have one name here.
    """
    named: dict[str, Slot] = {}
    for slot in slots:
        name = name_here(slot.wire)
        if name in named:
            raise Unfit(f"the arguments {named[name].wire} and {slot.wire} would both be called {name}")
        named[name] = slot
    fields: dict[str, Any] = {name: _field(slot) for name, slot in named.items()}
    return Shape(create_model(_class_name(title), __base__=Arguments, **fields), named)


def _field(slot: Slot) -> tuple[Any, Any]:
    schema = {word: value for word, value in slot.schema.items() if word not in ("description", "default")}
    about = slot.schema.get("description") or None
    default = slot.schema.get("default")
    if slot.required:
        return Annotated[Any, BeforeValidator(_checked(schema)), WithJsonSchema(schema)], Field(description=about)
    if default is not None:
        try:
            fits(default, schema)
        except ValueError:
            default = None
    whole = {"anyOf": [schema, _LEFT_OUT]} if default is None and schema else schema
    return (
        Annotated[Any, BeforeValidator(_checked(whole)), WithJsonSchema(whole)],
        Field(default=default, description=about),
    )


def _checked(schema: Schema) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        found = plain(value)
        fits(found, schema)
        return found

    return check


def name_here(wire: str) -> str:
    """A name outside as the name of an argument here: `X-Request-Id` is `x_request_id`.

    Raises:
        Unfit: no letter is left of it.
    """
    name = (
        wire if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", wire) else re.sub(r"[^A-Za-z0-9]+", "_", wire).strip("_").lower()
    )
    if not name or not name.isascii():
        raise Unfit(f"the argument {wire!r} cannot be named here")
    if name[0].isdigit():
        name = f"n{name}"
    return f"{name}_" if name in _TAKEN or keyword.iskeyword(name) or name.startswith("model_") else name


@dataclass(frozen=True)
class Reading:
    """What an answer must look like, and the result that is made of it."""

    model: type[Result]
    schema: Schema
    whole: bool = False
    """Whether the answer is no object, and stands in the result's field `value`."""
    wires: Mapping[str, str] = field(default_factory=dict)

    def read(self, answer: Any) -> Result:
        """The answer as a result.

        Raises:
            ValueError: it does not look as was declared; the message says where.
        """
        found = plain(answer)
        fits(found, self.schema)
        try:
            return self.model.model_validate({"value": found} if self.whole else _renamed(found, self.schema))
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["msg"])) from None


def reading_of(title: str, schema: Schema) -> Reading:
    """How an answer with this settled schema is read.

    Raises:
        Unfit: two fields would have one name here.
    """
    if schema.get("type") == "object" and schema.get("properties"):
        return Reading(_result(title, schema), schema)
    model = create_model(_class_name(title), __base__=_Open, value=_leaf(schema))
    return Reading(model, schema, whole=True)


class _Open(Result):
    """A result whose provider may say more than was declared; what it says more is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _result(title: str, schema: Schema) -> type[Result]:
    fields: dict[str, Any] = {}
    needed = set(schema.get("required", []))
    for wire, part in schema["properties"].items():
        name = name_here(wire)
        if name in fields:
            raise Unfit(f"two fields of the answer would both be called {name}")
        kind, _ = _leaf(part, f"{title} {name}")
        fields[name] = (kind, ...) if wire in needed else (kind | None, None)
    return create_model(_class_name(title), __base__=_Open, **fields)


def _leaf(schema: Schema, title: str = "value") -> tuple[Any, Any]:
    """The Python type of a part: a model where its fields are declared, so that records can be named in it."""
    if schema.get("type") == "object" and schema.get("properties"):
        return _result(title, schema), ...
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, dict) and items.get("properties"):
        return list[_result(title, items)], ...  # type: ignore[misc]  # a model that is made here
    return Annotated[Any, WithJsonSchema(schema)], ...


def _renamed(found: Any, schema: Schema) -> Any:
    if isinstance(found, dict) and schema.get("properties"):
        known = schema["properties"]
        return {name_here(wire): _renamed(value, known[wire]) for wire, value in found.items() if wire in known}
    if isinstance(found, list) and isinstance(schema.get("items"), dict):
        return [_renamed(value, schema["items"]) for value in found]
    return found


def _class_name(title: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", title) if part) or "Arguments"
