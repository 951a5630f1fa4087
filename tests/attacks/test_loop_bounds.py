"""A loop ends: by what it does, by its step's limits, by its timeout, and over any number of crashes."""

from __future__ import annotations

import contextlib
import threading
from decimal import Decimal
from typing import Any

import pytest

from interlock.errors import ModelError, ModelUnavailable
from interlock.settings import Price
from interlock.testing import ScriptedChatModel
from tests.attacks.house import House
from tests.attacks.loops import ANSWER, ENOUGH, Desk, look

PRICED = {"model": "priced:one", "prices": {"priced:one": Price(input=Decimal(1000), output=Decimal(1000))}}
PRIVATE = """
policy: private
version: 1
applies_to: [shop.look]
inputs: {secret: {type: bool}}
rules:
  - {id: open, when: {secret: false}, then: auto, because: it is no secret}
"""
MOST = 4 + 1 + 1
"""Model calls of one attempt: the card's turns, the answer, its repair."""


def test_the_same_call_again_ends_it(house: House) -> None:
    """A call equal as canonical JSON is not made; the question is asked with what there is."""
    desk = Desk(house)
    desk.play(look("a"), look("a"), ANSWER)
    assert desk.states == [(0, "executed")]
    assert desk.visit.note == (
        "1 of 1 lookups gave something; identical_call: shop.look was called again with the same arguments, so the "
        "loop was stopped."
    )
    assert desk.ended.output == {"reply": ANSWER}


def test_answers_without_news_end_it(house: House) -> None:
    """Ever new questions with ever the same answer are no progress."""
    house.change("tools/shop.py", "return Receipt(line=arguments.what)", 'return Receipt(line="nothing found")')
    desk = Desk(house)
    desk.play(*[look(str(number)) for number in range(3)], ANSWER)
    assert [state for _, state in desk.states] == ["executed"] * 3
    assert "no_progress: 2 turns in a row" in (desk.visit.note or "")


def test_turns_end_it(house: House) -> None:
    """The card's `turns` are the most calls of one attempt."""
    desk = Desk(house)
    model = desk.play(*[look(str(number)) for number in range(4)], ANSWER)
    assert len(desk.rows) == 4
    assert "turns: The model was still calling tools after 4 turns." in (desk.visit.note or "")
    assert len(model.received) == 5


@pytest.mark.parametrize(("most", "asked"), [(1, 1), (3, 3)])
def test_the_steps_own_limit_on_calls(house: House, most: int, asked: int) -> None:
    """The call past it is not made; the step fails with the kind `limit`, the run goes on by its edge."""
    desk = Desk(house, {"limits": {"model_calls": most}})
    model = desk.play(*[look(str(number)) for number in range(9)])
    assert len(model.received) == asked
    assert (desk.visit.outcome, desk.visit.error_kind, desk.visit.model_calls) == ("failed", "limit", most)
    assert desk.ended.outcome == "unanswered"
    error = desk.ended.output["error"]
    assert (error["step"], error["outcome"], error["kind"]) == ("think", "failed", "limit")
    assert f"may use {most} model calls" in error["message"]


def test_the_steps_own_limit_on_tokens(house: House) -> None:
    """What a call used is on record, and no call follows once it is more than allowed."""
    desk = Desk(house, {"limits": {"tokens": 10}})
    model = desk.play(look("a"), loop=True)
    assert len(model.received) == 1
    assert (desk.visit.error_kind, desk.visit.tokens > 10, desk.rows) == ("limit", True, [])


def test_the_steps_own_limit_on_money(house: House) -> None:
    """The same for money; other steps of the run could still spend theirs."""
    desk = Desk(house, {"limits": {"cost": {"usd": 0.001}}}, settings=PRICED)
    model = desk.play(look("a"), loop=True)
    assert len(model.received) == 1
    assert (desk.visit.error_kind, desk.ended.outcome) == ("limit", "unanswered")
    assert desk.visit.cost_micro_usd > 1000


class Dies(ScriptedChatModel):
    """A model in whose call the process dies, each time."""

    def _generate(self, *arguments: Any, **named: Any) -> Any:
        super()._generate(*arguments, **named)
        raise KeyboardInterrupt


def test_crashes_never_go_past_the_bound(house: House) -> None:
    """Ten processes that die in the loop make no more calls than one attempt may; then the step fails."""
    desk = Desk(house)
    made = 0
    for _ in range(10):
        model = Dies(replies=[look("a")], loop=True)
        with contextlib.suppress(KeyboardInterrupt):
            desk.drive(model)
        made += len(model.received)
    assert made == MOST
    assert (desk.visit.outcome, desk.visit.error_kind, desk.visit.model_calls) == ("failed", "limit", MOST)
    assert desk.visit.attempts == MOST + 1
    assert "those that a process died in included" in desk.ended.output["error"]["message"]
    assert desk.whole


def test_a_crash_in_a_lookup_leaves_nothing_in_doubt(house: House) -> None:
    """A process that dies inside the tool is followed by a new attempt, which looks again."""
    deaths = [True]

    def look_once(arguments: Any, context: Any) -> Any:
        if deaths:
            deaths.pop()
            raise KeyboardInterrupt
        return found(arguments, context)

    desk = Desk(house)
    found = house.project().actions["shop.look"].run
    desk.look = look_once
    with pytest.raises(KeyboardInterrupt):
        desk.play(look("a"))
    assert desk.states == [(0, "intent")]
    desk.play(look("a"), ENOUGH, ANSWER)
    assert desk.states == [(0, "failed"), (1, "executed")]
    assert desk.rows[0].error == "the step begins its work anew"
    assert (desk.ended.outcome, desk.visit.attempts, desk.visit.model_calls) == ("answered", 2, 4)
    assert desk.whole


def test_crashes_in_lookups_never_go_past_the_bound(house: House) -> None:
    """Ten processes that die inside the tool look no more often than the attempts of a visit may."""
    looked: list[str] = []

    def dies(arguments: Any, context: Any) -> Any:
        looked.append(arguments.what)
        raise KeyboardInterrupt

    desk = Desk(house, look=dies)
    for _ in range(10):
        with contextlib.suppress(KeyboardInterrupt):
            desk.drive(ScriptedChatModel([look("a")], loop=True))
    assert len(looked) == len(desk.rows) == 4
    assert (desk.visit.outcome, desk.visit.error_kind, desk.visit.model_calls) == ("failed", "limit", 5)
    assert {state for _, state in desk.states} == {"failed"}
    assert "all 4 lookups" in desk.ended.output["error"]["message"]
    assert desk.whole


class Hanging(ScriptedChatModel):
    """A model that answers only when it is let."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(list(replies), loop=True)
        self._let = threading.Event()
        self._answered = threading.Event()

    def _generate(self, *arguments: Any, **named: Any) -> Any:
        if len(self.received) >= 1:
            self._let.wait()
            result = super()._generate(*arguments, **named)
            self._answered.set()
            return result
        return super()._generate(*arguments, **named)

    def finish(self) -> None:
        self._let.set()
        assert self._answered.wait(60)


def test_a_model_that_hangs_in_the_loop(house: House) -> None:
    """The attempt ends at the step's timeout; the late answer changes nothing in the stores."""
    desk = Desk(house, {"timeout": "1s"})
    model = Hanging(look("a"), ANSWER)
    desk.drive(model)
    assert (desk.visit.outcome, desk.visit.error_kind, desk.ended.outcome) == ("failed", "timeout", "unanswered")
    assert "longer than its timeout of 1s" in desk.ended.output["error"]["message"]
    before = (desk.visit, desk.states, desk.ended)
    model.finish()
    assert (desk.visit, desk.states, desk.ended) == before
    assert desk.whole


def test_a_lookup_that_hangs(house: House) -> None:
    """A tool that does not answer is given up on; its row has failed, and its late answer goes nowhere."""
    let, answered = threading.Event(), threading.Event()
    desk = Desk(house, {"timeout": "1s"})
    found = house.project().actions["shop.look"].run

    def hangs(arguments: Any, context: Any) -> Any:
        let.wait()
        answered.set()
        return found(arguments, context)

    desk.look = hangs
    desk.play(look("a"), loop=True)
    assert (desk.visit.error_kind, desk.states) == ("timeout", [(0, "failed")])
    let.set()
    assert answered.wait(60)
    assert desk.states == [(0, "failed")]
    assert desk.whole


def test_a_fact_that_hangs(house: House) -> None:
    """A rule that waits for a fact is waited for as long as the attempt lasts; its row does not stay open."""
    let = threading.Event()
    house.write("policies/private.yaml", PRIVATE)
    desk = Desk(house, {"timeout": "1s"}, facts=lambda *_: {"secret": let.wait()})
    desk.play(look("a"), loop=True)
    let.set()
    assert (desk.visit.error_kind, desk.states) == ("timeout", [(0, "superseded")])
    assert desk.whole


def test_a_timeout_is_tried_again(house: House) -> None:
    """Each attempt has its own time; the count of attempts is the visit's."""
    desk = Desk(house, {"timeout": "1s", "retry": {"attempts": 2, "backoff": "1s"}})
    first = Hanging(look("a"))
    second = ScriptedChatModel([look("b"), ENOUGH, ANSWER])

    class Both(ScriptedChatModel):
        def _generate(self, *arguments: Any, **named: Any) -> Any:
            return (second if house.slept else first)._generate(*arguments, **named)

    desk.drive(Both(replies=[]))
    assert (desk.visit.outcome, desk.visit.attempts, house.slept) == ("done", 2, [1.0])
    first.finish()
    assert desk.ended.output == {"reply": ANSWER}
    assert desk.states == [(0, "executed"), (1, "executed")]


def test_a_process_killed_in_a_pause_goes_on_counting(house: House) -> None:
    """Attempts live in the database: after three of three, none is left, in whatever process."""

    def dies(seconds: float) -> None:
        raise KeyboardInterrupt

    desk = Desk(house, {"retry": {"attempts": 3, "backoff": "1s"}}, sleep=dies)
    for attempts in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            desk.play(ModelUnavailable("away"), loop=True)
        assert desk.visit.attempts == attempts
    desk.play(ModelUnavailable("away"), loop=True)
    assert (desk.visit.outcome, desk.visit.error_kind, desk.visit.attempts) == ("failed", "unavailable", 3)


@pytest.mark.parametrize(("on", "attempts"), [(["unavailable"], 1), (["invalid"], 3), (["timeout"], 1)])
def test_an_invalid_answer_is_tried_again_only_where_declared(house: House, on: list[str], attempts: int) -> None:
    """A refusal of the provider is no reason to ask again, unless the step's `on` says so."""
    desk = Desk(house, {"retry": {"attempts": 3, "backoff": "1s", "on": on}})
    desk.play(ModelError("refused"), loop=True)
    assert (desk.visit.error_kind, desk.visit.attempts) == ("invalid", attempts)


def test_pauses_grow_as_declared(house: House) -> None:
    """Backoff, factor and `max_backoff` of the step are what is slept."""
    retry = {"attempts": 5, "backoff": "2s", "factor": 3, "max_backoff": "20s"}
    desk = Desk(house, {"retry": retry})
    desk.play(ModelUnavailable("away"), loop=True)
    assert house.slept == [2.0, 6.0, 18.0, 20.0]


def test_a_model_that_knows_no_tools_fails_the_step(house: House) -> None:
    """Without tool calls there is no loop; the error says what to do about it."""
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    desk = Desk(house)
    desk.drive(FakeListChatModel(responses=["x"]))
    assert (desk.visit.outcome, desk.visit.error_kind) == ("failed", "invalid")
    assert "cannot call tools" in desk.ended.output["error"]["message"]
