"""Reads JSON that somebody else wrote: nothing doubtful is accepted, and every value keeps its place in the text.

`json` alone takes the last of two equal keys, `NaN`, numbers that become infinite, and halves of surrogate
pairs; each of them can make two readers of one document see two different values.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

DEEPEST = 64
"""Levels of nesting that are read."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?P<part>\.[0-9]{1,300})?(?P<power>[eE][+-]?[0-9]{1,4})?(?![0-9.eE])")
_WORD = re.compile(r"true|false|null")
_WORDS = {"true": True, "false": False, "null": None}
_STRINGS = json.JSONDecoder()


class NotStrict(ValueError):
    """The text is no JSON, or JSON that can be read in two ways."""


@dataclass(frozen=True)
class Part:
    """One value, and where it stands: characters `start` to `end` (exclusive)."""

    value: Any
    start: int
    end: int
    parts: dict[str, Part] = field(default_factory=dict)
    """What an object holds, by key."""
    items: tuple[Part, ...] = ()
    """What an array holds, in order."""


def read_strictly(text: str) -> Part:
    """The one JSON value that `text` holds.

    Raises:
        NotStrict: it is no JSON, a key stands twice, a number is not finite, a string is no Unicode text,
            or the nesting is deeper than `DEEPEST`.
    """
    part = _value(text, _after_space(text, 0), 0)
    rest = _after_space(text, part.end)
    if rest != len(text):
        raise NotStrict(f"something follows the value at character {rest}")
    return part


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int, depth: int) -> Part:
    if depth > DEEPEST:
        raise NotStrict(f"it is nested deeper than {DEEPEST} levels")
    first = text[at : at + 1]
    if first == '"':
        return _string(text, at)
    if first == "{":
        return _object(text, at, depth)
    if first == "[":
        return _array(text, at, depth)
    number = _NUMBER.match(text, at)
    if number:
        value: int | float = int(number[0]) if not (number["part"] or number["power"]) else float(number[0])
        if isinstance(value, float) and not math.isfinite(value):
            raise NotStrict(f"the number at character {at} is not finite")
        return Part(value, at, number.end())
    word = _WORD.match(text, at)
    if word is None:
        raise NotStrict("it ends too early" if not first else f"there is no JSON value at character {at}")
    return Part(_WORDS[word[0]], at, word.end())


def _string(text: str, at: int) -> Part:
    try:
        value, end = _STRINGS.raw_decode(text, at)
        value.encode()
    except UnicodeEncodeError:
        raise NotStrict(f"the string at character {at} is no Unicode text") from None
    except ValueError:
        raise NotStrict(f"the string at character {at} does not end, or holds what must be escaped") from None
    return Part(value, at, end)


def _object(text: str, at: int, depth: int) -> Part:
    found: dict[str, Part] = {}
    place = _after_space(text, at + 1)
    if text[place : place + 1] == "}":
        return Part({}, at, place + 1)
    while True:
        if text[place : place + 1] != '"':
            raise NotStrict(f"an object lacks a key at character {place}")
        key = _string(text, place)
        if key.value in found:
            raise NotStrict(f"the key {key.value[:60]!r} stands twice")
        place = _expect(text, key.end, ":")
        found[key.value] = _value(text, place, depth + 1)
        place, ended = _next(text, found[key.value].end, "}")
        if ended:
            return Part({name: part.value for name, part in found.items()}, at, place, found)


def _array(text: str, at: int, depth: int) -> Part:
    found: list[Part] = []
    place = _after_space(text, at + 1)
    if text[place : place + 1] == "]":
        return Part([], at, place + 1)
    while True:
        found.append(_value(text, place, depth + 1))
        place, ended = _next(text, found[-1].end, "]")
        if ended:
            return Part([part.value for part in found], at, place, items=tuple(found))


def _expect(text: str, at: int, mark: str) -> int:
    place = _after_space(text, at)
    if text[place : place + 1] != mark:
        raise NotStrict(f"{mark!r} is missing at character {place}")
    return _after_space(text, place + 1)


def _next(text: str, at: int, close: str) -> tuple[int, bool]:
    """Behind a comma, or behind the mark that closes; and whether it has closed."""
    place = _after_space(text, at)
    if text[place : place + 1] == close:
        return place + 1, True
    return _expect(text, place, ","), False


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no container, with its dotted path: `("address.city", "Rome")`, `("tags.0", "a")`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{number}" if path else str(number))
    else:
        yield path, value
