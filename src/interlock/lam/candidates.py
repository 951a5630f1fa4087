"""Candidate values of a parameter: every one is a span of a source and a named rule that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from interlock.lam.codes import CODES
from interlock.lam.mentions import CURRENCIES, JOINT, MentionKind, find_mentions
from interlock.lam.normalisers import DATES, NUMBERS, RULES, TIMES, first_rule, written_as
from interlock.lam.parameters import Parameter
from interlock.lam.protocol import Evidence
from interlock.lam.units import other_unit, quantity_in

_SYNONYMS: dict[str, tuple[str, ...]] = {
    **{code.lower(): forms for code, forms in CURRENCIES.items()},
    "customer": ("client", "clients", "buyer", "consumer", "shopper"),
    "order": ("purchase", "purchase order", "sales order"),
    "invoice": ("bill", "billing document"),
    "high": ("urgent", "top"),
    "low": ("minor",),
    "male": ("man",),
    "female": ("woman",),
}
_JOINT = re.compile(r"\s*(?:,\s*and\s+|;\s*|,\s*|\s+and\s+|\s*&\s*|\s+)")
_NOT = re.compile(
    r"(?:\b(?:no|not|without|non|never|don't|dont|do not|isn't|exclude|excluding|disable|skip)\s+(?:\w+\s+)?)$"
)
_YES, _NO = ("yes", "true", "on"), ("no", "false", "off")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A value and where it stands: characters `start` to `end` (exclusive) of `source`."""

    source: str
    start: int
    end: int
    normaliser: str
    value: Any

    def overlaps(self, other: Candidate) -> bool:
        return self.source == other.source and self.start < other.end and other.start < self.end

    def evidence(self, sources: Mapping[str, str]) -> Evidence:
        text = sources[self.source][self.start : self.end]
        return Evidence(source=self.source, start=self.start, end=self.end, text=text, normaliser=self.normaliser)


def whole_span(text: str) -> tuple[int, int]:
    """A whole source as a span: its characters without surrounding white space."""
    start = len(text) - len(text.lstrip())
    return start, max(start, len(text.rstrip()))


@lru_cache(maxsize=1024)
def _forms(option: str) -> re.Pattern[str]:
    plain = option.lower()
    words = {plain, plain.replace("_", " "), plain.replace("-", " "), *_SYNONYMS.get(plain, ())}
    words |= {word + "s" for word in set(words) if len(word) > 3 and word[-1].isalpha() and word[-1] != "s"}
    body = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    formula = r"*^+/=" if len(plain) == 1 else ""  # the `x` of `x**4` names no option
    return re.compile(rf"(?<![^\W\d_])(?<![{formula}_])(?:{body})(?![^\W\d_])(?![{formula}_])", re.IGNORECASE)


def option_of(text: str, options: tuple[Any, ...]) -> Any:
    """The only option that `text` is a name of, else `None`."""
    found = [option for option in options if _forms(str(option)).fullmatch(text)]
    exact = [option for option in found if str(option) == text]
    return (exact or found)[0] if len(exact or found) == 1 else None


_SHARE = re.compile(r"fraction|decimal|\b0 (?:to|and|-) 1\b|probabilit|likelihood|proportion|\brates?\b|\b0\.\d+")


def counts_as_fraction(parameter: Parameter) -> bool:
    """Whether `15 %` is 0.15 for a parameter: a number said to be a decimal, a rate or a probability."""
    if parameter.kind != "number":
        return False
    about = f"{re.sub(r'[_.]', ' ', parameter.name)} {parameter.description}".lower()
    if re.search(r"decimal|fraction|0\.\d|\b(?:0|zero) (?:to|and) (?:1|one)\b", about):
        return True
    bound = parameter.schema.get("maximum")
    return bound == 1 or (bool(_SHARE.search(about)) and not re.search(r"percent|%", about))


def is_chance(parameter: Parameter) -> bool:
    """Whether a number is a probability, so that nothing above 1 is one."""
    about = f"{parameter.name} {parameter.description}".lower()
    return counts_as_fraction(parameter) and re.search(r"probabilit|likelihood", about) is not None


def _number_rules(parameter: Parameter) -> tuple[str, ...]:
    share = "percent_as_fraction" if counts_as_fraction(parameter) else "percent"
    more = ("ordinal",) if parameter.kind == "integer" else ("chance",) if counts_as_fraction(parameter) else ()
    return (*NUMBERS, share, *more)


_RULES_OF = {"date": DATES, "time": TIMES, "datetime": ("moment", "iso_date")}


def _moment_of(parameter: Parameter, text: str, today: str | None) -> tuple[str, Any] | None:
    """A date or time in the form that the parameter asks for; as it stands where it has that form already."""
    found = first_rule(text, _RULES_OF[parameter.kind], today)
    form = parameter.form
    if form is None:
        return found
    shape = re.escape(form).replace("MONTH", "[A-Z][a-z]+").replace("MMMM", "[A-Z][a-z]+")
    if re.fullmatch(re.sub(r"[YMDHS]", r"\\d", shape), text):
        return "verbatim", text
    if found is None:
        return ("verbatim", text) if today is None and parameter.kind == "date" else None
    value = written_as(found[1], form)
    return (found[0], value) if value == found[1] else (f"{found[0]} as {form}", value)


def _numbers_in(parameter: Parameter, text: str, today: str | None) -> list[Any] | None:
    """The numbers of a row such as `5 kg, 10 kg and 12 kg`, each read as an item of the list `parameter`."""
    found: list[tuple[int, int]] = []
    for mention in find_mentions(text):
        if mention.kind in {"number", "percent"} and not (found and mention.start < found[-1][1]):
            found.append((mention.start, mention.end))
        elif found and mention.kind == "percent" and mention.start == found[-1][0]:
            found[-1] = (mention.start, mention.end)
    between = pairwise(found)
    if not found or found[0][0] or not all(JOINT.fullmatch(text, a[1], b[0]) for a, b in between):
        return None
    if parameter.item is None or re.search(r"\d|\w{13}", text[found[-1][1] :]):
        return None
    values = [read_value(parameter.item, text[start:end], today) for start, end in found]
    return [value[1] for value in values if value] if all(values) else None


def _list_of(parameter: Parameter, text: str, today: str | None) -> tuple[str, Any] | None:
    item = parameter.item
    if item is None:
        return None
    if item.kind in {"number", "integer", "list"}:
        value = RULES["vector"](text, today)
        if value is not None:
            return "vector", value
        if item.kind == "list":
            rows = [row for row in re.split(r"\s*(?:,\s*and\s+|,|;|\band\b)\s*(?=[\[(])", text) if row]
            values = [RULES["vector"](row, today) for row in rows]
            return ("list", values) if values and all(value is not None for value in values) else None
        numbers = _numbers_in(parameter, text, today)
        return None if numbers is None else ("list", numbers)
    inside = re.fullmatch(r"\[(.*)\]|\((.*,.*)\)", text.strip(), re.DOTALL)
    plain = (inside[1] or inside[2] or "") if inside else text.strip()
    parts = [part for part in re.split(r"\s*(?:,\s*(?:and|or)\s+|[,;\n]\s*|\s+and\s+|\s+&\s+)", plain) if part]
    if item.kind == "email":
        parts = [part for piece in parts for part in piece.split()]
    parts = [re.sub(r"^([\"'\u201c\u2018])(.*)[\"'\u201d\u2019]$", r"\2", part) for part in parts]
    values = [read_value(item, part, today) for part in parts]
    good = values and all(value is not None and item.accepts(value[1]) for value in values)
    return ("list", [value[1] for value in values if value]) if good else None


_URL = re.compile(r"https?://\S+|(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?", re.IGNORECASE)


def read_value(parameter: Parameter, text: str, today: str | None) -> tuple[str, Any] | None:
    """The rule that reads the whole of `text` as a value of `parameter`, with the value; `None` if none does."""
    found: tuple[str, Any] | None = None
    if parameter.kind in {"text", "email"}:
        found = ("verbatim", text) if text else None
    elif parameter.kind == "url":
        found = ("verbatim", text) if _URL.fullmatch(text) else None
    elif parameter.kind in _RULES_OF:
        found = _moment_of(parameter, text, today)
    elif parameter.kind in {"number", "integer"}:
        names = ((f"duration_in_{parameter.unit}",) if parameter.unit else ()) + _number_rules(parameter)
        found = first_rule(text, names, today)
        if found is None and parameter.measure:
            quantity = quantity_in(text, parameter.measure)
            found = None if quantity is None else (f"quantity in {parameter.measure}", quantity)
    elif parameter.kind == "option":
        option = option_of(text, parameter.options)
        found = None if option is None else ("option", option)
    elif parameter.kind == "flag":
        found = next((("flag", word in _YES) for word in (*_YES, *_NO) if text.lower() == word), None)
    elif parameter.kind == "list":
        found = _list_of(parameter, text, today)
    return found if found and parameter.accepts(found[1]) else None


def reproduce(parameter: Parameter, evidence: Evidence, sources: Mapping[str, str], today: str | None) -> Any:
    """The value that `evidence` stands for, computed again from its source alone.

    Returns:
        The value, or `None` when the span is not in the source or the rule does not read it.
    """
    text = sources.get(evidence.source, "")[evidence.start : evidence.end]
    if not text or text != evidence.text:
        return None
    if evidence.normaliser == "option":
        return option_of(text, parameter.options)
    if evidence.normaliser in {"list", "flag"}:
        found = read_value(parameter, text, today)
        return found[1] if found else None
    if evidence.normaliser in {"flag_named", "flag_negated"}:
        return evidence.normaliser == "flag_named"
    if (evidence.normaliser or "").startswith("quantity in "):
        return quantity_in(text, (evidence.normaliser or "").removeprefix("quantity in "))
    if (evidence.normaliser or "").startswith(_OF_YEAR):
        return _dated(evidence, sources)
    if evidence.normaliser in CODES:
        return CODES[evidence.normaliser](text)
    rule, _, form = (evidence.normaliser or "").partition(" as ")
    value = RULES[rule](text, today) if rule in RULES else None
    return written_as(value, form) if form and isinstance(value, str) else value


MEANS = "means "
"""Begins the rule of a declared value that no words name: `means fast`."""


def evidenced(parameter: Parameter, evidence: Evidence, sources: Mapping[str, str], today: str | None) -> Any:
    """The value that `evidence` stands for, or the declared one that it is said to mean; else `None`.

    Unlike `reproduce`, this proves no origin: which declared value the words mean is the model's word.
    """
    if not (evidence.normaliser or "").startswith(MEANS):
        return reproduce(parameter, evidence, sources, today)
    declared = parameter.options if parameter.kind == "option" else (False, True) if parameter.kind == "flag" else ()
    return next((value for value in declared if f"{MEANS}{value}" == evidence.normaliser), None)


_WANTED: dict[str, tuple[MentionKind, ...]] = {
    "email": ("email",), "url": ("url",), "date": ("date",), "time": ("time",),
    "number": ("number", "percent", "duration"), "integer": ("number", "percent", "duration", "ordinal"),
}  # fmt: skip


def _moments(text: str) -> Iterator[tuple[int, int]]:
    """A date and a time that stand together, and each date alone."""
    marks = [m for m in find_mentions(text) if m.kind in {"date", "time"}]
    for one, two in pairwise(marks):
        if one.kind != two.kind and re.fullmatch(
            r"T|,?\s+(?:at|on|from|by|around)\s+|,?\s+", text[one.end : two.start]
        ):
            yield one.start, two.end
    yield from (match.span() for match in re.finditer(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?Z?", text))
    yield from ((m.start, m.end) for m in marks if m.kind == "date")


def _spans(parameter: Parameter, text: str) -> Iterator[tuple[int, int]]:
    item = parameter.item
    if parameter.kind == "option":
        for option in parameter.options:
            yield from (match.span() for match in _forms(str(option)).finditer(text))
    elif parameter.kind == "datetime":
        yield from _moments(text)
    elif parameter.kind == "list" and item is not None and item.kind in {"number", "integer", "list"}:
        yield from _rows(item, text)
    elif parameter.kind == "list" and item is not None:
        items = sorted(_spans(item, text))
        for first in range(len(items)):
            last = first
            while last + 1 < len(items) and _JOINT.fullmatch(text, items[last][1], items[last + 1][0]):
                last += 1
            yield items[first][0], items[last][1]  # as far as the list goes: a part of one is never meant
    else:
        wanted = _WANTED.get(parameter.kind, ())
        for mention in find_mentions(text):
            if mention.kind in wanted:
                other = other_unit(text, mention.end, parameter.measure) if parameter.measure else None
                yield mention.start, other or mention.end
        if parameter.kind in {"number", "integer"}:
            yield from _date_parts(parameter, text)
            formulas = [mention for mention in find_mentions(text) if mention.kind == "expression"]
            yield from (m.span() for f in formulas for m in _SIGNED.finditer(text, f.start, f.end))
        if counts_as_fraction(parameter):
            yield from (match.span() for match in _CHANCE.finditer(text))


_DATE_PARTS = {"year": re.compile(r"\b\d{4}\b"), "day": re.compile(r"\b\d{1,2}(?=\b|st|nd|rd|th)")}


def _date_parts(parameter: Parameter, text: str) -> Iterator[tuple[int, int]]:
    """The year or the day of a date in words, for a parameter that is called so."""
    pattern = _DATE_PARTS.get(re.split(r"[_.]", parameter.name.lower())[-1])
    if pattern is None:
        return
    for mention in find_mentions(text):
        if mention.kind == "date" and re.search(r"[a-z]{3}", text[mention.start : mention.end], re.IGNORECASE):
            yield from (match.span() for match in pattern.finditer(text, mention.start, mention.end))


_SIGNED = re.compile(r"(?<=\w )[-\u2212] \d+(?:\.\d+)?(?= ?=| [-+] |[a-z]|\b)")
_CHANCE = re.compile(
    r"\b(?:one|two|three|four|\d{1,3}) (?:in|out of) (?:every )?(?:[a-z]{3,6}|\d{1,5})\b", re.IGNORECASE
)


def _rows(item: Parameter, text: str) -> Iterator[tuple[int, int]]:
    """Vectors, rows of numbers and single numbers; for lists of lists, vectors and rows of vectors."""
    marks = find_mentions(text)
    vectors = [(m.start, m.end) for m in marks if m.kind == "vector"]
    if item.kind == "list":
        for first, (start, _) in enumerate(vectors):
            last = first
            while last + 1 < len(vectors) and _JOINT.fullmatch(text, vectors[last][1], vectors[last + 1][0]):
                last += 1
            yield start, vectors[last][1]
    yield from vectors
    if item.kind != "list":
        rows = [(m.start, m.end) for m in marks if m.kind == "series"]
        yield from (row for row in rows if not any(a <= row[0] and row[1] <= b for a, b in vectors))
        yield from (
            (m.start, m.end)
            for m in marks
            if m.kind in {"number", "percent"} and not any(a <= m.start and m.end <= b for a, b in (*vectors, *rows))
        )


def _coded(parameter: Parameter, sources: Mapping[str, str]) -> Iterator[Candidate]:
    """Words of the sources in the code that the description of a text asks for."""
    about = f"{parameter.name} {parameter.description}".lower()
    kind: MentionKind
    if "currency" in about and re.search(r"\bcode\b|\biso\b|'(?:usd|eur)'|e\.g\.,? (?:usd|eur)", about):
        kind, rule = "currency", "currency_code"
    elif "python" in about or "lambda" in about or "**" in about:
        kind, rule = "expression", "python_lambda" if "lambda" in about else "python_formula"
    else:
        return
    for source, text in sources.items():
        for mention in find_mentions(text):
            value = CODES[rule](text[mention.start : mention.end]) if mention.kind == kind else None
            if value is not None and parameter.accepts(value):
                yield Candidate(source, mention.start, mention.end, rule, value)


def _flags(parameter: Parameter, source: str, text: str) -> Iterator[Candidate]:
    name = re.sub(r"([a-z])([A-Z])", r"\1 \2", parameter.name).replace("_", " ").lower()
    words = [word for word in re.sub(r"^(is|has|include|with|use|enable)\s", "", name).split() if len(word) > 2]
    for match in re.finditer("|".join(rf"\b{re.escape(word)}\w*" for word in words) or r"(?!)", text.lower()):
        negated = _NOT.search(text[: match.start()].lower())
        yield Candidate(source, *match.span(), "flag_negated" if negated else "flag_named", not negated)


_YEARLESS = re.compile(r"(?:\s*[-\u2013]\s*|\s+(?:to|until|till|through|and|or)\s+)(?:the\s+)?")
_OF_YEAR = "written_date of "


def _dated_candidates(parameter: Parameter, source: str, text: str) -> Iterator[Candidate]:
    """Dates that share the year of the next one: `from March 5 to March 9, 2024`."""
    marks = [mention for mention in find_mentions(text) if mention.kind == "date"]
    for one, two in pairwise(marks):
        year = re.search(r"\b\d{4}$", text[two.start : two.end])
        if year and _YEARLESS.fullmatch(text, one.end, two.start):
            rule = f"{_OF_YEAR}{year[0]}" + (f" as {parameter.form}" if parameter.form else "")
            evidence = Evidence(
                source=source, start=one.start, end=one.end, text=text[one.start : one.end], normaliser=rule
            )
            value = _dated(evidence, {source: text})
            if value is not None and parameter.accepts(value):
                yield Candidate(source, one.start, one.end, rule, value)


def _dated(evidence: Evidence, sources: Mapping[str, str]) -> Any:
    """A date without a year in the year that its rule names, if that year stands behind it."""
    year, _, form = (evidence.normaliser or "").removeprefix(_OF_YEAR).partition(" as ")
    if not re.search(rf"\b{re.escape(year)}\b", sources[evidence.source][evidence.end : evidence.end + 60]):
        return None
    value = RULES["written_date"](f"{evidence.text} {year}", None)
    return written_as(value, form) if form and isinstance(value, str) else value


def typed_candidates(parameter: Parameter, sources: Mapping[str, str], today: str | None) -> list[Candidate]:
    """Every span of the sources that reads as a value of a typed parameter, whole sources included.

    Text parameters have few, those that are codes for words: any span may be their value, so the model points.
    """
    found: dict[tuple[str, int, int], Candidate] = {}
    if parameter.kind == "unsupported":
        return []
    if parameter.kind == "text":
        return list(_coded(parameter, sources))
    chance = parameter.kind == "number" and is_chance(parameter)
    for source, text in sources.items():
        spans = [*_spans(parameter, text)]
        if source != "request" and len(text) <= 400:
            spans.append(whole_span(text))
        for start, end in spans:
            value = read_value(parameter, text[start:end], today)
            if value is not None and not (chance and value[1] > 1):
                found[source, start, end] = Candidate(source, start, end, *value)
        if parameter.kind == "date":
            for candidate in _dated_candidates(parameter, source, text):
                found[source, candidate.start, candidate.end] = candidate
        if parameter.kind == "flag":
            for candidate in _flags(parameter, source, text):
                found.setdefault((source, candidate.start, candidate.end), candidate)
    if parameter.kind in {"number", "integer"}:
        # `5` of `5%`, and `2` of `2 hours` for a parameter in minutes, are no values of their own
        known = list(found)
        for name, left, right in known:
            if any(s == name and a <= left and right <= b and (a, b) != (left, right) for s, a, b in known):
                del found[name, left, right]
    return sorted(found.values(), key=lambda c: (list(sources).index(c.source), c.start, c.end))
