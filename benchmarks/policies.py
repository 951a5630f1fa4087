"""How long the exact analysis of a policy takes: `python -m benchmarks.policies --json`."""

from __future__ import annotations

import json
import random
import time
from typing import Any

from interlock.policies.analysis import analyse
from interlock.policies.domains import Setting
from interlock.policies.language import Policy
from interlock.policies.proofs import prove

ACTION = "payments.transfer"
INPUTS: dict[str, dict[str, Any]] = {
    "amount": {"type": "decimal", "unit": "EUR"},
    "day_total": {"type": "decimal"},
    "count_1h": {"type": "int", "min": 0},
    "payee_known": {"type": "bool"},
    "payee_from": {"type": "provenance"},
    "currency": {"type": "string", "enum": ["EUR", "USD", "CHF"]},
    "hour": {"type": "int", "min": 0, "max": 23},
}
NEVER = [
    {"effect": "auto", "when": {"amount": {"gt": 1000}}},
    {"effect": "auto", "when": {"payee_known": False}},
    {"effect": "auto", "when": {"payee_from": {"in": ["untrusted", "model"]}}},
    {"effect": "auto", "when": {"day_total": {"gt": 5000}}},
    {"effect": "approve", "when": {"currency": "CHF", "amount": {"gt": 100000}}},
]


def bands(rules: int) -> Policy:
    """Bands of amounts, each auto by day to a known payee; the rest of each asks, and some broad rules ask or deny."""
    made: list[dict[str, Any]] = [
        _rule("no_franc", {"currency": "CHF", "amount": {"gt": 100000}}, "deny"),
        _rule("unknown", {"payee_known": False}, {"approve": {"count": 1, "role": "finance"}}),
        _rule("hearsay", {"payee_from": {"in": ["untrusted", "model"]}}, {"approve": {"count": 1, "role": "finance"}}),
        _rule("spent", {"day_total": {"gt": 5000}}, {"approve": {"count": 2, "role": "finance"}}),
        _rule("night", {"hour": {"not_in": list(range(6, 20))}}, {"approve": {"count": 1, "role": "finance"}}),
        _rule("often", {"count_1h": {"gt": 10}}, {"approve": {"count": 1, "role": "finance"}}),
        _rule("large", {"amount": {"gt": 1000}}, {"approve": {"count": 2, "role": "finance"}}),
        _rule("nothing", {"amount": {"le": 0}}, "deny"),
    ]
    count = rules - len(made)
    for number in range(count):
        band = {"gt": 1000 * number // count, "le": 1000 * (number + 1) // count}
        by_day = {"hour": {"ge": 6, "lt": 20}, "payee_known": True, "payee_from": {"at_least": "record"}}
        made.append(_rule(f"band_{number}", {"amount": band, **by_day}, "auto"))
    return _policy(made)


def scattered(rules: int) -> Policy:
    """Rules over three random inputs each, as nobody writes them: every kind of fault is in it."""
    pick = random.Random(7)
    made = []
    for number in range(rules):
        when = {name: _comparison(name, pick) for name in pick.sample(sorted(INPUTS), 3)}
        then = pick.choice(["auto", "deny", {"approve": {"count": pick.randint(1, 2), "role": "finance"}}])
        made.append(_rule(f"r{number}", when, then))
    return _policy(made)


def _comparison(name: str, pick: random.Random) -> Any:
    match INPUTS[name]["type"]:
        case "bool":
            return pick.choice([True, False])
        case "provenance":
            return {"at_least": pick.choice(["model", "record", "user"])}
        case "string":
            return {"in": pick.sample(["EUR", "USD", "CHF"], 2)}
    least = pick.randint(0, 20)
    return {"ge": least, "lt": least + pick.randint(1, 5)}


def _rule(name: str, when: dict[str, Any], then: Any) -> dict[str, Any]:
    return {"id": name, "when": when, "then": then, "because": "it is so"}


def _policy(rules: list[dict[str, Any]]) -> Policy:
    return Policy.model_validate(
        {"policy": "bench", "version": 1, "applies_to": ["payments.*"], "inputs": INPUTS, "rules": rules}
        | {"never": NEVER}
    )


def measure(rules: int = 100, repeats: int = 3) -> dict[str, Any]:
    """Seconds for all findings about 100 rules over seven inputs, and for five `never` of them; the best of three."""
    found: dict[str, Any] = {"rules": rules}
    for make in (bands, scattered):
        policy, settings = make(rules), [Setting(ACTION)]
        best = float("inf")
        for _ in range(repeats):
            started = time.perf_counter()
            remarks = [*analyse(policy, settings, {}), *prove(policy, [policy], settings, {})]
            best = min(best, time.perf_counter() - started)
        found[f"{make.__name__}_s"] = round(best, 3)
        found[f"{make.__name__}_findings"] = len(remarks)
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
