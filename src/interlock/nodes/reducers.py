"""How values that several branches or items wrote become one.  Every reducer is declared, none is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from interlock.digest import canonical
from interlock.graphs.spec import Reducer


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
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CannotReduce(f"{_short(value)} is not a number")
    return values


def _exact(number: int | float) -> Decimal:
    return Decimal(repr(number))


def _sum(numbers: Sequence[int | float]) -> int | float:
    """Summed as the decimals that are written: 0.1 and 0.2 give 0.3, in any order."""
    total = sum((_exact(number) for number in numbers), Decimal(0))
    return int(total) if all(isinstance(number, int) for number in numbers) else float(total)


def _merged(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in objects:
        for name, item in value.items():
            if name in found and canonical(found[name]) != canonical(item):
                raise CannotReduce(f"two values differ in {name}: {_short(found[name])} and {_short(item)}")
            found[name] = item
    return found


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
