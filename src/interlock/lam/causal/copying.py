"""Texts and numbers that stand in the context: word spans as they are, and typed mentions as a named rule reads them.

Options of an `enum` or of a description, constants and booleans are closed lists, so they are chosen, not copied.
"""

from __future__ import annotations

import json
import unicodedata
from functools import lru_cache
from typing import Any

from interlock.lam.candidates import typed_candidates
from interlock.lam.causal.rules import Rules, constant, either, literal
from interlock.lam.parameters import Parameter
from interlock.lam.protocol import Observation
from interlock.lam.quoting import LONGEST_READ, cuts_word

LONGEST_FITTING = 12
"""Pieces that a text may have whose schema asks for a pattern."""


@lru_cache(maxsize=256)
def pieces(text: str) -> tuple[str, ...]:
    """The words, numbers, marks and runs of space of a text, without gaps; a number keeps its points and commas."""
    borders = [at for at in range(1, len(text)) if not _inside(text, at)]
    return tuple(text[start:end] for start, end in zip([0, *borders], [*borders, len(text)], strict=True))


def _inside(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    return cuts_word(text, at) or (before.isspace() and after.isspace()) or unicodedata.combining(after) > 0


class Copied:
    """Texts and numbers of one observation."""

    def __init__(self, observation: Observation) -> None:
        self._texts = [text for text in observation.sources.values() if text.strip()]
        self._read = {name: text[:LONGEST_READ] for name, text in observation.sources.items()}
        self._today = observation.today
        self._longest = max(map(len, self._texts), default=0)

    def text(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None:
        """A JSON string: a word span, or what a rule reads as an address, a day or a time."""
        if parameter.kind == "option":
            return either([constant(option) for option in parameter.options])
        if parameter.kind != "text":
            return self._typed(parameter)
        if "pattern" in schema:
            return self._fitting(parameter)
        least = max(1, int(schema.get("minLength") or 0))
        most = min(self._longest, int(schema.get("maxLength", self._longest)))
        if not self._has_span(least, most):  # a terminal that nothing matches would be a way without an end
            return None
        spans = self._spans(rules)
        if least > 1 or most < self._longest:
            count = f"{{{least},{most}}}"
            spans = rules.terminal(rf"{spans} & /(\\u[0-9a-f]{{4}}|\\[^u]|[^\\]){count}/")
        mark = literal('"')
        return f"{mark} {spans} {mark}"

    def number(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None:
        """A number that a rule reads somewhere in the context."""
        return self._typed(parameter)

    def anything(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None:
        """A text where no type is asked for; an object or a list of any shape cannot be copied."""
        return None if "type" in schema else self.text(schema, parameter, rules)

    def _typed(self, parameter: Parameter) -> str | None:
        found = typed_candidates(parameter, self._read, self._today)
        return either(list(dict.fromkeys(constant(candidate.value) for candidate in found))) if found else None

    def _fitting(self, parameter: Parameter) -> str | None:
        """The short word spans that fit a schema by themselves."""
        found = dict[str, None]()
        for text in self._texts:
            parts = pieces(text)
            for first in range(len(parts)):
                for last in range(first, min(first + LONGEST_FITTING, len(parts))):
                    span = "".join(parts[first : last + 1])
                    if span == span.strip() and parameter.accepts(span):
                        found[span] = None
        return either([constant(value) for value in found]) if found else None

    def _has_span(self, least: int, most: int) -> bool:
        """Whether some span of whole words has a length in these bounds."""
        for text in self._texts:
            parts = pieces(text)
            for first, part in enumerate(parts):
                length, last = 0, first
                while not part.isspace() and last < len(parts) and length + len(parts[last]) <= most:
                    length += len(parts[last])
                    if length >= least and not parts[last].isspace():
                        return True
                    last += 1
        return False

    def _spans(self, rules: Rules) -> str:
        """A terminal of every span of whole words in one source, as it stands between the marks of a JSON string."""
        sources = []
        for text in self._texts:
            chunks = [json.dumps(piece, ensure_ascii=False)[1:-1] for piece in pieces(text)]
            sources.append(rules.terminal("%regex " + json.dumps({"substring_chunks": chunks})))
        # no empty text, and no space at either end
        space = r"(\\([bfnrt]|u000b|u001[c-f])|\s)"
        return rules.terminal(rf"{either(sources)} & /(?s:.+)/ & ~/{space}(?s:.*)/ & ~/(?s:.*){space}/")
