"""Whether a value stands in a text literally and as a whole, read as the type of the argument it is for.

A value that a model copied is raised to the label of its source only by this: `{value: …, stands_in: …}`.
What "literally" means depends on the type:

number      a number of its own in the text, not a part of a date, time, percentage or identifier;
            `1,250.50` is 1250.5, and what may be read two ways (`1.250`) is no number here
date, time  written out with the year (`4 March 2026`, `2026-03-04`); nothing is counted from today
e-mail      the whole address, capitals or not
IBAN        with or without its spaces, capitals or not
other text  the same characters between two word boundaries; a name inside a longer address, path or
            domain is not a whole
digits      an identifier made of digits alone needs more than a stray number: it is quoted, follows `#`,
            or follows a word that says so (`id`, `number`, a word of the argument's name)

Text is compared in its normal form (NFKC); look-alike letters stay different, and a value with invisible
or control characters, or not in normal form itself, stands nowhere.  Booleans, nothing, and objects stand
nowhere either; a list stands where each of its elements does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from interlock.graphs.proofs.shapes import Shape
from interlock.lam.mentions import find_mentions
from interlock.lam.normalisers import MONTH, clock_time, iso_date, numeric_date, written_date

Form = Literal["number", "text", "none"]


@dataclass(frozen=True)
class Reading:
    """How an argument reads its value."""

    form: Form | None
    """None: by what the value looks like."""
    words: tuple[str, ...] = ()
    """The words of the argument's name: `file_id` has `file` and `id`."""


def reading_of(name: str, shape: Shape) -> Reading:
    """How the argument `name` of this shape reads its value."""
    words = tuple(word for word in name.lower().split("_") if word)
    kinds = shape.kinds - {"null"}
    if kinds and kinds <= {"integer", "number"}:
        return Reading("number", words)
    if kinds == {"string"}:
        return Reading("text", words)
    return Reading(None, words)


def stands(value: Any, source: Any, reading: Reading) -> bool:
    """Whether `value` stands in one of the texts of `source`."""
    if isinstance(value, list):
        inner = Reading(None, reading.words)
        return bool(value) and all(stands(item, source, inner) for item in value)
    return any(_stands(value, text, reading) for text in texts_of(source))


def texts_of(source: Any) -> Iterator[str]:
    """The texts of a value: itself, or those of its fields and elements."""
    match source:
        case str():
            yield source
        case dict():
            for item in source.values():
                yield from texts_of(item)
        case list():
            for item in source:
                yield from texts_of(item)
        case bool() | None:
            return
        case int() | float() | Decimal():
            yield str(source)


def _stands(value: Any, text: str, reading: Reading) -> bool:
    text = normal(text)
    number = as_number(value)
    if reading.form == "number" or isinstance(value, int | float | Decimal):
        return number is not None and number in numbers_of(text)
    if not isinstance(value, str) or not value.strip() or not _visible(value):
        return False
    if re.fullmatch(r"-?\d+([.,]\d+)?", value):
        return _digits(value, text, reading.words)
    if re.fullmatch(r"[^\s@]+@[^\s@]+", value):
        return _whole(value.lower(), text.lower())
    if re.fullmatch(_IBAN, value.replace(" ", ""), re.IGNORECASE):
        return _iban(value, text)
    if _moment(value):
        return _whole(value, text) or value in moments_of(text)
    return _whole(value, text)


def normal(text: str) -> str:
    """`text` in normal form (NFKC), each run of white space one space."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text))


def _visible(value: str) -> bool:
    """Whether a person reads the value as it is: in normal form, nothing invisible in it."""
    if unicodedata.normalize("NFKC", value) != value:
        return False
    return all(unicodedata.category(char)[0] != "C" or char in "\n\t" for char in value)


# Text -------------------------------------------------------------------------------------------

_JOINING = "-.@+/\\:%#'\u2019=&?~$!*^|"
"""Characters that hold a longer word, address or path together when a word goes on behind them."""


def _word(char: str) -> bool:
    """Whether a character continues a word: letters, digits, marks, and what cannot be seen."""
    return char == "_" or unicodedata.category(char)[0] in "LNMC"


def _bounded(text: str, start: int, end: int) -> bool:
    """Whether the characters from `start` to `end` are a whole: no word or address goes on around them."""
    before, after = text[:start], text[end:]
    if before and (_word(before[-1]) or (before[-1] in _JOINING and _goes_on(before[::-1]))):
        return False
    if not after or re.match("['\u2019]s\\b", after):
        return True
    return not (_word(after[0]) or (after[0] in _JOINING and _goes_on(after)))


def _goes_on(text: str) -> bool:
    """Whether a word stands behind the joining characters that `text` begins with."""
    rest = text.lstrip(_JOINING)
    return bool(rest) and _word(rest[0])


def _whole(value: str, text: str) -> bool:
    wanted = normal(value).strip()
    if len(wanted) == 1 and not _quoted(wanted, text):
        return False
    return any(_bounded(text, *match.span()) for match in _found(wanted, text))


def _found(wanted: str, text: str) -> Iterator[re.Match[str]]:
    return re.finditer(re.escape(wanted), text)


_QUOTES = ('""', "\u201c\u201d", "\u201e\u201c", "\u201e\u201d", "«»", "''", "\u2018\u2019", "``")


def _quoted(wanted: str, text: str) -> bool:
    return any(f"{quotes[0]}{wanted}{quotes[1]}" in text for quotes in _QUOTES)


# Identifiers ------------------------------------------------------------------------------------

_IBAN = r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}"

_SAYS_SO = (r"ids?\b", r"number\b", r"no\.", r"nr\b\.?", r"code\b", r"reference\b", r"ref\b\.?", r"account\b")
"""Words after which digits are an identifier, as regular expressions."""


def _digits(value: str, text: str, words: tuple[str, ...]) -> bool:
    """Whether digits stand as an identifier, not as a number of something else."""
    if _quoted(value, text):
        return True
    own = [re.escape(word) for word in words if len(word) >= 4]
    said = "|".join([*_SAYS_SO, *own])
    before = re.compile(rf"(?:\b(?:{said})(?:\s+(?:is|with|{said}))*\s*[:=#]?\s*|#\s?)$", re.IGNORECASE)
    return any(
        _bounded(text, *match.span()) or text[: match.start()].endswith("#")
        for match in _found(value, text)
        if before.search(text[: match.start()]) and not _goes_on_in_digits(text, match.end())
    )


def _goes_on_in_digits(text: str, end: int) -> bool:
    """Whether more of a number, date or time follows: `13 June`, `13:30`, `13 000`."""
    after = text[end:]
    return (
        re.match(rf"\w|[-.,:/'][0-9]|\s[0-9]{{3}}\b|(?:st|nd|rd|th)?\.?\s+(?:of\s+)?(?:{MONTH})\b", after, re.I)
        is not None
    )


def _iban(value: str, text: str) -> bool:
    wanted = value.replace(" ", "").upper()
    spaced = r" ?".join(re.escape(char) for char in wanted)
    for match in re.finditer(spaced, text.upper()):
        grouped = " " in match[0]
        if _bounded(text, *match.span()) and not (
            grouped and re.match(r" [0-9A-Z]*[0-9][0-9A-Z]*\b", text[match.end() :])
        ):
            return True
    return False


# Numbers ----------------------------------------------------------------------------------------


def as_number(value: Any) -> Decimal | None:
    """A number, or the text of a plain one, as its exact value."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", value):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def numbers_of(text: str) -> set[Decimal]:
    """The numbers of a text that can be read in one way only."""
    found = set()
    for mention in find_mentions(text):
        if mention.kind == "number":
            number = _read_number(text, mention.start, mention.end)
            if number is not None:
                found.add(number)
    return found


def _read_number(text: str, start: int, end: int) -> Decimal | None:
    written = text[start:end]
    after = text[end:]
    if re.match(r"\s*(?:%|percent\b|per cent\b)|[-.,:/'][0-9]", after, re.IGNORECASE):
        return None
    if re.fullmatch(r"-?\d+(\.\d{1,2}|\.\d{4,})?", written):
        return Decimal(written)
    if re.fullmatch(r"-?\d{1,3}([,' ]\d{3})+(\.\d{1,2})?", written):
        return Decimal(re.sub(r"[,' ]", "", written))
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d{1,2}", written):
        return Decimal(written.replace(".", "").replace(",", "."))
    if re.fullmatch(r"-?\d+,\d{1,2}", written):
        return Decimal(written.replace(",", "."))
    return None


# Dates and times --------------------------------------------------------------------------------

_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}(?::\d{2})?"


def _moment(value: str) -> bool:
    return re.fullmatch(rf"{_DATE}|{_TIME}|{_DATE}[T ]{_TIME}", value) is not None


def moments_of(text: str) -> set[str]:
    """The dates and times of a text as ISO 8601 writes them: each by itself, and a date with the time beside it."""
    dates: list[tuple[int, int, str]] = []
    times: list[tuple[int, int, str]] = []
    for mention in find_mentions(text):
        if not _bounded(text, mention.start, mention.end):
            continue
        written = text[mention.start : mention.end]
        if mention.kind == "date":
            day = iso_date(written) or numeric_date(written) or written_date(written)
            if day is not None and re.search(r"\d{4}", written):
                dates.append((mention.start, mention.end, day))
        elif mention.kind == "time":
            clock = clock_time(written)
            if clock is not None:
                times.append((mention.start, mention.end, clock))
    found = {day for _, _, day in dates} | {f"{clock}{seconds}" for _, _, clock in times for seconds in ("", ":00")}
    for day_start, day_end, day in dates:
        for start, end, clock in times:
            after = day_end <= start and re.fullmatch(r",? ?(?:T|at|from|@)? ?", text[day_end:start])
            before = end <= day_start and re.fullmatch(r",? on (?:the )?", text[end:day_start])
            if after or before:
                found |= {f"{day}{gap}{clock}{seconds}" for gap in "T " for seconds in ("", ":00")}
    return found
