"""The worst case of single kinds of step, worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from random_specs import ACTIONS, REASON, ROUTE, TEXT

from interlock.graphs.cards import Cost, Limits, Retry, Schema, StepLimits
from interlock.graphs.proofs.bounds import Bounds, bounds
from interlock.graphs.spec import (
    END,
    START,
    CallStep,
    Edge,
    ForkStep,
    GraphStep,
    JoinStep,
    MapStep,
    ReasonStep,
    RouteStep,
    Spec,
    WaitStep,
)

LIMITED = StepLimits(tokens=100, cost=Cost(usd=Decimal("0.05")))


def think(**about: Any) -> ReasonStep:
    return ReasonStep(reads=["a"], writes="b", **{"card": REASON, "limits": LIMITED} | about)


def alone(step: Any, limits: Limits | None = None) -> Spec:
    """A workflow of one step."""
    edges = [Edge(source=START, target="s"), Edge(source="s", on=["done"], target=END)]
    given = {"a": TEXT, "list": Schema(type="array")}
    return Spec(graph="alone", version=1, input=given, steps={"s": step}, edges=edges, limits=limits or Limits())


def found(steps: int, calls: int, actions: int, asked: int, tokens: int | None, usd: str | None) -> Bounds:
    cost = None if usd is None else Decimal(usd)
    return Bounds(steps=steps, model_calls=calls, actions=actions, approvals=asked, tokens=tokens, cost=cost)


PAY = CallStep(call="house.pay", bind={"payee": "$.a"})
LOOKING = REASON.model_copy(update={"actions": ["house.look"], "turns": 3})


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (think(), found(1, 2, 0, 0, 100, "0.05")),
        (think(limits=StepLimits()), found(1, 2, 0, 0, None, None)),
        (think(retry=Retry(attempts=3)), found(1, 6, 0, 0, 100, "0.05")),
        (think(limits=StepLimits(model_calls=1, tokens=7)), found(1, 1, 0, 0, 7, None)),
        (think(card=LOOKING), found(1, 5, 3, 0, 100, "0.05")),
        (RouteStep(card=ROUTE, reads=["a"], limits=LIMITED), found(1, 2, 0, 0, 100, "0.05")),
        (RouteStep(card=ROUTE.model_copy(update={"model": "lam"}), reads=["a"]), found(1, 0, 0, 0, 0, "0")),
        (PAY, found(1, 0, 1, 1, 0, "0")),
        (CallStep(call="house.look", bind={"payee": "$.a"}), found(1, 0, 1, 0, 0, "0")),
        (WaitStep(duration=timedelta(hours=1)), found(1, 0, 0, 0, 0, "0")),
        (GraphStep(spec=alone(think()), bind={"a": "$.a"}), found(2, 2, 0, 0, 100, "0.05")),
        (MapStep(spec=alone(think()), over="$.list", item="a", at_most=5), found(6, 10, 0, 0, 500, "0.25")),
        (MapStep(spec=alone(PAY), over="$.list", item="a", at_most=3), found(4, 0, 3, 3, 0, "0")),
        (
            GraphStep(spec=alone(think(), Limits(model_calls=1, cost=Cost(usd=Decimal("0.01")))), bind={"a": "$.a"}),
            found(2, 1, 0, 0, 100, "0.01"),
        ),
    ],
)
def test_the_worst_case_of_one_step(step: Any, expected: Bounds) -> None:
    """Attempts, repairs, lookups, items and limits of nested graphs are counted."""
    assert bounds(alone(step), ACTIONS) == expected


def test_visits_are_counted_anew_in_every_child_run() -> None:
    """A loop of three visits around a fork whose branch holds a loop of two: the visits multiply."""
    steps = {
        "again": think(visits=3),
        "fork": ForkStep(fork=["one", "two"]),
        "inner": think(visits=2),
        "look": CallStep(call="house.look", bind={"payee": "$.a"}),
        "join": JoinStep(join="fork"),
    }
    edges = [
        Edge(source=START, target="again"),
        Edge(source="again", on=["done"], target="fork"),
        Edge(source="again", on=["exhausted"], target=END),
        Edge(source="fork", on=["one"], target="inner"),
        Edge(source="fork", on=["two"], target="look"),
        Edge(source="inner", on=["done"], target="inner"),
        Edge(source="inner", on=["exhausted"], target="join"),
        Edge(source="look", on=["done"], target="join"),
        Edge(source="join", on=["done"], target="again"),
    ]
    spec = Spec(graph="g", version=1, input={"a": TEXT}, steps=steps, edges=edges)
    bound = bounds(spec, ACTIONS)
    assert bound.model_calls is not None
    assert bound.model_calls >= 3 * 2 + 3 * 2 * 2
    assert bound.actions is not None
    assert bound.actions >= 3


def test_of_ways_that_exclude_each_other_the_dearer_counts() -> None:
    """A route to a cheap and to a dear step costs what the dear one costs."""
    steps = {
        "route": RouteStep(card=ROUTE.model_copy(update={"model": "lam"}), reads=["a"]),
        "dear": think(retry=Retry(attempts=5)),
        "cheap": think(),
    }
    edges = [
        Edge(source=START, target="route"),
        Edge(source="route", on=["left"], target="dear"),
        Edge(source="route", on=["right", "abstained"], target="cheap"),
        Edge(source="dear", on=["done"], target=END),
        Edge(source="cheap", on=["done"], target=END),
    ]
    spec = Spec(graph="g", version=1, input={"a": TEXT}, steps=steps, edges=edges)
    assert bounds(spec, ACTIONS) == found(2, 10, 0, 0, 100, "0.05")
