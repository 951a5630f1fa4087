"""The benchmark of who takes which requests: what it asks, and what counts as an error of whom."""

from __future__ import annotations

import pytest

from benchmarks.routing_mixed import OPEN, Case, cases, is_right, measure
from interlock.lam.parameters import nest
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.testing import ScriptedActionModel


@pytest.fixture(scope="module")
def found() -> list[Case]:
    return list(cases(4))


def test_closed_requests_have_one_right_call_and_open_ones_none(found: list[Case]) -> None:
    """Four of each closed kind and all open ones, each over a space that has a class for every action."""
    kinds = [case.kind for case in found]
    counts = (kinds.count("closed, shipped actions"), kinds.count("closed, functions"), kinds.count("open"))
    assert counts == (4, 4, len(OPEN))
    for case in found:
        assert {schema.name for schema in case.example.space} <= set(case.classes)
        assert len(case.example.calls) == (0 if case.kind == "open" else 1)


def test_a_call_is_right_only_as_a_whole(found: list[Case]) -> None:
    """The right call is right; without one of its arguments, or for an open request, it is an error."""
    closed = next(case for case in found if case.kind == "closed, functions")
    call = closed.example.calls[0]
    right = Action(name=call.name, arguments=nest(call.arguments), confidence=1)
    assert is_right(closed, right)
    assert not is_right(closed, right.model_copy(update={"arguments": {"other": 1}}))
    assert not is_right(closed, None)
    opened = next(case for case in found if case.kind == "open")
    assert is_right(opened, None)
    assert not is_right(opened, right)


def test_what_the_action_model_leaves_goes_to_the_chat_model() -> None:
    """A model that always abstains takes nothing; every request is the chat model's or a person's, and adds up."""

    def abstain(observation: Observation, space: list[ActionSchema]) -> Decision:
        return Decision(kind="abstain", p_null=0.9, backend="script", model_id="script")

    report = measure(ScriptedActionModel(abstain), each=2)
    assert report["requests"] == 4 + len(OPEN)
    assert report["share_percent"]["lam"] == 0
    assert report["errors"]["lam"] == {"n": 0, "wrong": 0, "percent": None}
    assert report["errors"]["model"]["n"] + report["errors"]["person"]["n"] == report["requests"]
    assert report["errors"]["model"]["wrong"] > 0  # the offline model of rules misses closed requests
    assert report["chat_model"] == "offline (rules, no LLM)"
