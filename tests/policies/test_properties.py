"""What holds for every policy: the strictest rule wins, nothing that is added loosens, nothing malformed passes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from interlock.policies.analysis import analyse
from interlock.policies.decide import Verdict, decide
from interlock.policies.domains import Setting
from interlock.policies.language import PROVENANCE, Policy
from interlock.policies.outcome import Outcome, outcome_in
from tests.policies.made import ACTION, EFFECTS, INPUTS, VALUES, comparisons, policies, values

MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LABELLED = {**INPUTS, "text_from": {"type": "provenance"}}


def said(policy: Policy, inputs: dict[str, Any]) -> Verdict:
    verdict = decide([policy], ACTION, inputs, {})
    assert verdict is not None
    return verdict


def by_no_rule(verdict: Verdict) -> bool:
    return verdict.reasons[0].rule.endswith("/-")


def strictest_of_each(policy: Policy, inputs: dict[str, Any]) -> Outcome | None:
    """What the rules come to, each asked alone; None where none of them speaks."""
    found: Outcome | None = None
    for rule in policy.rules:
        verdict = said(policy.model_copy(update={"rules": [rule]}), inputs)
        if not by_no_rule(verdict):
            found = outcome_in(verdict) if found is None else found.join(outcome_in(verdict))
    return found


@MANY
@given(policies(), values(), st.sampled_from(PROVENANCE), st.sampled_from(["-1", "-1000000", -7]))
def test_the_strictest_wins_whatever_changes(policy: Policy, inputs: dict[str, Any], label: str, low: Any) -> None:
    """As the values are, with another label, and with an amount below every bound: all rules, each asked alone."""
    for changed in ({}, {"payee_from": label}, {"amount": low}, {"payee_from": label, "amount": low}):
        verdict = said(policy, inputs | changed)
        expected = strictest_of_each(policy, inputs | changed)
        if expected is None:
            assert (verdict.effect, by_no_rule(verdict)) == ("deny", True)
        else:
            assert outcome_in(verdict) == expected


@MANY
@given(policies(), policies("more", most=2), values())
def test_a_rule_more_never_loosens(policy: Policy, more: Policy, inputs: dict[str, Any]) -> None:
    """Where a rule spoke the outcome is as strict or stricter; where none did, it is what the new rules say."""
    grown = policy.model_copy(update={"rules": [*policy.rules, *more.rules]})
    before, after = said(policy, inputs), said(grown, inputs)
    if by_no_rule(before):
        assert outcome_in(after) == outcome_in(said(more, inputs))
    else:
        assert outcome_in(after).covers(outcome_in(before))


@MANY
@given(policies(), values(), st.lists(st.decimals("-1000", "-0.01", places=2), min_size=2, max_size=2))
def test_amounts_below_every_bound_are_decided_alike(
    policy: Policy, inputs: dict[str, Any], low: list[Decimal]
) -> None:
    """No constant lies between them, so no rule can tell them apart."""
    one, other = (said(policy, inputs | {"amount": str(amount)}) for amount in low)
    assert one == other


@st.composite
def labelled(draw: st.DrawFn) -> Policy:
    """Rules over two labels and an amount."""
    rules = []
    for number in range(draw(st.integers(1, 4))):
        names = draw(st.lists(st.sampled_from(["payee_from", "text_from", "amount"]), min_size=1, unique=True))
        when = {name: draw(comparisons("payee_from" if name.endswith("_from") else name)) for name in names}
        rules.append({"id": f"r{number}", "when": when, "then": draw(EFFECTS), "because": "so"})
    return Policy.model_validate(
        {"policy": "made", "version": 1, "applies_to": ["house.*"], "inputs": LABELLED, "rules": rules}
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(labelled(), st.sampled_from(VALUES["amount"]), st.data())
def test_better_sources_never_make_an_accepted_policy_stricter(
    policy: Policy, amount: Decimal, data: st.DataObject
) -> None:
    """A policy that passes the analysis: any labels raised at once, the outcome demands nothing more."""
    assume(not [remark for remark in analyse(policy, [Setting(ACTION)], {}) if remark.code == "P016"])
    low = [data.draw(st.integers(0, 3)) for _ in range(2)]
    high = [data.draw(st.integers(place, 3)) for place in low]
    before, after = (
        outcome_in(said(policy, {"amount": amount, "payee_from": PROVENANCE[one], "text_from": PROVENANCE[two]}))
        for one, two in (low, high)
    )
    assert not after.stricter(before)


# Malformed inputs --------------------------------------------------------------------------------

STRANGE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.binary(max_size=3),
)
DIGITS = "0123456789"
NUMBERS_AS_TEXT = st.one_of(
    st.sampled_from(
        ["NaN", "sNaN", "Infinity", "-Infinity", "inf", "", " ", "+1", ".5", "5.", "1_0", "1,5", "0x1", "--1"]
    ),
    st.from_regex(r"\A[0-9]{1,3}[eE][+-]?[0-9]{1,3}\Z"),
    st.text("٠١٢٣４５６๗", min_size=1, max_size=4),
    st.text(DIGITS, min_size=19, max_size=40),
    st.from_regex(r"\A\s[0-9]{1,3}\Z|\A[0-9]{1,3}\s\Z"),
    st.text(min_size=1, max_size=5).filter(lambda text: not set(text) <= {*DIGITS, "-", "."}),
)
MALFORMED: dict[str, st.SearchStrategy[Any]] = {
    "amount": st.one_of(
        STRANGE, st.booleans(), NUMBERS_AS_TEXT, st.sampled_from([Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")])
    ),
    "count": st.one_of(
        STRANGE, st.booleans(), st.text(max_size=3), st.integers(max_value=-1), st.integers(min_value=4), st.decimals()
    ),
    "known": st.one_of(STRANGE, st.integers(0, 1), st.sampled_from(["true", "false", "True", "yes", "1", ""])),
    "kind": st.one_of(STRANGE, st.booleans(), st.integers(), st.text().filter(lambda text: text not in ("new", "old"))),
    "note": st.one_of(STRANGE, st.booleans(), st.integers(), st.decimals()),
    "payee_from": st.one_of(
        STRANGE, st.booleans(), st.integers(0, 3), st.text().filter(lambda text: text not in PROVENANCE),
        st.sampled_from(["User", "user ", "admin", "RECORD", "trusted"]),
    ),
}  # fmt: skip


@st.composite
def comparing(draw: st.DrawFn, name: str) -> Policy:
    """A policy whose every rule compares one input, beside others, and mostly says `auto`."""
    rules = []
    for number in range(draw(st.integers(1, 4))):
        others = draw(st.lists(st.sampled_from([other for other in INPUTS if other != name]), max_size=2, unique=True))
        when = {one: draw(comparisons(one)) for one in draw(st.permutations([name, *others]))}
        rules.append({"id": f"r{number}", "when": when, "then": draw(EFFECTS), "because": "so"})
    return Policy.model_validate(
        {"policy": "made", "version": 1, "applies_to": ["house.*"], "inputs": INPUTS, "rules": rules}
    )


@pytest.mark.parametrize("name", MALFORMED)
def test_nothing_malformed_is_ever_let_pass(name: str) -> None:
    """80 values that are no such input, or none at all: no rule that compares it holds, so it is denied."""

    @MANY
    @given(comparing(name), values(), MALFORMED[name], st.booleans())
    def tried(policy: Policy, inputs: dict[str, Any], value: Any, there: bool) -> None:
        known = inputs | {name: value} if there else {key: found for key, found in inputs.items() if key != name}
        assert said(policy, known).effect == "deny"

    tried()
