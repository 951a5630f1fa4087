"""How long proving a large workflow takes: `python -m benchmarks.proofs --json`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from interlock.graphs.cards import ReasonCard, Schema
from interlock.graphs.proofs import bounds, prove
from interlock.graphs.spec import END, START, CallStep, Edge, ReasonStep, Spec
from interlock.tools.drawer import read_actions

TOOLS = Path(__file__).parents[1] / "tools"


def large(steps: int) -> Spec:
    """A workflow of `steps` steps in groups of ten, each with a bounded loop back: two edges a step."""
    text = Schema(type="string")
    card = ReasonCard(node="think", kind="reason", goal="g", prompt="$k0", output={"text": text})
    made: dict[str, Any] = {}
    edges = [Edge(source=START, target="s0")]
    for number in range(steps):
        name, following = f"s{number}", f"s{number + 1}" if number + 1 < steps else END
        if number % 10 == 9:
            made[name] = CallStep(
                call="payments.transfer", bind={"payee": f"$.k{number - 1}.text", "amount": 1}, writes=f"k{number}"
            )
            approval = {"approval": "two", "writes": "review"}
            edges[-1] = edges[-1].model_copy(update=approval)
            edges += [
                Edge(source=name, on=["rejected"], target=f"s{number - 9}"),
                Edge(source=name, on=["done", "expired", "denied"], target=following),
            ]
            continue
        made[name] = ReasonStep(card=card, reads=["k0"], writes=f"k{number}", visits=2 if number % 10 == 0 else None)
        edges.append(Edge(source=name, on=["failed"], target=END))
        edges.append(Edge(source=name, on=["done"], target=following))
    return Spec(graph="large", version=1, input={"k0": text}, steps=made, edges=edges)


def measure() -> dict[str, Any]:
    """Seconds for all proofs and bounds of 1,000 and of 5,000 steps, two edges a step."""
    actions = read_actions(TOOLS)
    found: dict[str, Any] = {}
    for steps in (1000, 5000):
        spec = large(steps)
        started = time.perf_counter()
        faults = prove(spec, actions, lambda action: False)
        bounds(spec, actions)
        found[f"seconds_{steps}"] = round(time.perf_counter() - started, 3)
        assert not [fault for fault in faults if fault.severity == "error"]
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
