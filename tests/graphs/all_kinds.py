"""A workflow with a step of every kind, as a spec."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from interlock.graphs.cards import ActCard, Cost, PythonCard, ReasonCard, Retry, RouteCard, Schema, StepLimits
from interlock.graphs.spec import (
    END,
    START,
    ActStep,
    ApproveStep,
    CallStep,
    CompensateStep,
    Edge,
    ForkStep,
    GraphStep,
    JoinStep,
    MapStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    WaitStep,
)
from interlock.policies.language import Comparison, Requirement

TEXT = Schema(type="string")
REASON = ReasonCard(
    node="think", kind="reason", goal="Think about <it>.", prompt="$k", output={"text": TEXT},
    model="openai:gpt-5", actions=["records.find"], turns=3,
)  # fmt: skip
ROUTE = RouteCard(node="sort", kind="route", goal="Sort.", labels={"refund": "Money back.", "question": "A question."})
PYTHON = PythonCard(node="total", goal="Add up.", reads={}, output={}, source="sha256:0")
ACT = ActCard(node="pay", kind="act", goal="Pay.", actions=["payments.transfer", "payments.refund"], on_abstain="ask")


def item() -> Spec:
    """The graph that runs for each item."""
    steps: dict[str, Any] = {"look": ReasonStep(card=REASON, reads=["k"], writes="seen")}
    edges = [Edge(source=START, target="look"), Edge(source="look", on=["done"], target=END, outcome="found")]
    return Spec(graph="one_item", version=1, description="One item.", input={"k": TEXT}, steps=steps, edges=edges)


def every_kind() -> Spec:
    """Steps and edges with everything that a picture can show."""
    steps: dict[str, Any] = {
        "think": ReasonStep(
            card=REASON, reads=["k"], writes="t", visits=2, retry=Retry(attempts=3), timeout=timedelta(seconds=30),
            limits=StepLimits(model_calls=4, tokens=900, cost=Cost(usd=Decimal("0.10"))),
        ),
        "sort": RouteStep(card=ROUTE, reads=["t"]),
        "ask": ApproveStep(approve="Did it arrive?", requires=Requirement(count=2, role="finance"), covers="pay"),
        "pay": ActStep(card=ACT, bind={"payee": "$.k"}),
        "undo": CompensateStep(compensate="pay", undoing=["payments.refund"]),
        "wait": WaitStep(event="shipped", within=timedelta(days=3)),
        "nap": WaitStep(duration=timedelta(hours=2)),
        "split": ForkStep(fork=["items", "prices"]),
        "each": MapStep(spec=item(), over="$.list.rows", item="k", at_most=50, reduce={"seen": "concat"}),
        "price": CallStep(call="payments.balance"),
        "gather": JoinStep(join="split", reduce={"total": "sum"}),
        "add": PythonStep(card=PYTHON, reads=["t"], writes="sum"),
        "inner": GraphStep(spec=item()),
    }  # fmt: skip
    edges = [
        Edge(source=START, target="think", when={"$.k.size": Comparison(gt=1000)}),
        Edge(source=START, target="nap", otherwise=True),
        Edge(source="nap", on=["done"], target="think"),
        Edge(source="think", on=["done"], target="sort"),
        Edge(source="think", on=["failed", "exhausted"], target=END, outcome="gave_up"),
        Edge(source="sort", on=["refund"], target="ask"),
        Edge(source="sort", on=["question", "abstained"], target="split"),
        Edge(source="ask", on=["approved"], target="pay", approval="two_people", requires=Requirement(count=2)),
        Edge(source="ask", on=["rejected", "expired"], target="think"),
        Edge(source="pay", on=["done"], target="wait"),
        Edge(source="pay", on=["failed"], target=END, keeps=["price"]),
        Edge(source="wait", on=["done"], target="inner"),
        Edge(source="wait", on=["expired"], target="undo"),
        Edge(source="undo", on=["done"], target=END, outcome="undone"),
        Edge(source="split", on=["items"], target="each"),
        Edge(source="split", on=["prices"], target="price"),
        Edge(source="each", on=["done"], target="gather"),
        Edge(source="price", on=["done"], target="gather"),
        Edge(source="price", on=["failed"], target=END, outcome="no_price"),
        Edge(source="gather", on=["done"], target="add"),
        Edge(source="add", on=["done"], target="inner"),
        Edge(source="inner", on=["found"], target=END, outcome="answered"),
    ]
    return Spec(graph="every_kind", version=7, description="Everything.", input={"k": TEXT}, steps=steps, edges=edges)
