"""Reading the fields of an answer: closed sets of keys, synonyms that agree, and values that are what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from interlock.digest import canonical
from interlock.nodes.dialects.answer import Answer, Dialect
from interlock.nodes.dialects.question import Question

ABSENT = object()

UNSAID = "rejected without a reason"
"""The reason on record where a client lets people reject without one."""

AGREEING = re.compile(
    "accept(ed)?|agreed?|allow(ed)?|(tool-)?approved?|confirm(ed)?|do( it)?|edit|go( ahead)?|happened|ok(ay)?"
    "|proceed|resolved?|sure|true|y(es)?"
)
"""Words that make no reason for a rejection: who writes one of them meant something else."""

REFUSING = re.compile("cancel(led)?|deny|(tool-)?denied|disagreed?|false|ignored?|no?|never|reject(ed)?|refused?|stop")
"""Words that make no reason for anything but a rejection."""

HAPPENED = {"happened": True, "did_not_happen": False}
"""The two answers to a doubt, where a dialect has no field for them but text."""


def mapping(value: Any, question: Question, what: str) -> Mapping[str, Any]:
    """`value`, once it is a JSON object."""
    if not isinstance(value, dict):
        raise question.unclear(f"{what} is an object, not {_kind(value)}")
    return value


def one(value: Any, question: Question, what: str) -> Any:
    """The one element of a list: a request is one question."""
    if not isinstance(value, list):
        raise question.unclear(f"{what} is a list, not {_kind(value)}")
    if len(value) != 1:
        raise question.unclear(f"{what} has {len(value)} entries, and there is one question")
    return value[0]


def closed(body: Mapping[str, Any], question: Question, what: str, keys: str) -> None:
    """Refuse keys that are none of `keys`, a list of words: what they mean would be a guess."""
    known = keys.split()
    for key in body:
        if key not in known:
            raise question.unclear(f"{what} has no key {key!r}; it takes {', '.join(known)}")


def either(body: Mapping[str, Any], question: Question, *names: str) -> Any:
    """The value under whichever of these names is there, or `ABSENT`; under several it must be the same."""
    found = {name: body[name] for name in names if name in body}
    if not found:
        return ABSENT
    values = list(found.values())
    if any(not same(value, values[0]) for value in values):
        raise question.unclear(f"{' and '.join(found)} differ")
    return values[0]


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; `True` is not 1."""
    try:
        return canonical(one) == canonical(other)
    except (TypeError, ValueError, RecursionError):
        return False


def reason(body: Mapping[str, Any], question: Question, *names: str, default: str = "") -> str:
    """The text under one of these names."""
    found = either(body, question, *names)
    if found is ABSENT or found is None:
        return default
    if not isinstance(found, str):
        raise question.unclear(f"{names[0]} is text, not {_kind(found)}")
    return found if found.strip() else default


def approval(question: Question, dialect: Dialect, **more: Any) -> Answer:
    """An approval, where the request can be approved."""
    return _allowed(_agreeing(Answer("approve", dialect, **more), question), question)


def rejection(question: Question, dialect: Dialect, because: str, **more: Any) -> Answer:
    """A rejection, where the request can be rejected and the reason does not say the opposite."""
    if AGREEING.fullmatch(_word(because)) or _encoded(because.strip()):
        raise question.unclear(f"it rejects, but the reason it gives is {because.strip()!r:.80}")
    return _allowed(Answer("reject", dialect, because, **more), question)


def edit(question: Question, dialect: Dialect, arguments: Any, *, because: str = "") -> Answer:
    """An edit by the whole new arguments: those that differ are the changes."""
    new = mapping(arguments, question, "the new arguments")
    for name in question.arguments:
        if name not in new:
            raise question.unclear(f"the new arguments leave out {name}; send every argument, the unchanged too")
    changes = {name: value for name, value in new.items() if not _unchanged(name, value, question)}
    return edited(question, dialect, changes, because=because)


def edited(question: Question, dialect: Dialect, changes: Any, **more: Any) -> Answer:
    """An edit by its changes alone."""
    because = more.pop("because", "")
    answer = Answer("edit", dialect, because, mapping(changes, question, "changes"), **more)
    answer = _allowed(_agreeing(answer, question), question)
    if not answer.changes:
        raise question.unclear("it edits, but changes nothing")
    return answer


def response(question: Question, dialect: Dialect, text: Any) -> Answer:
    """The answer to a doubt by one of two words; no other text is read."""
    if question.kind == "doubt" and (not isinstance(text, str) or text not in HAPPENED):
        raise question.unclear(f"a doubt is answered by {' or '.join(HAPPENED)}, not {text!r:.60}")
    return settled(question, dialect, HAPPENED.get(text) if isinstance(text, str) else None)


def settled(question: Question, dialect: Dialect, happened: Any, **more: Any) -> Answer:
    """The answer to a doubt."""
    _allowed(Answer("respond", dialect), question)
    if not isinstance(happened, bool):
        raise question.unclear("say whether it happened: true or false")
    return Answer("respond", dialect, happened=happened, **more)


def repeats(named: Any, question: Question, what: str, key: str) -> None:
    """Hold `{key: ACTION, args: …}` to the exact action that is asked about."""
    found = mapping(named, question, what)
    closed(found, question, what, f"{key} args arguments")
    action(found, question, key)
    if not same(either(found, question, "args", "arguments"), question.arguments):
        raise question.unclear(f"{what} has other arguments than those asked about; send an edit")


def action(named: Mapping[str, Any], question: Question, key: str) -> None:
    """Refuse another action than the one that is asked about."""
    if question.action is None:
        raise question.unclear("there is no action in this question")
    if named.get(key) != question.action:
        raise question.unclear(f"it names the action {named.get(key)!r:.80}, the question is about {question.action}")


def _unchanged(name: str, value: Any, question: Question) -> bool:
    return name in question.arguments and same(value, question.arguments[name])


def _allowed(answer: Answer, question: Question) -> Answer:
    if answer.word not in question.allowed:
        hints = {"question": "something is missing, so send an edit", "doubt": "say whether the action happened"}
        hint = hints.get(question.kind, f"it takes {', '.join(question.allowed)}")
        raise question.unclear(f"{question.id} does not take the decision {answer.word}: {hint}")
    return answer


def _agreeing(answer: Answer, question: Question) -> Answer:
    if REFUSING.fullmatch(_word(answer.reason)) or _encoded(answer.reason.strip()):
        raise question.unclear(f"its decision is {answer.word}, but the reason it gives is {answer.reason!r:.80}")
    return answer


def _word(text: str) -> str:
    return text.strip().casefold().strip(".!")


def _encoded(text: str) -> bool:
    """Whether text is itself JSON: a decision inside of a text is none."""
    if not text.startswith(("{", "[", '"')):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _kind(value: Any) -> str:
    """A JSON value's type, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
    return type(value).__name__
