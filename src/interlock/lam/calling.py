"""As many calls as a request asks for: the values of each parameter, grouped by where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.lam.again import same_call, same_thing
from interlock.lam.assignment import assign
from interlock.lam.clauses import Clauses, clauses, speaks_of_all
from interlock.lam.decoding import Filled, ToolScores
from interlock.lam.filling import all_offers, choose, completed
from interlock.lam.neighbours import with_neighbours
from interlock.lam.offers import Offer, Places, Spot, spot_of
from interlock.lam.strophes import strophes

MOST = 8
"""Calls of one tool in one request."""
MARGIN = 0.5
"""How far above `null` a value must be to speak for a further call."""
UNEVEN, ABSENT = 0.5, 4.0
"""What a number of calls loses for each required value that is short or shared, and for each that no call has."""
RIVAL = 3.0
"""How much better another tool must want a span for it to be no further value of this one."""
CALLS, WHOLE = 1.5, 0.5
"""What several calls lose against one, and what each further one gains where all parameters have as many values."""
COMPLETE = -1.0
"""Mean gain from which on the required values of one clause are a call of their own."""
LOWEST = -1.0
"""How far below `null` a further value may be where another of its parameter is above."""
TURN = 0.2
"""What a value gains for a parameter whose turn it is, where several parameters want the same spans: `12 and 18`."""
_CUES = re.compile(
    r"\b(?:respectively|as well as|also|and then|after that|followed by|in addition|additionally|furthermore|both|each"
    r"|then|another|secondly?|lastly|finally|plus|separately|for each|one for|the other|versus|vs)\b"
    r"|;|\n\s*(?:\d[.)]|[-*•])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Made:
    """One call of one of several tools."""

    tool: int
    filled: Filled

    @property
    def begin(self) -> tuple[int, int]:
        """Where its values stand: the mean place of their first characters, then the tool."""
        starts = [candidate.start for candidate in self.filled.chosen.values() if candidate.source == "request"]
        return (sum(starts) // len(starts) if starts else 0, self.tool)


def several_hint(text: str) -> float:
    """How much a request reads like several, from 0 to 1: its sentences, its cues, its enumerations."""
    sentences = len(re.findall(r"[.!?](?:\s|$)", text)) or 1
    cues = len(_CUES.findall(text)) + text.count(" and ") / 2 + text.count("?") / 2
    return min(1.0, 0.15 * (sentences - 1) + 0.25 * cues)


def decode(tools: Sequence[ToolScores], places: Places, most: int = MOST) -> list[Made]:
    """The calls of all the tools that fit, in reading order.

    A span that one tool wants much more than another is no further value of the other.
    """
    offers = [all_offers(tool, places) for tool in tools]
    wanted: list[dict[Spot, float]] = []
    for rows in offers:
        best: dict[Spot, float] = {}
        for row in rows:
            for offer in row:
                spot = spot_of(offer)
                best[spot] = max(offer.gain, best.get(spot, offer.gain))
        wanted.append(best)
    made: list[Made] = []
    for number, tool in enumerate(tools):
        rivals: dict[Spot, float] = {}
        for other, best in enumerate(wanted):
            for spot, gain in best.items() if other != number else ():
                rivals[spot] = max(gain, rivals.get(spot, gain))
        made += [Made(number, filled) for filled in _calls(tool, places, offers[number], most, rivals)]
    return sorted(made, key=lambda call: call.begin)


def calls_of(tool: ToolScores, places: Places, most: int = MOST) -> list[Filled]:
    """The calls of one tool, at least one, in reading order."""
    return _calls(tool, places, all_offers(tool, places), most, {})


def _calls(
    tool: ToolScores, places: Places, offers: list[list[Offer]], most: int, rivals: Mapping[Spot, float]
) -> list[Filled]:
    """The different calls of one tool: those of each part of the request that is whole, or of all of it."""
    parts = _apart(tool, offers, rivals, places.context.sources.get("request", "")) if most > 1 else []
    made: list[Filled] = []
    for inside in parts or [offers]:
        for filled in _calls_within(tool, places, inside, most, rivals):
            if not any(same_call(filled.arguments, other.arguments) for other in made):
                made.append(filled)
    return made[:most]


def _calls_within(
    tool: ToolScores, places: Places, offers: list[list[Offer]], most: int, rivals: Mapping[Spot, float]
) -> list[Filled]:
    single = choose(tool, offers)
    text = places.context.sources.get("request", "")
    values = _values(tool, offers, most, rivals, single, text) if most > 1 else []
    turns = strophes(tool, offers, single, rivals, places, most) if most > 1 else {}
    if turns:
        used = {spot_of(offer) for row in turns.values() for offer in row}
        values = [turns.get(n) or [o for o in row if spot_of(o) not in used] for n, row in enumerate(values)]
    count = max([1, *(len(_once(row)) for row in values)])
    if count < 2:
        return [completed(tool, places, offers, single)]
    return [completed(tool, places, offers, picked) for picked in _grouped(tool, values, count, single, text)]


def _apart(
    tool: ToolScores, offers: list[list[Offer]], rivals: Mapping[Spot, float], text: str
) -> list[list[list[Offer]]]:
    """The offers of each part of a request that holds all a call needs, where several parts do.

    A clause that does not belongs to the one before it; it belongs to all where none is, or where it says so.
    """
    own: list[list[tuple[int, int]]] = []
    shared: list[tuple[int, int]] = []
    parts = clauses(text)
    for clause in parts if len(parts) > 1 else ():
        if _complete(tool, choose(tool, [_within(row, [clause], rivals) for row in offers])):
            own.append([clause])
        elif not own or speaks_of_all(text[slice(*clause)]):
            shared.append(clause)
        else:
            own[-1].append(clause)
    if len(own) < 2:
        return []
    return [[_within(row, [*part, *shared], rivals) for row in offers] for part in own]


def _within(row: Sequence[Offer], parts: Sequence[tuple[int, int]], rivals: Mapping[Spot, float]) -> list[Offer]:
    """The offers of parts of the request, and those of other sources; none that another tool wants more."""
    return [
        o
        for o in row
        if o.candidate.source != "request"
        or (
            any(start <= o.candidate.start and o.candidate.end <= end for start, end in parts)
            and rivals.get(spot_of(o), o.gain) <= o.gain
        )
    ]


def _complete(tool: ToolScores, single: Mapping[int, Offer]) -> bool:
    """Whether all that a call needs is there, and is likely to be meant."""
    needed = [n for n, parameter in enumerate(tool.parameters) if parameter.required]
    if any(n not in single for n in needed):
        return False
    here = [single[n].gain for n in needed if single[n].candidate.source == "request"]
    return bool(here) and sum(here) / len(here) >= COMPLETE


def _values(
    tool: ToolScores,
    offers: list[list[Offer]],
    most: int,
    rivals: Mapping[Spot, float],
    single: Mapping[int, Offer],
    text: str,
) -> list[list[Offer]]:
    """For each parameter its values in reading order, as many as make the best number of calls."""
    pools: list[list[Offer]] = []
    lists = [o for p, row in zip(tool.parameters, offers, strict=True) if p.kind == "list" for o in row if o.gain > 0]
    for parameter, row in zip(tool.parameters, offers, strict=True):
        here = [offer for offer in row if offer.candidate.source == "request"]
        best = max((offer.gain for offer in here), default=0.0)
        free = [
            offer for offer in here if offer.gain == best or offer.gain > rivals.get(spot_of(offer), offer.gain) - RIVAL
        ]
        if parameter.kind not in {"option", "flag"}:
            free = with_neighbours(parameter, free, text, lists)
        pools.append([offer for offer in free if offer.gain > (LOWEST if best > MARGIN else MARGIN)])
    best_values: list[list[Offer]] = [[] for _ in pools]
    best_total = float("-inf")
    different = [_once(sorted(pool, key=lambda offer: -offer.gain)) for pool in pools]
    for count in range(1, min(most, max([0, *map(len, different)])) + 1):
        for pool in (different, pools) if pools != different else (pools,):
            values = _assigned(tool, pool, count)
            once = [_once(row) for row in values]
            if max(map(len, once)) < count:
                continue
            total = sum(offer.gain for row in once for offer in row) - (CALLS if count > 1 else 0.0)
            total += WHOLE * (count - 1) * all(len(row) in {0, 1, count} for row in values)
            used = {spot_of(offer) for row in values for offer in row}
            for number, (parameter, row) in enumerate(zip(tool.parameters, values, strict=True)):
                short = count - len(row)
                if parameter.required and short:
                    stolen = not row and number in single and spot_of(single[number]) in used
                    total -= ABSENT * count if stolen else UNEVEN * (1 if len(row) < 2 else short)
                elif short == 0 and len(once[number]) < count:
                    total += UNEVEN / 2  # a value said again for each call
            if total > best_total:
                best_values, best_total = values, total
    return best_values


def _assigned(tool: ToolScores, pools: Sequence[Sequence[Offer]], count: int) -> list[list[Offer]]:
    """Up to `count` values for each parameter, options and flags apart from copied spans."""
    values: list[list[Offer]] = [[] for _ in pools]
    for declared in (False, True):
        rows = [n for n, p in enumerate(tool.parameters) if (p.kind in {"option", "flag"}) == declared and pools[n]]
        spots = {n: {spot_of(offer) for offer in pools[n]} for n in rows}
        weighed = []
        for n in rows:
            rivals = [other for other in rows if spots[other] & spots[n]]
            ranks = {spot: rank for rank, spot in enumerate(sorted(set().union(*(spots[other] for other in rivals))))}
            turn = rivals.index(n)
            weighed.append([(o.candidate, o.gain + TURN * (ranks[spot_of(o)] % len(rivals) == turn)) for o in pools[n]])
        for n, taken in zip(rows, assign(weighed, count), strict=True):
            found = sorted((pools[n][place] for place in taken), key=lambda offer: offer.candidate.start)
            values[n] = found
    return values


def _once(offers: Sequence[Offer]) -> list[Offer]:
    """Offers without those that repeat a value."""
    kept: list[Offer] = []
    for offer in offers:
        if not any(same_thing(offer.candidate.value, other.candidate.value) for other in kept):
            kept.append(offer)
    return kept


def _grouped(
    tool: ToolScores, values: Sequence[Sequence[Offer]], count: int, single: Mapping[int, Offer], text: str
) -> list[dict[int, Offer]]:
    """One choice of offers for each call: equal numbers in reading order, others by the clauses they stand in."""
    full = [n for n, row in enumerate(values) if len(_once(row)) == count]
    anchor = next((n for n in full if tool.parameters[n].required), full[0])
    clauses = Clauses(text, [offer.candidate.start for offer in values[anchor]])
    calls: list[dict[int, Offer]] = [{} for _ in range(count)]
    for n, row in enumerate(values):
        if len(row) == count:
            for call, offer in zip(calls, row, strict=True):
                call[n] = offer
            continue
        placed = row or ([single[n]] if n in single and single[n].candidate.source == "request" else [])
        for offer in sorted(placed, key=lambda offer: offer.gain):
            for number in clauses.of(offer.candidate.start, alone=len(placed) == 1):
                calls[number][n] = offer
        rest = min(placed, key=lambda offer: offer.candidate.start, default=single.get(n))
        for number, call in enumerate(calls):
            if n not in call and rest is not None and (tool.parameters[n].required or not placed):
                call[n] = min(placed, key=lambda o: abs(o.candidate.start - clauses.anchors[number]), default=rest)
    return calls
