"""The three ways to make an endpoint answer with calls only, and how its answer is read in each.

| way                  | what is sent                                           | kept to by                         |
|----------------------|--------------------------------------------------------|------------------------------------|
| `structured_outputs` | `{"json": SCHEMA}`                                     | vLLM from 0.12                     |
| `response_format`    | `{"type": "json_schema", …}`                           | Ollama, llama.cpp, vLLM, OpenAI, … |
| `tools`              | the actions as functions, the choice being the model's | whatever else calls tools          |

In the first two the answer is `{"tool_calls": […]}`, whose empty list is the abstention; in the third no call is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.lam.endpoint.answer_schema import answer_schema
from interlock.lam.endpoint.forms import MOST_CALLS, Unreadable, Written, read_arguments, read_calls, read_object
from interlock.lam.endpoint.messages import Message
from interlock.lam.endpoint.options import Way
from interlock.lam.protocol import ActionSchema

EXTRAS: dict[str, Any] = {"logprobs": True, "seed": 0}
"""What is asked for besides."""

OPTIONAL = (*EXTRAS, "tool_choice")
"""Fields that are left out for an endpoint that does not take them; `auto` is what holds without `tool_choice`."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered."""

    calls: list[Written]
    """By the names of the actions."""
    spelt: list[Written]
    """By the names that were written, which differ with `tools`."""
    text: str
    """The message's text, empty where it brought calls only."""
    logprobs: Any = None
    """The part of the response that tells log-probabilities, as it came."""


def body_for(way: Way, messages: Sequence[Message], space: Sequence[ActionSchema]) -> dict[str, Any]:
    """The part of a request that says what may be answered, with the messages."""
    if way == "tools":
        names = wire_names(space)
        tools = [
            {
                "type": "function",
                "function": {"name": names[s.name], "description": s.description, "parameters": s.parameters},
            }
            for s in space
        ]
        return {"messages": list(messages), "tools": tools, "tool_choice": "auto"}
    return {"messages": list(messages), **kept_to(way, answer_schema(space))}


def kept_to(way: Way, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The field that holds an answer to a schema."""
    if way == "structured_outputs":
        return {"structured_outputs": {"json": dict(schema)}}
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "calls", "schema": dict(schema)}},
    }


def wire_names(space: Sequence[ActionSchema]) -> dict[str, str]:
    """Names of functions that every endpoint takes (letters, digits, `_` and `-`), by action."""
    names: dict[str, str] = {}
    kept = {schema.name for schema in space if _NAME.fullmatch(schema.name)}
    for schema in space:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", schema.name)[:56] or "_"
        taken, made, number = kept | set(names.values()), plain, 2
        while made in taken:
            made, number = f"{plain}_{number}", number + 1
        names[schema.name] = schema.name if schema.name in kept else made
    return names


def message_of(response: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The choice of a response, and its message.

    Raises:
        Unreadable: there is none, or it was cut off or held back.
    """
    choices = response.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        raise Unreadable("the response has no choices[0].message.")
    ended = choice.get("finish_reason")
    if ended in ("length", "content_filter"):
        raise Unreadable(
            "the answer was cut off; answer shorter." if ended == "length" else "the answer was held back."
        )
    return choice, message


def read_answer(way: Way, response: Mapping[str, Any], space: Sequence[ActionSchema]) -> Answer:
    """The calls of a response.

    Raises:
        Unreadable: it is not of the form that was asked for.
    """
    choice, message = message_of(response)
    content = message.get("content")
    text = content if isinstance(content, str) else ""
    if content is not None and not isinstance(content, str):
        raise Unreadable("the message's content is no text.")
    if message.get("refusal"):
        return Answer([], [], text)
    if way != "tools":
        found = read_object(text)
        return Answer(found, found, text, choice.get("logprobs"))
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list) or not all(
        isinstance(c, Mapping) and isinstance(c.get("function"), Mapping) for c in calls
    ):
        raise Unreadable("the message's tool_calls are no list of functions.")
    if len(calls) > MOST_CALLS:
        raise Unreadable(f"there are {len(calls)} calls; {MOST_CALLS} are the most.")
    found = [read_arguments(c["function"].get("name"), c["function"].get("arguments")) for c in calls]
    found = found or read_calls(text)
    actions = {wire: name for name, wire in wire_names(space).items()}
    named = [replace(call, name=actions.get(call.name, call.name)) for call in found]
    return Answer(named, found, text, choice.get("logprobs"))
