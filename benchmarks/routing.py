"""Routing by the packaged action model, how often and how well: `python -m benchmarks.routing --json`.

The requests are those of `tests/lam/`, written by hand.  They are sorted twice: by topic, with four labels
that are no actions, and by what is asked for, with each shipped action as a label.  A choice counts as in a
route step: above the measured threshold.  What the model leaves open would go to the chat model, or to
`abstained`.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from interlock.graphs.cards import RouteCard
from interlock.lam.load import load_action_model
from interlock.lam.protocol import ActionModel, Observation
from interlock.nodes.route import NONE, by_action_model
from interlock.tools.drawer import read_actions

ROOT = Path(__file__).parents[1]
TOPICS = {
    "email": "Send, draft or find an e-mail message.",
    "calendar": "Add, move, remove or list appointments in the calendar.",
    "payments": "Pay money, give it back, or show a balance.",
    "records": "Find or change a customer, order or invoice record.",
}


def requests() -> Iterator[tuple[str, str | None]]:
    """Each request with the action that it asks for; None where it asks for none."""
    for name in ("natural", "natural_unseen"):
        for row in yaml.safe_load((ROOT / "tests" / "lam" / f"{name}.yaml").read_text(encoding="utf-8")):
            yield row["text"], row.get("act") or row.get("ask")


def sort(model: ActionModel, labels: dict[str, str], right: list[tuple[str, str | None]]) -> dict[str, Any]:
    """Sort all requests into `labels`; shares of those that have a label, and of those that have none."""
    card = RouteCard(node="sort", kind="route", goal="Decide what is wanted.", labels=labels, model="lam")
    taken: list[float] = []
    counts = {"right": 0, "wrong": 0, "left_open": 0, "none_left_open": 0, "none_chosen": 0}
    for text, label in right:
        started = time.perf_counter()
        choice = by_action_model(card, Observation(sources={"request": text}, today="2026-03-04"), model)
        taken.append((time.perf_counter() - started) * 1000)
        if label is None:
            counts["none_left_open" if choice.label is None else "none_chosen"] += 1
        else:
            counts["left_open" if choice.label is None else "right" if choice.label == label else "wrong"] += 1
    return counts | {"labels": len(labels), "p50_ms": round(statistics.median(taken), 1)}


def measure() -> dict[str, Any]:
    """Both ways of sorting."""
    assert NONE not in TOPICS
    model = load_action_model()
    actions = read_actions(ROOT / "tools")
    names = {name: name.replace(".", "_") for name in actions}
    found = list(requests())
    topics = [(text, action.partition(".")[0] if action else None) for text, action in found]
    wanted = [(text, names[action] if action else None) for text, action in found]
    return {
        "requests": len(found),
        "by_topic": sort(model, TOPICS, topics),
        "by_action": sort(model, {names[name]: action.description for name, action in actions.items()}, wanted),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
