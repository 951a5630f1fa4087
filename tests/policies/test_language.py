"""The policy language: what each operator means, and which YAML the models take."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from interlock.digest import canonical
from interlock.policies.comparing import compare
from interlock.policies.language import PROVENANCE, Comparison, Policy, Requirement
from interlock.policies.provenance import join, rank, through_model

TABLE: list[tuple[Any, Any, bool]] = [
    ({"eq": 5}, 5, True), ({"eq": 5}, Decimal("5.0"), True), ({"eq": 5}, "5", False), ({"eq": 1}, True, False),
    ({"eq": True}, True, True), ({"eq": True}, 1, False), ({"eq": False}, 0, False), ({"eq": "a"}, "a", True),
    ({"eq": "a"}, "A", False), ({"eq": 0.1}, Decimal("0.1"), True), ({"eq": 0}, Decimal("-0"), True),
    ({"ne": 5}, 6, True), ({"ne": 5}, 5, False), ({"ne": "a"}, "b", True), ({"ne": True}, 1, True),
    ({"lt": 5}, 4, True), ({"lt": 5}, 5, False), ({"lt": 5}, "4", False), ({"lt": 5}, True, False),
    ({"le": 5}, 5, True), ({"le": 5}, Decimal("5.01"), False),
    ({"gt": 5}, 6, True), ({"gt": 5}, 5, False), ({"gt": 0}, True, False), ({"gt": 5}, "6", False),
    ({"ge": 5}, 5, True), ({"ge": 5}, Decimal("4.99"), False), ({"ge": 5}, None, False),
    ({"in": ["a", "b"]}, "b", True), ({"in": ["a", "b"]}, "c", False), ({"in": [1, 2]}, True, False),
    ({"in": [1, 2]}, Decimal("2.0"), True), ({"not_in": ["a"]}, "b", True), ({"not_in": ["a"]}, "a", False),
    ({"matches": "[a-z]+"}, "abc", True), ({"matches": "[a-z]+"}, "abc\n", False), ({"matches": "a"}, "ab", False),
    ({"matches": "[0-9]+"}, 12, False), ({"matches": ".*"}, "a\nb", False),
    ({"at_least": "record"}, "user", True), ({"at_least": "record"}, "record", True),
    ({"at_least": "record"}, "model", False), ({"at_least": "untrusted"}, "admin", False),
    ({"gt": 0, "le": 5}, 5, True), ({"gt": 0, "le": 5}, 6, False), ({"gt": 0, "le": 5}, 0, False),
    (5, 5, True), (True, True, True), ("a", "a", True), (0.5, Decimal("0.5"), True),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value", "holds"), TABLE, ids=repr)
def test_each_operator_means_what_it_says(written: Any, value: Any, holds: bool) -> None:
    """Numbers compare as numbers, booleans equal booleans alone, and unlike types never compare."""
    assert compare(Comparison.model_validate(written), value) is holds


@given(st.decimals(-1000, 1000, places=2), st.decimals(-1000, 1000, places=2))
def test_the_orders_agree_with_each_other(left: Decimal, right: Decimal) -> None:
    """Of lt, eq and gt exactly one holds; le and ge are their unions."""
    holds = {name: compare(Comparison(**{name: right}), left) for name in ("lt", "eq", "gt", "le", "ge", "ne")}
    assert [holds["lt"], holds["eq"], holds["gt"]].count(True) == 1
    assert holds["le"] == (holds["lt"] or holds["eq"])
    assert holds["ge"] == (holds["gt"] or holds["eq"])
    assert holds["ne"] == (not holds["eq"])


LABELS = st.sampled_from(PROVENANCE)


@given(LABELS, LABELS, LABELS)
def test_labels_join_downwards(one: Any, two: Any, three: Any) -> None:
    """The join is associative, commutative and idempotent, and never above any of its parts."""
    assert join([one, two]) == join([two, one])
    assert join([join([one, two]), three]) == join([one, join([two, three])])
    assert join([one, one]) == one
    assert rank(join([one, two, three])) == min(rank(one), rank(two), rank(three))
    assert join([one, "user"]) == one
    assert join([one, "untrusted"]) == "untrusted"
    assert rank(through_model([one, two])) <= rank("model")
    assert rank(through_model([one])) <= rank(one)


def test_a_value_made_from_nothing_is_the_authors() -> None:
    """A constant comes from whoever wrote the graph; what a model makes of nothing is still the model's."""
    assert join([]) == "user"
    assert through_model([]) == "model"
    with pytest.raises(ValueError, match="tuple"):
        rank("admin")


WHOLE: dict[str, Any] = {
    "policy": "p",
    "version": 1,
    "applies_to": ["shop.*"],
    "inputs": {"amount": {"type": "decimal"}},
    "rules": [{"id": "r", "when": {"amount": {"le": 5}}, "then": "auto", "because": "x"}],
}


def rule(**changes: Any) -> dict[str, Any]:
    return WHOLE | {"rules": [WHOLE["rules"][0] | changes]}


TAKEN: dict[str, Any] = {
    "the whole": WHOLE,
    "no rules": WHOLE | {"rules": []},
    "a named approval": rule(then={"approve": "boss"}),
    "an approval in place": rule(then={"approve": {"count": 2, "role": ["finance", "legal"], "within": "90m"}}),
    "always": rule(when={}),
    "a bare constant": rule(when={"amount": 5}),
    "a decimal constant": rule(when={"amount": {"le": 0.1}}),
    "the largest exact number": rule(when={"amount": {"le": 2**53 - 1}}),
}

REFUSED: dict[str, Any] = {
    "an unknown word": WHOLE | {"allow": True},
    "a name with capitals": WHOLE | {"policy": "P"},
    "version zero": WHOLE | {"version": 0},
    "a version in words": WHOLE | {"version": "1"},
    "a version that is true": WHOLE | {"version": True},
    "a pattern for everything": WHOLE | {"applies_to": ["*"]},
    "a pattern within a name": WHOLE | {"applies_to": ["shop.pa*"]},
    "an unknown effect": rule(then="allow"),
    "no effect": {**WHOLE, "rules": [{"id": "r", "when": {}, "because": "x"}]},
    "two effects": rule(then={"approve": "boss", "deny": True}),
    "no reason": rule(because=""),
    "an unknown operator": rule(when={"amount": {"less": 5}}),
    "no operator": rule(when={"amount": {}}),
    "a comparison with a list": rule(when={"amount": {"le": [1]}}),
    "a comparison with an input": rule(when={"amount": {"le": {"input": "limit"}}}),
    "a broken pattern": rule(when={"amount": {"matches": "("}}),
    "an unknown label": rule(when={"amount": {"at_least": "admin"}}),
    "not a number": rule(when={"amount": {"le": float("nan")}}),
    "infinity": rule(when={"amount": {"le": float("inf")}}),
    "a number that JSON rounds": rule(when={"amount": {"le": 2**53}}),
    "a number that JSON rounds, in a list": rule(when={"amount": {"in": [1, -(2**53)]}}),
    "nobody": rule(then={"approve": {"count": 0}}),
    "a crowd": rule(then={"approve": {"count": 21}}),
    "a count that is true": rule(then={"approve": {"count": True}}),
    "a time without a unit": rule(then={"approve": {"within": "15"}}),
    "a time as a number": rule(then={"approve": {"within": 15}}),
    "a negative time": rule(then={"approve": {"within": "-1h"}}),
    "an unknown type": WHOLE | {"inputs": {"amount": {"type": "float"}}},
    "a role with a space": rule(then={"approve": {"role": "the boss"}}),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_form_that_is_taken_keeps_its_meaning_when_stored(name: str) -> None:
    """Written as canonical JSON and read again, it is the same policy."""
    policy = Policy.model_validate(TAKEN[name])
    stored = canonical(policy.model_dump(mode="json", by_alias=True))
    assert Policy.model_validate(json.loads(stored)) == policy


@pytest.mark.parametrize("name", REFUSED)
def test_a_form_that_is_refused_makes_no_policy(name: str) -> None:
    """Closed words, strict types, no wildcards but the family, exact numbers."""
    with pytest.raises(ValidationError):
        Policy.model_validate(REFUSED[name])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(written: str, meant: timedelta) -> None:
    """And is written back the shortest way."""
    requirement = Requirement.model_validate({"within": written})
    assert requirement.within == meant
    again = requirement.model_dump(mode="json")["within"]
    assert Requirement.model_validate({"within": again}).within == meant


def test_a_requirement_is_satisfied_by_more_people_and_more_roles_only() -> None:
    """Fewer people or a missing role is not enough."""
    two = Requirement(count=2, role="finance")
    assert two.satisfies(Requirement())
    assert two.satisfies(Requirement(role="finance"))
    assert not two.satisfies(Requirement(count=3))
    assert not two.satisfies(Requirement(role="legal"))
    assert not Requirement(count=2).satisfies(Requirement(role="finance"))
    assert two.stricter(Requirement(count=1, role="legal")).roles == {"finance", "legal"}
