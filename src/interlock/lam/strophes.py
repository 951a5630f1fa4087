"""Requests that say one thing several times over: `$350,000 at 3.5% for 30 years, $500,000 at 4% for 20 years`.

Values of like form that come round in the same order are a call each, even where the network made little of the
later ones: that they stand there is a matter of form, what they are is still copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

from interlock.lam.candidates import Candidate, read_value
from interlock.lam.decoding import ToolScores
from interlock.lam.mentions import CURRENCIES, Mention, MentionKind, find_mentions
from interlock.lam.offers import Offer, Places, Spot, spot_of
from interlock.lam.parameters import Parameter

Form = tuple[str, str]
"""What a value looks like: the kind of its mention, and its unit, sign or script."""
Rows = dict[int, list[Offer]]
"""For some parameters, by their numbers, the value of each call."""

TURN = 0.2
"""What a value gains for the parameter whose turn it is among several of one form."""
BARELY = -6.0
"""How far below `null` a text may be that stands where the other calls have one."""
FAINT = -2.5
"""How far below `null` the values of each call may be on average: what the network is sure of is left to it."""
PLAIN = 6
"""So many values that come round are calls whatever the network makes of them; two pairs may be of one call."""
MOST_ALIKE = 4
"""Parameters of one form whose orders are tried."""
_FIRST: tuple[MentionKind, ...] = (
    "vector", "series", "quoted", "date", "time", "duration", "percent", "expression", "id", "email", "url", "phone",
    "number", "ordinal", "place", "name",
)  # fmt: skip
"""Which of two mentions of the same words counts."""
_OF_UNIT = re.compile(
    r"[\u00b2\u00b3^]\d?|\s?/\s?\w+[\u00b2\u00b3^]?\d?|\s(?:per \w+|squared|cubed)(?: squared| cubed)?"
)
"""What makes another unit of a unit: `/s`, `per second squared`."""
_BETWEEN = re.compile(r"[^\d.!?%$]{0,12}(?:,|;|\b(?:and|or)\b)[^\d.!?%$]{0,32}")
"""What stands between two values that are alike where nothing else comes round."""
_FOLLOWS = re.compile(
    r"[^.!?]{0,24}(?:[.!?;]+\s+and(?:\s+(?:what|how))?|[.!?,;]*\s+(?:(?:and|or|but|also|plus)\s+)?(?:then|finally|next|lastly"
    r"|(?:what|how)\s+about|(?:do\s+|likewise\s+)?(?:the\s+)?same(?:\s+(?!for|with|in|at|on|of|to)\w+){0,2},?\s+"
    r"(?:for|with|in|at|on|of|to)|compare\s+(?:it|that|this|them)\s+(?:with|to|against)))"
    r"(?:\s+(?:for|with|in|at|on|of|to|from|by|if|when|the|an?|it|is|are))*\s*[\"'$\u20ac\u00a3]?",
    re.IGNORECASE,
)
"""What leads from one value to another that the same is asked of: `. Do the same for`, `? And what about`."""
_JOINT = re.compile(r"\s*(?:,|;|,?\s*\b(?:and|or)\b|&)\s*(?:the\s+)?")
_ROWS: frozenset[str] = frozenset({"vector", "series"})


@dataclass(frozen=True)
class _Verse:
    """A form that several parameters share, and where its values stand in reading order."""

    form: Form
    members: tuple[int, ...]
    spots: tuple[Spot, ...]

    @property
    def times(self) -> int:
        """How often all members come round; 0 where some of them lack a value."""
        return 0 if len(self.spots) % len(self.members) else len(self.spots) // len(self.members)

    def says_again(self, text: str) -> bool:
        """Whether all its values are the same words."""
        return len({text[start:end] for _, start, end in self.spots}) == 1 < len(self.spots)


def strophes(
    tool: ToolScores,
    offers: Sequence[Sequence[Offer]],
    single: Mapping[int, Offer],
    rivals: Mapping[Spot, float],
    places: Places,
    most: int,
) -> Rows:
    """The values of the parameters that come round, one for each call; empty where nothing does.

    Args:
        offers: what could fill each parameter.
        single: what fills them in one call.
        rivals: what other tools gain by a span.
        most: calls at most.
    """
    text = places.context.sources.get("request", "")
    pools = {n: _of_request(row, rivals) for n, row in enumerate(offers)}
    members = dict(_members(tool, pools, single, text))
    spots = [spot for pool in pools.values() for spot in pool]
    within = min((spot[1] for spot in spots), default=0), max((spot[2] for spot in spots), default=0)
    for n, form in members.items():
        if tool.parameters[n].kind == "text":
            pools[n] = dict(_alike(tool, n, form, places, rivals, within)) | pools[n]
    verses = _verses(tool, members, pools, text)
    counts = {verse.times for verse in verses if not verse.says_again(text)}
    count = max(counts, default=0)
    if 0 in counts or len(counts - {1}) != 1 or count > most:
        return {}
    turning = [verse for verse in verses if verse.times == count]
    if not _in_turn(turning, text):
        return {}
    rows: Rows = {}
    for verse in turning:
        ordered = _ordered(verse, pools)
        if ordered is None:
            return {}
        rows |= ordered
    calls = list(zip(*rows.values(), strict=True))
    if len(rows) * count < PLAIN and any(sum(offer.gain for offer in call) / len(call) < FAINT for call in calls):
        return {}
    return rows | _texts(tool, pools, rows, single)


def _of_request(row: Sequence[Offer], rivals: Mapping[Spot, float]) -> dict[Spot, Offer]:
    """The best offer for each span of the request that no other tool wants more."""
    found: dict[Spot, Offer] = {}
    for offer in row:
        spot = spot_of(offer)
        if spot[0] != "request" or offer.meant or _is_wanted(spot, offer.gain, rivals):
            continue
        if spot not in found or found[spot].gain < offer.gain:
            found[spot] = offer
    return found


def _is_wanted(spot: Spot, gain: float, rivals: Mapping[Spot, float]) -> bool:
    """Whether another tool gains more by some of the same words."""
    return any(other > gain and spot[0] == name and _overlap(spot, (name, start, end))
               for (name, start, end), other in rivals.items())  # fmt: skip


def _alike(
    tool: ToolScores, number: int, form: Form, places: Places, rivals: Mapping[Spot, float], within: tuple[int, int]
) -> Iterator[tuple[Spot, Offer]]:
    """Offers of a text for all words of one form in a part of the request, wherever the network points."""
    parameter, scores = tool.parameters[number], tool.scores[number]
    text = places.context.sources["request"]
    for mention in find_mentions(text):
        spot = ("request", mention.start, mention.end)
        tokens = places.tokens_of(*spot)
        inside = within[0] <= mention.start and mention.end <= within[1]
        if not inside or tokens is None or form_of(parameter, spot, text) != form:
            continue
        value = read_value(parameter, text[mention.start : mention.end], places.observation.today)
        gain = max(scores.start[tokens[0] : tokens[1] + 1]) - scores.null
        if value is not None and gain > BARELY and not _is_wanted(spot, gain, rivals):
            yield spot, Offer(Candidate(*spot, *value), gain)


def _members(
    tool: ToolScores, pools: Mapping[int, Mapping[Spot, Offer]], single: Mapping[int, Offer], text: str
) -> Iterator[tuple[int, Form]]:
    """The parameters that have a value of a certain form, with that form."""
    for n, parameter in enumerate(tool.parameters):
        if parameter.kind == "flag" or not pools[n]:
            continue
        chosen = single.get(n)
        if chosen is None and parameter.required and parameter.kind not in {"text", "option"}:
            chosen = max(pools[n].values(), key=lambda offer: offer.gain)
        if chosen is None or spot_of(chosen) not in pools[n]:
            continue
        form = form_of(parameter, spot_of(chosen), text)
        if form is not None:
            yield n, form


def form_of(parameter: Parameter, spot: Spot, text: str) -> Form | None:
    """What a value looks like; `None` for a free text."""
    _, start, end = spot
    if parameter.kind == "option":
        return "option", parameter.name
    inside = [m for m in find_mentions(text) if start <= m.start and m.end <= end and m.kind in _FIRST]
    best = max(inside, key=lambda m: (m.end - m.start, -_FIRST.index(m.kind)), default=None)
    counted = parameter.kind in {"number", "integer"}
    if best is None or (not counted and best.end - best.start < (end - start) / 2):
        return None
    if parameter.kind == "list" and best.kind not in _ROWS | {"number"}:
        return None
    if best.kind == "number":
        return "number", _unit(best, text)
    return best.kind, ""


def _unit(number: Mention, text: str) -> str:
    """The unit of a number, or whether it stands in words or digits."""
    for mention in find_mentions(text):
        near = number.end <= mention.start <= number.end + 1 or mention.end == number.start
        if mention.kind in {"unit", "currency"} and near:
            word = text[mention.start : mention.end].lower()
            of = _OF_UNIT.match(text, mention.end)
            return next((code for code, words in CURRENCIES.items() if word in words), word.rstrip("s")) + (
                of[0].strip() if of else ""
            )
    return "digits" if re.search(r"\d", text[number.start : number.end]) else "words"


def _verses(
    tool: ToolScores, members: Mapping[int, Form], pools: Mapping[int, Mapping[Spot, Offer]], text: str
) -> list[_Verse]:
    """The values of each form in reading order; of two that overlap, what is a mention, else the longer."""
    formed = {
        (form, spot)
        for n, form in members.items()
        for spot in pools[n]
        if form_of(tool.parameters[n], spot, text) == form
    }
    kept: list[tuple[Form, Spot]] = []
    exact = {(mention.start, mention.end) for mention in find_mentions(text)}
    for form, spot in sorted(formed, key=lambda one: (one[1][1:] not in exact, one[1][1] - one[1][2], one)):
        if all(spot[2] <= other[1] or other[2] <= spot[1] for _, other in kept):
            kept.append((form, spot))
    kept.sort(key=lambda one: one[1][1])
    return [
        _Verse(form, tuple(n for n in members if members[n] == form), tuple(s for f, s in kept if f == form))
        for form in dict.fromkeys(members.values())
    ]


def _in_turn(turning: Sequence[_Verse], text: str) -> bool:
    """Whether the values come round in one order, so that no other reading of them is likely."""
    telling = [verse for verse in turning if not verse.says_again(text)]
    each = sum(len(verse.members) for verse in telling)
    if each == 1:
        gaps = [text[one[2] : two[1]] for one, two in pairwise(telling[0].spots)]
        follows = [_FOLLOWS.fullmatch(gap) is not None for gap in gaps]
        if any(follows) and all(one or _JOINT.fullmatch(gap) for one, gap in zip(follows, gaps, strict=True)):
            return True
        kind, unit = telling[0].form
        like = kind in {"quoted", "id"} or (kind == "number" and unit not in {"digits", "words"})
        return kind in _ROWS or (like and all(map(_BETWEEN.fullmatch, gaps)))
    ordered = sorted((spot[1], spot[2], verse.form) for verse in telling for spot in verse.spots)
    blocks = [ordered[first : first + each] for first in range(0, len(ordered), each)]
    if len({tuple(sorted(form for _, _, form in block)) for block in blocks}) == 1:
        links = [text[one[1] : two[0]] for block in blocks for one, two in pairwise(block)]
        joined = sum(_JOINT.fullmatch(link) is not None for link in links)
        if len(telling) > 1 or len(set(links)) == 1:
            return True
        return telling[0].form[0] != "name" and joined in {0, len(links)}  # `1 from 2, 3 and 4` is no two pairs
    forms = [form for _, _, form in ordered]
    return each == len(telling) and sum(one != two for one, two in pairwise(forms)) == len(telling) - 1


def _ordered(verse: _Verse, pools: Mapping[int, Mapping[Spot, Offer]]) -> Rows | None:
    """Which member each value of a form belongs to: the same order every time, the one that gains most."""
    members, width = verse.members, len(verse.members)
    orders = permutations(members) if width <= MOST_ALIKE else iter([members])
    best: Rows | None = None
    best_gain = float("-inf")
    for order in orders:
        picked = [pools[n].get(spot) for n, spot in zip(order * verse.times, verse.spots, strict=True)]
        if any(offer is None for offer in picked):
            continue
        found = [offer for offer in picked if offer is not None]
        gain = sum(offer.gain for offer in found) + TURN * verse.times * sum(map(int.__eq__, order, members))
        if gain > best_gain:
            best, best_gain = {n: found[place::width] for place, n in enumerate(order)}, gain
    return best


def _texts(
    tool: ToolScores, pools: Mapping[int, Mapping[Spot, Offer]], rows: Rows, single: Mapping[int, Offer]
) -> Rows:
    """The free texts that stand around the values of each call, where each has one."""
    taken = [spot_of(offer) for row in rows.values() for offer in row]
    count = len(next(iter(rows.values())))
    firsts = [min(row[number].candidate.start for row in rows.values()) for number in range(count)]
    lasts = [max(row[number].candidate.end for row in rows.values()) for number in range(count)]
    found: Rows = {}
    for n, parameter in enumerate(tool.parameters):
        if n in rows or n not in single or parameter.kind not in {"text", "list"} or not pools[n]:
            continue
        free = [o for spot, o in pools[n].items() if o.gain > BARELY and not any(_overlap(spot, one) for one in taken)]
        row = list[Offer]()
        for number in range(count):
            after = lasts[number - 1] if number else 0
            before = firsts[number + 1] if number + 1 < count else float("inf")
            here = [o for o in free if after <= o.candidate.start and o.candidate.end <= before and o not in row]
            row += [max(here, key=lambda offer: offer.gain)] if here else []
        if len(row) == count:
            found[n] = row
    return found


def _overlap(one: Spot, other: Spot) -> bool:
    return one[1] < other[2] and other[1] < one[2]
