"""How long one policy decision takes: `python -m benchmarks.decide --json`."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from interlock.policies.decide import decide
from interlock.policies.language import Policy

RULES = 20


def policy() -> Policy:
    """A policy of twenty rules over four inputs, of which the last one matches."""
    rules: list[dict[str, Any]] = [
        {
            "id": f"r{n}",
            "when": {"amount": {"gt": n * 10, "le": n * 10 + 10}, "known": True, "hour": {"ge": 6, "lt": 20}},
            "then": "auto",
            "because": "in this band",
        }
        for n in range(RULES)
    ]
    inputs = {"amount": {"type": "decimal"}, "known": {"type": "bool"}, "hour": {"type": "int", "min": 0, "max": 23}}
    return Policy.model_validate(
        {"policy": "bench", "version": 1, "applies_to": ["pay.*"], "inputs": inputs, "rules": rules}
    )


def measure(repeats: int = 2_000) -> dict[str, Any]:
    """Microseconds of a decision, median and 95th percentile of `repeats`."""
    policies, inputs = [policy()], {"amount": "195.50", "known": True, "hour": 12}
    taken = []
    for _ in range(repeats):
        started = time.perf_counter_ns()
        verdict = decide(policies, "pay.now", inputs, {})
        taken.append((time.perf_counter_ns() - started) / 1000)
        assert verdict is not None
        assert verdict.effect == "auto"
    return {
        "rules": RULES,
        "p50_us": round(statistics.median(taken), 1),
        "p95_us": round(sorted(taken)[int(repeats * 0.95)], 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
