"""What a calibrator looks at: numbers about a whole decision, none of which is itself a probability of being right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from interlock.lam.candidates import MEANS, Candidate
from interlock.lam.mentions import MentionKind, find_mentions
from interlock.lam.parameters import Parameter

if TYPE_CHECKING:  # torch takes seconds to import, and the arithmetic of confidence needs none of it
    from interlock.lam.calling import Made
    from interlock.lam.reader import Reading

TOLD: frozenset[MentionKind] = frozenset(
    {"number", "percent", "quoted", "name", "place", "date", "time", "duration", "email", "id", "url", "phone"}
)
"""Mentions that people seldom write without wanting them used."""
_STOP = frozenset("a an and by for from get in is of on or the to with set find make do".split())  # noqa: SIM905  # a list of words reads best as text
LEAST, MOST = -8.0, 8.0
"""Log-odds beyond these say no more."""


@dataclass(frozen=True)
class Signals:
    """What is known about the calls of one decision, each number between about -8 and 8."""

    margin: float
    """Log-odds of the least fitting chosen tool over the best that was left out, none included."""
    fits: float
    """Its log-odds against none."""
    weakest: float
    """Log-odds of the least probable argument."""
    together: float
    """Natural log of the probability of all arguments, were they independent."""
    tools: float
    """Natural log of one more than the tools there were."""
    calls: float
    """Natural log of the number of calls."""
    arguments: float
    """How many arguments were chosen, square root."""
    texts: float
    """Those that are free texts, whose edges nothing but the pointer sets, square root."""
    left_out: float
    """Optional arguments that were left out, square root."""
    meant: float
    """Share of the arguments that are declared values which no words name."""
    unread: float
    """Numbers, quotations, names, dates and the like of the request that no argument uses, square root."""
    lexical: float
    """Share of the words of the tools' names that stand in the request, by their stems."""
    length: float
    """Natural log of one more than the words of the request."""

    def row(self) -> list[float]:
        """As a row of a matrix, in the order of `NAMES`."""
        return [float(value) for value in astuple(self)]


NAMES = tuple(field.name for field in fields(Signals))
"""The signals in the order of a row."""


def log_odds(probability: float) -> float:
    """Within `LEAST` and `MOST`."""
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return min(MOST, max(LEAST, math.log(inside / (1 - inside))))


def read_signals(reading: Reading, made: Sequence[Made]) -> Signals:
    """The signals of the calls that a model would make, at least one."""
    chosen = {call.tool for call in made}
    fits = min(reading.tools[place].fits for place in chosen)
    others = [tool.fits for place, tool in reading.tools.items() if place not in chosen]
    confidences = [value for call in made for value in call.filled.confidence.values()]
    picked = [candidate for call in made for candidate in call.filled.chosen.values()]
    known = {place: {p.name: p for p in reading.tools[place].parameters} for place in chosen}
    texts = sum(_is_text(known[call.tool][name]) for call in made for name in call.filled.chosen)
    left_out = sum(len(known[call.tool].keys() - call.filled.arguments.keys()) for call in made)
    request = reading.observation.sources.get("request", "")
    names = [reading.tools[place].schema.name for place in sorted(chosen)]
    return Signals(
        margin=_within(fits - max([0.0, *others])),
        fits=_within(fits),
        weakest=log_odds(min(confidences, default=1.0)),
        together=_within(sum(math.log(max(value, 1e-9)) for value in confidences)),
        tools=math.log(1 + len(reading.glance)),
        calls=math.log(len(made)),
        arguments=math.sqrt(len(picked)),
        texts=math.sqrt(texts),
        left_out=math.sqrt(left_out),
        meant=sum(candidate.normaliser.startswith(MEANS) for candidate in picked) / max(1, len(picked)),
        unread=math.sqrt(unread(request, picked)),
        lexical=min(lexical(name, request) for name in names),
        length=math.log(1 + len(request.split())),
    )


def _within(value: float) -> float:
    return min(MOST, max(LEAST, value))


def _is_text(parameter: Parameter) -> bool:
    kind = parameter.item.kind if parameter.kind == "list" and parameter.item else parameter.kind
    return kind == "text"


def unread(request: str, picked: Sequence[Candidate]) -> int:
    """How many of what a request tells no argument uses."""
    taken = [(c.start, c.end) for c in picked if c.source == "request" and not c.normaliser.startswith(MEANS)]
    told = [(m.start, m.end) for m in find_mentions(request) if m.kind in TOLD] if len(request) < 4000 else []
    outer = [span for span in set(told) if not any(_holds(other, span) for other in told)]
    return sum(not any(start < end_ and start_ < end for start_, end_ in taken) for start, end in outer)


def _holds(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1]


def lexical(name: str, request: str) -> float:
    """Share of the words of a tool's name that a request has too, by their stems; 0 for a name without any."""
    words = _stems(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name))
    return len(words & _stems(request)) / len(words) if words else 0.0


def _stems(text: str) -> frozenset[str]:
    found = (word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _STOP)
    return frozenset(re.sub(r"(?:ations?|ates?|ings?|ed|es|s|e)$", "", word) for word in found)


def numbers(signals: Signals) -> Mapping[str, float]:
    """By name, for people to read."""
    return dict(zip(NAMES, signals.row(), strict=True))
