"""Decisions by tables against the plain reading of the language, for every type, operator and malformed value."""

from __future__ import annotations

import gc
import math
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.policies.comparing import Undecidable, compare, comparer, typed
from interlock.policies.decide import decide
from interlock.policies.language import Comparison, Input, Policy
from interlock.policies.tables import _TABLES, table_of
from tests.policies.made import ACTION, INPUTS, VALUES, policies
from tests.policies.reference import plain_decide

ODD: list[Any] = [
    None, "", "1", "1.50", "-0", "1e3", "٣", 0, 1, 2, 3, 4, -1, 10**30, 1.0, math.nan, math.inf, True, False,
    Decimal("0.5"), Decimal("NaN"), Decimal("-0"), Decimal("1E+2"), "new", "old", "a", "ab", "ab\n", "user", "record",
    "admin", [], ["user"], {}, {"eq": 1}, b"a",
]  # fmt: skip

odd_inputs = st.dictionaries(st.sampled_from([*INPUTS, "other"]), st.sampled_from(ODD))
mixed = st.fixed_dictionaries({}, optional={name: st.sampled_from([*found, *ODD]) for name, found in VALUES.items()})
WRITTEN = [
    {"eq": 1}, {"eq": True}, {"eq": "a"}, {"eq": 0.5}, {"ne": 1}, {"ne": "a"}, {"ne": False}, {"in": [1, 0.5, "a"]},
    {"in": [True, 1]}, {"not_in": [1, "a"]}, {"not_in": [False]}, {"lt": 1}, {"le": "a"}, {"gt": 0.5}, {"ge": True},
    {"matches": "a.*"}, {"at_least": "record"}, {"gt": 0, "le": 2, "ne": 1}, {"matches": "[a-z]+", "ne": "new"},
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(policies(), min_size=1, max_size=3), st.one_of(mixed, odd_inputs))
def test_tables_say_what_the_plain_reading_says(known: list[Policy], inputs: dict[str, Any]) -> None:
    """The same effect, requirement and reasons in the same order, whatever the inputs are."""
    assert decide(known, ACTION, inputs, {}) == plain_decide(known, ACTION, inputs, {})


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(WRITTEN), st.sampled_from(["decimal", "int", "bool", "string", "provenance"]), st.data())
def test_a_comparison_made_once_is_the_comparison(written: dict[str, Any], kind: Any, data: st.DataObject) -> None:
    """Also where constant and type do not fit, as in a policy built past the reader."""
    comparison, value = Comparison.model_validate(written), data.draw(st.sampled_from(ODD))
    try:
        value = typed("it", Input(type=kind), value)
    except Undecidable:
        return
    assert comparer(comparison, kind)(value) is compare(comparison, value)


@given(st.sampled_from(WRITTEN), st.sampled_from(["decimal", "int", "bool", "string", "provenance"]), st.data())
def test_a_rule_on_one_input_is_its_comparison(written: dict[str, Any], kind: str, data: st.DataObject) -> None:
    """Each operator on each type, through the table of a policy."""
    policy = Policy.model_validate(
        {
            "policy": "one",
            "version": 1,
            "applies_to": ["house.*"],
            "inputs": {"it": {"type": kind}},
            "rules": [{"id": "r", "when": {"it": written}, "then": "auto", "because": "so"}],
        }
    )
    inputs = {"it": data.draw(st.sampled_from(ODD))}
    assert decide([policy], ACTION, inputs, {}) == plain_decide([policy], ACTION, inputs, {})


def test_a_changed_copy_has_its_own_table() -> None:
    """A policy copied with other rules is decided by those, and no table outlives its policy."""
    rule = {"id": "r", "then": "auto", "because": "so"}
    policy = Policy.model_validate({"policy": "p", "version": 1, "applies_to": ["house.*"], "rules": [rule]})
    assert (verdict := decide([policy], ACTION, {}, {})) is not None
    assert verdict.effect == "auto"
    copy = policy.model_copy(update={"rules": []})
    assert (verdict := decide([copy], ACTION, {}, {})) is not None
    assert verdict.effect == "deny"
    assert table_of(policy) is table_of(policy)
    key = id(copy)
    assert key in _TABLES
    del copy
    gc.collect()
    assert key not in _TABLES


def test_a_decimal_out_of_its_declared_range_denies() -> None:
    """A range that is declared is kept for decimals as for whole numbers."""
    policy = Policy.model_validate(
        {
            "policy": "p",
            "version": 1,
            "applies_to": ["house.*"],
            "inputs": {"amount": {"type": "decimal", "min": 0, "max": 100}},
            "rules": [{"id": "r", "when": {"amount": {"ne": 7}}, "then": "auto", "because": "so"}],
        }
    )
    said = {amount: decide([policy], ACTION, {"amount": amount}, {}) for amount in ("0", "100", "-0.01", "100.01")}
    assert {amount: verdict.effect for amount, verdict in said.items() if verdict} == {
        "0": "auto", "100": "auto", "-0.01": "deny", "100.01": "deny"
    }  # fmt: skip
