"""How values that several branches or items wrote become one.  Every reducer is declared, none is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

from interlock.digest import canonical
from interlock.graphs.spec import Reducer

LARGEST = 2**53 - 1
"""The largest whole number that canonical JSON keeps exactly (RFC 8785, section 3.2.2.3)."""


class CannotReduce(ValueError):
    """The values do not fit the reducer; the message says which."""


def reduced(how: Reducer, values: Sequence[Any]) -> Any:
    """`values`, in authored order, as one; None when there are none.

    Raises:
        CannotReduce: a value is of another type, or two objects differ in a field.
    """
    if not values:
        return None
    match how:
        case "first":
            return values[0]
        case "concat":
            return [item for value in _all(values, list, "a list") for item in value]
        case "merge":
            return _merged(_all(values, dict, "an object"))
        case "all":
            return all(_all(values, bool, "true or false"))
        case "any":
            return any(_all(values, bool, "true or false"))
        case "min":
            return min(_numbers(values), key=_exact)
        case "max":
            return max(_numbers(values), key=_exact)
        case "sum":
            return _sum(_numbers(values))


def _all(values: Sequence[Any], kind: type, words: str) -> Sequence[Any]:
    for value in values:
        if not isinstance(value, kind):
            raise CannotReduce(f"{_short(value)} is not {words}")
    return values


def _numbers(values: Sequence[Any]) -> Sequence[int | float]:
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (isinstance(value, float) and not isfinite(value)):
            raise CannotReduce(f"{_short(value)} is not a number")
    return values


def _exact(number: int | float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _sum(numbers: Sequence[int | float]) -> int | float:
    """Summed as the decimals that are written: 0.1 and 0.2 give 0.3, in any order."""
    total = sum((_exact(number) for number in numbers), Fraction(0))
    whole = all(isinstance(number, int) for number in numbers)
    try:
        if whole and abs(total) > LARGEST:
            raise OverflowError
        return int(total) if whole else float(total)
    except OverflowError:
        raise CannotReduce("the sum is too large to be kept exactly as JSON") from None


def _merged(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in objects:
        for name, item in value.items():
            if name in found and not _same(found[name], item):
                raise CannotReduce(f"two values differ in {name}: {_short(found[name])} and {_short(item)}")
            found.setdefault(name, item)
    return found


def _same(left: Any, right: Any) -> bool:
    try:
        return canonical(left) == canonical(right)
    except (ValueError, TypeError, RecursionError):
        raise CannotReduce(f"{_short(left)} and {_short(right)} cannot be compared") from None


def _short(value: Any) -> str:
    try:
        text = str(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a very deep list
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 40 else text[:37] + "..."
