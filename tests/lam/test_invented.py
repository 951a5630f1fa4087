"""Values that no evidence gives are found, in nested objects too."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.lam.functions import read_function
from interlock.lam.invented import flat_arguments, invented_values
from interlock.lam.parameters import nest
from interlock.lam.protocol import Action, Decision, Evidence, Observation

SHIP = read_function(
    {
        "name": "ship",
        "description": "Ship goods.",
        "parameters": {
            "type": "object",
            "properties": {
                "weight": {"type": "number"},
                "gift": {"type": "boolean"},
                "to": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "zip": {"type": "string"}},
                    "required": ["city"],
                },
                "items": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
                    },
                },
            },
        },
    },
    "here",
)
TEXT = "Ship 12 kg to Bonn, with a pen."


def span(text: str, rule: str = "verbatim") -> Evidence:
    start = TEXT.index(text)
    return Evidence(source="request", start=start, end=start + len(text), text=text, normaliser=rule)


def found(arguments: dict[str, Any], evidence: dict[str, Evidence], bound: dict[str, Any] | None = None) -> list[str]:
    action = Action(name="ship", arguments=arguments, confidence=0.9, evidence=evidence)
    decision = Decision(kind="act", actions=[action], p_null=0.1, backend="script", model_id="script")
    return invented_values(Observation(sources={"request": TEXT}, bound=bound or {}), [SHIP], decision)


@pytest.mark.parametrize(
    ("arguments", "evidence", "invented"),
    [
        ({"weight": 12}, {"weight": span("12", "number")}, []),
        ({"weight": 13}, {"weight": span("12", "number")}, ["weight"]),
        ({"weight": 12}, {}, ["weight"]),
        ({"weight": True}, {"weight": span("12", "number")}, ["weight"]),
        ({"to": {"city": "Bonn"}}, {"to.city": span("Bonn")}, []),
        ({"to": {"city": "Berlin"}}, {"to.city": span("Bonn")}, ["to.city"]),
        ({"to": {"city": "Bonn", "zip": "53111"}}, {"to.city": span("Bonn")}, ["to.zip"]),
        ({"to": {"city": "Bonn", "street": "Bonn"}}, {"to.city": span("Bonn")}, ["to"]),
        ({"colour": "red"}, {}, ["colour"]),
    ],
)
def test_a_value_needs_evidence_that_gives_it(
    arguments: dict[str, Any], evidence: dict[str, Evidence], invented: list[str]
) -> None:
    """The span must hold what the rule turns into the value; parts of objects need evidence of their own."""
    assert found(arguments, evidence) == invented


def test_bound_values_need_no_evidence_and_unknown_tools_have_none() -> None:
    """What the graph fixed is not the model's; a call outside the space is invented as a whole."""
    assert found({"to": {"city": "Rom"}}, {}, bound={"to": {"city": "Rom"}}) == []
    assert found({"weight": 3}, {}, bound={"weight": 4}) == ["weight"]
    action = Action(name="fly", arguments={"x": 1}, confidence=0.9)
    decision = Decision(kind="act", actions=[action], p_null=0.1, backend="script", model_id="script")
    assert invented_values(Observation(sources={"request": TEXT}), [SHIP], decision) == ["x"]


def test_flat_arguments_are_put_together_again() -> None:
    """Flattening and nesting give the same call back, lists of objects included."""
    arguments = {
        "weight": 2,
        "to": {"city": "Bonn"},
        "items": [{"name": "pen", "count": 1}, {"name": "ink", "count": 2}],
    }
    flat = flat_arguments(SHIP, arguments)
    assert flat["items[].count"] == [1, 2]
    assert nest(flat) == arguments
