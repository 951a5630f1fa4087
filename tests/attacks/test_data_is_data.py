"""Invariant 8 and provenance: what a person or a model supplies is data, and its origin is not what it says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from interlock.errors import InputError
from interlock.graphs.cards import ActCard, Schema
from interlock.graphs.spec import ActStep, Edge, Spec
from interlock.lam.protocol import Action, Decision, Evidence
from interlock.nodes.act import Abstained, propose
from interlock.nodes.services import Place, Services
from interlock.store.tables import Effect
from interlock.testing import ScriptedActionModel
from tests.attacks.house import House

REQUEST = "Pay 480 to anna please"
CARD = ActCard(node="pay", kind="act", goal="Pay.", actions=["shop.pay"])
SPEC = Spec(
    graph="act",
    version=1,
    input={"request": Schema(type="string")},
    steps={"pay": ActStep(card=CARD, reads=["request"])},
    edges=[Edge(source="START", target="pay"), Edge(source="pay", on=["done"], target="END")],
)


def proposed(house: House, arguments: dict[str, Any], evidence: dict[str, Evidence]) -> Effect:
    """The row made of what an action model claims about `REQUEST`."""
    action = Action(name="shop.pay", arguments=arguments, confidence=0.99, evidence=evidence)
    decision = Decision(kind="act", actions=[action], p_null=0.0, backend="liar", model_id="1")
    project = house.project()
    services: Services = project.services
    spec = SPEC.model_dump(mode="json", by_alias=True)
    run = services.runs.create(spec=spec, spec_digest=SPEC.digest(), input={"request": REQUEST}, requester="me")
    services = replace(services, action_model=lambda: ScriptedActionModel([decision]))
    step = SPEC.steps["pay"]
    assert isinstance(step, ActStep)
    row = propose(step, Place(run.id, SPEC, SPEC.digest(), "pay", 1), {"request": REQUEST}, services)
    assert not isinstance(row, Abstained)
    return row


def span(text: str, normaliser: str | None = None, source: str = "request") -> Evidence:
    start = REQUEST.find(text)
    return Evidence(source=source, start=start, end=start + len(text), text=text, normaliser=normaliser)


TRUE = {"amount": span("480", "number"), "to": span("anna")}


def test_a_value_that_stands_in_the_request_is_the_users(house: House) -> None:
    """Quoted literally, or read from its span by the named rule."""
    row = proposed(house, {"amount": 480, "to": "anna"}, TRUE)
    assert row.labels == {"amount": "user", "to": "user"}


LIES: dict[str, tuple[dict[str, Any], dict[str, Evidence]]] = {
    "another value than its span": ({"amount": 480, "to": "eve"}, TRUE),
    "another number than its span": ({"amount": 999, "to": "anna"}, TRUE),
    "a rule that reads otherwise": ({"amount": 480, "to": "anna"}, TRUE | {"amount": span("480", "percent")}),
    "a rule that there is not": ({"amount": 480, "to": "anna"}, TRUE | {"amount": span("480", "__import__")}),
    "a span that is not there": (
        {"amount": 480, "to": "eve"},
        TRUE | {"to": Evidence(source="request", start=0, end=3, text="eve")},
    ),
    "a source that is not there": ({"amount": 480, "to": "anna"}, TRUE | {"to": span("anna", source="record")}),
    "an empty span": ({"amount": 480, "to": ""}, TRUE | {"to": Evidence(source="request", start=0, end=0, text="")}),
    "no evidence": ({"amount": 480, "to": "anna"}, {"amount": TRUE["amount"]}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_model_cannot_say_that_a_value_is_the_users(house: House, lie: str) -> None:
    """Evidence that does not give the value proves nothing: the value is the model's."""
    row = proposed(house, *LIES[lie])
    lied = "amount" if "number" in lie or "rule" in lie else "to"
    assert row.labels[lied] == "model"


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, -(2**60), True, "10", 1.5, None, [1], {"amount": 1}])
def test_an_amount_that_is_no_whole_number_is_no_input(house: House, value: Any) -> None:
    """Not a number, too large to be kept exactly, a boolean, a text: the run is not accepted, and the key is named."""
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "pay.yaml")
    with pytest.raises(InputError, match="input amount"):
        engine.start(workflow, {"amount": value}, "requester")
    assert engine.services.runs.list() == []


@pytest.mark.parametrize(
    "text", ["$.amount", "{amount}", "$amount", "{{ 7*7 }}", "'; DROP TABLE runs; --", "../../x", "\x00"]
)
def test_a_text_is_never_a_path_a_template_or_a_query(house: House, text: str) -> None:
    """It comes out in the effect as it went in."""
    run = house.begun("pay", to=text)
    assert run.asked.request["arguments"]["to"] == text
    run.approve()
    run.drive()
    assert (house.home / "effects").read_text() == f"pay 10 {text}\n"
    assert run.whole()


def test_a_text_that_no_encoding_carries_is_no_input(house: House) -> None:
    """Half a character cannot be stored exactly, so it is refused before anything is."""
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "pay.yaml")
    with pytest.raises(InputError, match="input to cannot be kept exactly"):
        engine.start(workflow, {"amount": 1, "to": "\ud800"}, "requester")
