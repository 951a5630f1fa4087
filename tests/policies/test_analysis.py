"""The exact analysis against every combination of values, and the words it finds for what it shows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.policies import regions
from interlock.policies.analysis import analyse
from interlock.policies.decide import STRICTNESS, Verdict, decide
from interlock.policies.domains import Setting, domains
from interlock.policies.language import PROVENANCE, Never, Policy
from interlock.policies.outcome import Outcome, outcome_in
from interlock.policies.proofs import prove
from interlock.policies.regions import Group, Sweep
from interlock.policies.remark import Remark
from tests.policies.made import ACTION, INPUTS, VALUES, comparisons, policies

SETTING = Setting(ACTION)
FEWER = ("amount", "known", "note", "payee_from")
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def combinations_of(*known: Policy, also: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Every combination of values of the inputs that some policies compare."""
    names = sorted({name for policy in known for rule in policy.rules for name in rule.when} | set(also))
    for found in product(*(VALUES[name] for name in names)):
        yield dict(zip(names, found, strict=True))


def said(policy: Policy | list[Policy], inputs: dict[str, Any]) -> Verdict:
    known = policy if isinstance(policy, list) else [policy]
    verdict = decide(known, ACTION, inputs, {})
    assert verdict is not None
    return verdict


def remarks(policy: Policy, code: str) -> list[Remark]:
    return [remark for remark in analyse(policy, [SETTING], {}) if remark.code == code]


@FEW
@given(policies(inputs=FEWER), policies("other", inputs=FEWER))
def test_all_outcomes_of_two_sides_are_found(one: Policy, other: Policy) -> None:
    """The pairs of outcomes over all values are those of every combination, each with values that have it."""
    expected = {
        (outcome_in(said(one, inputs)), outcome_in(said(other, inputs))) for inputs in combinations_of(one, other)
    }
    sweep = Sweep([Group(one), Group(other, side=1)], domains([one, other], SETTING))
    found = sweep.outcomes_by_side()
    assert set(found) == expected
    for pair, witness in found.items():
        assert (outcome_in(said(one, witness)), outcome_in(said(other, witness))) == pair


@FEW
@given(policies(inputs=FEWER), policies("other", inputs=FEWER))
def test_all_outcomes_of_two_policies_together_are_found(one: Policy, other: Policy) -> None:
    """On one side the strictest of both wins."""
    expected = {outcome_in(said([one, other], inputs)) for inputs in combinations_of(one, other)}
    found = Sweep([Group(one), Group(other)], domains([one, other], SETTING)).outcomes_by_side()
    assert {outcome for (outcome,) in found} == expected
    for (outcome,), witness in found.items():
        assert outcome_in(said([one, other], witness)) == outcome


@FEW
@given(policies())
def test_values_that_no_rule_decides_are_found(policy: Policy) -> None:
    """P015 is told exactly when some combination is decided by no rule."""
    expected = any(said(policy, inputs).reasons[0].rule.endswith("/-") for inputs in combinations_of(policy))
    assert bool(remarks(policy, "P015")) == expected


@FEW
@given(policies())
def test_rules_that_never_change_the_outcome_are_found(policy: Policy) -> None:
    """P012 and P013 name exactly the rules that never hold, and those beside which others ask for as much."""
    silenced, impossible = set(), set()
    for index, rule in enumerate(policy.rules):
        others = policy.model_copy(update={"rules": [*policy.rules[:index], *policy.rules[index + 1 :]]})
        alone = policy.model_copy(update={"rules": [rule]})
        held = [inputs for inputs in combinations_of(policy) if not _by_none(said(alone, inputs))]
        if not held:
            impossible.add(index)
        elif all(_as_strict(said(others, inputs), outcome_in(said(alone, inputs))) for inputs in held):
            silenced.add(index)
    assert {remark.at[1] for remark in remarks(policy, "P013")} == silenced
    assert {remark.at[1] for remark in remarks(policy, "P012")} == impossible


def _by_none(verdict: Verdict) -> bool:
    return verdict.reasons[0].rule.endswith("/-")


def _as_strict(verdict: Verdict, outcome: Outcome) -> bool:
    return not _by_none(verdict) and outcome_in(verdict).covers(outcome)


@FEW
@given(policies())
def test_a_deny_over_an_auto_is_found(policy: Policy) -> None:
    """P014 names exactly the `auto` rules that hold for values for which a `deny` holds too."""
    expected = set()
    for inputs in combinations_of(policy):
        reasons = {reason.rule.removeprefix("made/"): reason.effect for reason in said(policy, inputs).reasons}
        if "deny" in reasons.values() and not _by_none(said(policy, inputs)):
            expected |= {rule for rule, effect in reasons.items() if effect == "auto"}
    assert {policy.rules[int(remark.at[1])].id for remark in remarks(policy, "P014")} == expected


@FEW
@given(policies())
def test_a_label_that_makes_it_stricter_is_found(policy: Policy) -> None:
    """P016 is told exactly when, all else alike, a more trusted label is decided more strictly."""
    expected = False
    for inputs in combinations_of(policy, also=("payee_from",)):
        now = outcome_in(said(policy, inputs))
        for label in PROVENANCE[PROVENANCE.index(inputs["payee_from"]) + 1 :]:
            expected |= outcome_in(said(policy, inputs | {"payee_from": label})).stricter(now)
    assert bool(remarks(policy, "P016")) == expected


@st.composite
def nevers(draw: st.DrawFn) -> Never:
    compared = draw(st.lists(st.sampled_from(sorted(INPUTS)), max_size=2, unique=True))
    when = {name: draw(comparisons(name)) for name in compared}
    return Never.model_validate({"effect": draw(st.sampled_from(sorted(STRICTNESS))), "when": when})


@FEW
@given(policies(inputs=FEWER), policies("other", inputs=FEWER), nevers())
def test_an_assertion_is_proven_or_shown_to_be_false(one: Policy, other: Policy, never: Never) -> None:
    """P011 is told exactly when some combination within its conditions is decided so, alone or together."""
    asserting = one.model_copy(update={"never": [never]})
    marker = one.model_copy(
        update={"rules": [one.rules[0].model_copy(update={"when": never.when, "then": "auto"})], "never": []}
    )
    inside = [inputs for inputs in combinations_of(one, other, marker) if not _by_none(said(marker, inputs))]
    false = any(never.effect in (said(one, inputs).effect, said([one, other], inputs).effect) for inputs in inside)
    told = prove(asserting, [asserting, other], [SETTING], {})
    assert [remark.code for remark in told] == (["P011"] if false else [] if inside else ["P012"])


PAYMENTS: dict[str, Any] = {
    "policy": "payments",
    "version": 1,
    "applies_to": ["payments.transfer"],
    "inputs": {"amount": {"type": "decimal"}, "payee_known": {"type": "bool"}, "hour": {"type": "int"}},
    "rules": [
        {
            "id": "small",
            "when": {"amount": {"gt": 0, "le": 1000}, "payee_known": True, "hour": {"ge": 6, "lt": 20}},
            "then": "auto",
            "because": "it is small",
        }
    ],
}


def test_a_false_assertion_is_told_with_its_values() -> None:
    """The message has values that anybody can try, and the rule that decides."""
    never = [{"effect": "auto", "when": {"amount": {"gt": 500}}, "because": "somebody looks at larger sums"}]
    policy = Policy.model_validate(PAYMENTS | {"never": never})
    (told,) = prove(policy, [policy], [Setting("payments.transfer")], {})
    assert told.message == (
        "this `never` is not true (somebody looks at larger sums): payments.transfer with amount 500.01, payee_known "
        "true, hour 6 is decided auto by `small`"
    )
    known = {"amount": "500.01", "payee_known": True, "hour": 6}
    assert (verdict := decide([policy], "payments.transfer", known, {})) is not None
    assert verdict.effect == "auto"


def test_an_assertion_about_other_actions_inputs_holds_where_they_are_not() -> None:
    """An action without the amount cannot break what is said of amounts."""
    rules = [{"id": "look", "then": "auto", "because": "reading changes nothing"}]
    never = [{"effect": "auto", "when": {"amount": {"gt": 500}}}]
    policy = Policy.model_validate(PAYMENTS | {"rules": rules, "never": never})
    assert prove(policy, [policy], [Setting("payments.transfer")], {})
    told = prove(policy, [policy], [Setting("payments.transfer", names=frozenset(["account"]))], {})
    assert [remark.code for remark in told] == ["P012"]


def test_rules_that_cannot_be_searched_are_not_called_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many inputs that depend on each other: the analysis says that it gave up, and an assertion is not proven."""
    monkeypatch.setattr(regions, "MOST", 3_000)
    pick = random.Random(3)
    names = [f"f{number}" for number in range(60)]
    rules = [
        {
            "id": f"r{number}",
            "when": {name: pick.random() < 0.5 for name in pick.sample(names, 3)},
            "then": {"approve": {"count": 1}},
            "because": "so",
        }
        for number in range(400)
    ]
    rules.append({"id": "rest", "then": "auto", "because": "so"})
    policy = Policy.model_validate(
        {
            "policy": "knot",
            "version": 1,
            "applies_to": ["house.*"],
            "inputs": {name: {"type": "bool"} for name in names},
            "rules": rules,
            "never": [{"effect": "auto"}],
        }
    )
    assert [remark.code for remark in prove(policy, [policy], [SETTING], {})] == ["P011"]
    told = {remark.code: remark.message for remark in analyse(policy, [SETTING], {})}
    assert "P018" in told


def test_patterns_that_exclude_each_other_prove_an_assertion() -> None:
    """No text ends in both domains, so the assertion holds; where a pattern is not understood, that is told."""
    body = {
        "policy": "mail",
        "version": 1,
        "applies_to": ["house.*"],
        "inputs": {"to": {"type": "string"}},
        "rules": [{"id": "own", "when": {"to": {"matches": ".*@example[.]org"}}, "then": "auto", "because": "so"}],
        "never": [{"effect": "auto", "when": {"to": {"matches": ".*@evil[.]example"}}}],
    }
    policy = Policy.model_validate(body)
    assert prove(policy, [policy], [SETTING], {}) == []
    assert not remarks(policy, "P018")
    wrong = Policy.model_validate(body | {"never": [{"effect": "auto", "when": {"to": {"matches": "a.*"}}}]})
    assert [remark.code for remark in prove(wrong, [wrong], [SETTING], {})] == ["P011"]
    unclear = Policy.model_validate(body | {"never": [{"effect": "auto", "when": {"to": {"matches": "(?!a)b"}}}]})
    assert "tried on examples" in remarks(unclear, "P018")[0].message
