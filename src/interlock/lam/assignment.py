"""Gives each parameter at most one span, so that no span serves twice and no two overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from interlock.lam.candidates import Candidate

_FORBIDDEN = -1e6


def assign(offers: Sequence[Sequence[tuple[Candidate, float]]]) -> list[int | None]:
    """The choice with the greatest total gain (Kuhn 1955), overlaps broken in favour of the greater gain.

    Args:
        offers: for each parameter its candidates with their gains over leaving it out; only gains above
            0 are ever taken.

    Returns:
        For each parameter the place of its candidate among its offers, or `None`.
    """
    spans: dict[tuple[str, int, int], int] = {}
    for offer in offers:
        for candidate, _ in offer:
            spans.setdefault((candidate.source, candidate.start, candidate.end), len(spans))
    if not spans:
        return [None] * len(offers)
    gains = np.full((len(offers), len(spans) + len(offers)), _FORBIDDEN)
    gains[:, len(spans) :] = 0.0  # a place of its own for each parameter that is left out
    places: dict[tuple[int, int], int] = {}
    for row, offer in enumerate(offers):
        for place, (candidate, gain) in enumerate(offer):
            column = spans[candidate.source, candidate.start, candidate.end]
            if gain > 0 and gain > gains[row, column]:
                gains[row, column], places[row, column] = gain, place
    while True:
        rows, columns = linear_sum_assignment(gains, maximize=True)
        chosen = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if (int(r), int(c)) in places}
        clash = _clash(offers, places, chosen, gains)
        if clash is None:
            return [places[row, chosen[row]] if row in chosen else None for row in range(len(offers))]
        gains[clash] = _FORBIDDEN
        del places[clash]


def _clash(
    offers: Sequence[Sequence[tuple[Candidate, float]]],
    places: dict[tuple[int, int], int],
    chosen: dict[int, int],
    gains: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> tuple[int, int] | None:
    """The weaker of two chosen spans that overlap."""
    picked = [(row, column, offers[row][places[row, column]][0]) for row, column in chosen.items()]
    for number, (row, column, candidate) in enumerate(picked):
        for other_row, other_column, other in picked[number + 1 :]:
            if candidate.overlaps(other):
                weaker = gains[row, column] < gains[other_row, other_column]
                return (row, column) if weaker else (other_row, other_column)
    return None
