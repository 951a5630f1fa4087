"""Deterministic rules that read numbers: digits, words, scales, fractions, percentages, vectors."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: number for number, word in enumerate(ONES)}
WORDS |= {word: 20 + 10 * number for number, word in enumerate(_TENS)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SUFFIXES = {"k": 1000, "m": 10**6, "mio": 10**6, "mn": 10**6, "bn": 10**9, "b": 10**9, "t": 10**12} | _SCALES
_ORDINALS = ["zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_ORDINALS += ["eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"]
_ORDINALS += ["eighteenth", "nineteenth", "twentieth"]
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4}
_PARTS |= {"fifth": 5, "fifths": 5, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10}
_MINUS = str.maketrans({"\u2212": "-"})

NUMBER_WORD = "|".join([*WORDS, *_SCALES])
ORDINAL_WORD = "|".join(_ORDINALS[1:])
PART_WORD = "|".join(sorted(_PARTS, key=len, reverse=True))
SCALE_WORD = "|".join([*_SCALES, "dozen"])


def whole(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def number(text: str, today: str | None = None) -> int | float | None:
    """Plain digits: `49.90`, `-3`, `+5`, `.5`."""
    plain = text.translate(_MINUS)
    return whole(Decimal(plain)) if re.fullmatch(r"[-+]?(\d+(\.\d+)?|\.\d+)", plain) else None


def scientific(text: str, today: str | None = None) -> int | float | None:
    """Powers of ten: `6.02e23`, `1.6 x 10^-19`, `10^6`, `3e8`."""
    plain = text.translate(_MINUS).lower().replace(" ", "").replace("**", "^").replace("{", "").replace("}", "")
    match = re.fullmatch(r"([-+]?\d+(?:\.\d+)?)e([-+]?\d{1,3})", plain)
    match = match or re.fullmatch(r"(?:([-+]?\d+(?:\.\d+)?)[x\u00d7*\u00b7])?10\^\(?([-+]?\d{1,3})\)?", plain)
    if match is None or abs(int(match[2])) > 300:
        return None
    value = float(f"{match[1] or 1}e{int(match[2])}")
    return int(value) if value.is_integer() and abs(value) < 10**15 else value


def thousands(text: str, today: str | None = None) -> int | float | None:
    """Grouped digits: `1,250.50`, `1.250,50`, `1 250`, `1'250`, `5,00,000`, and a decimal comma: `49,90`."""
    plain = text.translate(_MINUS)
    if re.fullmatch(r"[-+]?\d{1,3}([,' ]\d{3})+(\.\d+)?", plain) or re.fullmatch(r"\d{1,2}(,\d{2})+,\d{3}", plain):
        return whole(Decimal(re.sub(r"[,' ]", "", plain)))
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d+", plain) or re.fullmatch(r"-?\d{1,3}(\.\d{3}){2,}", plain):
        return whole(Decimal(plain.replace(".", "").replace(",", ".")))
    if re.fullmatch(r"-?\d+,\d{1,2}", plain):
        return whole(Decimal(plain.replace(",", ".")))
    return None


def number_words(text: str, today: str | None = None) -> int | float | None:
    """Numbers in words: `twenty-five`, `two hundred and fifty`, `a thousand`, `minus three`, `two point five`."""
    words = [word for word in re.split(r"[\s-]+", text.lower().strip()) if word != "and"]
    if words and words[0] in {"minus", "negative"}:
        value = number_words(" ".join(words[1:]))
        return None if value is None else -value
    if "point" in words[1:-1]:
        at = words.index("point")
        before, after = number_words(" ".join(words[:at])), [WORDS.get(word, 10) for word in words[at + 1 :]]
        return None if before is None or max(after) > 9 else float(f"{before}.{''.join(map(str, after))}")
    if not words or words in (["a"], ["an"]):
        return None
    total, group, last = 0, 0, 0
    for place, word in enumerate(words):
        if word in {"a", "an"} and place == 0:
            group = 1
        elif word in WORDS:
            value = WORDS[word]
            if last and not (last >= 20 and last < 100 and value < 10) and last not in _SCALES.values():
                return None
            group, last = group + value, value
        elif word == "hundred" and 0 < group < 100:
            group, last = group * 100, 100
        elif word in _SCALES and group:
            total, group, last = total + group * _SCALES[word], 0, _SCALES[word]
        else:
            return None
    return total + group


def scaled(text: str, today: str | None = None) -> int | float | None:
    """Digits with a scale: `2k`, `1.5 million`, `half a million`, `3 dozen`, `a dozen`."""
    plain = text.lower().strip()
    if match := re.fullmatch(rf"(half|quarter) an? ({SCALE_WORD})|(an?) (dozen)", plain):
        scale = (_SUFFIXES | {"dozen": 12})[match[2] or match[4]]
        return whole(Decimal(scale) / {"half": 2, "quarter": 4}.get(match[1] or "", 1))
    if match := re.fullmatch(r"(.+?)\s+dozen", plain):
        value = first(match[1], ("number", "number_words"))
        return None if value is None else value * 12
    match = re.fullmatch(r"([-+]?[\d.,]*\d)\s*([a-z]+)", plain)
    if match is None or match[2] not in _SUFFIXES:
        return None
    value = number(match[1])
    value = thousands(match[1]) if value is None else value
    return None if value is None else whole(Decimal(str(value)) * _SUFFIXES[match[2]])


def fraction(text: str, today: str | None = None) -> int | float | None:
    """Parts of one: `3/4`, `1 1/2`, `half`, `two thirds`, `three and a half`, `5 and a half`."""
    plain = re.sub(r"[\s-]+", " ", text.lower().strip())
    if match := re.fullmatch(r"(?:(\d+) )?(\d+) ?/ ?(\d+)", plain):
        below = int(match[3])
        return whole(Decimal(match[1] or 0) + Decimal(match[2]) / below) if below else None
    if match := re.fullmatch(r"(.+?) and (?:a|one) (half|quarter|third)", plain):
        before = first(match[1], ("number", "number_words"))
        return None if before is None else whole(Decimal(str(before)) + Decimal(1) / _PARTS[match[2]])
    if match := re.fullmatch(rf"(?:(an?|one|two|three|four|five|seven|nine) )?({PART_WORD})(?: of)?", plain):
        above = WORDS.get(match[1] or "one", 1)
        if match[1] is None and match[2] not in {"half", "quarter"}:
            return None
        return whole(Decimal(above) / _PARTS[match[2]])
    return None


def ordinal(text: str, today: str | None = None) -> int | None:
    """A place in an order: `3rd`, `first`, `the 21st`."""
    plain = re.sub(r"^the ", "", text.lower().strip())
    if match := re.fullmatch(r"(\d+)(?:st|nd|rd|th)", plain):
        return int(match[1])
    return _ORDINALS.index(plain) if plain in _ORDINALS else None


def compass(text: str, today: str | None = None) -> int | float | None:
    """A latitude or longitude with its side: `74.0060\u00b0 W` is -74.006, `40.7\u00b0 N` is 40.7."""
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s?(?:\u00b0|degrees)?\s?(N|S|E|W|north|south|east|west)", text.strip())
    value = number(match[1]) if match else None
    return value if value is None or match is None or match[2][0] in "NnEe" else -value


def chance(text: str, today: str | None = None) -> int | float | None:
    """So many in so many: `one in six`, `1 in 4`, `1 out of 5`."""
    match = re.fullmatch(r"(\w+) (?:in|out of) (?:every )?(\w+)", text.strip().lower())
    above, below = (first(part, ("number", "number_words")) for part in match.groups()) if match else (None, None)
    return whole(Decimal(above) / Decimal(below)) if above is not None and below and above <= below else None


def spaced(text: str, today: str | None = None) -> int | float | None:
    """A number of a formula with its sign: `- 10`."""
    match = re.fullmatch(r"([-+\u2212]) (\d+(?:\.\d+)?)", text)
    return number(match[1] + match[2]) if match else None


def at_rest(text: str, today: str | None = None) -> int | None:
    """The speed of what does not move: `rest`, `a standstill`."""
    return 0 if re.fullmatch(r"(?:a |a complete )?(?:rest|standstill|stationary)", text.lower()) else None


def percent(text: str, today: str | None = None) -> int | float | None:
    """A percentage as its number: `15 %` is 15."""
    match = re.fullmatch(r"(.+?)\s*-?(?:%|percent|per cent|percentage points?)", text.strip().lower())
    return first(match[1], ("number", "thousands", "number_words", "fraction")) if match else None


def percent_as_fraction(text: str, today: str | None = None) -> int | float | None:
    """A percentage as a fraction of one: `15 %` is 0.15."""
    value = percent(text)
    return None if value is None else whole(Decimal(str(value)) / 100)


def vector(text: str, today: str | None = None) -> list[Any] | None:
    """Numbers in brackets, nested or not: `[1, 2.5, -3]`, `(3, 4)`, `[[1, 2], [3, 4]]`."""
    plain = text.strip().translate(_MINUS)
    pairs = {"[": "]", "(": ")", "{": "}"}
    if len(plain) < 2 or pairs.get(plain[0]) != plain[-1]:
        return None
    parts, depth, begin = [], 0, 1
    for place, sign in enumerate(plain[1:-1], 1):
        depth += (sign in pairs) - (sign in pairs.values())
        if depth < 0:
            return None
        if sign in ",;" and depth == 0:
            parts.append(plain[begin:place])
            begin = place + 1
    parts.append(plain[begin:-1])
    values = [first(part.strip(), ("number", "scientific", "fraction", "vector")) for part in parts]
    return None if any(value is None for value in values) else values


NUMERALS = {
    "number": number, "thousands": thousands, "number_words": number_words, "scaled": scaled, "fraction": fraction,
    "scientific": scientific, "ordinal": ordinal, "at_rest": at_rest, "compass": compass, "chance": chance,
    "spaced": spaced, "percent": percent, "percent_as_fraction": percent_as_fraction, "vector": vector,
}  # fmt: skip


def first(text: str, names: tuple[str, ...]) -> Any:
    """What the first of the named rules that reads `text` gives, else `None`."""
    for name in names:
        try:
            value = NUMERALS[name](text)
        except InvalidOperation:
            value = None
        if value is not None:
            return value
    return None
