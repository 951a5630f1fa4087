"""Typed mentions of a text: where a number, date, time, address… stands, before anybody asks what for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from interlock.lam.normalisers import MONTH, NUMBER_WORD, SMALL, WEEKDAY

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
_DIGITS = r"\d{1,3}(?:[,']\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d{1,2}|\d{1,3}(?: \d{3})+(?![\d-])|\d+(?:[.,]\d+)?"
_WORDED = rf"(?:a\s+(?=hundred|thousand|million))?(?:{NUMBER_WORD})(?:(?:\s+and\s+|[\s-]+)(?:{NUMBER_WORD}))*"
_LENGTH = r"seconds?|secs?|minutes?|mins?|min|hours?|hrs?|hr|h|days?|weeks?"
_PART = r"in\s+the\s+(?:morning|afternoon|evening)|at\s+night"
_HOUR = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"

_HALF = r"[ap]m\b|[ap]\.m\."
_PAST = "fifteen|thirty|forty-five"
_ON_DAY = rf"(?:(?:{WEEKDAY})\s*,?\s+)?"
_YEAR = r"(?:,?\s+\d{4}\b)?"
_AND_MORE = rf"(?:(?:,?\s+and\s+|,\s+)(?:\d+|{_WORDED})\s?(?:{_LENGTH})\b)?"
_NO_MONEY = r"(?<![\w@])(?!(?:eur|usd|gbp|chf)[\d.,]+\b)"

_PATTERNS: tuple[tuple[MentionKind, str], ...] = (
    ("email", r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}"),
    ("url", r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]"),
    ("date", rf"{_ON_DAY}(?:the\s+)?\b\d{{1,2}}(?:st|nd|rd|th)?\.?(?:\s+of)?\s+(?:{MONTH})\b{_YEAR}"),
    ("date", rf"{_ON_DAY}\b(?:{MONTH})\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\b(?!:){_YEAR}"),
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
    ("duration", rf"\b(?:\d+(?:\.\d+)?|{_WORDED}|an?)[\s-]?(?:{_LENGTH})\b{_AND_MORE}"),
    ("percent", rf"(?:(?<![\w.,])(?:{_DIGITS})\s*%)|\b(?:{_DIGITS}|{_WORDED})\s+(?:percent|per\s+cent)\b"),
    ("id", rf"{_NO_MONEY}(?:[A-Za-z]{{1,8}}[-_/]?(?=[\w/_-]*\d)[\w/_-]*[\w]|\d+[-/][\w/-]*\w|\d+[A-Za-z]+\d\w*)"),
    ("number", rf"(?<![\w.,])-?(?:{_DIGITS})(?:\s?(?:k|mio|bn)\b|\s+(?:thousand|million|billion)\b)?(?![\w])"),
    ("number", rf"(?<=[€$£¥])(?:{_DIGITS})(?:\s?(?:k|m|mio|bn)\b|\s+(?:thousand|million|billion)\b)?"),
    ("number", rf"(?<=EUR|USD|GBP|CHF)(?:{_DIGITS})|(?<![\w.,])(?:{_DIGITS})(?=(?:eur|usd|gbp|chf)\b)"),
    ("number", rf"\b{_WORDED}\b"),
    ("currency", rf"[€$£¥₹]|(?<![a-zA-Z])(?:{_CODES})(?![a-zA-Z])"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
_QUOTED = re.compile(
    r'"([^"]+)"|“([^”]+)”|«\s?([^»]+?)\s?»|„([^“”]+)[“”]|(?<!\w)\'([^\n]+?)\'(?!\w)|\u2018([^\u2019]+)\u2019(?!\w)'
)
_HIDES: dict[MentionKind, frozenset[str]] = {
    "number": frozenset({"email", "url", "date", "time", "id", "number"}),
    "id": frozenset({"email", "url", "date", "time", "duration", "number"}),
    "currency": frozenset({"email", "url", "id"}),
    "time": frozenset({"email", "url", "date", "time"}),
    "date": frozenset({"email", "url", "date"}),
    "duration": frozenset({"email", "url", "date", "time", "duration"}),
    "percent": frozenset({"email", "url", "date", "percent"}),
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
            found.append(Mention(kind, start, end))
    for match in _QUOTED.finditer(text):
        group = next(number for number in range(1, 7) if match[number] is not None)
        found.append(Mention("quoted", *match.span(group)))
    return tuple(sorted(found, key=lambda mention: (mention.start, mention.end)))
