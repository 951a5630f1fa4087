"""Test doubles and conformance checks for whoever builds on Interlock; no network, no torch.

* `ScriptedChatModel` answers from a list, `ScriptedActionModel` decides from one.
* `wrong_tool`, `invented_argument` and `endless_loop` play the three classic failures of an agent.
* `FakeClock` is a clock that stands still until it is told to advance.
* `action_model_conformance` holds any action model to the protocol's promises.
* `check_pure` holds a function of `nodes/` to its purity.
* `UNCLEAR_ANSWERS` are answers to a request that whoever takes answers must refuse, `answers_conformance` tries them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from interlock.digest import digest
from interlock.lam.protocol import Action, ActionModel, ActionSchema, Decision, Observation
from interlock.nodes.dialects.unclear import UNCLEAR_ANSWERS as UNCLEAR_ANSWERS

if TYPE_CHECKING:
    from interlock.nodes.dialects.question import Question
    from interlock.nodes.function import Function

Reply = str | Mapping[str, Any] | AIMessage | Exception
"""A text, an object to be sent as JSON, a whole message (tool calls, tokens), or an error to raise."""


class ScriptEnded(AssertionError):
    """A scripted model was asked more often than its script has answers."""


class ScriptedChatModel(BaseChatModel):
    """A chat model that gives the next reply of its script, whatever it is asked.

    `received` holds the messages of every call, `bound_tools` what the last call had bound.  Tokens are
    counted as words, unless a reply is a message that brings its own count.
    """

    replies: list[Any]
    """What it answers, in order; see `Reply`."""

    loop: bool = False
    """Whether the last reply is repeated for ever; otherwise the script ends in `ScriptEnded`."""

    script: str = "scripted"

    _received: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _bound: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    def __init__(self, replies: Sequence[Reply] = (), **fields: Any) -> None:
        super().__init__(**{"replies": list(replies), **fields})

    @property
    def received(self) -> list[list[BaseMessage]]:
        return self._received

    @property
    def bound_tools(self) -> list[dict[str, Any]]:
        return self._bound

    @property
    def _llm_type(self) -> str:
        return "interlock-scripted"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"script": self.script, "replies": len(self.replies), "loop": self.loop}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        index = len(self._received)
        self._received.append(list(messages))
        self._bound = list(kwargs.get("tools") or [])
        if index >= len(self.replies):
            if not (self.loop and self.replies):
                raise ScriptEnded(
                    f"The script {self.script!r} has {len(self.replies)} replies and was asked once more; "
                    f"the last message it got was: {messages[-1].text[:200] if messages else '(none)'}"
                )
            index = len(self.replies) - 1
        reply = self.replies[index]
        if isinstance(reply, Exception):
            raise reply
        answer = reply.model_copy() if isinstance(reply, AIMessage) else AIMessage(_as_text(reply))
        if answer.usage_metadata is None:
            answer.usage_metadata = count_words(messages, answer)
        return ChatResult(generations=[ChatGeneration(message=answer)])


def _as_text(reply: Any) -> str:
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


def count_words(messages: Sequence[BaseMessage], answer: AIMessage) -> UsageMetadata:
    """Words in and out, in the place of tokens."""
    read = sum(len(message.text.split()) for message in messages)
    written = len(answer.text.split())
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def calls(name: str, arguments: Mapping[str, Any], *, say: str = "", call_id: str = "call-1") -> AIMessage:
    """A message of a chat model that calls one tool."""
    return AIMessage(say, tool_calls=[{"name": name, "args": dict(arguments), "id": call_id, "type": "tool_call"}])


def wrong_tool(payee: str = "Northwind Supplies", amount: str = "480.00") -> ScriptedChatModel:
    """Asked to send a message, it pays money, then claims to be done.

    Stopped by the action space of the step (`unknown_tool`), or where the tool is in it by the policy.
    """
    return ScriptedChatModel(
        [
            calls("payments.transfer", {"payee": payee, "amount": amount}, say="There is an invoice, so I pay it."),
            "Done, everything is taken care of.",
        ],
        script="wrong_tool",
    )  # fmt: skip


def invented_argument(address: str = "accounts@invented.example.net") -> ScriptedChatModel:
    """It sends the message to an address that stands nowhere in what it was given, then claims to be done.

    Stopped by provenance: a value no one gave is labelled `model`, so a person has to agree, or the policy denies.
    """
    message = {"to": address, "subject": "Your message", "body": "Please see the message below."}
    return ScriptedChatModel(
        [calls("email.send", message, say="I know the address."), "Done, the message is sent."],
        script="invented_argument",
    )


def endless_loop(query: str = "delivery", *, varied: int = 0) -> ScriptedChatModel:
    """It searches the mail again and again and never answers.

    Stopped by the rule against identical calls; with `varied` different queries first, by the bound on turns.
    """
    searches = [calls("email.search", {"query": f"{query} {n}"}, call_id=f"call-{n}") for n in range(1, varied + 1)]
    last = calls("email.search", {"query": query}, say="Let me look once more.")
    return ScriptedChatModel([*searches, last], loop=True, script="endless_loop")


CLASSIC_FAILURES: dict[str, Callable[[], ScriptedChatModel]] = {
    "wrong_tool": wrong_tool,
    "invented_argument": invented_argument,
    "endless_loop": endless_loop,
}
"""Makers of the three scripts, by the name that stands in the provider string `scripted:NAME`."""


class ScriptedActionModel:
    """An action model that gives the next decision of a list, or what a function decides.

    `received` holds every observation with its action space.
    """

    def __init__(
        self,
        decisions: Sequence[Decision] | Callable[[Observation, list[ActionSchema]], Decision],
        *,
        loop: bool = False,
    ) -> None:
        self.received: list[tuple[Observation, list[ActionSchema]]] = []
        self._decide = decisions if callable(decisions) else None
        self._decisions = [] if callable(decisions) else list(decisions)
        self._given = 0
        self._loop = loop

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        self.received.append((observation, list(action_space)))
        if self._decide is not None:
            return self._decide(observation, action_space)
        if self._given >= len(self._decisions):
            if not (self._loop and self._decisions):
                raise ScriptEnded(f"The script has {len(self._decisions)} decisions and was asked once more.")
            return self._decisions[-1]
        self._given += 1
        return self._decisions[self._given - 1]

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        """The log of the action's own confidence; `-inf` outside the space."""
        if action.name not in {schema.name for schema in action_space} or action.confidence == 0:
            return -math.inf
        return math.log(action.confidence)


class FakeClock:
    """A clock for tests: call it for the time (with a time zone), advance it by hand."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock's time has a time zone")
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Move forward and tell the new time.

        Raises:
            ValueError: `by` is negative; time does not run back.
        """
        if by < timedelta(0):
            raise ValueError("a clock does not run back")
        self.now += by
        return self.now


def action_model_conformance(
    model: ActionModel,
    cases: Sequence[tuple[Observation, list[ActionSchema]]],
    *,
    risk: float = 0.1,
    copies: bool = True,
) -> list[Decision]:
    """Hold `model` to the protocol on `cases` (observation and action space); its decisions, for further checks.

    An act or ask names actions of the space and arguments of their schemas, repeats no bound argument with
    another value, and each piece of evidence is a true quotation.  An act misses nothing, an abstention
    carries nothing, the same question gets the same answer.  With `copies`, each text argument has evidence
    unless its schema lists or defaults it: for models that can only copy.

    Raises:
        AssertionError: one line per broken promise.
    """
    faults: list[str] = []
    decisions: list[Decision] = []
    for number, (observation, space) in enumerate(cases):
        decision = model.decide(observation, space, risk=risk)
        decisions.append(decision)
        found = _broken(decision, observation, {schema.name: schema for schema in space}, copies)
        if model.decide(observation, space, risk=risk) != decision:
            found.append("the same question got another answer")
        for action in decision.actions:
            if model.score(observation, space, action) > 0:
                found.append(f"the log-probability of {action.name} is above 0")
            elsewhere = action.model_copy(update={"name": action.name + ".elsewhere"})
            if model.score(observation, space, elsewhere) != -math.inf:
                found.append("an action outside the space has a probability")
        faults += [f"case {number}: {fault}" for fault in found]
    if faults:
        raise AssertionError("\n".join(faults))
    return decisions


def _broken(decision: Decision, observation: Observation, space: Mapping[str, ActionSchema], copies: bool) -> list[str]:
    if decision.kind == "abstain":
        return ["an abstention carries an action"] if decision.actions else []
    faults = [] if decision.actions else [f"{decision.kind} carries no action"]
    if decision.kind == "act" and decision.missing:
        faults.append(f"an act misses {', '.join(decision.missing)}")
    for action in decision.actions:
        if action.name not in space:
            faults.append(f"{action.name} is not in the action space")
            continue
        parameters = space[action.name].parameters
        given = action.arguments.keys() | observation.bound.keys()
        lacking = [name for name in parameters.get("required", []) if name not in given]
        if decision.kind == "act" and lacking:
            faults.append(f"an act of {action.name} lacks {', '.join(lacking)}")
        faults += _broken_arguments(action, observation, parameters.get("properties", {}), copies)
    return faults


def _broken_arguments(
    action: Action, observation: Observation, properties: Mapping[str, Any], copies: bool
) -> list[str]:
    faults = []
    for name, value in action.arguments.items():
        if name not in properties:
            faults.append(f"{action.name} has no argument {name}")
        elif name in observation.bound:
            if value != observation.bound[name]:
                faults.append(f"{name} is bound, but the model chose {value!r}")
        elif copies and isinstance(value, str) and name not in action.evidence and not _listed(value, properties[name]):
            faults.append(f"{name} = {value!r} has no evidence")
    for name, evidence in action.evidence.items():
        source = observation.sources.get(evidence.source)
        if source is None or not evidence.text or source[evidence.start : evidence.end] != evidence.text:
            faults.append(f"the evidence of {name} is no quotation: {evidence.text!r} from {evidence.source}")
        elif name not in action.arguments:
            faults.append(f"there is evidence for {name}, but no such argument")
        elif evidence.normaliser is None and str(action.arguments[name]) != evidence.text:
            faults.append(f"{name} differs from its evidence, and no normaliser says why")
    return faults


def _listed(value: str, schema: Mapping[str, Any]) -> bool:
    return value in [*schema.get("enum", []), schema.get("const"), schema.get("default")] or "$ref" in schema


def check_pure(function: Function, examples: Sequence[Mapping[str, Any]], *, times: int = 3) -> list[dict[str, Any]]:
    """Call a function of `nodes/` again and again with each example; its results, for further checks.

    Each call must give the same, leave the values that it was given as they were, and fit what the function
    declares.  What only differs between two processes is not found.

    Raises:
        AssertionError: one line per broken promise.
    """
    faults: list[str] = []
    results: list[dict[str, Any]] = []
    for number, example in enumerate(examples):
        found: set[str] = set()
        for _ in range(times):
            given = function.read(example)
            before = digest(given)
            result = function.written(function.run(given))
            found.add(digest(result))
            if digest(given) != before:
                faults.append(f"example {number}: {function.name} changed its values")
                break
        if len(found) > 1:
            faults.append(f"example {number}: {function.name} gave {len(found)} different results")
        results.append(result)
    if faults:
        raise AssertionError("\n".join(faults))
    return results


def answers_conformance(
    take: Callable[[Any], object], question: Question, is_open: Callable[[], bool], refusal: type[Exception]
) -> None:
    """Hold whatever takes answers (an engine, an endpoint, a page) to refusing every unclear one.

    Args:
        take: takes one answer, JSON types, to `question`, which is about an action.
        is_open: whether the question still waits.
        refusal: what `take` raises where it refuses.

    Raises:
        AssertionError: one line per answer that was taken, or after which the question was closed.
    """
    faults = []
    for name, body in UNCLEAR_ANSWERS.items():
        try:
            take(body(question))
        except refusal:
            if is_open():
                continue
        faults.append(f"{name}: {'taken' if is_open() else 'the question was closed'}")
    if faults:
        raise AssertionError("\n".join(faults))
