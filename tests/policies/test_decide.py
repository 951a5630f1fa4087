"""One decision: boundaries, malformed inputs, and that more rules never loosen it."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.policies.decide import Verdict, approve, auto, decide, deny, policies_digest, strictest
from interlock.policies.language import Policy, Requirement

PAYMENTS = Policy.model_validate(
    {
        "policy": "payments",
        "version": 1,
        "applies_to": ["payments.*"],
        "inputs": {
            "amount": {"type": "decimal", "unit": "EUR"},
            "payee_known": {"type": "bool"},
            "payee_from": {"type": "provenance"},
            "hour": {"type": "int", "min": 0, "max": 23},
            "currency": {"type": "string", "enum": ["EUR", "USD"]},
        },
        "rules": [
            {
                "id": "small",
                "when": {
                    "amount": {"gt": 0, "le": 500},
                    "payee_known": True,
                    "payee_from": {"at_least": "record"},
                    "hour": {"ge": 6, "lt": 20},
                    "currency": "EUR",
                },
                "then": "auto",
                "because": "small",
            },
            {"id": "medium", "when": {"amount": {"gt": 0, "le": 10000}}, "then": {"approve": "one"}, "because": "m"},
            {"id": "large", "when": {"amount": {"gt": 10000}}, "then": {"approve": {"count": 2}}, "because": "l"},
        ],
    }
)
# `medium` overlaps `small`, so the table below leaves it out: this policy decides by `small` alone.
SMALL = PAYMENTS.model_copy(update={"rules": PAYMENTS.rules[:1]})
REQUIREMENTS = {"one": Requirement(role="finance")}
GOOD = {"amount": "10.00", "payee_known": True, "payee_from": "user", "hour": 12, "currency": "EUR"}


def said(policy: Policy, **changes: Any) -> Verdict:
    verdict = decide([policy], "payments.transfer", GOOD | changes, REQUIREMENTS)
    assert verdict is not None
    return verdict


BOUNDARIES: list[tuple[dict[str, Any], str]] = [
    ({}, "auto"),
    ({"amount": "0.01"}, "auto"),
    ({"amount": "500"}, "auto"),
    ({"amount": "500.00"}, "auto"),
    ({"amount": 500}, "auto"),
    ({"amount": Decimal("500")}, "auto"),
    ({"amount": "500.01"}, "deny"),
    ({"amount": "500.000000000000000001"}, "deny"),
    ({"amount": "0"}, "deny"),
    ({"amount": "-0"}, "deny"),
    ({"amount": "-0.01"}, "deny"),
    ({"hour": 6}, "auto"),
    ({"hour": 5}, "deny"),
    ({"hour": 19}, "auto"),
    ({"hour": 20}, "deny"),
    ({"payee_known": False}, "deny"),
    ({"payee_from": "record"}, "auto"),
    ({"payee_from": "model"}, "deny"),
    ({"payee_from": "untrusted"}, "deny"),
    ({"currency": "USD"}, "deny"),
]


@pytest.mark.parametrize(("changes", "effect"), BOUNDARIES)
def test_a_boundary_lies_where_the_rule_says(changes: dict[str, Any], effect: str) -> None:
    """Each side of every constant."""
    assert said(SMALL, **changes).effect == effect


MALFORMED: list[dict[str, Any]] = [
    {"amount": math.nan},
    {"amount": math.inf},
    {"amount": "NaN"},
    {"amount": "Infinity"},
    {"amount": Decimal("NaN")},
    {"amount": Decimal("Infinity")},
    {"amount": Decimal("sNaN")},
    {"amount": True},
    {"amount": "1e2"},
    {"amount": "1E2"},
    {"amount": "1,00"},
    {"amount": " 10"},
    {"amount": "10 "},
    {"amount": "+10"},
    {"amount": ".5"},
    {"amount": "5."},
    {"amount": "10\n"},
    {"amount": "1_0"},
    {"amount": "\u0661\u0660"},
    {"amount": "9" * 40},
    {"amount": ""},
    {"amount": None},
    {"amount": [10]},
    {"amount": {"gt": 0}},
    {"amount": 10.0},
    {"payee_known": 1},
    {"payee_known": "true"},
    {"payee_known": None},
    {"payee_from": "admin"},
    {"payee_from": "User"},
    {"payee_from": 3},
    {"payee_from": ["user"]},
    {"payee_from": None},
    {"hour": True},
    {"hour": "12"},
    {"hour": 12.0},
    {"hour": 24},
    {"hour": -1},
    {"hour": None},
    {"currency": "GBP"},
    {"currency": "eur"},
    {"currency": 1},
]


@pytest.mark.parametrize("changes", MALFORMED, ids=repr)
def test_an_input_that_cannot_be_read_denies(changes: dict[str, Any]) -> None:
    """Wrong type, out of range, not a plain number: the rule cannot be evaluated, so it denies and says why."""
    verdict = said(SMALL, **changes)
    assert verdict.effect == "deny"
    assert "cannot be evaluated" in verdict.reasons[0].because


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_input_denies(name: str) -> None:
    """What is not known is not assumed."""
    left = {key: value for key, value in GOOD.items() if key != name}
    verdict = decide([SMALL], "payments.transfer", left, REQUIREMENTS)
    assert verdict is not None
    assert (verdict.effect, name in verdict.reasons[0].because) == ("deny", True)


def test_a_condition_that_is_false_settles_its_rule() -> None:
    """A rule that does not hold anyway is not made to deny by an unknown of another condition."""
    verdict = said(PAYMENTS, amount="20000", hour=None)
    assert verdict.effect == "approve"
    assert [reason.rule for reason in verdict.reasons] == ["payments/large"]


def test_an_error_in_one_rule_outweighs_the_others() -> None:
    """`small` cannot be evaluated, `medium` would ask: the answer is deny."""
    verdict = said(PAYMENTS, hour="noon")
    assert verdict.effect == "deny"
    assert [reason.effect for reason in verdict.reasons] == ["deny", "approve"]


def test_without_a_rule_the_answer_is_no() -> None:
    """No rule holds, no rule stands there, no layer speaks: each denies; a policy elsewhere says nothing."""
    assert said(SMALL.model_copy(update={"rules": []})).effect == "deny"
    assert strictest([]).effect == "deny"
    assert decide([PAYMENTS], "email.send", GOOD, REQUIREMENTS) is None
    assert decide([], "payments.transfer", GOOD, REQUIREMENTS) is None


def test_an_undeclared_input_or_unknown_approval_denies() -> None:
    """A policy built past the reader still fails closed."""
    rule = {"id": "r", "when": {"elsewhere": 1}, "then": "auto", "because": "x"}
    undeclared = Policy.model_validate({"policy": "p", "version": 1, "applies_to": ["payments.*"], "rules": [rule]})
    assert said(undeclared).effect == "deny"
    verdict = decide([PAYMENTS], "payments.transfer", GOOD | {"amount": "600"}, {})
    assert verdict is not None
    assert (verdict.effect, "unknown approval one" in verdict.reasons[0].because) == ("deny", True)


def test_a_pattern_covers_its_family_and_nothing_that_looks_like_it() -> None:
    """`payments.*` is a family of actions, not a beginning of names."""
    assert PAYMENTS.covers("payments.transfer")
    assert not PAYMENTS.covers("payments")
    assert not PAYMENTS.covers("payments_old.transfer")
    assert not PAYMENTS.model_copy(update={"applies_to": ["payments.pay"]}).covers("payments.pay_all")


# Strictest wins --------------------------------------------------------------------------------

ROLES = st.sampled_from([None, "finance", "legal", ["finance", "legal"]])
TIMES = st.sampled_from([timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=24)])
WORDS = st.sampled_from(["auto", "deny", "approve"])
AMOUNTS = st.one_of(st.integers(-5, 20), st.sampled_from(["5", "5.5", "x", None, True, "1e3"]))
STRICT = {"auto": 0, "approve": 1, "deny": 2}


@st.composite
def requirements(draw: Any) -> Requirement:
    return Requirement(count=draw(st.integers(1, 4)), role=draw(ROLES), within=draw(TIMES), execute_within=draw(TIMES))


@st.composite
def policies(draw: Any) -> Policy:
    rules = []
    for number in range(draw(st.integers(0, 4))):
        operator = draw(st.sampled_from(["lt", "le", "gt", "ge", "eq", "ne"]))
        word = draw(WORDS)
        rules.append(
            {
                "id": f"r{number}",
                "when": {"amount": {operator: draw(st.integers(-5, 20))}} if draw(st.booleans()) else {},
                "then": word if word != "approve" else {"approve": draw(requirements())},
                "because": "drawn",
            }
        )
    inputs = {"amount": {"type": "decimal"}}
    return Policy.model_validate(
        {
            "policy": draw(st.sampled_from("abc")),
            "version": 1,
            "applies_to": ["shop.*"],
            "inputs": inputs,
            "rules": rules,
        }
    )


def stricter_or_same(after: Verdict, before: Verdict) -> bool:
    if after.effect != before.effect:
        return STRICT[after.effect] > STRICT[before.effect]
    if before.requirement is None:
        return True
    assert after.requirement is not None
    clocks = (after.requirement.within, after.requirement.execute_within)
    return after.requirement.satisfies(before.requirement) and all(
        now <= then
        for now, then in zip(clocks, (before.requirement.within, before.requirement.execute_within), strict=True)
    )


@given(st.lists(policies(), min_size=1, max_size=4), policies(), AMOUNTS)
def test_another_policy_never_loosens(known: list[Policy], other: Policy, amount: Any) -> None:
    """Where policies already decide, one more can only make the answer stricter, in any order."""
    inputs = {"amount": amount}
    before = decide(known, "shop.pay", inputs, {})
    after = decide([*known, other], "shop.pay", inputs, {})
    assert before is not None
    assert after is not None
    assert stricter_or_same(after, before)
    swapped = decide([other, *known], "shop.pay", inputs, {})
    assert swapped is not None
    assert (swapped.effect, swapped.requirement) == (after.effect, after.requirement)


@given(policies(), policies(), AMOUNTS)
def test_another_rule_never_loosens_what_a_rule_decided(policy: Policy, other: Policy, amount: Any) -> None:
    """Only where no rule spoke (and the answer was no) can a new rule allow; elsewhere it can only tighten."""
    before = decide([policy], "shop.pay", {"amount": amount}, {})
    grown = policy.model_copy(update={"rules": [*policy.rules, *other.rules]})
    after = decide([grown], "shop.pay", {"amount": amount}, {})
    assert before is not None
    assert after is not None
    if before.reasons[0].rule != f"{policy.policy}/-":
        assert stricter_or_same(after, before)


@given(st.lists(requirements(), min_size=1, max_size=5))
def test_several_requirements_merge_into_one_that_satisfies_each(asked: list[Requirement]) -> None:
    """All roles, the largest count, the shortest clocks."""
    verdict = strictest([auto("a", "x"), *(approve("b", "y", requirement) for requirement in asked)])
    merged = verdict.requirement
    assert verdict.effect == "approve"
    assert merged is not None
    assert merged.count == max(item.count for item in asked)
    assert merged.roles == frozenset().union(*(item.roles for item in asked))
    assert merged.within == min(item.within for item in asked)
    assert merged.execute_within == min(item.execute_within for item in asked)
    assert all(merged.satisfies(item) for item in asked)


def test_deny_outweighs_all_and_keeps_every_reason() -> None:
    """The strictest word wins, and its reasons come first."""
    verdict = strictest([auto("a", "1"), deny("b", "2"), approve("c", "3", Requirement()), deny("d", "4")])
    assert (verdict.effect, verdict.requirement) == ("deny", None)
    assert [reason.rule for reason in verdict.reasons] == ["b", "d", "c", "a"]


def test_the_digest_of_policies_names_what_decides() -> None:
    """It changes with any covering policy, not with their order, and not with a policy about something else."""
    other = PAYMENTS.model_copy(update={"policy": "zebra"})
    elsewhere = PAYMENTS.model_copy(update={"policy": "mail", "applies_to": ["email.*"]})
    made = policies_digest([PAYMENTS, other], "payments.transfer")
    assert made == policies_digest([other, elsewhere, PAYMENTS], "payments.transfer")
    changed = PAYMENTS.model_copy(update={"version": 2})
    assert made != policies_digest([changed, other], "payments.transfer")
    assert made != policies_digest([SMALL, other], "payments.transfer")
