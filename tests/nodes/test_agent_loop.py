"""The bounded loop, and what stops each of the three classic failures of an agent."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from interlock.errors import LimitExceeded, ModelError, ModelUnavailable
from interlock.lam.protocol import ActionSchema
from interlock.nodes.agent import Answer, react
from interlock.testing import ScriptedChatModel, calls, endless_loop, invented_argument, wrong_tool

SEND = ActionSchema(name="email.send", description="Send a message.")
SEARCH = ActionSchema(name="email.search", description="Search messages.")
PAY = ActionSchema(name="payments.transfer", description="Pay money.")
REQUEST = "Polish my email and send it to anna@example.org."


BROKEN: Any = {"name": "email__send", "args": "{oops", "id": "1", "error": None, "type": "invalid_tool_call"}


class Monitor:
    """A stand-in for the monitor: answers with one word and remembers what reached it."""

    def __init__(self, word: Any = "done") -> None:
        self.word = word
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, arguments: dict[str, Any]) -> Answer:
        self.seen.append((name, arguments))
        return Answer(self.word, f"The call was {self.word}.")


def test_wrong_tool_outside_the_space_never_reaches_the_monitor():
    """A payment in a mail step is `unknown_tool`; the claim to be done stands beside the fact that nothing was."""
    monitor = Monitor()
    transcript = react(wrong_tool(), REQUEST, [SEND, SEARCH], monitor)
    assert monitor.seen == []
    assert [(turn.call.name, turn.answer.word) for turn in transcript.turns] == [("payments.transfer", "unknown_tool")]
    assert transcript.ended == "answered"


def test_wrong_tool_inside_the_space_is_denied():
    """Where the tool exists, the monitor's `denied` reaches the model and nothing else happens."""
    model = wrong_tool()
    transcript = react(model, REQUEST, [SEND, PAY], Monitor("denied"))
    assert transcript.turns[0].answer.word == "denied"
    observed = model.received[1][-1]
    assert isinstance(observed, ToolMessage)
    assert observed.text.startswith("denied: ")


def test_an_invented_argument_waits_for_a_person():
    """`waiting` ends the loop at once: the model is not asked again while a person decides."""
    model = invented_argument()
    transcript = react(model, REQUEST, [SEND], Monitor("waiting"))
    assert (transcript.ended, len(model.received)) == ("waiting", 1)
    assert transcript.turns[-1].call.arguments["to"] not in REQUEST


def test_an_endless_loop_stops_at_the_identical_call():
    """The same call a second time is not carried out and ends the loop."""
    monitor = Monitor()
    transcript = react(endless_loop(), REQUEST, [SEARCH], monitor)
    assert (transcript.ended, len(monitor.seen)) == ("identical_call", 1)
    assert "email.search" in transcript.text


def test_an_endless_loop_in_new_words_stops_at_the_bound():
    """Ever new arguments end at `max_turns` calls of the model."""
    model, monitor = endless_loop(varied=50), Monitor()
    transcript = react(model, REQUEST, [SEARCH], monitor, max_turns=5)
    assert (transcript.ended, len(transcript.turns), len(model.received), len(monitor.seen)) == ("turns", 5, 5, 5)


def test_identical_means_equal_as_canonical_json():
    """Another order of keys, or 1.0 for 1, is the same call."""
    model = ScriptedChatModel([calls("email.search", {"a": 1, "b": 2}), calls("email__search", {"b": 2, "a": 1.0})])
    assert react(model, REQUEST, [SEARCH], Monitor()).ended == "identical_call"


def test_a_final_text_answers():
    """A text without a call is the end; nothing at all is `silent`."""
    done = react(ScriptedChatModel([" Done. "]), REQUEST, [SEND], Monitor())
    assert (done.ended, done.text, done.turns) == ("answered", "Done.", ())
    assert react(ScriptedChatModel([""]), REQUEST, [SEND], Monitor()).ended == "silent"


def test_only_the_first_of_several_calls_is_taken():
    """Two calls in one message: one is carried out, and the model sees a history with that one."""
    both = AIMessage(
        "",
        tool_calls=[
            *calls("email.search", {"query": "a"}).tool_calls,
            *calls("email.send", {}, call_id="2").tool_calls,
        ],
    )
    model, monitor = ScriptedChatModel([both, "Done."]), Monitor()
    react(model, REQUEST, [SEND, SEARCH], monitor)
    assert monitor.seen == [("email.search", {"query": "a"})]
    assert len(model.received[1][-2].tool_calls) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", invalid_tool_calls=[BROKEN]),
        calls("email.send", {"amount": float("nan")}),
        calls("email.send", {"text": "\ud800"}),
    ],
)
def test_arguments_that_are_no_json_are_invalid(message):
    """A call that cannot be read is answered `invalid` and never reaches the monitor."""
    monitor = Monitor()
    transcript = react(ScriptedChatModel([message, "I give up."]), REQUEST, [SEND], monitor)
    assert (transcript.turns[0].answer.word, transcript.turns[0].call.name, monitor.seen) == (
        "invalid",
        "email.send",
        [],
    )
    assert transcript.text == "I give up."


def test_tools_are_bound_under_names_that_chat_apis_take():
    """Dots become underscores, names that would collide stay apart, and calls come back under the real name."""
    model, monitor = ScriptedChatModel([calls("a__b_2", {}), "Done."]), Monitor()
    spaces = [ActionSchema(name=name, description="x") for name in ("a.b", "a__b", "x" * 80)]
    react(model, REQUEST, spaces, monitor)
    names = [tool["function"]["name"] for tool in model.bound_tools]
    assert names == ["a__b", "a__b_2", "x" * 64]
    assert monitor.seen == [("a__b", {})]


def test_the_meter_bounds_the_loop(meter):
    """Each turn is a counted call; the limit of the run ends the loop as an error."""
    meter.limit = 2
    with pytest.raises(LimitExceeded):
        react(endless_loop(varied=9), REQUEST, [SEARCH], Monitor(), meter=meter)
    assert (meter.calls, len(meter.usages)) == (2, 2)


def test_failures_of_the_provider_pass_on():
    """A provider that is gone is retryable here as everywhere."""
    with pytest.raises(ModelUnavailable):
        react(ScriptedChatModel([TimeoutError()]), REQUEST, [SEND], Monitor())


def test_a_model_that_cannot_call_tools_says_so():
    """A chat model without `bind_tools` is a `ModelError`, and still talks when there are no tools."""
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    with pytest.raises(ModelError, match="cannot call tools"):
        react(FakeListChatModel(responses=["x"]), REQUEST, [SEND], Monitor())
    assert react(FakeListChatModel(responses=["x"]), REQUEST, [], Monitor()).text == "x"


class Answers:
    """A monitor that gives one answer after the other, the last for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def __call__(self, name: str, arguments: dict[str, Any]) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    ("answers", "turns"),
    [
        ([Answer("done", "nothing")], 3),  # what was found once is no news the second and third time
        ([Answer("denied", "no")], 2),
        ([Answer("failed", "no"), Answer("invalid", "no")], 2),
        ([Answer("denied", "no"), Answer("done", "a"), Answer("denied", "no")], 4),
        ([Answer("done", "a"), Answer("denied", "no"), Answer("done", "b"), Answer("done", "a")], 5),
    ],
)
def test_turns_without_news_end_the_loop(answers, turns):
    """Two turns in a row that refuse, fail or repeat an answer end it; anything new starts the count again."""
    transcript = react(endless_loop(varied=9), REQUEST, [SEARCH], Answers(*answers), max_turns=9, idle_turns=2)
    assert (transcript.ended, len(transcript.turns)) == ("no_progress", turns)
    assert "nothing new" in transcript.text


def test_news_every_time_goes_on_to_the_bound():
    """A loop that learns something at each turn is ended by the bound on turns alone."""
    found = [Answer("done", str(number)) for number in range(20)]
    transcript = react(endless_loop(varied=19), REQUEST, [SEARCH], Answers(*found), max_turns=7, idle_turns=2)
    assert (transcript.ended, len(transcript.turns)) == ("turns", 7)
