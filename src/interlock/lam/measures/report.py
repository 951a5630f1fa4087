"""Turns outcomes into figures: shares are percent, times milliseconds, memory MiB."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.lam.measures.outcomes import Outcome
from interlock.lam.measures.selective import rejected_at, selective


def percent(part: float, whole: float) -> float | None:
    """A share in percent, `None` of nothing."""
    return round(100 * part / whole, 2) if whole else None


def peak_memory() -> float:
    """The most memory this process has held, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (2**20 if sys.platform == "darwin" else 2**10), 1)


def column(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """`n`, and in percent: `accuracy` (fully right), and how often the model acted, asked and abstained."""
    size = len(outcomes)
    kinds = [outcome.decision.kind for outcome in outcomes]
    return {
        "n": size,
        "accuracy": percent(sum(outcome.right for outcome in outcomes), size),
        "acted": percent(kinds.count("act"), size),
        "asked": percent(kinds.count("ask"), size),
        "abstained": percent(kinds.count("abstain"), size),
    }


def by_column(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """The figures of each column, in the order met."""
    names = dict.fromkeys(outcome.case.column for outcome in outcomes)
    return {name: column([o for o in outcomes if o.case.column == name]) for name in names}


def overall(outcomes: Sequence[Outcome], certified: Mapping[str, float | None] | None = None) -> dict[str, Any]:
    """Figures over all columns.

    Args:
        certified: the act-threshold of each risk class, for the selective figures.
    """
    spent = sorted(outcome.milliseconds for outcome in outcomes) or [0.0]
    return {
        "n": len(outcomes),
        "accuracy": percent(sum(outcome.right for outcome in outcomes), len(outcomes)),
        "invented_values": sum(outcome.invented for outcome in outcomes),
        "invalid_actions": sum(outcome.invalid for outcome in outcomes),
        "milliseconds_p50": round(spent[len(spent) // 2], 1),
        "milliseconds_p95": round(spent[min(len(spent) - 1, int(len(spent) * 0.95))], 1),
        "peak_memory_mib": peak_memory(),
        "rejection": rejected_at(outcomes),
        "selective": selective(outcomes, certified),
    }
