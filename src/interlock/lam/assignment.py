"""Gives each parameter at most one span, so that no span serves twice and no two overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from interlock.lam.candidates import Candidate

_FORBIDDEN = -1e6
Gains = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def assign(offers: Sequence[Sequence[tuple[Candidate, float]]], each: int = 1) -> list[list[int]]:
    """The choice with the greatest total gain (Kuhn 1955), overlaps broken in favour of the greater gain.

    Args:
        offers: for each parameter its candidates with their gains over leaving it out; only gains above
            0 are ever taken.
        each: how many spans a parameter may take.

    Returns:
        For each parameter the places of its candidates among its offers.
    """
    spans: dict[tuple[str, int, int], int] = {}
    for offer in offers:
        for candidate, _ in offer:
            spans.setdefault((candidate.source, candidate.start, candidate.end), len(spans))
    taken: list[list[int]] = [[] for _ in offers]
    if not spans:
        return taken
    gains = np.full((len(offers), len(spans)), _FORBIDDEN)
    places: dict[tuple[int, int], int] = {}
    for row, offer in enumerate(offers):
        for place, (candidate, gain) in enumerate(offer):
            column = spans[candidate.source, candidate.start, candidate.end]
            if gain > 0 and gain > gains[row, column]:
                gains[row, column], places[row, column] = gain, place
    while True:
        whole = np.zeros((len(offers) * each, len(spans) + len(offers) * each))  # a place of its own for each left out
        whole[:, : len(spans)] = np.repeat(gains, each, axis=0)
        rows, columns = linear_sum_assignment(whole, maximize=True)
        pairs = [(int(r) // each, int(c)) for r, c in zip(rows, columns, strict=True)]
        chosen = [pair for pair in pairs if pair in places]
        clash = _clash(offers, places, chosen, gains)
        if clash is None:
            for row, column in chosen:
                taken[row].append(places[row, column])
            return taken
        gains[clash] = _FORBIDDEN
        del places[clash]


def _clash(
    offers: Sequence[Sequence[tuple[Candidate, float]]], places: dict[tuple[int, int], int],
    chosen: Sequence[tuple[int, int]], gains: Gains,
) -> tuple[int, int] | None:  # fmt: skip
    """The weaker of two chosen spans that overlap."""
    picked = [(pair, offers[pair[0]][places[pair]][0]) for pair in chosen]
    for number, (pair, candidate) in enumerate(picked):
        for other_pair, other in picked[number + 1 :]:
            if candidate.overlaps(other):
                return pair if gains[pair] < gains[other_pair] else other_pair
    return None
