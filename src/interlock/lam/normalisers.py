"""Deterministic rules that turn the text of a span into a value; each has a name that evidence records.

A rule answers `None` when the text is not of its form or is ambiguous (`03/04/2026`, `3 o'clock`): a
value is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: number for number, word in enumerate(_ONES)}
_WORDS |= {word: 20 + 10 * number for number, word in enumerate(_TENS)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_SUFFIXES = {"k": 1000, "m": 1_000_000, "mio": 1_000_000, "bn": 1_000_000_000, "b": 1_000_000_000} | _SCALES
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

NUMBER_WORD = "|".join([*_WORDS, *_SCALES])
MONTH = "|".join(f"{name}|{name[:3]}\\.?" for name in _MONTHS) + "|sept\\.?"
WEEKDAY = "|".join(_DAYS)
SMALL = "|".join([*_ONES[1:13], "a", "an"])

Rule = Callable[[str, str | None], Any]


def _whole(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def verbatim(text: str, today: str | None = None) -> str | None:
    """The text as it stands."""
    return text or None


def number(text: str, today: str | None = None) -> int | float | None:
    """Plain digits: `49.90`, `-3`."""
    return _whole(Decimal(text)) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def thousands(text: str, today: str | None = None) -> int | float | None:
    """Grouped digits: `1,250.50`, `1.250,50`, `1 250`, `1'250`, and a decimal comma: `49,90`."""
    if re.fullmatch(r"-?\d{1,3}([,' ]\d{3})+(\.\d+)?", text):
        return _whole(Decimal(re.sub(r"[,' ]", "", text)))
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d+", text) or re.fullmatch(r"-?\d{1,3}(\.\d{3}){2,}", text):
        return _whole(Decimal(text.replace(".", "").replace(",", ".")))
    if re.fullmatch(r"-?\d+,\d{1,2}", text):
        return _whole(Decimal(text.replace(",", ".")))
    return None


def number_words(text: str, today: str | None = None) -> int | float | None:
    """Numbers in words: `twenty-five`, `two hundred and fifty`, `a thousand`."""
    words = [word for word in re.split(r"[\s-]+", text.lower()) if word != "and"]
    if not words or words in (["a"], ["an"]):
        return None
    total, group, last = 0, 0, 0
    for place, word in enumerate(words):
        if word in {"a", "an"} and place == 0:
            group = 1
        elif word in _WORDS:
            value = _WORDS[word]
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
    """Digits with a scale: `2k`, `1.5 million`."""
    match = re.fullmatch(r"(-?[\d.,]*\d)\s*([a-z]+)", text.lower())
    if match is None or match[2] not in _SUFFIXES:
        return None
    value = number(match[1])
    value = thousands(match[1]) if value is None else value
    return None if value is None else _whole(Decimal(str(value)) * _SUFFIXES[match[2]])


def percent(text: str, today: str | None = None) -> int | float | None:
    """A percentage as its number: `15 %` is 15."""
    match = re.fullmatch(r"(.+?)\s*(?:%|percent|per cent)", text.strip().lower())
    return _first(match[1], ("number", "thousands", "number_words")) if match else None


def percent_as_fraction(text: str, today: str | None = None) -> int | float | None:
    """A percentage as a fraction of one: `15 %` is 0.15."""
    value = percent(text)
    return None if value is None else _whole(Decimal(str(value)) / 100)


def _made(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def iso_date(text: str, today: str | None = None) -> str | None:
    """`2026-03-04`, `2026/03/04`."""
    match = re.fullmatch(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", text)
    return _made(int(match[1]), int(match[3]), int(match[4])) if match else None


def numeric_date(text: str, today: str | None = None) -> str | None:
    """`04.03.2026` (day first), and `25/12/2026` or `12/25/2026` where only one reading is possible."""
    match = re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", text)
    if not match:
        return None
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if match[2] == "." or first > 12 or first == second:
        return _made(year, second, first)
    return _made(year, first, second) if second > 12 else None


def _month(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()[:3]))


def written_date(text: str, today: str | None = None) -> str | None:
    """`4 March 2026`, `March 4th, 2026`, `the 4th of March`; without a year, the next such day from `today`."""
    plain = re.sub(r"^(?:on\s+)?the\s+", "", text.lower()).replace(",", " ")
    plain = re.sub(rf"^(?:{WEEKDAY})\s+(?:the\s+)?", "", plain)
    one = re.fullmatch(rf"(\d{{1,2}})(?:st|nd|rd|th)?\.?(?:\s+of)?\s+({MONTH})(?:\s+(\d{{4}}))?", plain)
    two = re.fullmatch(rf"({MONTH})\s+(?:the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?(?:\s+(\d{{4}}))?", plain)
    if not one and not two:
        return None
    day, name, year = (one[1], one[2], one[3]) if one else (two[2], two[1], two[3])  # type: ignore[index]
    if year:
        return _made(int(year), _month(name), int(day))
    if today is None:
        return None
    start = date.fromisoformat(today)
    for candidate in range(start.year, start.year + 9):
        made = _made(candidate, _month(name), int(day))
        if made and made >= today:
            return made
    return None


def relative_date(text: str, today: str | None = None) -> str | None:
    """Days counted from `today`: `tomorrow`, `in three days`, `Friday` (the next one after today),
    `next Friday` (Friday of the following week, weeks starting on Monday), `in two weeks`."""
    if today is None:
        return None
    start, plain = date.fromisoformat(today), re.sub(r"\s+", " ", text.lower().strip())
    fixed = {"today": 0, "tonight": 0, "tomorrow": 1, "the day after tomorrow": 2, "day after tomorrow": 2}
    if plain in fixed:
        return (start + timedelta(days=fixed[plain])).isoformat()
    match = re.fullmatch(rf"in (\d+|{SMALL}) (day|week)s?", plain) or re.fullmatch(
        rf"(\d+|{SMALL}) (day|week)s? from (?:now|today)", plain
    )
    if match:
        count = int(match[1]) if match[1].isdigit() else _WORDS.get(match[1], 1)
        return (start + timedelta(days=count * (7 if match[2] == "week" else 1))).isoformat()
    match = re.fullmatch(rf"(?:(this|next|the coming|coming|this coming)\s+)?({WEEKDAY})(\s+next week)?", plain)
    if not match:
        return None
    place = _DAYS.index(match[2])
    if match[1] == "next" or match[3]:
        return (start - timedelta(days=start.weekday()) + timedelta(days=7 + place)).isoformat()
    return (start + timedelta(days=(place - start.weekday() - 1) % 7 + 1)).isoformat()


def _clock(hour: int, minute: int, half: str | None) -> str | None:
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None


def clock_time(text: str, today: str | None = None) -> str | None:
    """A 24-hour or a.m./p.m. time: `15:30`, `3.30pm`, `9 am`, `15h30`, `noon`."""
    plain = re.sub(r"\s+", " ", text.lower().strip())
    if plain in {"noon", "midday", "midnight", "12 noon"}:
        return "00:00" if plain == "midnight" else "12:00"
    match = re.fullmatch(r"(\d{1,2})(?:[:.](\d{2}))? ?([ap])\.?m\.?", plain)
    if match:
        return _clock(int(match[1]), int(match[2] or 0), match[3])
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::00)?", plain) or re.fullmatch(r"(\d{1,2})h(\d{2})?", plain)
    if match:
        return _clock(int(match[1]), int(match[2] or 0), None)
    match = re.fullmatch(r"(\d{2})(\d{2}) ?(?:hours|hrs|h)", plain)
    return _clock(int(match[1]), int(match[2]), None) if match else None


def spoken_time(text: str, today: str | None = None) -> str | None:
    """A time with the part of the day: `half past three in the afternoon`, `9 in the morning`, `quarter to 4 pm`."""
    plain = re.sub(r"\s+", " ", text.lower().strip().replace("-", " "))
    plain = re.sub(r" o'?clock", "", plain)
    match = re.fullmatch(r"(.+?) (?:in the (morning|afternoon|evening)|at (night)|([ap])\.?m\.?)", plain)
    if not match:
        return None
    half = "a" if match[2] == "morning" or match[4] == "a" else "p"
    rest = re.fullmatch(r"(?:a )?(half past|quarter past|quarter to) (\d{1,2}|[a-z]+)", match[1])
    plain_hour = re.fullmatch(r"(\d{1,2}|[a-z]+)(?:[:. ](\d{2}|fifteen|thirty|forty five))?", match[1])
    word = rest[2] if rest else plain_hour[1] if plain_hour else ""
    hour = int(word) if word.isdigit() else _WORDS.get(word, 99)
    if not 1 <= hour <= 12:
        return None
    minute = 0
    if rest:
        minute = {"half past": 30, "quarter past": 15, "quarter to": 45}[rest[1]]
        if rest[1] == "quarter to":
            hour, half = (12 if hour == 1 else hour - 1), ({"a": "p", "p": "a"}[half] if hour == 12 else half)
    elif plain_hour and plain_hour[2]:
        spoken = {"fifteen": 15, "thirty": 30, "forty five": 45}
        minute = (
            spoken.get(plain_hour[2], 0) or int(plain_hour[2]) if plain_hour[2].isdigit() else spoken[plain_hour[2]]
        )
    return _clock(hour, minute, half)


_SECONDS = {"second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "m": 60, "hour": 3600, "hr": 3600, "h": 3600}
_SECONDS |= {"day": 86_400, "d": 86_400, "week": 604_800, "wk": 604_800}


def seconds_of(text: str) -> Decimal | None:
    """Length of a duration such as `an hour and a half`, `1h30`, `45 min`, in seconds."""
    plain = re.sub(r"\s+", " ", text.lower().strip().replace("-", " "))
    fixed = {"half an hour": 1800, "a half hour": 1800, "half hour": 1800, "an hour and a half": 5400}
    fixed |= {
        "one and a half hours": 5400,
        "a quarter of an hour": 900,
        "quarter of an hour": 900,
        "two and a half hours": 9000,
    }
    fixed |= {"three quarters of an hour": 2700, "half a day": 43_200}
    if plain in fixed:
        return Decimal(fixed[plain])
    match = re.fullmatch(r"(\d+) ?h ?(\d{1,2})(?: ?m(?:in)?)?", plain)
    if match:
        return Decimal(int(match[1]) * 3600 + int(match[2]) * 60)
    total = Decimal(0)
    for part in re.split(r",? and |, ", plain):
        match = re.fullmatch(
            r"([\d.]+|[a-z ]+?) ?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?)", part
        )
        if not match:
            return None
        unit = match[2] if match[2] in _SECONDS else match[2].rstrip("s")
        count = number(match[1]) if match[1][0].isdigit() else number_words(match[1])
        count = 1 if match[1] in {"a", "an"} else count
        if count is None or unit not in _SECONDS:
            return None
        total += Decimal(str(count)) * _SECONDS[unit]
    return total


def _in(unit: int) -> Rule:
    def rule(text: str, today: str | None = None) -> int | float | None:
        length = seconds_of(text)
        return None if length is None else _whole(length / unit)

    rule.__doc__ = f"A duration counted in units of {unit} seconds."
    return rule


RULES: dict[str, Rule] = {
    "verbatim": verbatim, "number": number, "thousands": thousands, "number_words": number_words, "scaled": scaled,
    "percent": percent, "percent_as_fraction": percent_as_fraction, "iso_date": iso_date, "numeric_date": numeric_date,
    "written_date": written_date, "relative_date": relative_date, "clock_time": clock_time, "spoken_time": spoken_time,
    "duration_in_seconds": _in(1), "duration_in_minutes": _in(60), "duration_in_hours": _in(3600),
    "duration_in_days": _in(86_400), "duration_in_weeks": _in(604_800),
}  # fmt: skip
"""Every rule but `option` and `list`, which need the parameter (see `candidates`)."""

NUMBERS = ("number", "thousands", "number_words", "scaled")
DATES = ("iso_date", "numeric_date", "written_date", "relative_date")
TIMES = ("clock_time", "spoken_time")


def _first(text: str, names: tuple[str, ...], today: str | None = None) -> Any:
    found = first_rule(text, names, today)
    return found[1] if found else None


def first_rule(text: str, names: tuple[str, ...], today: str | None) -> tuple[str, Any] | None:
    """The first rule of `names` that reads `text`, with its value."""
    for name in names:
        value = RULES[name](text, today)
        if value is not None:
            return name, value
    return None
