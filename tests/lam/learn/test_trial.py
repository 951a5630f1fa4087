"""The rule of promotion: hold the base, win on what was held back, and not by luck."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.lam.examples import Call, Example
from interlock.lam.learn.lessons import Lesson
from interlock.lam.learn.trial import LEAST, Outcome, heeds, is_exact, judged
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation

SAME = Outcome((True,) * 90 + (False,) * 10, (True,) * 90 + (False,) * 10)
BETTER = Outcome((False,) * 20, (True,) * 15 + (False,) * 5)
PAY = ActionSchema(
    name="pay", description="Pay.",
    parameters={"type": "object", "required": ["sum", "to"], "properties": {
        "sum": {"type": "number"}, "to": {"type": "string"}}},
)  # fmt: skip
EXAMPLE = Example(
    Observation(sources={"request": "Pay Ana 5."}, bound={"to": "Ana"}), (PAY,), "act", (Call("pay", {"sum": 5}),)
)


def decided(kind: Any = "act", missing: list[str] | None = None, **arguments: Any) -> Decision:
    actions = [] if kind == "abstain" else [Action(name="pay", arguments=arguments, confidence=0.5)]
    return Decision(kind=kind, actions=actions, missing=missing or [], p_null=0.1, backend="x", model_id="x")


def test_a_gain_that_holds_the_base_is_promoted() -> None:
    """Better on new verdicts and no worse on the base: promoted, with the figures in the reason."""
    found = judged(SAME, BETTER, seed=1)
    assert found.promoted
    assert found.because == "on new verdicts 0.0 became 75.0, on the base 90.0 became 90.0"


def test_a_loss_of_more_than_a_point_is_refused() -> None:
    """One point down is allowed, two are not, however great the gain."""
    one = replace(SAME, after=(True,) * 89 + (False,) * 11)
    two = replace(SAME, after=(True,) * 88 + (False,) * 12)
    assert judged(one, BETTER, seed=1).promoted
    refused = judged(two, BETTER, seed=1)
    assert not refused.promoted
    assert refused.because == "the base score fell from 90.0 to 88.0, more than 1 point"


def test_a_gain_that_may_be_luck_is_refused() -> None:
    """Three won and two lost of twenty is no gain that resampling confirms, and no gain is none."""
    before = (False,) * 3 + (True,) * 2 + (True,) * 15
    lucky = Outcome(before, (True,) * 3 + (False,) * 2 + (True,) * 15)
    found = judged(SAME, lucky, seed=1)
    assert not found.promoted
    assert "resampled sets where 95 % are needed" in found.because
    assert not judged(SAME, Outcome(before, before), seed=1).promoted


def test_too_few_verdicts_promote_nothing() -> None:
    """Under the least number of held-back verdicts a candidate is refused, even where it wins all of them."""
    few = Outcome((False,) * (LEAST - 1), (True,) * (LEAST - 1))
    assert "collect more" in judged(SAME, few, seed=1).because
    assert judged(SAME, Outcome((False,) * LEAST, (True,) * LEAST), seed=1).promoted


def test_the_trial_is_repeatable() -> None:
    """One seed gives one likelihood, and it grows with the gain."""
    small = Outcome((False,) * 20, (True,) * 2 + (False,) * 18)
    assert small.likelihood(3) == small.likelihood(3)
    assert small.likelihood(3) < BETTER.likelihood(3)


def test_a_right_decision_has_every_argument_and_no_other() -> None:
    """Bound arguments do not count; a missing, wrong or further one does."""
    assert is_exact(EXAMPLE, decided(sum=5.0, to="Ana"))
    assert not is_exact(EXAMPLE, decided(sum=6, to="Ana"))
    assert not is_exact(EXAMPLE, decided(to="Ana"))
    assert not is_exact(EXAMPLE, decided("abstain"))
    twice = decided(sum=5, to="Ana").model_copy(update={"actions": decided(sum=5).actions * 2})
    assert not is_exact(EXAMPLE, twice)


def test_several_calls_count_in_any_order() -> None:
    """Two calls are right when each is there once."""
    both = replace(EXAMPLE, calls=(Call("pay", {"sum": 5}), Call("pay", {"sum": 7})))
    found = decided(sum=7).model_copy(update={"actions": [*decided(sum=7).actions, *decided(sum=5).actions]})
    assert is_exact(both, found)
    assert not is_exact(both, decided(sum=5))


def test_a_question_is_right_about_what_is_missing() -> None:
    """Asking for something else is as wrong as not asking."""
    asks = replace(EXAMPLE, kind="ask", calls=(Call("pay", {}),), missing=("sum",))
    assert is_exact(asks, decided("ask", ["sum"]))
    assert not is_exact(asks, decided("ask", ["to"], sum=5))


def test_a_rejection_is_heeded_by_anything_but_that_tool() -> None:
    """Abstaining, asking or another tool will do; the rejected call again will not."""
    lesson = Lesson("x", "rejected", replace(EXAMPLE, kind="abstain", calls=()), (PAY,), refused=("pay",))
    assert heeds(lesson, decided("abstain"))
    assert not heeds(lesson, decided(sum=9))
