"""The forms in which models write calls, read strictly.

| form                                                   | written by                     |
|--------------------------------------------------------|--------------------------------|
| `{"tool_calls": [{"name": …, "arguments": {…}}]}`       | xLAM-1, and the schema we send |
| `[{"name": …, "arguments": {…}}]`                       | xLAM-2                         |
| `<tool_call>{"name": …, "arguments": {…}}</tool_call>…` | Hermes, Qwen                   |

An empty list, an empty answer and plain text are no call.  A call in the middle of a sentence is none either,
since a text that was read can bring one; and what begins like one of the forms must be that form to its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from interlock.lam.strict_json import NotStrict, Part, read_strictly

MOST_CALLS = 32
"""Calls of one answer that are read."""

Place = tuple[int, int]
"""Characters of the answer, first and behind the last."""

_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_TAGGED = re.compile(r"\s*<tool_call>(.*?)</tool_call>", re.DOTALL)


class Unreadable(ValueError):
    """The answer is none of the forms; the message is a sentence that a model can be told."""


@dataclass(frozen=True)
class Written:
    """One call as the model wrote it; nothing of it has been checked against the action space."""

    name: str
    arguments: dict[str, Any]
    name_at: Place | None = None
    argument_at: dict[str, Place] = field(default_factory=dict)


def read_calls(text: str) -> list[Written]:
    """The calls of an answer in whichever form; none for plain text.

    Raises:
        Unreadable: it begins like a form and is not that form.
    """
    thought = _THOUGHT.match(text)
    at = thought.end() if thought else 0
    body = text[at:].lstrip()
    if "<tool_call>" in body or "</tool_call>" in body:
        return _tagged(text, at)
    if body[:1] not in ("{", "[", "`"):
        return []
    part = _read(text, at, len(text))
    if isinstance(part.value, dict):
        return _listed(part)
    return _calls(part)


def read_object(text: str) -> list[Written]:
    """The calls of an answer that has to be `{"tool_calls": […]}`: it was asked for with a schema.

    Raises:
        Unreadable: it is anything else.
    """
    return _listed(_read(text, 0, len(text)))


def read_arguments(name: Any, arguments: Any) -> Written:
    """One call of a message's `tool_calls`, whose arguments are JSON in a string, or an object already.

    Raises:
        Unreadable: the name is none, or the arguments are no object.
    """
    if isinstance(arguments, str):
        arguments = _read(arguments, 0, len(arguments)).value if arguments.strip() else {}
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        raise Unreadable("a call has a name and an object of arguments.")
    return Written(name, arguments)


def _read(text: str, start: int, end: int) -> Part:
    # everything before `start` counts as space, so that places are those of the whole text
    try:
        return read_strictly(" " * start + text[start:end])
    except NotStrict as fault:
        raise Unreadable(f"the answer is not strict JSON: {fault}.") from None


def _listed(part: Part) -> list[Written]:
    if not isinstance(part.value, dict) or set(part.value) != {"tool_calls"}:
        raise Unreadable('the answer must be one object with the key "tool_calls" and nothing else.')
    return _calls(part.parts["tool_calls"])


def _calls(part: Part) -> list[Written]:
    if not isinstance(part.value, list):
        raise Unreadable('"tool_calls" must be a list.')
    if len(part.items) > MOST_CALLS:
        raise Unreadable(f"there are {len(part.items)} calls; {MOST_CALLS} are the most.")
    return [_call(item) for item in part.items]


def _call(part: Part) -> Written:
    if not isinstance(part.value, dict) or set(part.value) != {"name", "arguments"}:
        raise Unreadable('each call must be an object with "name" and "arguments" and nothing else.')
    name, arguments = part.parts["name"], part.parts["arguments"]
    if not isinstance(name.value, str) or not name.value or not isinstance(arguments.value, dict):
        raise Unreadable('"name" must be a string and "arguments" an object.')
    places = {key: (inner.start, inner.end) for key, inner in arguments.parts.items()}
    return Written(name.value, arguments.value, (name.start, name.end), places)


def _tagged(text: str, at: int) -> list[Written]:
    found: list[Written] = []
    while match := _TAGGED.match(text, at):
        found.append(_call(_read(text, *match.span(1))))
        at = match.end()
    if not found or text[at:].strip():
        raise Unreadable("calls in <tool_call> tags must stand alone, each closed, with nothing before or after.")
    if len(found) > MOST_CALLS:
        raise Unreadable(f"there are {len(found)} calls; {MOST_CALLS} are the most.")
    return found
