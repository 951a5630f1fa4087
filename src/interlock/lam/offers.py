"""What could fill each parameter: candidates with their gains over leaving the parameter out."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from interlock.lam.candidates import MEANS, Candidate, read_value, typed_candidates
from interlock.lam.context import Context
from interlock.lam.decoding import ParameterScores, ToolScores
from interlock.lam.labels import labelled, misshapen
from interlock.lam.mentions import Mention, MentionKind, find_mentions
from interlock.lam.parameters import Parameter
from interlock.lam.phrases import phrase, without_stop
from interlock.lam.protocol import Observation

STARTS, ENDS = 6, 4
"""How many first tokens of a free text are tried, and how many last ones for each."""
LITERAL = 1.0
"""What an option or flag gains when the text names it."""
LABELLED, MISSHAPEN = 1.5, 3.0
"""What a span gains beside a word of its parameter's name, and what a text loses that cannot be what that name says."""
ALIKE = 0.5
"""What an option gains that abbreviates the words it would be meant by."""
CUT_NAME = 1.0
"""What a text loses that ends or begins inside a name."""
LEAST_END = -2.0
"""Where the pointer ends matters this much at most for a typed mention: its edges are its own."""
FARTHEST = 6.0
"""How far below its best token the first one of a mention counts at most."""
_EDGED: frozenset[MentionKind] = frozenset(
    {"quoted", "name", "place", "id", "url", "email", "phone", "expression", "date", "time"}
)
Spot = tuple[str, int, int]
"""Source, first character, character after the last."""


@dataclass(frozen=True)
class Offer:
    """One candidate of a parameter."""

    candidate: Candidate
    gain: float
    """Logit over that of leaving the parameter out: above 0, it is worth taking."""
    log_end: float = 0.0
    """Log-probability of where it ends, for free texts."""
    meant: bool = False
    """Whether it is a declared value that no words name: its span only shows what was read."""


def spot_of(offer: Offer) -> Spot:
    return offer.candidate.source, offer.candidate.start, offer.candidate.end


class Places:
    """One context with its mentions, for looking up many spans quickly."""

    def __init__(self, context: Context, observation: Observation) -> None:
        self.context, self.observation = context, observation
        self._rows: dict[str, tuple[list[int], list[int], list[int]]] = {}
        for token, name in enumerate(context.source):
            if name is not None:
                starts, ends, tokens = self._rows.setdefault(name, ([], [], []))
                starts.append(context.starts[token])
                ends.append(context.ends[token])
                tokens.append(token)

    @cached_property
    def first(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.asarray(self.context.first, dtype=bool)

    @cached_property
    def last(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.asarray(self.context.last, dtype=bool)

    def tokens_of(self, source: str, start: int, end: int) -> tuple[int, int] | None:
        """First and last token of a span of characters; `None` when it is beyond the row."""
        starts, ends, tokens = self._rows.get(source, ([], [], []))
        first, after = bisect_right(ends, start), bisect_left(starts, end)
        return (tokens[first], tokens[after - 1]) if first < after else None

    @cached_property
    def edged(self) -> list[tuple[Mention, str, int, int]]:
        """Mentions whose edges are their own, with their source and tokens."""
        found: list[tuple[Mention, str, int, int]] = []
        for source, text in self.context.sources.items():
            for mention in find_mentions(text) if len(text) < 4000 else ():
                tokens = self.tokens_of(source, mention.start, mention.end) if mention.kind in _EDGED else None
                if tokens:
                    found.append((mention, source, *tokens))
        return found

    def keeps_quotes(self, spot: Spot) -> bool:
        """Whether a span takes quotations whole: it neither cuts one nor is the beginning of one."""
        source, left, right = spot
        for mention, name, _, _ in self.edged:
            if mention.kind == "quoted" and name == source:
                inside = mention.start <= left < mention.end, mention.start < right <= mention.end
                if inside[0] != inside[1] or (left == mention.start and right < mention.end):
                    return False
        return True

    def cuts_name(self, spot: Spot) -> bool:
        source, left, right = spot
        return any(
            mention.kind in {"name", "id", "url", "phone"}
            and name == source
            and mention.start < right
            and left < mention.end
            and (mention.start < left or right < mention.end)
            for mention, name, _, _ in self.edged
        )


def offers_of(tool: ToolScores, number: int, places: Places, value: Any = None) -> list[Offer]:
    """What could fill parameter `number` of a tool.

    Args:
        value: a text that must be among them if it stands in the context.
    """
    parameter, scores = tool.parameters[number], tool.scores[number]
    item = parameter.item
    if parameter.kind == "text" or (parameter.kind == "list" and item and item.kind == "text"):
        coded = list(_typed(tool, number, places)) if parameter.kind == "text" else []
        if coded and value is None:
            return coded
        return coded + [offer for offer in _pointed(tool, number, places, value) if not clashes(offer, coded)]
    if parameter.kind in {"option", "flag"}:
        return _declared(parameter, scores, places)
    return list(_typed(tool, number, places))


def clashes(offer: Offer, others: Sequence[Offer]) -> bool:
    """Whether another offer has the same span."""
    spot = offer.candidate.source, offer.candidate.start, offer.candidate.end
    return any((o.candidate.source, o.candidate.start, o.candidate.end) == spot for o in others)


def _beside(parameter: Parameter, places: Places, spot: Spot) -> float:
    """What a span gains by the parameter's name beside it, or loses by its shape."""
    source, left, right = spot
    text = places.context.sources[source]
    lost = MISSHAPEN if parameter.kind == "text" and misshapen(parameter, text[left:right]) else 0.0
    return LABELLED * labelled(parameter, text, left, right) - lost


def _typed(tool: ToolScores, number: int, places: Places) -> Iterator[Offer]:
    """Candidates of a typed parameter: the pointer may land anywhere inside one."""
    parameter, scores, context = tool.parameters[number], tool.scores[number], places.context
    spans: list[tuple[Candidate, int, int]] = []
    for candidate in typed_candidates(parameter, context.sources, places.observation.today):
        tokens = places.tokens_of(candidate.source, candidate.start, candidate.end)
        if tokens:
            spans.append((candidate, *tokens))
        marker = context.markers.get(candidate.source)
        whole = (candidate.source, candidate.start, candidate.end)
        if marker is not None and context.characters_of(marker, marker) == whole:
            spans.append((candidate, marker, marker))
    if not spans:
        return
    start = scores.start
    peaks = [max(range(first, last + 1), key=lambda token: start[token]) for _, first, last in spans]
    firsts = sorted({first for _, first, _ in spans})
    ends = dict(zip(firsts, tool.ends(number, firsts), strict=True))
    best: dict[Spot, Offer] = {}
    for (candidate, first, last), peak in zip(spans, peaks, strict=True):
        log_end = float(ends[first][last])
        spot = candidate.source, candidate.start, candidate.end
        gain = float(start[peak]) - scores.null + max(log_end, LEAST_END) + _beside(parameter, places, spot)
        if spot not in best or best[spot].gain < gain:
            best[spot] = Offer(candidate, gain)
    yield from best.values()


def _declared(parameter: Parameter, scores: ParameterScores, places: Places) -> list[Offer]:
    """Declared options, or true and false: by the words that name them, else by their own scores."""
    context = places.context
    values: Sequence[Any] = parameter.options if parameter.kind == "option" else (False, True)
    logits = scores.options if parameter.kind == "option" else scores.flag
    own = {repr(value): float(logit) for value, logit in zip(values, logits, strict=False)}
    found: list[Offer] = []
    named: set[int] = set()
    for candidate in typed_candidates(parameter, context.sources, places.observation.today):
        tokens = places.tokens_of(candidate.source, candidate.start, candidate.end)
        if tokens:
            named |= set(range(tokens[0], tokens[1] + 1))
            pointed = max(float(scores.start[token]) for token in range(tokens[0], tokens[1] + 1))
            logit = max(pointed, own.get(repr(candidate.value), -math.inf))
            found.append(Offer(candidate, logit - scores.null + LITERAL))
    for spot in _shown(scores, places, named) if own else ():
        words = context.sources[spot[0]][spot[1] : spot[2]]
        for value in values:
            gain = own[repr(value)] - scores.null + ALIKE * abbreviates(str(value), words)
            found.append(Offer(Candidate(*spot, f"{MEANS}{value}", value), gain, meant=True))
    return found


def abbreviates(short: str, words: str) -> bool:
    """Whether an option is an abbreviation of the words: `TB` of `terabytes`."""
    letters = iter(words.lower())
    return short[:1].lower() == words[:1].lower() and all(letter in letters for letter in short.lower())


def _shown(scores: ParameterScores, places: Places, named: set[int]) -> list[Spot]:
    """The words that the pointer of a parameter lands on, its best one first; those of `named` only without others."""
    context = places.context
    inside = np.asarray([name is not None for name in context.source])
    start = np.where(inside, np.asarray(scores.start, dtype=float), -np.inf)
    above = [
        t for t in np.argsort(-start)[:STARTS].tolist() if start[t] > scores.null and not named & {t, t + 1, t + 2}
    ]
    found: list[Spot] = []
    for token in above or ([int(start.argmax())] if inside.any() else []):
        first = last = token
        while not places.first[first] and context.source[first - 1] == context.source[token]:
            first -= 1
        while not places.last[last] and last + 1 < len(start) and context.source[last + 1] == context.source[token]:
            last += 1
        spot = context.characters_of(first, last)
        if spot and spot not in found:
            found.append(spot)
    return found


def _pointed(tool: ToolScores, number: int, places: Places, value: Any) -> Iterator[Offer]:
    """Free texts: the likeliest starts with their likeliest ends, mentions they fall in, and `value`."""
    parameter, scores, context = tool.parameters[number], tool.scores[number], places.context
    start = np.where(places.first, np.asarray(scores.start, dtype=float), -np.inf)
    order = np.argsort(-start)[: 2 * STARTS].tolist()
    likely = [
        t for place, t in enumerate(order) if math.isfinite(start[t]) and (place < STARTS or start[t] > scores.null)
    ]
    peaks: dict[tuple[int, int], int] = {}  # tokens of a span to the token whose start counts
    edges: set[tuple[int, int]] = set()  # spans that end where they must, wherever the pointer stops
    for mention, _, first, last in places.edged:
        peak = max(range(first, last + 1), key=lambda token: start[token])
        if peak in likely or mention.kind == "quoted":
            peaks[first, last] = peak
            if mention.kind == "quoted":
                edges.add((first, last))
    if isinstance(value, str) and value:
        for source, text in context.sources.items():
            at = text.find(value)
            while at >= 0:
                tokens = places.tokens_of(source, at, at + len(value))
                if tokens:
                    peaks.setdefault(tokens, tokens[0])
                at = text.find(value, at + 1)
        for marker in context.markers.values():
            peaks.setdefault((marker, marker), marker)
    firsts = sorted({*likely, *(first for first, _ in peaks)})
    rows = np.asarray(tool.ends(number, firsts), dtype=float) if firsts else np.zeros((0, len(start)))
    ends = dict(zip(firsts, np.where(places.last, rows, -np.inf), strict=True))
    for first in likely:
        row = ends[first].copy()
        row[:first] = -np.inf
        for last in np.argsort(-row)[:ENDS].tolist():
            if math.isfinite(row[last]):
                peaks.setdefault((first, last), first)
    best: dict[Spot, Offer] = {}
    for (first, last), peak in sorted(peaks.items()):
        spot = _trimmed(context, first, last, whole=(first, last) in edges)
        if spot is None or not places.keeps_quotes(spot):
            continue
        source, left, right = spot
        found = read_value(parameter, context.sources[source][left:right], places.observation.today)
        if found is None:
            continue
        row = ends[first]
        top = float(row[first:].max())
        log_end = float(row[first : last + 1].max() if (first, last) in edges else row[last])
        peaked = float(start[peak])
        if (first, last) not in edges:  # a mention that the pointer lands in the middle of
            peaked = (peaked + max(float(start[first]), peaked - FARTHEST)) / 2
        gain = peaked - scores.null + log_end - top - CUT_NAME * places.cuts_name(spot)
        gain += _beside(parameter, places, spot)
        if math.isfinite(gain) and (spot not in best or best[spot].gain < gain):
            best[spot] = Offer(Candidate(source, left, right, *found), gain, log_end)
    yield from best.values()


def _trimmed(context: Context, first: int, last: int, *, whole: bool) -> Spot | None:
    span = context.characters_of(first, last)
    if span is None or whole or (first == last and first in context.markers.values()):
        return span
    source, left, right = span
    text = context.sources[source]
    left, right = phrase(text, left, without_stop(text, left, right))
    return source, left, right
