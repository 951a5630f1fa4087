"""The calibrator: turns the signals of a decision into the probability that all of it is right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interlock.lam.confidence.signals import NAMES, Signals


@dataclass(frozen=True)
class Calibration:
    """A logistic model over `Signals` (Platt 1999)."""

    weights: tuple[float, ...]
    """One for each of `signals.NAMES`."""
    bias: float

    def probability(self, signals: Signals) -> float:
        """Probability that the decision is right, in (0, 1)."""
        total = self.bias + sum(w * x for w, x in zip(self.weights, signals.row(), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    def document(self) -> dict[str, Any]:
        """As it stands in a model's metadata: the weights by the names of their signals."""
        return {"weights": dict(zip(NAMES, self.weights, strict=True)), "bias": self.bias}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Calibration | None:
        """The calibration of a model's metadata; `None` when it was fitted on other signals than these."""
        weights = document.get("weights")
        if not isinstance(weights, Mapping) or tuple(sorted(weights)) != tuple(sorted(NAMES)):
            return None
        return cls(tuple(float(weights[name]) for name in NAMES), float(document["bias"]))


def _plain() -> Calibration:
    own = {"margin": 0.3, "weakest": 0.3, "fits": 0.3}
    return Calibration(tuple(own.get(name, 0.0) for name in NAMES), 0.0)


UNCALIBRATED = _plain()
"""Before a calibration is fitted: an order of decisions, whose numbers mean nothing."""


def fit(signals: Sequence[Signals], right: Sequence[bool], ridge: float = 3.0) -> Calibration:
    """Fit by Newton's method with an L2 penalty on the weights of the standardised signals, deterministic."""
    raw = np.array([signal.row() for signal in signals], dtype=float)  # (N, F)
    middle, spread = raw.mean(0), raw.std(0)
    spread[spread < 1e-6] = 1.0
    x = np.hstack([(raw - middle) / spread, np.ones((len(raw), 1))])  # (N, F + 1)
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
    weights = w[:-1] / spread
    return Calibration(tuple(float(value) for value in weights), float(w[-1] - weights @ middle))
