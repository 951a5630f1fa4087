"""The bounded reason-act-observe loop of an agentic LLM (ReAct, Yao et al. 2023).

The model thinks and calls one tool, the caller's `act` answers, the model reads the answer, and so on.
The loop itself has no power: `act` is where every call goes, and there stands the monitor.  The loop
ends by itself in each case: a text without a call, a call made before, turns that bring nothing new, too
many turns, or a call that waits for a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import Runnable

from interlock.digest import canonical
from interlock.errors import ModelError
from interlock.lam.protocol import ActionSchema
from interlock.nodes.models import Meter, model_name, patient, provider_errors
from interlock.nodes.spans import chat
from interlock.nodes.timeout import NEVER, Deadline

Word = Literal["done", "waiting", "denied", "invalid", "failed", "unknown_tool"]
"""What became of a call.

done: it was performed.  waiting: a person has to agree first.  denied: a rule forbids it.  invalid: its
arguments do not fit.  failed: it was tried, and did not work.  unknown_tool: it is outside the tools that
were given.
"""

Ended = Literal["answered", "identical_call", "no_progress", "turns", "waiting", "silent"]
"""Why the loop ended.

answered: the model gave its final text.  identical_call: it made a call it had made before, which was
not carried out again.  no_progress: turns in a row brought nothing new.  turns: the bound on turns.
waiting: a person has to decide.  silent: the model gave neither a text nor a call.
"""

_INSTRUCTIONS = (
    "You work with tools. Call one tool at a time and read its answer before the next. Use only values that "
    "you were given. When the request is fulfilled, or cannot be, say so in one sentence without a call."
)
_WIRE_NAME = 64  # characters of a function name that chat APIs take; they also refuse the dot


@dataclass(frozen=True)
class Call:
    """One tool call as the model made it."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a call came to, in a closed word and a sentence that the model reads."""

    word: Word
    text: str


@dataclass(frozen=True)
class Turn:
    """A thought (often empty), the call it led to, and the answer."""

    thought: str
    call: Call
    answer: Answer


@dataclass(frozen=True)
class Transcript:
    """A finished loop.  `text` is the model's final text, or a sentence that says what stopped it."""

    turns: tuple[Turn, ...]
    ended: Ended
    text: str


def react(
    model: BaseChatModel,
    request: str,
    tools: Sequence[ActionSchema],
    act: Callable[[str, dict[str, Any]], Answer],
    *,
    max_turns: int = 8,
    idle_turns: int | None = None,
    instructions: str = _INSTRUCTIONS,
    meter: Meter | None = None,
    deadline: Deadline = NEVER,
) -> Transcript:
    """Let `model` work on `request` with `tools`; each call of a given tool goes to `act`, at most `max_turns`.

    A call of any other tool is answered `unknown_tool` and never reaches `act`.  Of several calls in one
    message the first is taken, and the model sees that it was alone.

    Args:
        idle_turns: how many turns in a row without anything new end the loop; new is what was done and
            gave an answer that no call gave before.
        deadline: when each answer of the model must be there; `act` sees to its own.

    Raises:
        StepTimeout: `deadline` came first.
        LimitExceeded: `meter` allows no further model call.
        ModelUnavailable: the provider cannot be reached now.
        ModelError: the provider refuses, or the model cannot call tools.
    """
    names = _wire_names(tools)
    messages: list[BaseMessage] = [SystemMessage(instructions), HumanMessage(request)]
    turns: list[Turn] = []
    made: set[bytes] = set()
    heard: set[str] = set()
    idle = 0
    for _ in range(max_turns):
        asked = _with_tools(patient(model, deadline.remaining), tools, names)
        if meter is not None:
            meter.call()
        with provider_errors(model_name(model)):
            said = chat(model, messages, partial(deadline.within, partial(asked.invoke, messages)))
        if meter is not None:
            meter.usage(said.usage_metadata)
        if not said.tool_calls and not said.invalid_tool_calls:
            text = said.text.strip()
            return Transcript(tuple(turns), "answered" if text else "silent", text or "The model said nothing.")
        call, answer = _first_call(said, names)
        if answer is None:
            key = canonical([call.name, call.arguments])
            if key in made:
                text = f"{call.name} was called again with the same arguments, so the loop was stopped."
                return Transcript(tuple(turns), "identical_call", text)
            made.add(key)
            known = call.name in names.values()
            answer = act(call.name, call.arguments) if known else _unknown(call.name, list(names.values()))
        turns.append(Turn(said.text.strip(), call, answer))
        if answer.word == "waiting":
            return Transcript(tuple(turns), "waiting", answer.text)
        idle = 0 if answer.word == "done" and answer.text not in heard else idle + 1
        heard.add(answer.text)
        if idle == idle_turns:
            return Transcript(tuple(turns), "no_progress", f"{idle} turns in a row brought nothing new.")
        messages += _observed(said, answer)
    return Transcript(tuple(turns), "turns", f"The model was still calling tools after {max_turns} turns.")


def _first_call(said: AIMessage, names: dict[str, str]) -> tuple[Call, Answer | None]:
    """The first call of a message under the tool's own name; with an answer where it cannot be read."""
    if not said.tool_calls:
        broken = said.invalid_tool_calls[0]
        name = broken["name"] or ""
        return Call(names.get(name, name), {}), Answer("invalid", "The arguments are not a JSON object.")
    first = said.tool_calls[0]
    call = Call(names.get(first["name"], first["name"]), dict(first["args"]))
    try:
        canonical(call.arguments)
    except (ValueError, TypeError, RecursionError):  # NaN, half a surrogate pair, integers beyond 2**53
        return call, Answer("invalid", "The arguments hold a value that JSON cannot carry.")
    return call, None


def _observed(said: AIMessage, answer: Answer) -> list[BaseMessage]:
    text = f"{answer.word}: {answer.text}"
    if not said.tool_calls:  # a broken call cannot be sent back as one
        return [AIMessage(said.text or "(a broken tool call)"), HumanMessage(text)]
    first = said.tool_calls[0]
    identifier = first["id"] or "call"
    return [
        AIMessage(said.text, tool_calls=[first | {"id": identifier}]),
        ToolMessage(text, tool_call_id=identifier, name=first["name"]),
    ]


def _unknown(name: str, known: list[str]) -> Answer:
    return Answer("unknown_tool", f"There is no tool {name}. The tools are: {', '.join(known) or 'none'}.")


def _wire_names(tools: Sequence[ActionSchema]) -> dict[str, str]:
    """The tools' own names by the names under which a chat API takes them: `email.send` as `email__send`."""
    names: dict[str, str] = {}
    for tool in tools:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", tool.name.replace(".", "__"))[:_WIRE_NAME]
        wire, number = plain, 1
        while wire in names:
            number += 1
            wire = f"{plain[: _WIRE_NAME - 4]}_{number}"
        names[wire] = tool.name
    return names


def _with_tools(model: BaseChatModel, tools: Sequence[ActionSchema], names: dict[str, str]) -> Runnable[Any, AIMessage]:
    if not tools:
        return model
    functions: list[dict[str, Any]] = [
        {
            "type": "function",
            "function": {"name": wire, "description": tool.description, "parameters": tool.parameters},
        }
        for wire, tool in zip(names, tools, strict=True)
    ]
    try:
        return model.bind_tools(functions)
    except NotImplementedError:
        raise ModelError(f"{model_name(model)} cannot call tools.") from None
