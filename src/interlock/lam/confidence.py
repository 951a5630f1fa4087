"""Turns a model's scores into the probability that its call is right, and that into a threshold per risk class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALPHA = {"read": 0.10, "reversible": 0.02}
"""How often an action of a risk class may be wrong without a person; irreversible ones always have one."""


@dataclass(frozen=True)
class Signals:
    """What the calibrator looks at."""

    odds: float
    """Log-odds of the chosen tool over the best other answer, none included."""
    probability: float
    """Softmax probability of the chosen tool."""
    weakest: float
    """Least confidence among the arguments, 1 without arguments."""
    tools: int
    arguments: int

    def row(self) -> list[float]:
        def odds(p: float) -> float:
            return math.log(max(p, 1e-4) / max(1 - p, 1e-4))

        return [
            max(-10.0, min(10.0, self.odds)),
            odds(self.probability),
            odds(self.weakest),
            math.log(1 + self.tools),
            float(self.arguments),
        ]


@dataclass(frozen=True)
class Calibration:
    """A logistic model over `Signals` (Platt 1999)."""

    weights: tuple[float, ...]
    bias: float

    def probability(self, signals: Signals) -> float:
        """Probability that the call is right, in (0, 1)."""
        total = self.bias + sum(w * x for w, x in zip(self.weights, signals.row(), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


UNCALIBRATED = Calibration((0.3, 0.3, 0.3, 0.0, 0.0), 0.0)
"""Before a calibration is fitted."""


def fit(signals: Sequence[Signals], right: Sequence[bool], ridge: float = 1.0) -> Calibration:
    """Fit by Newton's method with an L2 penalty on the weights, deterministic."""
    x = np.array([[*signal.row(), 1.0] for signal in signals])  # (N, F + 1)
    # Platt's targets keep a separable split from growing without bound
    hits = sum(right)
    high, low = (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2)
    y = np.array([high if ok else low for ok in right])
    w, penalty = np.zeros(x.shape[1]), np.diag([ridge] * (x.shape[1] - 1) + [1e-6])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        step = np.linalg.solve((x * (p * (1 - p) + 1e-9)[:, None]).T @ x + penalty, x.T @ (p - y) + penalty @ w)
        w = w - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return Calibration(tuple(float(value) for value in w[:-1]), float(w[-1]))


def calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Naeini et al. 2015), 0 to 1."""
    total = 0.0
    for number in range(bins):
        inside = [
            i for i, c in enumerate(confidence) if number / bins < c <= (number + 1) / bins or (c == 0 and number == 0)
        ]
        if inside:
            gap = sum(confidence[i] for i in inside) - sum(right[i] for i in inside)
            total += abs(gap) / len(confidence)
    return total


def threshold(confidence: Sequence[float], right: Sequence[bool], alpha: float) -> float | None:
    """The least confidence above which at most `alpha` of the calibration decisions were wrong.

    Returns:
        `None` when no threshold holds with at least 200 decisions above it: then a person is asked.
    """
    pairs = sorted(zip(confidence, right, strict=True), reverse=True)
    best, wrong = None, 0
    for count, (value, ok) in enumerate(pairs, 1):
        wrong += not ok
        # an upper bound on the error: one more wrong than seen
        tied = count < len(pairs) and pairs[count][0] == value
        if not tied and count >= 200 and (wrong + 1) / (count + 1) <= alpha:
            best = value
    return best
