"""What is said again: `Microsoft Corporation`, later `Microsoft`, is one thing, and no second call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.lam.filling import same


def same_thing(one: Any, other: Any) -> bool:
    """Whether two values are equal, or two texts one of which begins or ends with all words of the other."""
    if isinstance(one, str) and isinstance(other, str):
        few, many = sorted((_words(one), _words(other)), key=len)
        return bool(few) and few in (many[: len(few)], many[-len(few) :])
    return same(one, other)


def same_call(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two calls have the same arguments, said again, or the same numbers the other way round."""
    if one.keys() != other.keys():
        return False
    if all(same_thing(one[name], other[name]) for name in one):
        return True
    differing = [name for name in one if not same_thing(one[name], other[name])]
    numbers = [[row[name] for name in differing] for row in (one, other)]
    counted = all(isinstance(v, int | float) and not isinstance(v, bool) for row in numbers for v in row)
    return counted and sorted(numbers[0]) == sorted(numbers[1])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
