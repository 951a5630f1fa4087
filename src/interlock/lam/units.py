"""Units of measure: a quantity in one unit as a number of another, where a parameter asks for that."""

from __future__ import annotations

import re
from decimal import Decimal

from interlock.lam.numerals import first, whole

_LENGTH = {
    "mm": "0.001", "cm": "0.01", "m": "1", "km": "1000", "inch": "0.0254", "foot": "0.3048", "yard": "0.9144",
    "mile": "1609.344",
}  # fmt: skip
_MASS = {"mg": "0.000001", "g": "0.001", "kg": "1", "tonne": "1000", "ounce": "0.028349523125", "pound": "0.45359237"}
_VOLUME = {"ml": "0.001", "l": "1", "cm3": "0.001", "m3": "1000", "gallon": "3.785411784"}
_SPEED = {"m/s": "1", "km/h": "0.2777777777777777777777777778", "mph": "0.44704"}
_ENERGY = {"j": "1", "kj": "1000", "kwh": "3600000"}
_DIMENSIONS = {
    unit: (number, Decimal(factor))
    for number, units in enumerate((_LENGTH, _MASS, _VOLUME, _SPEED, _ENERGY))
    for unit, factor in units.items()
}
_SPELLED = {
    "mm": "millimet(?:er|re)s?|mm", "cm": "centimet(?:er|re)s?|cm", "m": "met(?:er|re)s?|m",
    "km": "kilomet(?:er|re)s?|km",
    "inch": "inch(?:es)?|in(?=\\W*$)", "foot": "feet|foot|ft", "yard": "yards?|yd", "mile": "miles?|mi",
    "mg": "milligrams?|mg", "g": "grams?|g", "kg": "kilograms?|kilos?|kg", "tonne": "tonnes?|metric tons?",
    "ounce": "ounces?|oz", "pound": "pounds?|lbs?", "ml": "millilit(?:er|re)s?|ml", "l": "lit(?:er|re)s?|l",
    "cm3": "cubic centimet(?:er|re)s?|cm\\^3|cm3|cm\\u00b3|cc", "m3": "cubic met(?:er|re)s?|m\\^3|m3|m\\u00b3",
    "gallon": "gallons?", "m/s": "met(?:er|re)s? per second|m/s", "j": "joules?|j", "kj": "kilojoules?|kj",
    "km/h": "kilomet(?:er|re)s? (?:per|an) hour|km/h|kmh|kph", "mph": "miles (?:per|an) hour|mph",
    "kwh": "kilowatt[ -]hours?|kwh",
}  # fmt: skip
UNIT_WORD = rf"(?:{'|'.join(_SPELLED[unit] for unit in sorted(_SPELLED, key=lambda u: -len(_SPELLED[u])))})"
_AFTER = re.compile(
    rf"[\s-]?({UNIT_WORD})(?:\b|(?<=\W))(?!\s?(?:per|an hour|/|\^|\u00b2|\u00b3|squared|cubed))", re.IGNORECASE
)
_ASKED = re.compile(rf"(?:\bin |\()({UNIT_WORD})(?=[\s).,;]|$)(?! per| squared|/)", re.IGNORECASE)


def unit_named(word: str) -> str | None:
    """The unit that a word or sign stands for: `kilometers` is `km`."""
    return next((unit for unit, forms in _SPELLED.items() if re.fullmatch(forms, word, re.IGNORECASE)), None)


def unit_asked(about: str) -> str | None:
    """The one unit that a description says a number is in: `Mass, in kilograms.`"""
    found = {unit_named(match[1]) for match in _ASKED.finditer(about)} - {None}
    return found.pop() if len(found) == 1 else None


def other_unit(text: str, end: int, asked: str) -> int | None:
    """Where the unit after a number ends, if it is another one than `asked` of the same dimension; else `None`."""
    match = _AFTER.match(text, end)
    unit = unit_named(match[1]) if match else None
    if match is None or unit is None or unit == asked or _DIMENSIONS[unit][0] != _DIMENSIONS[asked][0]:
        return None
    return match.end()


def quantity_in(text: str, asked: str) -> int | float | None:
    """A quantity such as `300 grams` as a number of the unit `asked`."""
    match = re.fullmatch(rf"(.+?)[\s-]?({UNIT_WORD})", text, re.IGNORECASE)
    unit = unit_named(match[2]) if match else None
    if match is None or unit is None or asked not in _DIMENSIONS or _DIMENSIONS[unit][0] != _DIMENSIONS[asked][0]:
        return None
    value = first(match[1].strip(), ("number", "thousands", "number_words", "scaled", "fraction"))
    if value is None:
        return None
    return whole((Decimal(str(value)) * _DIMENSIONS[unit][1] / _DIMENSIONS[asked][1]).normalize())
