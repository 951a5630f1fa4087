"""One call of a tool: the arguments whose spans are worth most together, checked against the schema."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.lam.assignment import assign
from interlock.lam.candidates import MEANS, Candidate, option_of
from interlock.lam.decoding import Filled, ToolScores
from interlock.lam.mentions import CURRENCIES, find_mentions
from interlock.lam.offers import Offer, Places, offers_of
from interlock.lam.parameters import Parameter, faults, nest
from interlock.lam.protocol import Observation
from interlock.lam.toolbox import is_bound

REQUIRED = 3.0
"""How far below `null` the best candidate of a required parameter may be before it is missing."""
SHARED = 0.0
"""How far above `null` a span must be to serve a second parameter that is required."""

ORDER = 1e-5
"""What a span gains for each parameter before its own and each character before it: of two equal choices, the one in
reading order."""


def fill(tool: ToolScores, places: Places) -> Filled:
    """The arguments of one call: one span each at most, none overlapping."""
    offers = all_offers(tool, places)
    return completed(tool, places, offers, choose(tool, offers))


def all_offers(tool: ToolScores, places: Places) -> list[list[Offer]]:
    """What could fill each parameter of a tool; nothing for what is bound."""
    bound = places.observation.bound
    return [
        [] if is_bound(parameter, bound) else offers_of(tool, number, places)
        for number, parameter in enumerate(tool.parameters)
    ]


def choose(tool: ToolScores, offers: Sequence[Sequence[Offer]]) -> dict[int, Offer]:
    """The best offer of each parameter that gets one, by its number.

    Copied spans are given out without overlap, options and flags among themselves; a span serves a second
    parameter only where that is required and nothing else is left for it.
    """
    chosen: dict[int, Offer] = {}
    for declared in (False, True):
        rows = [n for n, p in enumerate(tool.parameters) if (p.kind in {"option", "flag"}) == declared]
        shifts = {n: REQUIRED if tool.parameters[n].required and not declared else 0.0 for n in rows}
        pools = [[offer for offer in offers[n] if not offer.meant] for n in rows]
        weighed = [
            [(o.candidate, o.gain + shifts[n] + ORDER * place * o.candidate.start) for o in pool]
            for place, (n, pool) in enumerate(zip(rows, pools, strict=True))
        ]
        for n, pool, taken in zip(rows, pools, assign(weighed), strict=True):
            if taken:
                chosen[n] = pool[taken[0]]
    for n, parameter in enumerate(tool.parameters):
        meant = max((o for o in offers[n] if o.meant), key=lambda o: o.gain, default=None)
        if meant and meant.gain > max(0.0, chosen[n].gain if n in chosen else 0.0):
            chosen[n] = meant
        if n not in chosen and parameter.required:
            whole = [o for o in offers[n] if not _is_piece(o, chosen)]
            best = max(whole, key=lambda o: o.gain, default=None)
            if best and not best.meant and best.gain > SHARED:
                chosen[n] = best
    return chosen


def _is_piece(offer: Offer, chosen: Mapping[int, Offer]) -> bool:
    """Whether a span overlaps a chosen one without being the same: a part of a list is no value beside it."""
    one = offer.candidate
    return any(
        one.overlaps(other) and (one.start, one.end) != (other.start, other.end)
        for other in (taken.candidate for taken in chosen.values())
    )


def probability(value: Any, offers: Sequence[Offer]) -> float:
    """Of a value among the offers of its parameter and leaving it out."""
    top = max([0.0, *(offer.gain for offer in offers)])
    total = math.exp(-top) + sum(math.exp(offer.gain - top) for offer in offers)
    ways = sum(math.exp(offer.gain - top) for offer in offers if same(offer.candidate.value, value))
    return min(1.0, ways / total)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and, as truth values, of one kind: 1 is not true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def completed(tool: ToolScores, places: Places, offers: Sequence[Sequence[Offer]], picked: dict[int, Offer]) -> Filled:
    """A call of the picked offers and the bound arguments; what is missing or breaks the schema is named.

    An optional object of which a needed part is lacking is left out whole.
    """
    observation, parameters = places.observation, tool.parameters
    chosen = {parameters[n].name: picked[n].candidate for n in sorted(picked)}
    confidence = {parameters[n].name: probability(picked[n].candidate.value, offers[n]) for n in sorted(picked)}
    arguments: dict[str, Any] = {name: candidate.value for name, candidate in chosen.items()}
    fixed = {name for p in parameters if is_bound(p, observation.bound) for name in (p.name, outermost(p.name))}
    arguments |= {name: value for name, value in observation.bound.items() if name in fixed}
    for name in _of_broken_objects(parameters, arguments):
        arguments.pop(name), chosen.pop(name, None), confidence.pop(name, None)
    missing = [p.name for p in parameters if p.required and not {p.name, outermost(p.name)} & arguments.keys()]
    required = {p.name for p in parameters if p.required}
    while True:
        broken = [name for name in faults(tool.schema, nest(arguments)) if name not in missing]
        dropped = [name for name in broken if name in chosen]
        missing += [name for name in broken if name not in dropped or name in required]
        if not dropped:
            break
        for name in dropped:
            arguments.pop(name), chosen.pop(name), confidence.pop(name)
    for name in unread_currency(parameters, chosen, arguments, observation):
        if name in chosen:
            arguments.pop(name), chosen.pop(name), confidence.pop(name)
        missing += [name] if name not in missing else []
    return Filled(arguments, chosen, confidence, missing)


def outermost(path: str) -> str:
    """The name of the argument of a call that a parameter is, or is a part of."""
    return re.split(r"[.\[]", path)[0]


def _of_broken_objects(parameters: Sequence[Parameter], arguments: dict[str, Any]) -> list[str]:
    """Arguments inside optional objects that lack a needed part."""
    broken: list[str] = []
    for parameter in parameters:
        outer, dot, _ = parameter.name.rpartition(".")
        given = parameter.name in arguments or outermost(parameter.name) in arguments
        if not dot or not parameter.needed or parameter.required or given:
            continue
        broken += [name for name in arguments if name.startswith(outer + ".") and name not in broken]
    return broken


def unread_currency(
    parameters: Sequence[Parameter], chosen: dict[str, Candidate], arguments: dict[str, Any], observation: Observation
) -> list[str]:
    """Currency parameters left to their default, or guessed, although another currency stands beside the amount."""
    found = []
    for parameter in parameters:
        own = chosen.get(parameter.name)
        named = parameter.name in arguments and not (own is not None and own.normaliser.startswith(MEANS))
        if parameter.kind != "option" or named:
            continue
        if not set(map(str, parameter.options)) & set(CURRENCIES):
            continue
        for candidate in chosen.values():
            text = observation.sources[candidate.source]
            for mention in find_mentions(text) if parameter.name not in found else ():
                before = mention.end <= candidate.start <= mention.end + 1
                near = before or candidate.end <= mention.start <= candidate.end + 1
                word = text[mention.start : mention.end]
                if mention.kind == "currency" and near and option_of(word, parameter.options) is None:
                    found.append(parameter.name)
                    break
    return found


def log_probability(tool: ToolScores, number: int, places: Places, value: Any) -> float:
    """That parameter `number` has `value`, as a natural log; `-inf` when no span or declared option gives it."""
    found = probability(value, offers_of(tool, number, places, value))
    return math.log(found) if found > 0 else -math.inf


def log_absent(tool: ToolScores, number: int, places: Places) -> float:
    """That parameter `number` is left out, as a natural log of its probability."""
    gains = [offer.gain for offer in offers_of(tool, number, places)]
    top = max([0.0, *gains])
    return -top - math.log(math.exp(-top) + sum(math.exp(gain - top) for gain in gains))
