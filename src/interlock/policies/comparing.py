"""One value against constants: the types of inputs, and what each operator says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from interlock.policies.language import PROVENANCE, Comparison, Input

Test = Callable[[Any], bool]
"""Whether a value of its input's type satisfies a comparison."""

_PLAIN = re.compile(r"-?[0-9]{1,18}([.][0-9]{1,18})?")


class Undecidable(Exception):
    """An input is missing, or does not fit its declared type."""


def holds(when: Mapping[str, Comparison], declared: Mapping[str, Input], inputs: Mapping[str, Any]) -> bool:
    """Three-valued `and`: one false condition settles it, otherwise one unknown makes it undecidable.

    Raises:
        Undecidable: an input that the answer hangs on cannot be read.
    """
    unknown: Undecidable | None = None
    for name, comparison in when.items():
        try:
            if name not in declared:
                raise Undecidable(f"input {name} is not declared")
            if inputs.get(name) is None:
                raise Undecidable(f"input {name} is missing")
            if not compare(comparison, typed(name, declared[name], inputs[name])):
                return False
        except Undecidable as error:
            unknown = unknown or error
    if unknown:
        raise unknown
    return True


def typed(name: str, declared: Input, value: Any) -> Any:
    """`value` as the declared type: a number of type decimal as a `Decimal`, anything else as it is.

    Raises:
        Undecidable: it is not of that type, or out of the declared range.
    """
    match declared.type:
        case "bool" if isinstance(value, bool):
            return value
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return _within(name, declared, value)
        case "decimal" if isinstance(value, int | str | Decimal) and not isinstance(value, bool):
            return _within(name, declared, _decimal(name, value))
        case "string" if isinstance(value, str) and (declared.enum is None or value in declared.enum):
            return value
        case "provenance" if value in PROVENANCE:
            return value
    raise Undecidable(f"input {name} is not a {declared.type} as declared")


def _within(name: str, declared: Input, value: Any) -> Any:
    if (declared.min is None or value >= declared.min) and (declared.max is None or value <= declared.max):
        return value
    raise Undecidable(f"input {name} is out of its declared range")


def _decimal(name: str, value: int | str | Decimal) -> Decimal:
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        raise Undecidable(f"input {name} is not a plain decimal number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Undecidable(f"input {name} is not a decimal number") from None
    if not number.is_finite():
        raise Undecidable(f"input {name} is not a finite number")
    return number


def compare(comparison: Comparison, value: Any) -> bool:
    """Whether `value` satisfies every operator of `comparison`; a comparison of unlike types is false.

    Booleans equal only booleans, so `1` never passes for `true`.
    """
    return all(_operator(name, value, constant) for name, constant in comparison.operators().items())


def _operator(name: str, value: Any, constant: Any) -> bool:
    match name:
        case "eq":
            return _same(value, constant)
        case "ne":
            return not _same(value, constant)
        case "in":
            return any(_same(value, item) for item in constant)
        case "not_in":
            return not any(_same(value, item) for item in constant)
        case "matches":
            return isinstance(value, str) and re.fullmatch(constant, value) is not None
        case "at_least":
            return value in PROVENANCE and PROVENANCE.index(value) >= PROVENANCE.index(constant)
    if not is_number(value) or not is_number(constant):
        return False
    left, right = Decimal(str(value)), Decimal(str(constant))
    match name:
        case "lt":
            return left < right
        case "le":
            return left <= right
        case "gt":
            return left > right
        case _:
            return left >= right


def is_number(value: Any) -> bool:
    """Whether it is a number; booleans are none."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _same(left: Any, right: Any) -> bool:
    if is_number(left) and is_number(right):
        return Decimal(str(left)) == Decimal(str(right))
    return type(left) is type(right) and bool(left == right)


def comparer(comparison: Comparison, kind: str) -> Test:
    """`compare` of this comparison, made once for values that `typed` gave for an input of type `kind`."""
    tests = [_test(name, constant, kind in ("int", "decimal")) for name, constant in comparison.operators().items()]
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, two = tests
        return lambda value: one(value) and two(value)
    return lambda value: all(test(value) for test in tests)


def _test(name: str, constant: Any, numeric: bool) -> Test:
    match name:
        case "eq" | "in":
            wanted = _constants(constant if name == "in" else (constant,), numeric)
            return lambda value: (value if numeric else (type(value), value)) in wanted
        case "ne" | "not_in":
            refused = _constants(constant if name == "not_in" else (constant,), numeric)
            return lambda value: (value if numeric else (type(value), value)) not in refused
        case "matches":
            pattern = re.compile(constant)
            return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None
        case "at_least":
            trusted = PROVENANCE[PROVENANCE.index(constant) :]
            return lambda value: value in trusted
    if not numeric or not is_number(constant):
        return lambda value: False
    bound = Decimal(str(constant))
    match name:
        case "lt":
            return lambda value: bool(value < bound)
        case "le":
            return lambda value: bool(value <= bound)
        case "gt":
            return lambda value: bool(value > bound)
        case _:
            return lambda value: bool(value >= bound)


def _constants(found: tuple[Any, ...], numeric: bool) -> frozenset[Any]:
    """What a value of the type can equal: numbers as numbers, anything else with its type, since `True == 1`."""
    if numeric:
        return frozenset(Decimal(str(constant)) for constant in found if is_number(constant))
    return frozenset((type(constant), constant) for constant in found if not is_number(constant))
