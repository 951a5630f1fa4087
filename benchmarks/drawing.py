"""How long drawing a workflow takes, from its spec to the text of its SVG: `python -m benchmarks.drawing --json`."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from interlock.graphs.cards import ReasonCard, Schema
from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.drawing import drawn
from interlock.graphs.spec import END, START, CallStep, Edge, ReasonStep, Spec
from interlock.policies.language import Requirement

SIZES = (12, 120)
TIMES = 9


def tangled(steps: int) -> Spec:
    """A workflow of `steps` steps: branches, approvals, loops back, ends from everywhere."""
    card = ReasonCard(node="think", kind="reason", goal="g", prompt="$k", output={"text": Schema(type="string")})
    made: dict[str, Any] = {}
    edges = [Edge(source=START, target="s0")]
    for number in range(steps):
        name, following = f"s{number}", f"s{number + 1}" if number + 1 < steps else END
        if number % 3 == 2:
            made[name] = CallStep(call="payments.transfer", bind={"payee": "$.k", "amount": 1})
            edges[-1] = edges[-1].model_copy(update={"approval": "two", "requires": Requirement(count=2)})
            edges.append(Edge(source=name, on=["rejected"], target=f"s{max(number - 5, 0)}"))
            edges.append(Edge(source=name, on=["expired", "denied"], target=END, outcome=f"refused_{number // 30}"))
        else:
            made[name] = ReasonStep(card=card, reads=["k"], writes="k", visits=3)
            edges.append(Edge(source=name, on=["exhausted"], target=f"s{min(number + 7, steps - 1)}"))
        edges.append(Edge(source=name, on=["done"], target=following))
    return Spec(graph="tangled", version=1, input={"k": Schema(type="string")}, steps=made, edges=edges)


def measure() -> dict[str, Any]:
    """Milliseconds (median) to draw a workflow of 12 and of 120 steps, with the number of its edges."""
    found: dict[str, Any] = {}
    for size in SIZES:
        spec, taken = tangled(size), []
        for _ in range(TIMES):
            started = time.perf_counter()
            drawn(depicted(spec))
            taken.append((time.perf_counter() - started) * 1000)
        found[f"milliseconds_{size}"] = round(statistics.median(taken), 1)
        found[f"edges_{size}"] = len(spec.edges)
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
