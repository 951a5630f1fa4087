"""The conformance of action models finds each broken promise: models that break one each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from interlock.errors import ModelError, ModelUnavailable
from interlock.lam.protocol import Action, ActionSchema, Decision, Evidence, Observation
from interlock.testing import ScriptedActionModel, action_cases, action_model_conformance
from interlock.testing.action_cases import BOOK, SEND

TEXT = "Book the roof on 12 March 2026 for 45 minutes."
SEEN = Observation(sources={"request": TEXT}, today="2026-03-04")
CASES = {"roof": (SEEN, [BOOK, SEND])}


def quoted(text: str, rule: str | None = "verbatim") -> Evidence:
    start = TEXT.index(text)
    return Evidence(source="request", start=start, end=start + len(text), text=text, normaliser=rule)


ARGUMENTS = {"title": "the roof", "day": "2026-03-12", "minutes": 45}
EVIDENCE = {
    "title": quoted("the roof"),
    "day": quoted("12 March 2026", "written_date"),
    "minutes": quoted("45 minutes", "duration_in_minutes"),
}
CALL = Action(name="calendar.book", arguments=ARGUMENTS, confidence=0.9, evidence=EVIDENCE)
ACT = Decision(kind="act", actions=[CALL], p_null=0.1, backend="script", model_id="1")
ABSTAIN = Decision(kind="abstain", p_null=0.9, backend="script", model_id="1")


def changed(**arguments: Any) -> Decision:
    """The act with other arguments; `None` leaves one out."""
    made = {name: value for name, value in {**ARGUMENTS, **arguments}.items() if value is not None}
    evidence = {name: found for name, found in EVIDENCE.items() if made.get(name) == ARGUMENTS[name]}
    return ACT.model_copy(update={"actions": [CALL.model_copy(update={"arguments": made, "evidence": evidence})]})


def read_as(path: str, evidence: Evidence) -> Decision:
    return ACT.model_copy(update={"actions": [CALL.model_copy(update={"evidence": {**EVIDENCE, path: evidence}})]})


def ask(decision: Decision, *missing: str) -> Decision:
    return decision.model_copy(update={"kind": "ask", "missing": list(missing)})


@pytest.mark.parametrize(
    "decision",
    [ACT, ABSTAIN, ask(changed(day=None), "day"), ask(ACT, "calendar.book"), ask(changed(title=None), "title")],
)
def test_a_model_that_keeps_every_promise_conforms(decision: Decision) -> None:
    """An act with evidence, an abstention, an ask that says what is missing, and one that wants the whole confirmed."""
    assert action_model_conformance(ScriptedActionModel([decision], loop=True), CASES) == [decision]


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (changed(day="12 March 2026"), "day does not fit its schema"),
        (changed(minutes=2), "minutes does not fit its schema"),
        (changed(minutes="45"), "minutes does not fit its schema"),
        (changed(day="2026-03-13"), "day = '2026-03-13' has no evidence"),
        (changed(minutes=46), "minutes = 46 has no evidence"),
        (changed(place="Rome"), "has no argument place"),
        (changed(day=None), "lacks day"),
        (ask(changed(day=None), "title"), "lacks day and does not say so"),
        (ask(ACT), "does not say what is missing"),
        (ask(ACT, "color"), "color is missing, and no action has it"),
        (ABSTAIN.model_copy(update={"missing": ["day"]}), "an abstention misses something"),
        (read_as("day", quoted("12 March 2026", "iso_date")), "read by iso_date as None"),
        (read_as("day", quoted("12 March 2026", "no_such_rule")), "read by no_such_rule as None"),
        (read_as("minutes", quoted("45", "duration_in_hours")), "read by duration_in_hours as"),
        (read_as("online", quoted("Book")), "there is evidence for online, but no such argument"),
    ],
)
def test_each_broken_promise_of_a_decision_is_named(decision: Decision, said: str) -> None:
    """The case and what is wrong stand in the error."""
    with pytest.raises(AssertionError) as raised:
        action_model_conformance(ScriptedActionModel([decision], loop=True), CASES)
    assert any(line.startswith("case roof: ") and said in line for line in str(raised.value).splitlines())


def test_a_model_that_may_write_freely_needs_no_evidence() -> None:
    """Without `copies` a value may come from the model; what it quotes must still be true."""
    free = ScriptedActionModel([changed(title="a new roof")], loop=True)
    action_model_conformance(free, CASES, copies=False)
    with pytest.raises(AssertionError, match="title = 'a new roof' has no evidence"):
        action_model_conformance(free, CASES)


class Model:
    """A good model; each test breaks one method of it."""

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        return ACT

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        return math.log(0.9) if (action.name, action.arguments) == (CALL.name, CALL.arguments) else -math.inf


Decide = Callable[[Observation, list[ActionSchema], float], Decision]


def deciding(decide: Decide) -> Model:
    class Deciding(Model):
        def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
            return decide(observation, action_space, risk)

    return Deciding()


def scoring(score: Callable[[Action], float]) -> Model:
    class Scoring(Model):
        def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
            return score(action)

    return Scoring()


def raises(error: Exception) -> Any:
    raise error


def _adds(observation: Observation, space: list[ActionSchema], risk: float) -> Decision:
    observation.sources["more"] = "x"
    return ACT


def _edits(observation: Observation, space: list[ActionSchema], risk: float) -> Decision:
    space[0].parameters["required"] = ["title"]
    return changed(day=None)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (deciding(lambda o, s, r: raises(KeyError("x"))), "raised KeyError, which is no ModelError"),
        (deciding(lambda o, s, r: raises(ModelUnavailable("away"))), "it gave no answer: away"),
        (deciding(lambda o, s, r: ACT if r < 0.5 else ABSTAIN), "acts at the risk 0.1, but at 1 it would abstain"),
        (deciding(lambda o, s, r: ACT if r < 0.5 else changed(minutes=None)), "acts at the risk 0.1, but at 1"),
        (deciding(_adds), "what it was given is not as it was"),
        (deciding(_edits), "what it was given is not as it was"),
        (scoring(lambda a: 0.5), "above 0"),
        (scoring(lambda a: math.nan), "no number"),
        (scoring(lambda a: -1.0), "an action outside the space has a probability"),
        (scoring(lambda a: -1.0), "an unknown argument has a probability"),
        (scoring(lambda a: -0.1 if a.name in ("calendar.book", "email.send") else -math.inf), "add up to"),
        (scoring(lambda a: -math.inf), "its own act of calendar.book has no probability"),
        (scoring(lambda a: -math.inf if a.name.endswith("where") or "no such argument" in a.arguments
                 else raises(ModelError("cannot"))), "it does not score calendar.book: cannot"),
    ],
)  # fmt: skip
def test_each_broken_promise_of_a_model_is_named(model: Model, said: str) -> None:
    """Errors, moods, changed inputs and impossible probabilities."""
    cases = {"roof": (SEEN.model_copy(deep=True), [BOOK.model_copy(deep=True), SEND])}
    with pytest.raises(AssertionError) as raised:
        action_model_conformance(model, cases)
    assert said in str(raised.value)


def test_a_model_that_cannot_score_or_end_may_say_so() -> None:
    """Where that is allowed, a `ModelError` is an answer; another error never is."""
    mute = scoring(
        lambda a: (
            -math.inf if a.name.endswith("where") or "no such argument" in a.arguments else raises(ModelError("no"))
        )
    )
    assert action_model_conformance(mute, CASES, scores=False) == [ACT]
    endless = deciding(lambda o, s, r: raises(ModelError("it did not end")))
    assert action_model_conformance(endless, CASES, errors=True) == []
    with pytest.raises(AssertionError, match="raised ValueError"):
        action_model_conformance(deciding(lambda o, s, r: raises(ValueError("x"))), CASES, errors=True)


def test_scores_out_of_order_are_named() -> None:
    """The likeliest action has to score best."""
    other = CALL.model_copy(update={"arguments": {"title": "the roof", "day": "2026-03-12"}})
    action_model_conformance(Model(), CASES, ordered={"roof": [CALL, other]})
    with pytest.raises(AssertionError, match=r"scores -inf, a less likely one -0\.11"):
        action_model_conformance(Model(), CASES, ordered={"roof": [other, CALL]})


def test_a_bound_value_and_an_option_are_tried_in_other_values() -> None:
    """Scores of another value than the bound one, and of no option, are found."""
    seen = Observation(sources={"request": "Say low."}, bound={"to": "a@b.example", "body": "x"})
    act = Action(name="email.send", arguments={"to": "a@b.example", "body": "x", "priority": "low"}, confidence=0.5)
    decision = Decision(kind="act", actions=[act], p_null=0.1, backend="script", model_id="1")

    class Careless(Model):
        def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
            return decision

        def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
            return -5.0

    with pytest.raises(AssertionError) as raised:
        action_model_conformance(Careless(), {"it": (seen, [SEND])})
    for said in ("another value of the bound to", "another value of the bound body", "no option of priority"):
        assert f"case it: {said} has a probability" in str(raised.value)


class Batched(Model):
    """A model that decides many at once."""

    def __init__(self, *found: Decision) -> None:
        self.found = list(found)

    def decide_all(self, cases: Sequence[Any], *, risk: float) -> list[Decision]:
        return self.found


def test_a_batch_decides_as_each_alone() -> None:
    """Rounding may differ, the decision not."""
    near = ACT.model_copy(update={"actions": [CALL.model_copy(update={"confidence": 0.9001})]})
    assert action_model_conformance(Batched(near), CASES) == [ACT]
    for other in (
        ABSTAIN,
        changed(minutes=None),
        ACT.model_copy(update={"actions": [CALL.model_copy(update={"confidence": 0.5})]}),
    ):
        with pytest.raises(AssertionError, match="case roof: among others it got another answer"):
            action_model_conformance(Batched(other), CASES)


def test_the_cases_are_new_each_time() -> None:
    """Whoever changes one changes nobody else's; each has something to read, and one has nothing to choose from."""
    first, second = action_cases(), action_cases()
    assert first == second
    assert all(one[0] is not other[0] for one, other in zip(first.values(), second.values(), strict=True))
    assert all(observation.sources for observation, _ in first.values())
    assert [name for name, (_, space) in first.items() if not space] == ["nothing to choose from"]
