"""Finds where a value stands that a model has written: its evidence, or that there is none.

For models that write instead of pointing.  A value counts as copied when characters of a source are it, or when
one of the named rules reads them as it; `reproduce` computes it again from that evidence alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from interlock.lam.candidates import Candidate, read_value, typed_candidates
from interlock.lam.mentions import find_mentions
from interlock.lam.normalisers import DATES, TIMES, first_rule
from interlock.lam.parameters import Parameter, plain_schema
from interlock.lam.protocol import Evidence, Observation

LONGEST_READ = 20_000
"""Characters of a source that rules look for mentions in; behind them only literal copies are found."""

_UNSPACED = "\u0e00"
"""From here on, scripts that put no spaces between words, so that a word's border cannot be seen."""


def quote(parameter: Parameter, value: Any, observation: Observation) -> Evidence | None:
    """Where `value` stands, the request before other texts; `None` where it stands nowhere as one span."""
    sources = _in_order(observation.sources)
    found: Candidate | None = None
    if parameter.kind == "text":
        found = _literal(value, sources) or _worded(value, sources, observation.today)
    elif parameter.kind == "list":
        found = _typed(parameter, value, sources, observation.today) or _listed(parameter, value, sources, observation)
    elif parameter.kind != "unsupported":
        found = _typed(parameter, value, sources, observation.today) or _literal(value, sources)
    return found.evidence(observation.sources) if found else None


def invented(parameter: Parameter, value: Any, observation: Observation) -> bool:
    """Whether any part of `value` stands nowhere in the context.

    What the schema itself lists is no invention: an option, a constant, the default, true and false.
    """
    if _offered(parameter, value) or quote(parameter, value, observation) is not None:
        return False
    if isinstance(value, list | tuple):
        item = parameter.item or _part(parameter.schema.get("items"))
        return any(invented(item, inner, observation) for inner in value)
    if isinstance(value, Mapping):
        known = parameter.schema.get("properties") or {}
        if any(invented(_ANY, name, observation) for name in value if name not in known):
            return True
        return any(invented(_part(known.get(name)), inner, observation) for name, inner in value.items())
    return True


def _part(schema: Any) -> Parameter:
    """A part of a value as far as its schema tells: what it lists there, and what it is made of."""
    plain = plain_schema(schema, {})
    return replace(_ANY, schema=plain, options=tuple(plain.get("enum") or ()), default=plain.get("default"))


def stands_nowhere(value: Any, observation: Observation) -> bool:
    """Whether a text or number of no known parameter is no text or number of the context."""
    return invented(_ANY, value, observation)


def _offered(parameter: Parameter, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return True
    listed = [*parameter.options, parameter.schema.get("const"), parameter.default]
    return any(_same(value, option) for option in listed)


_ANY = Parameter("value", "", "text", required=False, schema={})
"""A part of a value that has no parameter of its own."""


def _same(one: Any, other: Any) -> bool:
    """Equality that keeps true and 1 apart."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _in_order(sources: Mapping[str, str]) -> dict[str, str]:
    first = {"request": sources["request"]} if "request" in sources else {}
    return {**first, **sources}


def _typed(parameter: Parameter, value: Any, sources: Mapping[str, str], today: str | None) -> Candidate | None:
    short = {name: text[:LONGEST_READ] for name, text in sources.items()}
    return next((each for each in typed_candidates(parameter, short, today) if _same(each.value, value)), None)


def _literal(value: Any, sources: Mapping[str, str]) -> Candidate | None:
    """The first place where the characters of a text stand as whole words."""
    if not isinstance(value, str) or not value.strip():
        return None
    for source, text in sources.items():
        for start in _places(value, text):
            return Candidate(source, start, start + len(value), "verbatim", value)
    return None


def _places(value: str, text: str, after: int = 0, before: int | None = None) -> Iterator[int]:
    at = text.find(value, after, before)
    while at >= 0:
        if not cuts_word(text, at) and not cuts_word(text, at + len(value)):
            yield at
        at = text.find(value, at + 1, before)


def cuts_word(text: str, at: int) -> bool:
    """Whether a border at `at` goes through a word or a number."""
    before, after = text[at - 1 : at] if at else "", text[at : at + 1]
    if before.isalnum() and after.isalnum():
        return before < _UNSPACED and after < _UNSPACED
    number = before.isdigit() and re.match(r"[.,]\d", text[at : at + 2])
    return bool(number or (after.isdigit() and re.fullmatch(r"\d[.,]", text[max(0, at - 2) : at])))


def _worded(value: Any, sources: Mapping[str, str], today: str | None) -> Candidate | None:
    """The mention that a rule reads as the value: a date, a time or a number where the schema says only text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    for source, text in sources.items():
        for mention in find_mentions(text[:LONGEST_READ]):
            rules = {"date": DATES, "time": TIMES}.get(mention.kind) if isinstance(value, str) else _NUMBERS
            found = first_rule(text[mention.start : mention.end], rules, today) if rules else None
            if found and _same(found[1], value):
                return Candidate(source, mention.start, mention.end, *found)
    return None


_NUMBERS = ("number", "thousands", "number_words", "scaled", "percent")


def _listed(parameter: Parameter, value: Any, sources: Mapping[str, str], observation: Observation) -> Candidate | None:
    """The span from a list's first element to its last, where the rule for lists reads it as the whole list."""
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        return None
    for source, whole in sources.items():
        text = whole[:LONGEST_READ]
        for start in _places(value[0], text):
            end = start
            for item in value:
                at = next(_places(item, text, end, end + len(item) + _BETWEEN), -1)
                end = at + len(item) if at >= 0 else -1
                if end < 0:
                    break
            found = read_value(parameter, text[start:end], observation.today) if end > 0 else None
            if found and found[1] == value:
                return Candidate(source, start, end, *found)
    return None


_BETWEEN = 20
"""Characters that may stand between two elements of one list."""
