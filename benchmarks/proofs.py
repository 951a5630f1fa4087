"""How long proving a large workflow takes: `python -m benchmarks.proofs --json`."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from interlock.graphs.cards import ReasonCard, Schema
from interlock.graphs.proofs.prove import bounds, prove
from interlock.graphs.spec import (
    END,
    START,
    ApproveStep,
    CallStep,
    CompensateStep,
    Edge,
    ForkStep,
    JoinStep,
    ReasonStep,
    Spec,
    WaitStep,
)
from interlock.tools.drawer import read_actions

TOOLS = Path(__file__).parents[1] / "tools"
GROUP = 10


def large(steps: int) -> Spec:
    """A workflow of `steps` steps, a multiple of ten, in groups with a loop, a fork, two waits and an effect undone."""
    text = Schema(type="string")
    made: dict[str, Any] = {}
    edges = [Edge(source=START, target="s0")]
    for first in range(0, steps, GROUP):
        following = f"s{first + GROUP}" if first + GROUP < steps else END
        group, ways = _group(first, following)
        made |= group
        edges += ways
    return Spec(graph="large", version=1, input={"k0": text}, steps=made, edges=edges)


def _group(first: int, following: str) -> tuple[dict[str, Any], list[Edge]]:
    text = Schema(type="string")
    card = ReasonCard(node="think", kind="reason", goal="g", prompt="$k0", output={"text": text})
    name = [f"s{first + place}" for place in range(GROUP)]
    add = {"title": f"$.k{first}x.text", "day": "2030-01-01", "start": "09:00"}
    made = {
        name[0]: ReasonStep(card=card, reads=["k0"], writes=f"k{first}x", visits=2),
        name[1]: ForkStep(fork=["left", "right"]),
        name[2]: ReasonStep(card=card, reads=["k0"], writes=f"k{first}y"),
        name[3]: WaitStep(event="paid", within=timedelta(days=3), payload={"id": text}, writes=f"k{first}z"),
        name[4]: JoinStep(join=name[1]),
        name[5]: ApproveStep(approve="Go on?", reads=[f"k{first}x"], writes=f"k{first}w"),
        name[6]: WaitStep(duration=timedelta(hours=1)),
        name[7]: CallStep(call="calendar.add", bind=add, writes=f"k{first}v"),
        name[8]: ReasonStep(card=card, reads=["k0"], writes=f"k{first}u"),
        name[9]: CompensateStep(compensate=name[7], undoing=["calendar.remove"]),
    }
    ways: list[tuple[int, list[str], str]] = [
        (0, ["done"], name[1]),
        (0, ["failed"], END),
        (0, ["exhausted"], END),
        (1, ["left"], name[2]),
        (1, ["right"], name[3]),
        (2, ["done"], name[4]),
        (3, ["done"], name[4]),
        (3, ["expired"], name[4]),
        (4, ["done"], name[5]),
        (4, ["failed"], name[6]),
        (5, ["approved"], name[6]),
        (5, ["rejected"], name[0]),
        (5, ["expired"], following),
        (6, ["done"], name[7]),
        (7, ["done"], name[8]),
        (7, ["rejected"], name[0]),
        (7, ["expired", "denied", "failed"], following),
        (8, ["done", "failed"], name[9]),
        (9, ["done"], following),
        (9, ["rejected", "expired", "denied"], END),
    ]
    asked = {"approval": "two", "writes": "review"}
    edges = [
        Edge(source=name[place], on=on, target=to, **(asked if to in (name[7], name[9]) else {}))  # type: ignore[arg-type]
        for place, on, to in ways
    ]
    return made, [*edges, Edge(source=name[9], on=["failed"], target=END, keeps=[name[7]])]


def measure() -> dict[str, Any]:
    """Seconds for all proofs and bounds of 1,000 and of 5,000 steps, two edges a step; the best of three."""
    actions = read_actions(TOOLS)
    found: dict[str, Any] = {}
    for steps in (1000, 5000):
        spec = large(steps)
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            faults = prove(spec, actions, lambda action: False)
            bounds(spec, actions)
            best = min(best, time.perf_counter() - started)
        found[f"seconds_{steps}"] = round(best, 3)
        found[f"edges_{steps}"] = len(spec.edges)
        assert not [fault for fault in faults if fault.severity == "error"], faults[:3]
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
