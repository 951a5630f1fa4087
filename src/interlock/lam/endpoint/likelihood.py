"""How sure a model was of each part of its answer, from the log-probabilities of its tokens.

The probability of a name or a value is the product over the tokens that touch it; the marks between them, which
the form dictates, do not count.  It says how likely the model found this wording, and was not measured against
how often it is right: it is no calibrated confidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.lam.endpoint.forms import Place, Unreadable, Written, read_calls


@dataclass(frozen=True)
class Sureness:
    """Probabilities, 0 to 1."""

    name: float
    arguments: dict[str, float]

    @property
    def call(self) -> float:
        """Of the whole call."""
        return self.name * math.prod(self.arguments.values())


@dataclass(frozen=True)
class Tokens:
    """The tokens of an answer: their text, the first byte of each, and their natural-log probabilities."""

    text: str
    starts: list[int]
    log_p: list[float]

    def probability(self, place: Place) -> float:
        """Of the tokens that touch characters `place`."""
        first, last = (len(self.text[:at].encode()) for at in place)
        ends = [*self.starts[1:], len(self.text.encode())]
        touched = [p for s, e, p in zip(self.starts, ends, self.log_p, strict=True) if s < last and e > first]
        return math.exp(math.fsum(touched)) if touched else 0.0


def read_tokens(logprobs: Any) -> Tokens | None:
    """The tokens of `choices[0].logprobs`; `None` where it tells none, or what is no log-probability."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(content, list) or not content or not all(isinstance(token, Mapping) for token in content):
        return None
    return joined([(_bytes(token), token.get("logprob")) for token in content])


def joined(tokens: Sequence[tuple[bytes | None, Any]]) -> Tokens | None:
    """Tokens from their bytes and log-probabilities; `None` where one is none, or the bytes are no text."""
    starts, log_p, whole = [], [], b""
    for raw, value in tokens:
        if raw is None or isinstance(value, bool) or not isinstance(value, int | float) or value > 1e-6:
            return None
        starts.append(len(whole))
        log_p.append(min(0.0, float(value)))
        whole += raw
    try:
        return Tokens(whole.decode(), starts, log_p)
    except UnicodeDecodeError:
        return None


def _bytes(token: Mapping[str, Any]) -> bytes | None:
    raw, text = token.get("bytes"), token.get("token")
    if isinstance(raw, list) and all(isinstance(part, int) and 0 <= part < 256 for part in raw):
        return bytes(raw)
    return text.encode("utf-8", "replace") if isinstance(text, str) else None


def sureness(calls: Sequence[Written], logprobs: Any) -> list[Sureness] | None:
    """One for each call; `None` where the tokens do not spell these calls."""
    tokens = read_tokens(logprobs)
    if tokens is None:
        return None
    for text in _endings(tokens.text):
        try:
            spelt = read_calls(text)
        except Unreadable:
            continue
        if [(call.name, call.arguments) for call in spelt] == [(call.name, call.arguments) for call in calls]:
            return [_of(call, tokens) for call in spelt] if spelt else []
    return None


def abstention(text: str, logprobs: Any) -> float | None:
    """Probability of an answer without a call, as its tokens tell it."""
    tokens = read_tokens(logprobs)
    if tokens is None or not text or not tokens.text.startswith(text):
        return None
    return tokens.probability((0, len(text)))


def _of(call: Written, tokens: Tokens) -> Sureness:
    name = tokens.probability(call.name_at) if call.name_at else 0.0
    return Sureness(name, {key: tokens.probability(place) for key, place in call.argument_at.items()})


def _endings(text: str) -> list[str]:
    """The text, and the text without a mark of its end such as `<|im_end|>`."""
    cut = max(text.rfind("<|"), text.rfind("</s>"))
    return [text, text[:cut]] if cut > 0 else [text]
