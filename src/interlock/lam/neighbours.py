"""Values in a row: where one of `France, Italy and Spain` is a value, the others are too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interlock.lam.offers import Offer, Spot, spot_of
from interlock.lam.parameters import Parameter

LONG = 3
"""Values from which on a row is one beyond doubt."""
IN_ROW, PAIRED, WEAKEST = 1.5, 1.0, -1.5
"""What each value of a long row gains at least; how much less than the best one the other of a pair counts at least,
and from which gain on."""
_GAP = re.compile(
    r"[\"'\u2019\u201d]?(?:[\s-][^\W\d_]{1,12})?(?:\s*\([^()]{1,40}\))?\s*"
    r"(?:,\s*(?:and|or)\s+|,\s*|\s+(?:and|or)\s+|\s*&\s*)(?:the\s+|[$\u20ac\u00a3])?[\"'\u2018\u201c]?"
)
_BETWEEN_BRACKETS = re.compile(r"[^.!?\[\](){}\n]{1,30}")


def with_neighbours(parameter: Parameter, offers: Sequence[Offer], text: str, lists: Sequence[Offer]) -> list[Offer]:
    """The offers of a parameter, those lifted that stand in one row with the best.

    Args:
        lists: what list parameters of the same tool may take: a row inside one of them is theirs.
    """
    top = max(offers, key=lambda offer: offer.gain, default=None)
    if top is None or not (parameter.required or top.gain > 0):
        return list(offers)
    bracketed = text[top.candidate.start : top.candidate.start + 1] in {"[", "("}
    if parameter.kind == "list" and not bracketed:
        return list(offers)
    if not bracketed and any(_holds(other, top) for other in lists):
        return list(offers)
    single = [offer for offer in offers if bracketed or not _GAP.search(_text_of(offer, text))]
    row = {spot_of(top): top}
    for ahead in (True, False):
        here: Offer | None = top
        while here is not None:
            near = [o for o in single if spot_of(o) not in row and _adjoins(here, o, text, ahead, bracketed)]
            here = max(near, key=lambda offer: offer.gain, default=None)
            if here is not None:
                row[spot_of(here)] = here
    return [_lifted(offer, top, row) for offer in offers]


def _lifted(offer: Offer, top: Offer, row: dict[Spot, Offer]) -> Offer:
    if row.get(spot_of(offer)) is not offer:
        return offer
    if len(row) >= LONG:
        return replace(offer, gain=max(offer.gain, top.gain - PAIRED, IN_ROW))
    return replace(offer, gain=max(offer.gain, top.gain - PAIRED)) if offer.gain > WEAKEST else offer


def _text_of(offer: Offer, text: str) -> str:
    return text[offer.candidate.start : offer.candidate.end]


def _holds(outer: Offer, inner: Offer) -> bool:
    one, other = outer.candidate, inner.candidate
    inside = one.start <= other.start and other.end <= one.end
    return one.source == other.source and inside and (one.start, one.end) != (other.start, other.end)


def _adjoins(one: Offer, other: Offer, text: str, ahead: bool, bracketed: bool) -> bool:
    left, right = (one.candidate, other.candidate) if ahead else (other.candidate, one.candidate)
    if not left.end < right.start <= left.end + 60:
        return False
    if bracketed:
        opens = text[right.start : right.start + 1] in {"[", "("}
        return (
            opens and text[left.start] in "[(" and _BETWEEN_BRACKETS.fullmatch(text, left.end, right.start) is not None
        )
    return _GAP.fullmatch(text, left.end, right.start) is not None
