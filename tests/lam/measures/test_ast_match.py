"""The value rules of the AST check, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.lam.functions import read_function
from interlock.lam.measures.ast_match import accepts, call_fault, decision_fault
from interlock.lam.measures.cases import GoldCall
from interlock.lam.protocol import Action, Decision

BOOK = read_function(
    {
        "name": "book.table",
        "description": "Book a table.",
        "parameters": {
            "type": "dict",
            "properties": {
                "city": {"type": "string"},
                "people": {"type": "integer"},
                "budget": {"type": "float"},
                "outside": {"type": "boolean"},
                "dishes": {"type": "array", "items": {"type": "string"}},
                "guest": {"type": "dict", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}},
            },
            "required": ["city"],
        },
    },
    "here",
)


def decided(*calls: tuple[str, dict[str, Any]], kind: str = "act") -> Decision:
    actions = [Action(name=name, arguments=arguments, confidence=0.9) for name, arguments in calls]
    return Decision.model_validate(
        {"kind": kind, "actions": actions, "p_null": 0.1, "backend": "script", "model_id": "script"}
    )


@pytest.mark.parametrize(
    ("answers", "value", "schema", "right"),
    [
        (["New York"], "new-york", {"type": "string"}, True),
        (["New York, NY"], "New York NY", {"type": "string"}, True),
        (["New York"], "New Yorks", {"type": "string"}, False),
        (["it's"], 'it"s', {"type": "string"}, True),
        ([5], 5, {"type": "integer"}, True),
        ([5], 5.0, {"type": "integer"}, False),
        ([5], "5", {"type": "integer"}, False),
        ([5], True, {"type": "integer"}, False),
        ([1], True, {}, False),
        ([True], True, {"type": "boolean"}, True),
        ([True], 1, {"type": "boolean"}, False),
        ([5.0], 5, {"type": "number"}, True),
        ([5], 5.0, {"type": "number"}, True),
        (["x"], "x", {"type": "number"}, True),
        ([4.5, 5.5], 5.5, {"type": "number"}, True),
        ([["a b", "C"]], ["A-B", "c"], {"type": "array", "items": {"type": "string"}}, True),
        ([["a", "b"]], ["b", "a"], {"type": "array", "items": {"type": "string"}}, False),
        ([["a", "b"]], ["a"], {"type": "array", "items": {"type": "string"}}, False),
        ([[1, 2]], [1, 2.0], {"type": "array", "items": {"type": "integer"}}, False),
        ([[1.0, 2.0]], [1, 2], {"type": "array", "items": {"type": "number"}}, True),
        ([["a"], ["b"]], ["b"], {"type": "array"}, True),
        ([{"name": ["Ann", "Anne"], "age": [3, ""]}], {"name": "anne"}, {"type": "object"}, True),
        ([{"name": ["Ann"], "age": [3]}], {"name": "Ann"}, {"type": "object"}, False),
        ([{"name": ["Ann"]}], {"name": "Ann", "age": 3}, {"type": "object"}, False),
        ([{"age": [3]}], {"age": 3.0}, {"type": "object", "properties": {"age": {"type": "integer"}}}, False),
        ([[{"name": ["Ann"]}]], [{"name": "ann"}], {"type": "array", "items": {"type": "object"}}, True),
    ],
)
def test_a_value_is_accepted_by_the_rules_of_the_leaderboard(
    answers: list[Any], value: Any, schema: dict[str, Any], right: bool
) -> None:
    """Texts lose case and marks, an int passes for a float and not the reverse, lists and objects go by parts."""
    assert accepts(answers, value, schema) is right


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"city": "Bonn", "people": 2}, None),
        ({"city": "Bonn", "people": 2, "budget": 9}, None),
        ({"city": "Bonn"}, "people is missing"),
        ({"people": 2}, "city is missing"),
        ({"city": "Bonn", "people": 3}, "people has another value"),
        ({"city": "Bonn", "people": 2, "outside": True}, "outside is not asked for"),
        ({"city": "Bonn", "people": 2, "colour": "red"}, "colour is not asked for"),
    ],
)
def test_a_call_is_right_or_its_fault_is_named(arguments: dict[str, Any], fault: str | None) -> None:
    """A required or expected argument may not be missing, an unknown one not be there."""
    gold = GoldCall("book.table", {"city": ["Bonn"], "people": [2], "budget": [9.0, ""]})
    assert call_fault(gold, "book.table", arguments, BOOK) == fault


def test_calls_are_matched_in_any_order_and_their_number_counts() -> None:
    """Two right calls may come in either order; one more or one less is wrong, and so is one call twice."""
    gold = [GoldCall("book.table", {"city": ["Bonn"]}), GoldCall("book.table", {"city": ["Köln"]})]
    bonn, koeln = ("book.table", {"city": "Bonn"}), ("book.table", {"city": "Köln"})
    assert decision_fault(gold, decided(koeln, bonn), [BOOK]) is None
    assert decision_fault(gold, decided(bonn, koeln), [BOOK]) is None
    assert decision_fault(gold, decided(bonn), [BOOK]) == "makes 1 calls, not 2"
    assert decision_fault(gold, decided(bonn, koeln, koeln), [BOOK]) == "makes 3 calls, not 2"
    assert decision_fault(gold, decided(bonn, bonn), [BOOK]) == "city has another value"


def test_asking_and_abstaining_make_no_call() -> None:
    """Where a call is right both are wrong; where none is right both are right, and any call is wrong."""
    gold = [GoldCall("book.table", {"city": ["Bonn"]})]
    call = ("book.table", {"city": "Bonn"})
    assert decision_fault(gold, decided(call, kind="ask"), [BOOK]) is not None
    assert decision_fault(gold, decided(kind="abstain"), [BOOK]) == "abstains"
    assert decision_fault([], decided(kind="abstain"), [BOOK]) is None
    assert decision_fault([], decided(call, kind="ask"), [BOOK]) is None
    assert decision_fault([], decided(call), [BOOK]) == "makes a call (book.table) where none is right"
