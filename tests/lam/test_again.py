"""What counts as said again."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.lam.again import same_call, same_thing
from interlock.lam.calling import calls_of
from tests.lam.made_scores import TEXT, places_of, scores_of, tool_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Microsoft Corporation", "Microsoft", True),
        ("Apple", "apple inc.", True),
        ("the Corporation", "Corporation", True),
        ("New York", "York University", False),
        ("1", "12", False),
        ("", "Apple", False),
        (3, 3, True),
        (1, True, False),
        (3, 4, False),
    ],
)
def test_the_same_thing_is_told_by_its_first_or_last_words(one: Any, other: Any, same: bool) -> None:
    assert same_thing(one, other) is same is same_thing(other, one)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"n": 30, "k": 7}, {"n": 7, "k": 30}, True),
        ({"n": 30, "k": 7}, {"n": 30, "k": 8}, False),
        ({"n": 30, "k": True}, {"n": 1, "k": 30}, False),
        ({"a": "Oslo", "b": "Rome"}, {"a": "Rome", "b": "Oslo"}, False),
        ({"a": "Oslo"}, {"a": "Oslo", "b": 1}, False),
    ],
)
def test_the_same_numbers_the_other_way_round_are_no_further_call(one: Any, other: Any, same: bool) -> None:
    """A flight to Rome and one to Oslo are two; the permutations of 7 of 30, and of 30 of 7, are one question."""
    assert same_call(one, other) is same


def test_a_thing_named_twice_makes_one_call() -> None:
    """The full name, and later the short one."""
    schema = tool_of({"company": TEXT}, ["company"])
    places = places_of("Check the stock of Microsoft Corporation. What is the latest price for Microsoft?")
    tool = scores_of(schema, places.context, {"company": [("Microsoft Corporation", 4.0), ("Microsoft?", 3.0)]})
    assert len(calls_of(tool, places)) == 1
