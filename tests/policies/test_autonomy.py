"""Whether policies may let an action pass by themselves: the search against every combination of values."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.policies.autonomy import may_auto
from interlock.policies.decide import decide
from interlock.policies.drawer import read_policies
from interlock.policies.language import PROVENANCE, Policy

ROOT = Path(__file__).parents[2]
ACTION = "house.pay"
INPUTS = {
    "amount": {"type": "decimal"},
    "count": {"type": "int", "min": 0, "max": 4},
    "known": {"type": "bool"},
    "kind": {"type": "string", "enum": ["new", "old"]},
    "payee_from": {"type": "provenance"},
    "text_from": {"type": "provenance"},
}
VALUES: dict[str, list[Any]] = {
    "amount": [Decimal(value) / 2 for value in range(-3, 10)],
    "count": list(range(5)),
    "known": [True, False],
    "kind": ["new", "old"],
    "text_from": list(PROVENANCE),
}


def _comparison(name: str) -> st.SearchStrategy[dict[str, Any]]:
    if name == "known":
        return st.fixed_dictionaries({"eq": st.booleans()})
    if name == "kind":
        return st.fixed_dictionaries({"ne": st.sampled_from(["new", "old"])})
    if name.endswith("_from"):
        label = st.sampled_from(PROVENANCE)
        return st.one_of(
            st.fixed_dictionaries({"at_least": label}),
            st.fixed_dictionaries({"in": st.lists(label, min_size=1, max_size=2)}),
        )
    bound = st.integers(0, 3)
    return st.one_of(
        st.fixed_dictionaries({"le": bound}),
        st.fixed_dictionaries({"gt": bound}),
        st.fixed_dictionaries({"ge": bound, "lt": bound}),
        st.fixed_dictionaries({"not_in": st.lists(bound, min_size=1, max_size=2)}),
    )


@st.composite
def policies(draw: st.DrawFn, name: str) -> Policy:
    """Up to four rules over six inputs."""
    rules = []
    for number in range(draw(st.integers(1, 4))):
        compared = draw(st.lists(st.sampled_from(sorted(INPUTS)), max_size=3, unique=True))
        then = draw(st.sampled_from(["auto", "auto", "deny", {"approve": {"count": 1}}]))
        when = {one: draw(_comparison(one)) for one in compared}
        rules.append({"id": f"r{number}", "when": when, "then": then, "because": "so"})
    return Policy.model_validate(
        {"policy": name, "version": 1, "applies_to": ["house.*"], "inputs": INPUTS, "rules": rules}
    )


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies("one"), st.one_of(st.none(), policies("two")), st.sampled_from(PROVENANCE))
def test_the_search_agrees_with_every_combination(one: Policy, two: Policy | None, label: str) -> None:
    """`auto` is said to be possible exactly when some values make it the decision."""
    all_of_them = [one] if two is None else [one, two]
    used = {name for policy in all_of_them for rule in policy.rules for name in rule.when} & set(VALUES)
    names = sorted(used)
    expected = any(
        (verdict := decide(all_of_them, ACTION, dict(zip(names, values, strict=True)) | {"payee_from": label}, {}))
        and verdict.effect == "auto"
        for values in product(*(VALUES[name] for name in names))
    )
    assert may_auto(all_of_them, ACTION, {"payee": label}) == expected


@pytest.mark.parametrize(
    ("action", "labels", "possible"),
    [
        ("payments.transfer", {"payee": "user"}, True),
        ("payments.transfer", {"payee": "record"}, True),
        ("payments.transfer", {"payee": "model"}, False),
        ("payments.transfer", {"payee": "untrusted"}, False),
        ("email.send", {"to": "user"}, False),
        ("email.draft", {"to": "untrusted"}, True),
        ("records.note", {}, True),
        ("nothing.known", {}, False),
    ],
)
def test_the_shipped_policies(action: str, labels: dict[str, str], possible: bool) -> None:
    """A payment passes by itself only where the payee comes from the user or a record."""
    assert may_auto(read_policies(ROOT / "policies").policies, action, labels) == possible


def test_a_hundred_rules_are_searched() -> None:
    """Many rules over the same inputs are decided, not enumerated."""
    rules = [
        {"id": f"r{n}", "when": {"amount": {"gt": n, "le": n + 1}, "known": True}, "then": "auto", "because": "so"}
        for n in range(100)
    ]
    rules.append({"id": "not", "when": {"known": True}, "then": "deny", "because": "so"})
    policy = Policy.model_validate(
        {"policy": "many", "version": 1, "applies_to": ["house.*"], "inputs": INPUTS, "rules": rules}
    )
    assert not may_auto([policy], ACTION, {})
    assert may_auto([policy.model_copy(update={"rules": policy.rules[:-1]})], ACTION, {})
