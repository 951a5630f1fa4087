"""A grammar in the notation of llguidance (a dialect of Lark), rule by rule."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from llguidance import LLMatcher

_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def literal(text: str) -> str:
    """`text` itself."""
    return json.dumps(text, ensure_ascii=False)


def spelled(text: str, marks: Mapping[str, int]) -> str:
    """`text` itself, where `marks` are pieces that the tokenizer writes as one token apart from all text."""
    for mark, token in marks.items():
        before, found, after = text.partition(mark)
        if found:
            parts = [spelled(part, marks) for part in (before, after) if part]
            return " ".join([*parts[: bool(before)], f"<[{token}]>", *parts[bool(before) :]])
    return literal(text)


def constant(value: Any) -> str:
    """The JSON of `value` itself."""
    return literal(json.dumps(value, ensure_ascii=False))


def either(parts: Sequence[str]) -> str:
    """One of the parts."""
    return parts[0] if len(parts) == 1 else "(" + " | ".join(parts) + ")"


def json_of(schema: dict[str, Any]) -> str:
    """Any JSON value that fits `schema`."""
    return "%json " + json.dumps(schema | {"x-guidance": _COMPACT}, ensure_ascii=False)


@lru_cache(maxsize=4096)
def fault_of(expression: str) -> str | None:
    """What the compiler has against an expression; `None` when it takes it."""
    wrong, messages = LLMatcher.validate_grammar_with_warnings(LLMatcher.grammar_from_lark(f"start: {expression}"))
    return " ".join(messages[0].split()) if wrong else None


class Rules:
    """Rules under construction; each body gets a name of its own."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._names: dict[tuple[str, str], str] = {}

    def rule(self, body: str) -> str:
        """The name of a rule with this body."""
        return self._named("r", body)

    def terminal(self, body: str) -> str:
        """The name of a terminal, which is matched as one piece, with this body."""
        return self._named("T", body)

    def _named(self, letter: str, body: str) -> str:
        name = self._names.get((letter, body))
        if name is None:
            name = self._names[letter, body] = f"{letter}{len(self._lines)}"
            self._lines.append(f"{name}: {body}")
        return name

    def text(self, start: str) -> str:
        """The whole grammar, which begins with `start`."""
        return "\n".join([f"start: {start}", *self._lines])
