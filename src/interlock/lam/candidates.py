"""Candidate values of a parameter: every one is a span of a source and a named rule that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from interlock.lam.mentions import CURRENCIES, MentionKind, find_mentions
from interlock.lam.normalisers import DATES, NUMBERS, RULES, TIMES, first_rule
from interlock.lam.parameters import Parameter
from interlock.lam.protocol import Evidence

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
    return re.compile(rf"(?<![^\W\d_])(?:{body})(?![^\W\d_])", re.IGNORECASE)


def option_of(text: str, options: tuple[Any, ...]) -> Any:
    """The only option that `text` is a name of, else `None`."""
    found = [option for option in options if _forms(str(option)).fullmatch(text)]
    exact = [option for option in found if str(option) == text]
    return (exact or found)[0] if len(exact or found) == 1 else None


def _number_rules(parameter: Parameter) -> tuple[str, ...]:
    fraction = re.search(r"\b(fraction|decimal|0 to 1|between 0 and 1)\b", parameter.description.lower())
    return (*NUMBERS, "percent_as_fraction" if fraction else "percent")


def read_value(parameter: Parameter, text: str, today: str | None) -> tuple[str, Any] | None:
    """The rule that reads the whole of `text` as a value of `parameter`, with the value; `None` if none does."""
    found: tuple[str, Any] | None = None
    if parameter.kind in {"text", "email"}:
        found = ("verbatim", text) if text else None
    elif parameter.kind == "date":
        found = first_rule(text, DATES, today)
    elif parameter.kind == "time":
        found = first_rule(text, TIMES, today)
    elif parameter.kind in {"number", "integer"}:
        names = ((f"duration_in_{parameter.unit}",) if parameter.unit else ()) + _number_rules(parameter)
        found = first_rule(text, names, today)
    elif parameter.kind == "option":
        option = option_of(text, parameter.options)
        found = None if option is None else ("option", option)
    elif parameter.kind == "flag":
        found = next((("flag", word in _YES) for word in (*_YES, *_NO) if text.lower() == word), None)
    elif parameter.kind == "list" and parameter.item is not None:
        parts = [part for part in re.split(r"\s*(?:,\s*and\s+|[,;\n]\s*|\s+and\s+|\s+&\s+)", text.strip()) if part]
        if parameter.item.kind == "email":
            parts = [part for piece in parts for part in piece.split()]
        values = [read_value(parameter.item, part, today) for part in parts]
        if values and all(value is not None and parameter.item.accepts(value[1]) for value in values):
            found = ("list", [value[1] for value in values if value])
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
    return RULES[evidence.normaliser](text, today) if evidence.normaliser in RULES else None


_WANTED: dict[str, tuple[MentionKind, ...]] = {
    "email": ("email",), "date": ("date",), "time": ("time",), "number": ("number", "percent", "duration"),
    "integer": ("number", "percent", "duration"),
}  # fmt: skip


def _spans(parameter: Parameter, text: str) -> Iterator[tuple[int, int]]:
    if parameter.kind == "option":
        for option in parameter.options:
            yield from (match.span() for match in _forms(str(option)).finditer(text))
    elif parameter.kind == "list" and parameter.item is not None:
        items = sorted(_spans(parameter.item, text))
        for first in range(len(items)):
            last = first
            while last + 1 < len(items) and _JOINT.fullmatch(text, items[last][1], items[last + 1][0]):
                last += 1
            yield items[first][0], items[last][1]  # as far as the list goes: a part of one is never meant
    else:
        wanted = _WANTED.get(parameter.kind, ())
        yield from ((m.start, m.end) for m in find_mentions(text) if m.kind in wanted)


def _flags(parameter: Parameter, source: str, text: str) -> Iterator[Candidate]:
    name = re.sub(r"([a-z])([A-Z])", r"\1 \2", parameter.name).replace("_", " ").lower()
    words = [word for word in re.sub(r"^(is|has|include|with|use|enable)\s", "", name).split() if len(word) > 2]
    for match in re.finditer("|".join(rf"\b{re.escape(word)}\w*" for word in words) or r"(?!)", text.lower()):
        negated = _NOT.search(text[: match.start()].lower())
        yield Candidate(source, *match.span(), "flag_negated" if negated else "flag_named", not negated)


def typed_candidates(parameter: Parameter, sources: Mapping[str, str], today: str | None) -> list[Candidate]:
    """Every span of the sources that reads as a value of a typed parameter, whole sources included.

    Text parameters have none: any span may be their value, so the model points.
    """
    found: dict[tuple[str, int, int], Candidate] = {}
    if parameter.kind in {"text", "unsupported"}:
        return []
    for source, text in sources.items():
        spans = [*_spans(parameter, text)]
        if source != "request" and len(text) <= 400:
            spans.append(whole_span(text))
        for start, end in spans:
            value = read_value(parameter, text[start:end], today)
            if value is not None:
                found[source, start, end] = Candidate(source, start, end, *value)
        if parameter.kind == "flag":
            for candidate in _flags(parameter, source, text):
                found.setdefault((source, candidate.start, candidate.end), candidate)
    return sorted(found.values(), key=lambda c: (list(sources).index(c.source), c.start, c.end))
