"""The analysis and the solver z3 answer alike."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.policies.domains import Setting
from interlock.policies.language import Never, Policy
from interlock.policies.second_opinion import SolverMissing, second_opinion
from tests.policies.made import ACTION, comparisons, policies

SETTING = Setting(ACTION)
FEWER = ("amount", "kind", "known", "note", "payee_from")


@st.composite
def asserting(draw: st.DrawFn) -> Policy:
    """A policy of up to four rules with one assertion."""
    policy = draw(policies(most=4, inputs=FEWER))
    name = draw(st.sampled_from(FEWER))
    never = {"effect": draw(st.sampled_from(["auto", "deny"])), "when": {name: draw(comparisons(name))}}
    return policy.model_copy(update={"never": [Never.model_validate(never)]})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asserting())
def test_both_answer_alike_on_two_hundred_rule_sets(policy: Policy) -> None:
    """Which effects can come out, whether values have no rule, whether an assertion is false; patterns included."""
    opinions = second_opinion([policy], [SETTING], {})
    assert len(opinions) == 5
    assert all(opinion.theirs is not None for opinion in opinions)
    assert not [opinion for opinion in opinions if not opinion.agrees]


def one(when: dict[str, Any], never: dict[str, Any]) -> Policy:
    rule = {"id": "r", "when": when, "then": "auto", "because": "so"}
    return Policy.model_validate(
        {
            "policy": "p",
            "version": 1,
            "applies_to": ["house.*"],
            "inputs": {"to": {"type": "string"}},
            "rules": [rule],
            "never": [{"effect": "auto", "when": never}],
        }
    )


def test_a_pattern_that_the_solver_does_not_know_is_left_open() -> None:
    """Then it cannot tell, which is no disagreement."""
    policy = one({"to": {"matches": "(?=a)a+"}}, {"to": {"eq": "aa"}})
    opinions = second_opinion([policy], [SETTING], {})
    assert {opinion.theirs for opinion in opinions} == {None}
    assert all(opinion.agrees for opinion in opinions)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is answered by one side alone."""
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(SolverMissing, match="pip install 'interlock\\[z3\\]'"):
        second_opinion([one({}, {})], [SETTING], {})
