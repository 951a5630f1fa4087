"""Values that stand for all others: the constants of comparisons, and one value out of each gap between them.

A comparison of one value with constants answers alike for all values of a gap, so what holds for these
values is all that can hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import ceil, floor
from typing import Any

from interlock.policies.comparing import is_number
from interlock.policies.language import Comparison
from interlock.policies.patterns import examples

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Range:
    """Bounds of numbers; None where there is none."""

    least: Decimal | None = None
    most: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None

    def holds(self, value: Decimal) -> bool:
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def ends(self) -> set[Decimal]:
        return {end for end in (self.least, self.most, self.above, self.below) if end is not None}


def constants(comparisons: Iterable[Comparison]) -> list[Any]:
    """Every constant that a value is compared with; patterns are none."""
    found: list[Any] = []
    for comparison in comparisons:
        for operator, value in comparison.operators().items():
            if operator != "matches":
                found += value if isinstance(value, tuple) else (value,)
    return found


def numbers(found: Iterable[Any], whole: bool, within: Range = Range()) -> Iterator[int | Decimal]:
    """A number for each cell, smallest first, those outside `within` left out.

    Of a gap it is the one a hundredth above its lower end, where that lies in it: people know it for an amount.
    """
    cuts = sorted({Decimal(str(value)) for value in found if is_number(value)} | within.ends()) or [Decimal(0)]
    values: list[int] | list[Decimal]
    if whole:
        values = sorted({place for cut in cuts for place in (floor(cut) - 1, floor(cut), ceil(cut), ceil(cut) + 1)})
    else:
        values = [cuts[0] - 1]
        for one, two in pairwise(cuts):
            values += [one, one + CENT if one + CENT < two else (one + two) / 2]
        values += [cuts[-1], cuts[-1] + CENT]
    for value in values:
        if within.holds(Decimal(value)):
            yield value


def texts(found: Iterable[Any], patterns: Iterable[str], least: int = 0, most: int | None = None) -> Iterator[str]:
    """The texts among the constants, a few that fit the patterns, the empty one, and one that is none of them."""
    words = [value for value in found if isinstance(value, str)]
    fresh = "x" * max(least, 1)
    while fresh in words:
        fresh = fresh + "x" if most is None or len(fresh) < most else fresh[:-1] + chr(ord(fresh[-1]) + 1)
    made = [text for pattern in patterns for text in examples(pattern)]
    for text in dict.fromkeys([*words, *made, "", fresh]):
        if len(text) >= least and (most is None or len(text) <= most):
            yield text
