"""Reading an answer in whatever dialect it comes, without ever guessing.

Each dialect has one closed form, recognised by one key.  What fits none, fits two, or fits one in a way that
leaves a doubt is refused with the reason, and the question stays open.  No text is interpreted, by a model or
otherwise: a decision is a word of a closed vocabulary in the one place where its dialect puts it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from interlock.nodes.dialects import ag_ui, agent_inbox, fields, langchain, own, pydantic_ai
from interlock.nodes.dialects.answer import Answer
from interlock.nodes.dialects.question import Question
from interlock.source.rendering import FORBIDDEN

MOST_BYTES = 100_000
"""Bytes of an answer; the longest that means something is an edit of every argument."""

MOST_LEVELS = 50

EXACT = 2**53
"""Whole numbers from here on differ between readers of JSON."""

INTERRUPT = re.compile(r"[0-9a-f]{32}")
"""An id of LangGraph's interrupts."""

Reader = Callable[[Mapping[str, Any], Question], Answer]

MARKS: dict[str, tuple[str, Reader]] = {
    "decision": ("our own form", own.read),
    "decisions": ("LangChain's decisions", langchain.read),
    "type": ("one decision of LangChain's", langchain.read_decision),
    "resume": ("AG-UI's resume", lambda body, question: _resume(body, question)),
    "interruptId": ("an AG-UI resume entry", ag_ui.read),
    "approvals": ("Pydantic AI's results", pydantic_ai.read),
    "kind": ("one result of Pydantic AI's", pydantic_ai.read_result),
}
"""The key by which an object is recognised, what it is then, and who reads it."""


def parse(text: bytes | str, question: Question) -> Any:
    """JSON text as a body for `read_answer`; a reader that keeps the last of two equal keys would guess.

    Raises:
        DecisionRefused: it is too long or no JSON, or a key stands twice in one object.
    """
    size = len(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        raise question.unclear(f"an answer has at most {MOST_BYTES} bytes, not {size}")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = next(key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1)
            raise question.unclear(f"the key {twice!r:.60} stands twice in one object")
        return found

    def number(word: str) -> float:
        raise ValueError(f"{word} is no JSON")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=number)
    except (ValueError, RecursionError) as error:
        raise question.unclear(f"an answer is JSON, which this is not: {error}") from None


def read_answer(body: Any, question: Question) -> Answer:
    """What `body`, JSON types in one of the dialects, answers to `question`.

    Nothing is decided by it; who answers, and whether they may, is for `Engine.answer`.

    Raises:
        DecisionRefused: it has not one plain meaning; the question stays open.
    """
    if not _plain(body, MOST_LEVELS):
        raise question.unclear(f"an answer is plain JSON of at most {MOST_LEVELS} levels, without control characters")
    if isinstance(body, list):
        return _listed(body, question)
    if not isinstance(body, dict) or not body:
        raise question.unclear("an answer is a JSON object or list in a known form, never a bare word or nothing")
    if all(INTERRUPT.fullmatch(key) for key in body):
        raise question.unclear("a map of interrupt ids resumes a graph and decides nothing; answer one request")
    marks = [mark for mark in MARKS if mark in body]
    if len(marks) > 1:
        raise question.unclear(f"{' and '.join(MARKS[mark][0] for mark in marks)} do not go together")
    if not marks:
        raise question.unclear(f"an answer in no known form; it is known by one of the keys {', '.join(MARKS)}")
    return MARKS[marks[0]][1](body, question)


def _listed(body: list[Any], question: Question) -> Answer:
    """A list is Agent Inbox's, or AG-UI's `resume` alone."""
    entry = fields.mapping(fields.one(body, question, "an answer"), question, "the entry")
    marks = [mark for mark in MARKS if mark in entry]
    match marks:
        case ["type"]:
            return agent_inbox.read(entry, question)
        case ["interruptId"]:
            return ag_ui.read(entry, question)
    raise question.unclear("a list holds one HumanResponse of Agent Inbox's, or one AG-UI resume entry")


def _resume(body: Mapping[str, Any], question: Question) -> Answer:
    fields.closed(body, question, "an answer with resume", "resume")
    entry = fields.one(body["resume"], question, "resume")
    return ag_ui.read(fields.mapping(entry, question, "a resume entry"), question)


def _plain(value: Any, levels: int) -> bool:
    """Whether it is JSON types of at most so many levels, whose texts and numbers every reader takes for the same."""
    if isinstance(value, dict):
        inner: list[Any] = list(value.values())
        if not all(isinstance(key, str) for key in value):
            return False
    elif isinstance(value, list):
        inner = value
    elif isinstance(value, str):
        return FORBIDDEN.search(value) is None
    elif isinstance(value, int):
        return abs(value) < EXACT
    else:
        return value is None or (isinstance(value, float) and isfinite(value))
    return levels > 0 and all(_plain(item, levels - 1) for item in inner)
