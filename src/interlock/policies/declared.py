"""What everything that an author declares is made of: names, spans of time, and a base that is closed and strict."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

NAME = r"^[a-z][a-z0-9_]*$"
ACTION_PATTERN = r"^[a-z][a-z0-9_]*[.]([a-z][a-z0-9_]*|[*])$"


class Declared(BaseModel):
    """Base of everything an author declares: closed, frozen, strict about types."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, strict=True)


SPAN = r"([0-9]{1,6})(ms|s|m|h|d)"


def duration(value: Any) -> timedelta:
    """A span of time as files write it, read.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(SPAN, value) if isinstance(value, str) else None
    if not match:
        raise ValueError("write a duration such as 500ms, 30s, 15m, 24h or 7d")
    unit = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def duration_text(value: timedelta) -> str:
    """A span of time as files write it: `90s`, `2h`."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "pattern": f"^{SPAN}$", "examples": ["30s", "24h"]}),
]
"""A span of time, written as a number and one of ms, s, m, h, d."""


def named_by(patterns: Iterable[str], action: str) -> bool:
    """Whether one of `patterns` names `action`: `family.action`, or `family.*` for all of a family."""
    return any(
        pattern == action or (pattern.endswith(".*") and action.startswith(pattern[:-1])) for pattern in patterns
    )
