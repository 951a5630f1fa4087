"""Clauses of a request that asks for several calls: which of them a value belongs to."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

_BREAK = re.compile(
    r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b(?:St|Dr|Mr|vs|No)\.)(?<!\bMrs\.)\s+(?=[\"'(A-Z0-9])|;\s*|\n\s*|(?<!\w)\(?\d{1,2}[.)]\s+"
    r"|,?\s+(?:and\s+)?(?:then|after\s+that|besides\s+that|on\s+top\s+of\s+that|one\s+more\s+thing|in\s+addition|also"
    r"|additionally|furthermore|plus|finally|lastly|next)\b[,:]?\s*",
    re.IGNORECASE,
)
_ALL = re.compile(r"\b(?:both|all|each|every|everything|everywhere|always)\b", re.IGNORECASE)


def clauses(text: str) -> list[tuple[int, int]]:
    """Where each clause of a text begins and ends, in reading order."""
    begins = [0, *(match.end() for match in _BREAK.finditer(text) if match.end() < len(text))]
    return list(zip(begins, [*begins[1:], len(text)], strict=True))


def speaks_of_all(clause: str) -> bool:
    """Whether a clause says that it holds for every call: `for both`, `everywhere`."""
    return _ALL.search(clause) is not None


class Clauses:
    """The clauses of a text, and the calls that begin in them.

    Args:
        anchors: where the value stands that each call has for itself, in reading order.
    """

    def __init__(self, text: str, anchors: Sequence[int]) -> None:
        self.text, self.anchors = text, list(anchors)
        self._begins = [start for start, _ in clauses(text)]
        self._at = [self._clause(anchor) for anchor in self.anchors]

    def of(self, start: int, *, alone: bool) -> list[int]:
        """The calls that a value belongs to, by their numbers.

        Args:
            start: where the value stands.
            alone: whether it is the only value of its parameter, so that several calls may share it.
        """
        clause = self._clause(start)
        here = [number for number, at in enumerate(self._at) if at == clause]
        if not here:
            before = [at for at in self._at if at < clause]
            if not before or (alone and speaks_of_all(self.text[self._begins[clause] : self._end(clause)])):
                return list(range(len(self.anchors))) if alone else [0]
            here = [number for number, at in enumerate(self._at) if at == before[-1]]
        if not alone:
            return [min(here, key=lambda number: abs(self.anchors[number] - start))]
        first, last = self.anchors[here[0]], self.anchors[here[-1]]
        if first < start < last:
            return [max(number for number in here if self.anchors[number] < start)]
        return here

    def _clause(self, start: int) -> int:
        return bisect_right(self._begins, start) - 1

    def _end(self, clause: int) -> int:
        return self._begins[clause + 1] if clause + 1 < len(self._begins) else len(self.text)
