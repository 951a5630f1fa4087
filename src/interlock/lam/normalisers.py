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

from interlock.lam.numerals import NUMERALS, ONES, WORDS, number, number_words, whole

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

MONTH = "|".join(f"{name}|{name[:3]}\\.?" for name in _MONTHS) + "|sept\\.?"
WEEKDAY = "|".join(_DAYS)
SMALL = "|".join([*ONES[1:13], "a", "an"])

Rule = Callable[[str, str | None], Any]


def verbatim(text: str, today: str | None = None) -> str | None:
    """The text as it stands."""
    return text or None


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
        count = int(match[1]) if match[1].isdigit() else WORDS.get(match[1], 1)
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
    hour = int(word) if word.isdigit() else WORDS.get(word, 99)
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


_COUNT = r"\d{1,3}(?:,\d{3})+|[\d.]+|[a-z ]+?"
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
            rf"({_COUNT}) ?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?)", part
        )
        if not match:
            return None
        unit = match[2] if match[2] in _SECONDS else match[2].rstrip("s")
        count = number(match[1].replace(",", "")) if match[1][0].isdigit() else number_words(match[1])
        count = 1 if match[1] in {"a", "an"} else count
        if count is None or unit not in _SECONDS:
            return None
        total += Decimal(str(count)) * _SECONDS[unit]
    return total


_MONTHS_IN = {"month": 1, "year": 12, "yr": 12, "decade": 120}


def months_of(text: str) -> Decimal | None:
    """Length of a duration such as `30 years`, `a year and six months`, in months."""
    total = Decimal(0)
    for part in re.split(r",? and |, ", re.sub(r"[\s-]+", " ", text.lower().strip())):
        match = re.fullmatch(rf"({_COUNT}) ?(months?|years?|yrs?|decades?)", part)
        if not match:
            return None
        count = number(match[1].replace(",", "")) if match[1][0].isdigit() else number_words(match[1])
        count = 1 if match[1] in {"a", "an"} else count
        if count is None:
            return None
        total += Decimal(str(count)) * _MONTHS_IN[match[2].rstrip("s")]
    return total


def _in(unit: int, length_of: Callable[[str], Decimal | None], of: str) -> Rule:
    def rule(text: str, today: str | None = None) -> int | float | None:
        length = length_of(text)
        return None if length is None else whole(length / unit)

    rule.__doc__ = f"A duration counted in units of {unit} {of}."
    return rule


def moment(text: str, today: str | None = None) -> str | None:
    """A day with a time: `2026-03-04 15:30`, `March 4, 2026 at 3:30 pm`, `5 pm on Friday`."""
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)Z?", text.strip())
    if match:
        written = iso_date(match[1])
        return f"{written}T{match[2]}{':00' * (len(match[2]) == 5)}" if written and clock_time(match[2][:5]) else None
    for joint in re.finditer(r",?\s+(?:at|on|from|by|around)\s+|,\s+|\s+", text):
        before, after = text[: joint.start()], text[joint.end() :]
        for day_text, time_text in ((before, after), (after, before)):
            day, clock = first_rule(day_text, DATES, today), first_rule(time_text, TIMES, today)
            if day and clock:
                return f"{day[1]}T{clock[1]}:00"
    return None


_PARTS_OF = re.compile(r"YYYY|MMMM|MONTH|MM|DD|HH|SS", re.IGNORECASE)


def written_as(value: str, form: str) -> str:
    """An ISO date, time (`15:30`) or moment in another form: `MM/DD/YYYY`, `HH:MM:SS`, `YYYY-MM-DD HH:MM`."""
    day, _, clock = value.partition("T") if "-" in value else ("", "", value)
    year, month, date_ = day.split("-") if day else ("", "", "")
    hour, minute, second = [*clock.split(":"), "00", "00"][:3] if clock else ("", "", "")
    parts = {"YYYY": year, "MMMM": month, "MONTH": month, "DD": date_, "HH": hour, "SS": second}
    name = _MONTHS[int(month) - 1].capitalize() if month else ""
    parts |= {"MMMM": name, "MONTH": name}
    seen = False

    def part(match: re.Match[str]) -> str:
        nonlocal seen
        word = match[0].upper()
        seen = seen or word == "HH"
        return (minute if seen else month) if word == "MM" else parts[word]

    return _PARTS_OF.sub(part, form)


RULES: dict[str, Rule] = {
    **NUMERALS,
    "verbatim": verbatim, "moment": moment, "iso_date": iso_date, "numeric_date": numeric_date,
    "written_date": written_date, "relative_date": relative_date, "clock_time": clock_time, "spoken_time": spoken_time,
    "duration_in_seconds": _in(1, seconds_of, "seconds"), "duration_in_minutes": _in(60, seconds_of, "seconds"),
    "duration_in_hours": _in(3600, seconds_of, "seconds"), "duration_in_days": _in(86_400, seconds_of, "seconds"),
    "duration_in_weeks": _in(604_800, seconds_of, "seconds"), "duration_in_months": _in(1, months_of, "months"),
    "duration_in_years": _in(12, months_of, "months"),
}  # fmt: skip
"""Every rule but those that need the parameter (see `candidates`)."""

NUMBERS = ("number", "thousands", "number_words", "scaled", "fraction", "scientific", "at_rest", "compass", "spaced")
DATES = ("iso_date", "numeric_date", "written_date", "relative_date")
TIMES = ("clock_time", "spoken_time")


def first_rule(text: str, names: tuple[str, ...], today: str | None) -> tuple[str, Any] | None:
    """The first rule of `names` that reads `text`, with its value."""
    for name in names:
        value = RULES[name](text, today)
        if value is not None:
            return name, value
    return None
