"""Greedy decoding under a grammar over a cache of keys and values, many rows at once.

What the grammar forces is not asked of the model: forced tokens are read together with the next free choice, in one
forward pass.  The tokens are those of decoding one by one, where a pass may be masked to the one token that fits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from interlock.errors import ModelError
from interlock.lam.causal.rows import Choice, Question, Row
from interlock.lam.causal.tokens import Tokens


@dataclass(frozen=True)
class Answer:
    """What a question got."""

    tokens: list[int]
    log_p: list[float]
    """Of each token among those that were left there, once it was open whether to call; 0 for a forced one."""
    pieces: list[bytes]
    """What each token stands for."""
    p_null: float
    """Probability that nothing is called."""
    nothing: bool
    """Whether nothing is called because the model opened no call."""
    passes: int
    """Forward passes that read this row."""

    @property
    def text(self) -> str:
        return b"".join(self.pieces).decode()


@dataclass
class _Reading:
    """A row and what the model has still to read of it."""

    row: Row
    unread: list[int]
    position: int = 0
    passes: int = 0


@torch.inference_mode()
def decode(model: Any, tokens: Tokens, questions: Sequence[Question], *, most: int, skip: bool = True) -> list[Answer]:
    """Answer all questions together.

    Args:
        model: a causal language model of transformers.
        most: tokens that an answer may have.
        skip: whether forced tokens share a pass; without it, each token takes one.

    Raises:
        ModelError: an answer did not end, or its grammar could not be followed.
    """
    rows = [Row(tokens, question, skip) for question in questions]
    readings = [_Reading(row, [*question.prompt, *row.written]) for row, question in zip(rows, questions, strict=True)]
    open_, cache = [reading for reading in readings if not reading.row.done], DynamicCache()
    seen = torch.zeros(len(open_), 0, dtype=torch.long)  # (B, S) 1 where the cache holds a token, 0 where a gap
    while open_:
        logits, seen = _read(model, open_, cache, seen)
        for reading, scores in zip(open_, logits, strict=True):
            before = len(reading.row.written)
            _choose(reading.row, scores[: tokens.size])
            reading.unread = reading.row.written[before:]
            if len(reading.row.written) > most and not reading.row.done:
                raise ModelError(
                    f"the model did not end its answer within {most} tokens; raise max_tokens, or offer fewer and "
                    "shorter arguments."
                )
        going = [place for place, reading in enumerate(open_) if not reading.row.done]
        if 0 < len(going) < len(open_):
            cache.batch_select_indices(torch.tensor(going))
            seen = seen[going]
        open_ = [open_[place] for place in going]
    return [_answer(reading) for reading in readings]


@torch.inference_mode()
def log_probability(model: Any, tokens: Tokens, question: Question, text: bytes) -> float:
    """The natural-log probability of one answer, in the tokens that the tokenizer makes of it.

    Returns:
        `-inf` when the grammar has no such answer.
    """
    row, steps = Row(tokens, question), list[tuple[int, Choice, int]]()
    while not row.done:
        if not text.startswith(row.text):
            return -math.inf
        rest = text[len(row.text) :]
        choice = row.choice()
        token = tokens.next_of(rest, choice.going) if rest else tokens.end_of(choice.going)
        if token is None:
            return -math.inf
        steps.append((len(row.written), choice, token))
        row.take(token, 0.0)
    if row.text != text:
        return -math.inf
    ids = torch.tensor([[*question.prompt, *row.written]])
    logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(row.written) + 1).logits[0].float()
    total = 0.0
    for place, choice, token in steps:
        scores = logits[place, : tokens.size]
        row.weigh(choice, scores)
        total += float(_log_p(scores, choice.going)[token])
    return min(0.0, total + math.log(row.called)) if row.called else -math.inf


def _read(model: Any, open_: Sequence[_Reading], cache: Any, seen: Tensor) -> tuple[Tensor, Tensor]:
    """One forward pass over what is unread; scores of the next tokens (B, V), and what the cache holds by then."""
    width = max(len(reading.unread) for reading in open_)
    ids, positions = torch.zeros(len(open_), width, dtype=torch.long), torch.zeros(len(open_), width, dtype=torch.long)
    new = torch.zeros(len(open_), width, dtype=torch.long)
    for place, reading in enumerate(open_):
        count = len(reading.unread)
        ids[place, width - count :] = torch.tensor(reading.unread)
        positions[place, width - count :] = torch.arange(reading.position, reading.position + count)
        new[place, width - count :] = 1
        reading.position += count
        reading.passes += 1
    seen = torch.cat([seen, new], dim=1)
    out = model(
        input_ids=ids, attention_mask=seen, position_ids=positions, past_key_values=cache, use_cache=True,
        logits_to_keep=1,
    )  # fmt: skip
    return out.logits[:, -1].float(), seen


def _choose(row: Row, logits: Tensor) -> None:
    """Write the likeliest token, or decide that nothing is called."""
    choice = row.choice()
    row.weigh(choice, logits)
    allowed = choice.going
    if row.called < 0.5 and (choice.opening is not None or choice.nothing is not None):
        row.stop_calling()
        if row.done or choice.nothing is None:
            return
        allowed = choice.nothing
    log_p = _log_p(logits, allowed)
    token = int(torch.argmax(log_p))
    row.take(token, float(log_p[token]))


def _log_p(logits: Tensor, allowed: Tensor) -> Tensor:
    return torch.log_softmax(logits.masked_fill(~allowed, -math.inf), 0)


def _answer(reading: _Reading) -> Answer:
    row = reading.row
    nothing = row.text in (b"", row.question.nothing)
    return Answer(row.written, row.log_p, row.pieces, max(0.0, min(1.0, 1 - row.called)), nothing, reading.passes)
