"""The public test doubles."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from langchain_core.messages import AIMessage

from interlock.lam.protocol import Action, ActionModel, ActionSchema, Decision, Evidence, Observation
from interlock.testing import (
    CLASSIC_FAILURES,
    FakeClock,
    ScriptedActionModel,
    ScriptedChatModel,
    ScriptEnded,
    action_model_conformance,
)

SEND = ActionSchema(
    name="email.send",
    description="Send a message.",
    parameters={
        "type": "object",
        "properties": {
            "to": {"type": "string"},
            "body": {"type": "string"},
            "tone": {"type": "string", "enum": ["warm"]},
        },
        "required": ["to", "body"],
    },
)
SEEN = Observation(sources={"request": "Write to anna@example.org."}, bound={"body": "Hi."})
TO = Evidence(source="request", start=9, end=25, text="anna@example.org")


def act(**changes: object) -> Decision:
    action = Action(name="email.send", arguments={"to": TO.text, "tone": "warm"}, confidence=0.9, evidence={"to": TO})
    action = action.model_copy(update=changes)
    return Decision(kind="act", actions=[action], p_null=0.1, backend="script", model_id="1")


def test_a_script_gives_its_replies_in_order_and_then_ends():
    """Text, object, message and error come in order; one question too many is a `ScriptEnded`."""
    model = ScriptedChatModel(["a", {"b": 1}, AIMessage("c"), TimeoutError("d")])
    assert [model.invoke("q").text for _ in range(3)] == ["a", '{"b": 1}', "c"]
    with pytest.raises(TimeoutError):
        model.invoke("q")
    with pytest.raises(ScriptEnded, match="4 replies and was asked once more"):
        model.invoke("q")
    assert [messages[0].text for messages in model.received] == ["q"] * 5


def test_a_looping_script_repeats_its_last_reply():
    """With `loop` the last reply comes again and again, as a fresh message each time."""
    model = ScriptedChatModel(["a", AIMessage("b")], loop=True)
    answers = [model.invoke("q") for _ in range(4)]
    assert [answer.text for answer in answers] == ["a", "b", "b", "b"]
    assert len({id(answer) for answer in answers}) == 4


def test_scripted_models_count_words_as_tokens():
    """Tokens are words, unless the reply brings its own count."""
    own = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    model = ScriptedChatModel(["two words", AIMessage("x", usage_metadata=own)])  # type: ignore[arg-type]
    first = model.invoke("three words here")
    assert (first.usage_metadata or {})["total_tokens"] == 5
    assert model.invoke("q").usage_metadata == own


@pytest.mark.parametrize("name", CLASSIC_FAILURES)
def test_each_classic_failure_is_a_fresh_script(name):
    """A maker gives a new model each time, which begins with a tool call."""
    first, second = CLASSIC_FAILURES[name](), CLASSIC_FAILURES[name]()
    assert first.invoke("q").tool_calls == second.invoke("q").tool_calls != []


def test_a_scripted_action_model_fits_the_protocol():
    """A list or a function decides; both are action models, and a list ends."""
    listed = ScriptedActionModel([act()])
    assert isinstance(listed, ActionModel)
    assert listed.decide(SEEN, [SEND], risk=0.1).kind == "act"
    with pytest.raises(ScriptEnded):
        listed.decide(SEEN, [SEND], risk=0.1)
    assert listed.received[0] == (SEEN, [SEND])
    function = ScriptedActionModel(lambda observation, space: act(name=space[0].name))
    assert function.decide(SEEN, [SEND], risk=0.1).actions[0].name == "email.send"
    assert function.score(SEEN, [SEND], act().actions[0]) == math.log(0.9)
    assert function.score(SEEN, [], act().actions[0]) == -math.inf


def test_the_clock_moves_only_forward_and_by_hand():
    """A fake clock has a time zone, stands still, and refuses to run back."""
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    assert clock() == clock() == datetime(2026, 3, 1, tzinfo=UTC)
    assert clock.advance(timedelta(hours=2)) == clock() == datetime(2026, 3, 1, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="run back"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="time zone"):
        FakeClock(datetime(2026, 3, 1))


ABSTAIN = Decision(kind="abstain", p_null=0.9, backend="script", model_id="1")


@pytest.mark.parametrize("decision", [act(), ABSTAIN, act().model_copy(update={"kind": "ask", "missing": ["to"]})])
def test_a_good_model_conforms(decision):
    """A quoted act, an abstention and an ask keep every promise."""
    assert action_model_conformance(ScriptedActionModel([decision], loop=True), [(SEEN, [SEND])]) == [decision]


@pytest.mark.parametrize(
    ("decision", "broken"),
    [
        (act(name="payments.transfer"), "not in the action space"),
        (act(arguments={"to": "x@y.example"}, evidence={}), "has no evidence"),
        (act(evidence={"to": TO.model_copy(update={"start": 8})}), "no quotation"),
        (act(evidence={"to": TO.model_copy(update={"source": "elsewhere"})}), "no quotation"),
        (act(arguments={"to": "ANNA@example.org"}), "no normaliser says why"),
        (act(arguments={"to": TO.text, "cc": "b"}), "has no argument cc"),
        (act(arguments={"to": TO.text, "body": "Bye."}), "is bound, but the model chose"),
        (act(arguments={"tone": "warm"}, evidence={}), "lacks to"),
        (act(arguments={"tone": "warm"}), "no such argument"),
        (act().model_copy(update={"missing": ["to"]}), "an act misses to"),
        (act().model_copy(update={"actions": []}), "carries no action"),
        (act().model_copy(update={"kind": "abstain"}), "an abstention carries"),
    ],
)
def test_each_broken_promise_is_named(decision, broken):
    """The conformance function names the case and the promise that is broken."""
    with pytest.raises(AssertionError, match="case 0") as raised:
        action_model_conformance(ScriptedActionModel([decision], loop=True), [(SEEN, [SEND])])
    assert broken in str(raised.value)


def test_a_moody_model_does_not_conform():
    """Two answers to one question break the promise of determinism."""
    with pytest.raises(AssertionError, match="another answer"):
        action_model_conformance(ScriptedActionModel([act(), ABSTAIN], loop=True), [(SEEN, [SEND])])


def test_importing_the_doubles_loads_neither_torch_nor_langgraph():
    """`interlock.testing` and the offline model stay light."""
    code = (
        "import sys, interlock.testing, interlock.nodes.offline, interlock.nodes.reason, interlock.nodes.agent\n"
        "print([m for m in ('torch', 'transformers', 'langgraph', 'openai', 'spellchecker') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
