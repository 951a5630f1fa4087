"""The embedded model: what it decides, what it never does, and how sure it is."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.lam.confidence.seal import check_seal
from interlock.lam.evaluate import held_out, measure
from interlock.lam.functions import named
from interlock.lam.invented import invented_values
from interlock.lam.parameters import faults
from interlock.lam.protocol import Action, ActionModel, ActionSchema, Decision, Observation
from interlock.lam.spans import SpanModel
from interlock.lam.weights import METADATA, TENSORS, digest_of, packaged_folder

TODAY = "2026-03-04"
DROWNED = pytest.mark.xfail(
    strict=True,
    reason="beside so long a source the packaged weights abstain (MODEL_CARD.md)",
)
PARTS = [
    "send an email to",
    "anna@example.org",
    "pay",
    "€1,250.50",
    "50 dollars",
    "to Acme",
    "tomorrow",
    "at 3pm",
    "next Friday",
    "refund",
    "P-1001",
    "customer 4711",
    "invoice",
    "don't",
    "cancel the dentist",
    '"Hello there"',
    "saying that it is late",
    "subject",
    ":",
    "\n",
    ".",
    "25 %",
    "in two weeks",
    "cc b@x.org and c@x.org",
    "31.02.2026",
    "half an hour",
    "ünïcode €",
    "🙂",
    "note on order 7",
    "status",
    "'",
    "“quoted”",
    "1e9",
    "-5",
    "@",
    "what is the balance of savings",
]


def observe(text: str, **more: object) -> Observation:
    return Observation.model_validate({"sources": {"request": text}, "today": TODAY, **more})


def test_the_model_keeps_the_protocol(model: SpanModel, space: list[ActionSchema]) -> None:
    """The embedded model is an `ActionModel` and answers with a `Decision` of its own backend and id."""
    assert isinstance(model, ActionModel)
    decision = model.decide(observe("What's on my calendar tomorrow?"), space, risk=0.5)
    assert isinstance(decision, Decision)
    assert (decision.backend, decision.model_id) == ("spans", model.model_id)


def test_held_out_requests_are_decided_right(model: SpanModel) -> None:
    """On 400 held-out requests at least 93 % of full calls are right, no value is invented, no call is invalid."""
    report = measure(model, held_out(400)).report()
    assert report["decision"] >= 0.88, report
    assert report["full_call"] >= 0.93, report
    assert (report["invented_values"], report["invalid_calls"]) == (0, 0)


@pytest.mark.parametrize(("name", "least"), [("natural.yaml", 0.7), ("natural_unseen.yaml", 0.8)])
def test_hand_written_requests_are_mostly_decided_right(
    model: SpanModel, space: list[ActionSchema], name: str, least: float
) -> None:
    """Most of the requests written by hand are decided exactly right."""
    rows = yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    right = 0
    for row in rows:
        decision = model.decide(observe(row["text"]), space, risk=0.5)
        kind = next(word for word in ("act", "ask", "abstain") if word in row)
        call = decision.actions[0] if decision.actions else None
        same = call is not None and (call.name, call.arguments) == (row[kind], row.get("arguments"))
        right += decision.kind == kind and (
            kind == "abstain" or (same and set(decision.missing) == set(row.get("missing", [])))
        )
    assert right / len(rows) >= least


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(st.sampled_from(PARTS) | st.text(max_size=12), max_size=9),
    extra=st.text(max_size=40),
    risk=st.floats(0, 1),
)
def test_no_value_is_ever_invented(
    model: SpanModel, space: list[ActionSchema], parts: list[str], extra: str, risk: float
) -> None:
    """Whatever the request, each value is reproduced by its rule from its span, and a call is valid."""
    observation = Observation(sources={"request": " ".join(parts), "draft": extra}, today=TODAY)
    decision = model.decide(observation, space, risk=risk)
    assert invented_values(observation, space, decision) == []
    for action in decision.actions:
        schema = named(space, action.name)
        assert schema is not None
        for evidence in action.evidence.values():
            assert observation.sources[evidence.source][evidence.start : evidence.end] == evidence.text
        spans = sorted((e.source, e.start, e.end) for e in action.evidence.values())
        assert all(one[0] != two[0] or one == two or one[2] <= two[1] for one, two in itertools.pairwise(spans))
        if decision.kind == "act":
            assert faults(schema, action.arguments) == []
    assert (decision.kind == "abstain") == (not decision.actions)


def test_a_missing_argument_is_asked_for(model: SpanModel, space: list[ActionSchema]) -> None:
    """Without an address the model asks for `to` and still carries what it found."""
    decision = model.decide(
        observe('Send an e-mail with the subject "Lunch" and the text "See you at noon."'), space, risk=0.5
    )
    assert (decision.kind, decision.missing) == ("ask", ["to"])
    assert decision.actions[0].arguments == {"subject": "Lunch", "body": "See you at noon."}


def test_a_request_outside_the_space_is_left_alone(model: SpanModel, space: list[ActionSchema]) -> None:
    """Questions, other errands and an order not to act are abstained from."""
    for text in (
        "What is the capital of France?",
        "Book a flight to Rome.",
        "Don't send the e-mail to anna@example.org.",
    ):
        assert model.decide(observe(text), space, risk=0.5).kind == "abstain", text


def test_bound_arguments_are_never_missing_and_never_chosen(model: SpanModel, space: list[ActionSchema]) -> None:
    """With everything bound the request alone decides between act and abstain, and bound values stay."""
    send = [schema for schema in space if schema.name == "email.send"]
    bound = {"to": "anna@example.org", "subject": "Delivery", "body": "It comes on Friday."}
    decision = model.decide(observe("Polish my email and send it.", bound=bound), send, risk=0.5)
    assert (decision.kind, decision.actions[0].arguments) == ("act", bound)
    assert decision.actions[0].evidence == {}
    assert model.decide(observe("What is the capital of France?", bound=bound), send, risk=0.5).kind == "abstain"


def test_a_whole_source_may_be_a_value(model: SpanModel, space: list[ActionSchema]) -> None:
    """`the draft` fills the body with the source of that name; without an address the model asks for it."""
    draft = "Hi Tom,\n\nthe parcel comes on Friday.\n\nBest\nAnna"
    sources = {"request": "Polish my email and send it.", "draft": draft}
    decision = model.decide(Observation(sources=sources, today=TODAY), space, risk=0.5)
    assert (decision.kind, decision.actions[0].name) == ("ask", "email.send")
    assert "to" in decision.missing
    evidence = decision.actions[0].evidence["body"]
    assert (evidence.source, evidence.start, evidence.end) == ("draft", 0, len(draft))


def test_another_currency_is_never_read_as_the_default(model: SpanModel, space: list[ActionSchema]) -> None:
    """An amount in a currency the action does not know is asked about."""
    decision = model.decide(observe("Pay 500 yen to Acme."), space, risk=0.5)
    assert decision.kind != "act"


def test_a_lower_risk_acts_less(model: SpanModel, space: list[ActionSchema]) -> None:
    """With no risk allowed nothing is done; with any risk allowed a plain request is."""
    observation = observe("Show me invoice 2041.")
    assert model.decide(observation, space, risk=1.0).kind == "act"
    assert model.decide(observation, space, risk=0.0).kind != "act"


def test_a_score_is_a_log_probability(model: SpanModel, space: list[ActionSchema]) -> None:
    """The proposed action scores best; a value from nowhere or a foreign action scores minus infinity."""
    observation = observe("Refund 30 EUR of payment P-2201, not P-9.")
    action = model.decide(observation, space, risk=1.0).actions[0]
    best = model.score(observation, space, action)
    other = model.score(
        observation, space, action.model_copy(update={"arguments": {**action.arguments, "payment": "P-9"}})
    )
    invented = action.model_copy(update={"arguments": {**action.arguments, "amount": 31}})
    assert -math.inf < other < best <= 0
    assert model.score(observation, space, invented) == -math.inf
    assert model.score(observation, space, Action(name="nothing.here", arguments={}, confidence=1)) == -math.inf


def test_the_space_may_be_any_functions(model: SpanModel) -> None:
    """A tool the model never saw is read from its name and description."""
    weather = ActionSchema(
        name="weather_forecast",
        description="Get the weather forecast for a city on a date.",
        parameters={
            "type": "object",
            "properties": {"date": {"type": "string", "format": "date", "description": "Date of the forecast."}},
            "required": ["date"],
        },
    )
    decision = model.decide(observe("Show the weather forecast for tomorrow"), [weather], risk=1.0)
    assert invented_values(observe("Show the weather forecast for tomorrow"), [weather], decision) == []


def test_an_empty_space_or_context_is_abstained_from(model: SpanModel, space: list[ActionSchema]) -> None:
    """Nothing to choose from, or nothing to read, is no reason to fail."""
    assert model.decide(observe("Pay 5 euros to Acme"), [], risk=0.5).kind == "abstain"
    assert model.decide(Observation(sources={}), space, risk=0.5).kind == "abstain"
    assert model.decide(observe(""), space, risk=0.5).kind != "act"


@DROWNED
def test_a_very_long_source_is_read_without_failing(model: SpanModel, space: list[ActionSchema]) -> None:
    """A draft of 20,000 characters fits, and may still be a value as a whole."""
    draft = "Hi Tom, the parcel is late. I am sorry about it. " * 400
    sources = {"request": 'Send the draft to anna@example.org with the subject "Report".', "draft": draft}
    decision = model.decide(Observation(sources=sources, today=TODAY), space, risk=1.0)
    assert decision.actions
    assert decision.actions[0].arguments.get("body") == draft.strip()


def test_the_weights_are_those_the_metadata_describes() -> None:
    """Digest, model id and size of the packaged weights agree with metadata and card."""
    folder = packaged_folder()
    metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert digest_of(folder / TENSORS) == metadata["digest"]
    assert metadata["model_id"] in card
    assert sum(path.stat().st_size for path in folder.iterdir()) < 25_000_000
    check_seal(metadata, folder / METADATA)


def test_the_shipped_space_is_the_drawer(space: list[ActionSchema]) -> None:
    """The functions the model was trained for are those the project's `tools/` declares."""
    drawer = pytest.importorskip("interlock.tools.drawer")
    actions = drawer.read_actions(Path(__file__).parents[2] / "tools")
    assert {s.name: (s.description, s.parameters) for s in space} == {
        name: (action.description, action.parameters()) for name, action in actions.items()
    }


def test_the_protocol_needs_no_torch() -> None:
    """Reading the protocol does not import torch."""
    code = "import sys, interlock.lam.protocol; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
