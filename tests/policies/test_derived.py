"""Derived inputs over given records: what counts, at the exact edges, with every digit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from interlock.policies.decide import decide
from interlock.policies.derived import Listed, Past, derivations, derive, exact_sum, number
from interlock.policies.language import Policy

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def policy(**derived: dict[str, Any]) -> Policy:
    """A policy of payments with these derived inputs."""
    kinds = {"sum": "decimal", "count": "int", "seen": "bool", "calendar": "bool"}
    inputs = {
        name: {"type": next(kind for key, kind in kinds.items() if key in told), "derived": told}
        for name, told in derived.items()
    }
    return Policy.model_validate(
        {
            "policy": "payments",
            "version": 1,
            "applies_to": ["payments.transfer"],
            "calendars": {"office": {"timezone": "UTC", "from": "08:00", "to": "18:00"}},
            "inputs": {"amount": {"type": "decimal"}, **inputs},
        }
    )


def paid(amount: Any, payee: str = "anna", ago: timedelta = timedelta(hours=1), **more: Any) -> Past:
    """A payment of the past."""
    told = {"action": "payments.transfer", "arguments": {"amount": amount, "payee": payee}, "at": NOW - ago}
    return Past(**(told | more))


def value(told: dict[str, Any], *past: Past, action: str = "payments.transfer", **arguments: Any) -> Any:
    """The value of one derived input for a payment of 100 to anna."""
    wanted = derivations([policy(it=told)], "payments.transfer")
    return derive(wanted, action, {"amount": "100.00", "payee": "anna"} | arguments, Listed(past), NOW)["it"]


SUM = {"sum": "amount", "over": "1d"}
BY = {"sum": "amount", "over": "1d", "by": "payee"}


def test_this_action_is_part_of_its_sum_and_count() -> None:
    """With nothing before it, the sum is its own amount and the count is one."""
    assert value(SUM) == "100"
    assert value({"count": True, "over": "1h"}) == 1
    assert value({"seen": "payee", "over": "1d"}) is False


def test_by_leaves_those_with_the_same_value() -> None:
    """Payments to somebody else, or to the same name in other letters, are not counted."""
    past = (paid("20.50"), paid("1000", payee="bob"), paid("1000", payee="Anna"))
    assert value(BY, *past) == "120.5"
    assert value(SUM, *past) == "2120.5"
    assert value({"count": True, "over": "1d", "by": "payee"}, *past) == 2


@pytest.mark.parametrize(
    ("ago", "counts"),
    [
        (DAY - timedelta(microseconds=1), True),
        (DAY, False),
        (DAY + timedelta(microseconds=1), False),
        (timedelta(0), True),
        (-timedelta(minutes=5), True),
    ],
)
def test_a_window_ends_exactly(ago: timedelta, counts: bool) -> None:
    """What is exactly as old as `over` counts no longer; what another machine's clock puts ahead of now does."""
    assert value(SUM, paid("1", ago=ago)) == ("101" if counts else "100")
    assert value({"seen": "payee", "over": "1d"}, paid("1", ago=ago)) is counts


def test_what_nobody_knows_counts_however_old_and_is_not_seen() -> None:
    """An effect in doubt holds its part of the budget until it is settled, and proves nothing."""
    old = paid("400", ago=timedelta(days=400), hold="open")
    assert value(SUM, old) == "500"
    assert value({"count": True, "over": "1h"}, old) == 2
    assert value({"seen": "payee", "over": "1d"}, old, paid("1", hold="open")) is False


@pytest.mark.parametrize("strange", [None, True, "1e3", "NaN", "Infinity", " 1", "1,5", "\u0661", 1e300, [], {}])
def test_what_is_no_plain_number_makes_a_sum_missing(strange: Any) -> None:
    """Of this action or of an earlier one: nothing is guessed, left out or rounded."""
    assert value(SUM, paid(strange)) is None
    assert value(SUM, amount=strange) is None
    assert value({"count": True, "over": "1d"}, paid(strange)) == 2


def test_without_the_argument_nothing_is_known() -> None:
    """`by` and `seen` compare with nothing when the action has no such value."""
    assert value(BY, payee=None) is None
    assert value({"seen": "payee", "over": "1d"}, payee=None) is None


def test_an_action_that_is_not_counted_sees_the_others() -> None:
    """With `of`, another action of the policy gets the sum of those that count, without itself."""
    told = SUM | {"of": ["payments.other", "cards.*"]}
    past = (
        paid("5"),
        paid("7", action="payments.other"),
        paid("9", action="cards.charge"),
        paid("11", action="card.x"),
    )
    assert value(told, *past) == "16"


def test_a_missing_sum_denies_where_a_rule_needs_it() -> None:
    """A budget that cannot be computed lets nothing pass."""
    told = policy(total=SUM)
    rules = [{"id": "small", "when": {"total": {"le": 500}}, "then": "auto", "because": "small"}]
    ruled = Policy.model_validate(told.model_dump(mode="json", by_alias=True) | {"rules": rules})
    for past, effect in (([paid("1")], "auto"), ([paid("400.01")], "deny"), ([paid(None)], "deny")):
        given_ = derive(
            derivations([ruled], "payments.transfer"), "payments.transfer", {"amount": "100"}, Listed(past), NOW
        )
        verdict = decide([ruled], "payments.transfer", {"amount": "100", **given_}, {})
        assert verdict is not None
        assert verdict.effect == effect


def test_one_name_with_two_meanings_is_missing() -> None:
    """Two policies of one action that derive a name differently, or only one of which does, leave it empty."""
    daily, hourly = policy(total=SUM), policy(total=SUM | {"over": "1h"})
    same = policy(total=dict(SUM)).model_copy(update={"policy": "again"})
    plain = Policy.model_validate(
        {"policy": "plain", "version": 1, "applies_to": ["payments.*"], "inputs": {"total": {"type": "decimal"}}}
    )
    found = [derivations([daily, other], "payments.transfer")["total"] for other in (hourly, plain, same)]
    assert [meant is None for meant in found] == [True, True, False]
    assert derivations([daily], "payments.refund") == {}


amounts = st.decimals(min_value=-(10**18) + 1, max_value=10**18 - 1, places=18)


@given(st.lists(amounts, max_size=30))
def test_sums_keep_every_digit(found: list[Decimal]) -> None:
    """Equal to the sum of whole numbers of the smallest unit, whatever the default precision would round."""
    units = sum(int(format(item, "f").replace(".", "")) for item in found)
    assert exact_sum(found) == Decimal(f"{units}E-18")
    assert number("0.100") == Decimal("0.1")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"over": "1d"},
        {"sum": "amount"},
        {"sum": "amount", "over": "0s"},
        {"sum": "amount", "count": True, "over": "1d"},
        {"count": False, "over": "1d"},
        {"count": 1, "over": "1d"},
        {"seen": "payee", "over": "1d", "by": "payee"},
        {"calendar": "office", "over": "1d"},
        {"sum": "amount", "over": "1d", "of": []},
        {"sum": "amount", "over": "1d", "of": ["payments"]},
        {"sum": "amount", "over": "1d", "per": "payee"},
        {"sum": "$.amount", "over": "1d"},
        {"sum": "amount", "over": 86400},
    ],
)
def test_a_half_said_input_is_refused(told: dict[str, Any]) -> None:
    """Exactly one kind, with all that it needs and nothing else."""
    with pytest.raises(ValidationError):
        Policy.model_validate(
            {
                "policy": "p",
                "version": 1,
                "inputs": {"amount": {"type": "decimal"}, "it": {"type": "int", "derived": told}},
            }
        )
