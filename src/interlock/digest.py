"""Canonical JSON and digests: two values are the same thing exactly when their digests agree."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any

import rfc8785
from pydantic import BaseModel
from typing_extensions import TypeAliasType

Json = TypeAliasType("Json", "bool | int | float | str | list[Json] | dict[str, Json] | None")
"""Any JSON value; a type of its own, so that pydantic can resolve the recursion."""


def plain(value: Any) -> Json:
    """`value` as JSON types: decimals and dates become strings, models and tuples plain containers, members values.

    Raises:
        TypeError: the value has no faithful JSON form (bytes, sets, objects, NaN).
    """
    match value:
        case float() if not isfinite(value):
            raise TypeError(f"{value} has no JSON form")
        case None | bool() | int() | float() | str():
            return value.value if isinstance(value, Enum) else value
        case Decimal():
            return format(value, "f")
        case Enum():
            return plain(value.value)
        case datetime() | date() | time():
            return value.isoformat()
        case BaseModel():
            return plain(value.model_dump(mode="python"))
        case dict():
            return {_key(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a JSON object's keys are strings, not {type(key).__name__}")
    return str(key)


def canonical(value: Any) -> bytes:
    """`value` as canonical JSON bytes (RFC 8785)."""
    return rfc8785.dumps(plain(value))


def compact(value: Any) -> str:
    """`value` as JSON text that keeps the order of its keys, for people's files; never to be digested."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def fingerprint(value: Any) -> str:
    """Tells whether two JSON values are the same, as `digest` does, but for any value that JSON can hold.

    It is for values that others made, such as a tool's: canonical JSON refuses integers that not every reader
    agrees on.
    """
    text = json.dumps(plain(value), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def digest(value: Any) -> str:
    """The SHA-256 of `value`'s canonical JSON, as `sha256:<64 hex digits>`."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
