"""Typed mentions of a text: where a number, date, time, address… stands, before anybody asks what for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from interlock.lam.normalisers import MONTH, SMALL, WEEKDAY
from interlock.lam.numerals import NUMBER_WORD, ORDINAL_WORD, PART_WORD, SCALE_WORD

MentionKind = Literal[
    "email", "url", "date", "time", "duration", "percent", "currency", "number", "id", "quoted",
    "vector", "series", "unit", "name", "place", "ordinal", "phone", "expression",
]  # fmt: skip
MENTION_KINDS: tuple[MentionKind, ...] = (
    "email", "url", "date", "time", "duration", "percent", "currency", "number", "id", "quoted",
    "vector", "series", "unit", "name", "place", "ordinal", "phone", "expression",
)  # fmt: skip
"""`vector`: numbers in brackets; `series`: numbers in a row; `name`: capitalised words; `place`: a city and its
state or country; `expression`: a formula."""


@dataclass(frozen=True)
class Mention:
    """Characters `start` to `end` (exclusive) of a text, and what they look like."""

    kind: MentionKind
    start: int
    end: int


CURRENCIES = {
    "EUR": ("€", "eur", "euro", "euros"),
    "USD": ("$", "usd", "us$", "dollar", "dollars", "us dollars", "bucks"),
    "GBP": ("£", "gbp", "pound", "pounds", "pounds sterling", "quid", "sterling"),
    "CHF": ("chf", "franc", "francs", "swiss francs", "sfr"),
    "JPY": ("¥", "jpy", "yen"),
    "SEK": ("sek", "swedish kronor", "kronor"),
    "PLN": ("pln", "zloty", "zł"),
    "CAD": ("cad", "canadian dollars"),
    "AUD": ("aud", "australian dollars"),
    "INR": ("inr", "rupee", "rupees", "₹"),
    "CNY": ("cny", "yuan", "rmb"),
}
"""Currency codes and the words and symbols that stand for them."""

_CODES = "|".join(sorted((re.escape(w) for ws in CURRENCIES.values() for w in ws if w.isascii() and w[0].isalpha()),
                         key=len, reverse=True))  # fmt: skip
_DIGITS = (
    r"\d{1,3}(?:[,']\d{3})+(?:\.\d+)?(?!,?\d)|\d{1,2}(?:,\d{2})+,\d{3}(?!,?\d)|\d{1,3}(?:\.\d{3})+,\d{1,2}"
    r"|\d{1,3}(?: \d{3})+(?![\d,-])|\d+\.\d+(?!\.?\d)|\d+,\d{1,2}(?![\d,])|\d+(?!\.\d+\.)"
)
_SIGN = r"(?:(?<![\w.)\]])[-+\u2212])?"
_POWER = r"(?:e[-+]?\d{1,3}\b|\s?[x\u00d7*\u00b7]\s?10(?:\^|\*\*)\(?[-\u2212]?\d{1,3}\)?)"
_SCALED = r"(?:k\b|\s?(?:mio|mn|bn)\b|(?-i:[MB])\b|[\s-](?:hundred|thousand|million|billion|trillion|dozen)\b)"
_GLUED = (
    r"(?:(?:[kcmµ]?m|km|mi|ft|in|yd|[kmµ]?g|lbs?|oz|[cm]?l|m?s|min|hrs?|h|d|kw?h|[kMG]?hz|[km]?[wvajn]|[kmg]?pa|atm|bar"
    r"|mph|kph|km/h|kmh|m/s|m/s\u00b2|m/s\^2|kn|mol|[kmgt]b|kcal|cal|px|pt|usd|eur|gbp|[a-z]*\u00b0[cfk]?|(?-i:[CFK])|(?-i:x)"
    r"|[ctmk]?m\u00b2|m\u00b3|sqft|rpm|ohms?)\b|\u00b0)"
)
UNITS = (
    r"(?:(?:kilo|centi|milli|micro|nano)?(?:meters?|metres?|grams?|liters?|litres?|watts?|volts?|joules?|hertz|pascals?"
    r"|amperes?|amps?)|miles?|feet|foot|inch(?:es)?|yards?|tons?|tonnes?|pounds?|ounces?|gallons?|acres?|hectares?"
    r"|celsius|fahrenheit|kelvin|degrees?|radians?|newtons?|coulombs?|tesla|ohms?|moles?|calories|kcal|cups?"
    r"|tablespoons?|teaspoons?|mph|knots?|km/h|m/s|bytes?|megabytes?|gigabytes?|km|kg|cm|mm|lbs?|oz|kwh|seconds?"
    r"|minutes?|hours?|days?|weeks?|months?|years?|percent)"
)
"""Words for units of measure."""
_WORDED = (
    rf"(?:(?:minus|negative)\s+)?(?:a\s+(?=hundred|thousand|million))?(?:{NUMBER_WORD})"
    rf"(?:(?:\s+and\s+(?=(?:{NUMBER_WORD})\b)|[\s-]+(?:point\s+)?)(?:{NUMBER_WORD}))*"
)
_NUM = r"[-+\u2212]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_ROW = rf"{_NUM}(?:\s*[,;]\s*{_NUM})*"
_LENGTH = r"seconds?|secs?|minutes?|mins?|min|hours?|hrs?|hr|h|days?|weeks?|months?|years?|yrs?|decades?"
_COUNT = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?"
_PART = r"in\s+the\s+(?:morning|afternoon|evening)|at\s+night"
_HOUR = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"

_HALF = r"[ap]m\b|[ap]\.m\."
_PAST = "fifteen|thirty|forty-five"
_ON_DAY = rf"(?:(?:{WEEKDAY})\s*,?\s+)?"
_YEAR = r"(?:,?\s+\d{4}\b)?"
_AND_MORE = rf"(?:(?:,?\s+and\s+|,\s+)(?:\d+|{_WORDED})\s?(?:{_LENGTH})\b)?"
_NO_MONEY = r"(?<![\w@.])(?!(?:eur|usd|gbp|chf)[\d.,]+\b)"

_PATTERNS: tuple[tuple[MentionKind, str], ...] = (
    ("email", r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}"),
    ("url", r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]"),
    ("date", rf"{_ON_DAY}(?:the\s+)?(?<![\d.])\b\d{{1,2}}(?:st|nd|rd|th)?\.?(?:\s+of)?\s+(?:{MONTH})\b{_YEAR}"),
    ("date", rf"{_ON_DAY}\b(?:{MONTH})\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\b(?![:%]|\.\d|\s+percent){_YEAR}"),
    ("date", r"\b\d{4}([-/.])\d{1,2}\1\d{1,2}\b"),
    ("date", r"\b\d{1,2}([./-])\d{1,2}\1\d{4}\b"),
    ("date", r"\b(?:the\s+)?day\s+after\s+tomorrow\b|\b(?:today|tonight|tomorrow)\b"),
    ("date", rf"\bin\s+(?:\d+|{SMALL})\s+(?:day|week)s?\b"),
    ("date", rf"\b(?:\d+|{SMALL})\s+(?:day|week)s?\s+from\s+(?:now|today)\b"),
    ("date", rf"\b(?:(?:this\s+coming|the\s+coming|this|next|coming)\s+)?(?:{WEEKDAY})(?:\s+next\s+week)?\b"),
    ("time", rf"\b(?:a\s+)?(?:half\s+past|quarter\s+past|quarter\s+to)\s+(?:\d{{1,2}}|{_HOUR})\s+(?:{_PART}|{_HALF})"),
    ("time", rf"\b(?:\d{{1,2}}|{_HOUR})(?:[:.\s](?:\d{{2}}|{_PAST}))?(?:\s+o'?clock)?\s+(?:{_PART})\b"),
    ("time", rf"\b(?:{_HOUR})(?:\s(?:{_PAST}))?\s+(?:{_HALF})"),
    ("time", r"\b\d{1,2}(?:[:.]\d{2})?\s?(?:[ap]m\b|[ap]\.m\.)"),
    ("time", r"\b(?:[01]?\d|2[0-3]):[0-5]\d\b|\b(?:[01]?\d|2[0-3])h(?:[0-5]\d)?\b"),
    ("time", r"\b(?:[01]\d|2[0-3])[0-5]\d\s?(?:hours|hrs)\b"),
    ("time", r"\b(?:12\s+)?noon\b|\bmidday\b|\bmidnight\b"),
    ("duration", r"\b(?:a\s+)?quarter\s+of\s+an\s+hour\b|\bthree\s+quarters\s+of\s+an\s+hour\b"),
    ("duration", r"\bhalf\s+an\s+hour\b|\b(?:a\s+)?half[\s-]hour\b"),
    ("duration", r"\ban\s+hour\s+and\s+a\s+half\b|\b(?:one|two)\s+and\s+a\s+half\s+hours\b"),
    ("duration", r"\b\d+\s?h\s?\d{1,2}(?:\s?m(?:in)?)?\b"),
    ("duration", rf"(?<![\d.,'])\b(?:{_COUNT}|{_WORDED}|an?)[\s-]?(?:{_LENGTH})\b{_AND_MORE}"),
    ("percent", rf"(?:(?<![\w.,])(?:{_DIGITS})\s*%)|\b(?:{_DIGITS}|{_WORDED})\s+(?:percent|per\s+cent)\b"),
    ("phone", r"\+\d{1,3}[\s.-]?(?:\(?\d{1,4}\)?[\s.-]?){2,4}\d{2,4}\b"),
    ("phone", r"(?<![\w.-])(?:1[\s.-])?\(?\d{3}\)?[\s.-]?\d{3}[.-]\d{4}\b|(?<![\w.-])\d{3}-\d{4}\b"),
    ("vector", rf"\[\s*(?:[\[(]\s*{_ROW}\s*[\])]\s*,?\s*)+\]|\[\s*{_ROW}\s*,?\s*\]"),
    ("vector", rf"(?<!\w)\(\s*{_NUM}(?:\s*,\s*{_NUM})+\s*\)"),
    ("id", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"),
    ("id", rf"{_NO_MONEY}(?:[A-Za-z]{{1,8}}[-_/]?(?=[\w/_-]*\d)[\w/_-]*[\w]|\d+[-/](?=[\w/-]*\d)[\w/-]*\w"
           r"|(?!\d+e[-+]?\d+\b)\d+[A-Za-z]+\d\w*)"),
    ("ordinal", rf"\b(?:\d+(?:st|nd|rd|th)|{ORDINAL_WORD})\b"),
    ("number", r"(?<![\w.,])\d{1,3}(?:\.\d+)?\s?(?:\u00b0|degrees)\s?(?:(?-i:[NSEW])|north|south|east|west)\b"),
    ("number", r"(?<![\w.,])\d+\s\d+/\d+(?![\w/])|(?<![\w./-])\d{1,3}/\d{1,3}(?![\w/])"),
    ("number", rf"(?<![\w.,]){_SIGN}(?:{_DIGITS}){_POWER}|(?<![\w.,^])10\^\(?-?\d{{1,3}}\)?"),
    ("number", r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten)\s+and\s+a\s+(?:half|quarter)\b"),
    ("number", rf"\b(?:half|quarter)\s+an?\s+(?:{SCALE_WORD})\b|\ba\s+dozen\b|\b(?:{_WORDED})\s+dozen\b"),
    ("number", rf"\b(?:one|two|three|four|five)[\s-](?:{PART_WORD})\b|\ba\s+(?:third|quarter)\b"),
    ("number", rf"(?<![\w.,^]){_SIGN}(?:{_DIGITS}){_SCALED}"),
    ("number", rf"(?<=[€$£¥₹])(?:{_DIGITS})(?:{_SCALED}|\s?(?:m|b)\b)?"),
    ("number", rf"(?<=EUR|USD|GBP|CHF)(?:{_DIGITS})|(?<![\w.,])(?:{_DIGITS})(?=(?:eur|usd|gbp|chf)\b)"),
    ("number", rf"(?<![\w.,^]){_SIGN}(?:{_DIGITS})(?={_GLUED})"),
    ("number", rf"(?<![\w.,^]){_SIGN}(?:{_DIGITS})(?![\w])"),
    ("number", rf"(?<=\d,){_NUM}(?![\w.]\d)"),
    ("number", rf"\b{_WORDED}\b"),
    ("number", r"\b(?:(?<=from )|(?<=at )|(?<=from a )|(?<=from a complete ))(?:rest|standstill)\b"),
    ("unit", rf"(?<![a-z]){UNITS}(?![a-z])|(?<=\d)(?!x){_GLUED}|(?<=\d )(?!x){_GLUED}"),
    ("currency", rf"[€$£¥₹]|(?<![a-zA-Z])(?:{_CODES})(?![a-zA-Z])"),
)  # fmt: skip
_ITEM = re.compile(_NUM)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
_QUOTED = re.compile(
    r'"([^"]+)"|“([^”]+)”|«\s?([^»]+?)\s?»|„([^“”]+)[“”]|(?<!\w)\'([^\n]+?)\'(?!\w)|\u2018([^\u2019]+)\u2019(?!\w)'
)
_EXPRESSION = re.compile(
    r"(?<![\w.])(?:[-+]?\s?(?:\d*\.?\d*\s?\*?\s?(?:[a-z]|(?:sin|cos|tan|exp|log|ln|sqrt)\([^()]{1,20}\))"
    r"(?:\s?(?:\^|\*\*)\s?\(?-?\d+\)?)?|\d+(?:\.\d+)?)\s?(?=[-+*/]|[^\w]|$)(?:[-+*/]\s?)?)+", re.IGNORECASE
)  # fmt: skip
_NAME = re.compile(
    r"[A-Z][\w'\u2019&.-]*\w(?:\s+(?:(?:of|the|de|van|von|da|del|la|&)\s+){0,2}[A-Z][\w'\u2019-]*)*|[A-Z]{2,}"
)
_OPENING = frozenset(
    """i we you he she it they the a an this that these those my our your what which who whom whose when where why how
    can could would will shall should may might must do does did is are was were am have has had please let if for from
    in on at to of with as and or but so also then next after before once first second third lastly finally
    additionally furthermore moreover meanwhile find get give show tell calculate compute convert determine search book
    create send schedule order play set add remove update check need want looking using given assuming suppose imagine
    there here hi hello hey thanks thank yes no not i'm i've i'd i'll what's let's there's""".split()  # noqa: SIM905  # a list of words reads best as text
)
_HIDES: dict[MentionKind, frozenset[str]] = {
    "number": frozenset({"email", "url", "date", "time", "id", "number", "phone"}),
    "id": frozenset({"email", "url", "date", "time", "duration", "number", "vector", "phone", "id"}),
    "currency": frozenset({"email", "url", "id"}),
    "time": frozenset({"email", "url", "date", "time"}),
    "date": frozenset({"email", "url", "date"}),
    "duration": frozenset({"email", "url", "date", "time", "duration"}),
    "percent": frozenset({"email", "url", "date", "percent"}),
    "phone": frozenset({"email", "url", "date", "time", "phone", "percent"}),
    "vector": frozenset({"vector", "phone", "url"}),
    "ordinal": frozenset({"date", "url", "email"}),
    "unit": frozenset({"email", "url", "unit"}),
}


@lru_cache(maxsize=2048)
def find_mentions(text: str) -> tuple[Mention, ...]:
    """Every typed mention of `text`, in reading order.

    A number inside a date, time, address or identifier is no number of its own; one inside a duration
    or percentage is.  Quotations may hold other mentions.
    """
    found: list[Mention] = []
    for kind, pattern in _COMPILED:
        hides = _HIDES.get(kind, frozenset())
        for match in pattern.finditer(text):
            start, end = match.span()
            if start == end or any(m.kind in hides and m.start < end and start < m.end for m in found):
                continue
            if kind == "id" and re.fullmatch(r"\d{1,4}[-/]\d{1,4}", match[0]):
                continue  # two numbers, a range or a fraction
            found.append(Mention(kind, start, end))
            if kind == "vector":
                found += [Mention("number", *item.span()) for item in _ITEM.finditer(text, start, end)]
    for match in _QUOTED.finditer(text):
        group = next(number for number in range(1, 7) if match[number] is not None)
        found.append(Mention("quoted", *match.span(group)))
    found += [*_series(text, found), *_names(text), *_expressions(text)]
    return tuple(sorted(found, key=lambda mention: (mention.start, mention.end)))


JOINT = re.compile(
    r"(?P<unit>(?:[\s-]?(?!and\b|or\b|to\b)(?:[^\W\d_]{1,12}|[NS] latitude)[\u00b2\u00b3]?|\s?[%\u00b0\u20ac]\w?)?)\s*"
    r"(?:,\s*(?:and|or)\s+|[,;]\s*|\s+(?:and|or|to)\s+|\s*&\s*)"
    r"(?:[\u20ac$£]|(?:a |the |at )?(?:longitude|long|lon|lng)(?: of|:| =|=)? )?"
)
"""What stands between two numbers of a row: `, `, ` and `, ` kg, `."""


def _series(text: str, found: list[Mention]) -> Iterator[Mention]:
    percents = {m.start: m.end for m in found if m.kind == "percent"}
    numbers = sorted({(m.start, percents.get(m.start, m.end)) for m in found if m.kind == "number"})
    first = 0
    while first < len(numbers):
        last, unit, joints = first, None, list[str]()
        while last + 1 < len(numbers):
            joint = JOINT.fullmatch(text, numbers[last][1], numbers[last + 1][0])
            if joint is None or unit not in {None, joint["unit"]} or _is_over(joints, joint):
                break
            last, unit = last + 1, joint["unit"]
            joints.append(joint[0])
        same_unit = (
            not unit or not unit.strip().isalpha() or unit == " latitude" or text.startswith(unit, numbers[last][1])
        )
        if last > first + 1 or (last > first and same_unit):
            yield Mention("series", numbers[first][0], numbers[last][1])
        first = last + 1


def _is_over(joints: list[str], joint: re.Match[str]) -> bool:
    """Whether a row ends before this joint: after its `and`, or at a `to` between two rows."""
    if re.search(r"\bto\b", joint[0]):
        return bool(joints)
    last = joints[-1] if joints else ""
    if re.search(r"\bto\b", last):
        return True
    return bool(_AND.search(last)) and (len(joints) > 1 or not _AND.search(joint[0]))


_AND = re.compile(r"\b(?:and|or)\b|&")


def _names(text: str) -> Iterator[Mention]:
    for match in _NAME.finditer(text):
        start, end = match.span()
        before = text[:start].rstrip()
        if not before or before[-1] in ".!?:\n\"“'" or "\n" in text[len(before) : start]:
            words = match[0].split()
            while words and words[0].lower() in _OPENING:
                start += len(words[0])
                start += len(text[start:end]) - len(text[start:end].lstrip())
                words = words[1:]
        if start < end and text[start:end] not in {"I", "I'm", "I've", "I'd", "I'll"} and text[start].isupper():
            yield Mention("name", start, end)
            following = _NAME.match(text, end + 2) if text[end : end + 2] == ", " else None
            if following:
                yield Mention("place", start, following.end())


def _expressions(text: str) -> Iterator[Mention]:
    for match in _EXPRESSION.finditer(text):
        inside = match[0].strip().rstrip("+-*/ ")
        if (
            re.search(r"\^|\*\*|\d[a-z]\b|\b[a-z]\s?[-+*/]\s?\d|\b(?:sin|cos|tan|exp|log|ln|sqrt)\(", inside)
            and len(inside) > 2
        ):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            yield Mention("expression", start, start + len(inside))
