"""Whether decisions are still like those a certificate was made of: their errors, and what they look like.

Two tests share one level.  Errors: a bet against "at most alpha of them are wrong" whose stake grows with each
wrong decision (Waudby-Smith and Ramdas 2024); where the claim is true, the stake ever reaches 1 / level with a
chance of at most level (Ville), so it may be watched for as long as one likes.  Looks: Kolmogorov and Smirnov's
test of two samples on each number that every decision has, Bonferroni-corrected; its level is for one look.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEVEL = 0.01
"""How likely a false alarm may be."""
BETS = (0.03, 0.06, 0.12, 0.25, 0.5)
"""Shares of the stake that one right decision loses; all are played, each with an equal part."""
OBSERVED = ("confidence", "p_null", "arguments", "tools")
"""The numbers that every decision has: its confidence, the probability of none, and two counts."""
KEPT = 200
"""Values of a sample that are kept."""
FEWEST = 30
"""Decisions below which looks are not compared."""


@dataclass(frozen=True)
class Drifted:
    """What the two tests say of a stream of decisions."""

    n: int
    wrong: int
    stake: float
    """The most the bet has been worth; it began with 1."""
    alarm_at: int | None
    """The decision at which the stake reached its limit, from 1; `None` when it has not."""
    p_values: Mapping[str, float]
    """Corrected, by the name of the number; empty when there were too few decisions."""
    level: float

    @property
    def errors(self) -> bool:
        """Whether more decisions are wrong than the certificate allows."""
        return self.alarm_at is not None

    @property
    def looks(self) -> list[str]:
        """Numbers in which the decisions differ from those of the calibration."""
        return [name for name, value in self.p_values.items() if value <= self.level / 2]

    @property
    def drifted(self) -> bool:
        return self.errors or bool(self.looks)

    @property
    def because(self) -> str:
        """A sentence for people."""
        said = []
        if self.errors:
            said.append(f"{self.wrong} of {self.n} decisions were wrong, which the certificate does not allow")
        if self.looks:
            said.append(f"decisions differ from those of the calibration in {', '.join(self.looks)}")
        return "; ".join(said) or f"{self.n} decisions, {self.wrong} wrong, show no drift"

    def document(self) -> dict[str, Any]:
        return {
            "n": self.n, "wrong": self.wrong, "stake": round(self.stake, 4), "alarm_at": self.alarm_at,
            "p_values": {name: round(value, 6) for name, value in self.p_values.items()}, "level": self.level,
            "drifted": self.drifted, "because": self.because,
        }  # fmt: skip


def stakes(wrong: Iterable[bool], alpha: float) -> list[float]:
    """What the bet is worth after each decision.

    A bet of share f is worth 1 - f times as much after a right decision and 1 + f (1 - alpha) / alpha times after
    a wrong one, which is 1 on average where alpha of them are wrong, and less where fewer are.
    """
    logs = [0.0] * len(BETS)
    values: list[float] = []
    for one in wrong:
        logs = [
            log + math.log1p(bet * (1 - alpha) / alpha if one else -bet) for log, bet in zip(logs, BETS, strict=True)
        ]
        top = max(logs)
        values.append(math.exp(min(700.0, top)) * sum(math.exp(log - top) for log in logs) / len(BETS))
    return values


def sample_of(values: Iterable[float]) -> list[float]:
    """A sample small enough to be kept: at most `KEPT` values, at equal steps of their order."""
    ordered = sorted(values)
    if len(ordered) <= KEPT:
        return [round(value, 4) for value in ordered]
    return [round(ordered[int((place + 0.5) * len(ordered) / KEPT)], 4) for place in range(KEPT)]


def differ(one: Sequence[float], other: Sequence[float]) -> float:
    """The p-value of Kolmogorov and Smirnov's test that two samples come from one distribution.

    Asymptotic; for counts, which repeat, it is larger than the exact one.
    """
    if not one or not other:
        return 1.0
    a, b = sorted(round(value, 4) for value in one), sorted(round(value, 4) for value in other)
    gap = max(abs(bisect_right(a, value) / len(a) - bisect_right(b, value) / len(b)) for value in {*a, *b})
    return _kolmogorov(math.sqrt(len(a) * len(b) / (len(a) + len(b))) * gap)


def _kolmogorov(x: float) -> float:
    """The chance that Kolmogorov's variable is above `x`."""
    if x < 0.2:
        return 1.0
    total = math.fsum((1 if k % 2 else -1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * total))


def drift(
    wrong: Sequence[bool], alpha: float, reference: Mapping[str, Sequence[float]],
    seen: Mapping[str, Sequence[float]], level: float = LEVEL,
) -> Drifted:  # fmt: skip
    """Test a stream of decisions against a certificate.

    Args:
        wrong: of each decision at or above the threshold, in the order in which they were made.
        reference: the calibration's sample of each number of `OBSERVED`.
        seen: the same numbers of all decisions of the stream.
        level: how likely a false alarm may be; each test has half of it.
    """
    worth = stakes(wrong, alpha)
    alarm = next((place for place, value in enumerate(worth, 1) if value >= 2 / level), None)
    names = [name for name in OBSERVED if reference.get(name) and len(seen.get(name, ())) >= FEWEST]
    p_values = {name: min(1.0, len(names) * differ(reference[name], seen[name])) for name in names}
    return Drifted(len(wrong), sum(wrong), max([1.0, *worth]), alarm, p_values, level)
