"""Where the value of an argument stands in what the model read: what an edit teaches a model that only points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from interlock.lam.candidates import read_value, typed_candidates, whole_span
from interlock.lam.examples import Span
from interlock.lam.parameters import Parameter
from interlock.lam.protocol import Observation


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same argument: amounts may be written as `120`, `120.0` and `"120.00"`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if one == other:
        return True
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def place_of(
    parameter: Parameter, value: Any, observation: Observation, taken: Sequence[Span] = ()
) -> Span | None:  # fmt: skip
    """The span of the context that reads as `value`, by the rules of decoding; `None` where none does.

    Of several, the first one that no other argument has taken.
    """
    spans = list(dict.fromkeys(_places(parameter, value, observation)))
    free = [span for span in spans if not any(_overlap(span, other) for other in taken)]
    return next(iter(free or spans), None)


def _overlap(one: Span, other: Span) -> bool:
    return one.source == other.source and one.start < other.end and other.start < one.end


def _places(parameter: Parameter, value: Any, observation: Observation) -> Iterator[Span]:
    sources, today = observation.sources, observation.today
    for candidate in typed_candidates(parameter, sources, today):
        if alike(candidate.value, value):
            yield _span(sources, candidate.source, candidate.start, candidate.end)
    for source, text in sources.items():
        for start, end in _literal(parameter, value, text):
            read = read_value(parameter, text[start:end], today)
            if read is not None and alike(read[1], value):
                yield _span(sources, source, start, end)


def _literal(parameter: Parameter, value: Any, text: str) -> Iterator[tuple[int, int]]:
    """Where a text stands word for word, or a list from its first item to its last."""
    if parameter.kind == "list" and isinstance(value, list) and value:
        for start, _ in _stands(value[0], text):
            yield from ((start, end) for _, end in _stands(value[-1], text) if end > start)
    elif isinstance(value, str):
        yield from _stands(value, text)


def _stands(value: Any, text: str) -> Iterator[tuple[int, int]]:
    plain = str(value)
    if plain.strip():
        yield from (match.span() for match in re.finditer(rf"(?<!\w){re.escape(plain)}(?!\w)", text))


def _span(sources: Mapping[str, str], source: str, start: int, end: int) -> Span:
    return Span(source, start, end, whole=source != "request" and whole_span(sources[source]) == (start, end))
