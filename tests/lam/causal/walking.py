"""Writes random answers of a grammar, without any model."""

from __future__ import annotations

from random import Random

import torch

from interlock.lam.causal.dialects import Dialect
from interlock.lam.causal.grammar import Answers
from interlock.lam.causal.rows import Question, Row
from interlock.lam.causal.tokens import Tokens

CLOSING = b'"]}'


def walk(tokens: Tokens, grammars: Answers, dialect: Dialect, chance: Random, *, calls_only: bool = True) -> str:
    """One random answer; the longer it gets, the more it is drawn to its end."""
    grammar = grammars.calls if calls_only else grammars.everything
    row = Row(tokens, Question([], grammar, grammars.calls, dialect.nothing.encode()))
    while not row.done:
        allowed = torch.nonzero(tokens.allowed(row._everything)).flatten().tolist()
        token = chance.choice(allowed)
        if len(row.written) > 40 or chance.random() < 0.3:
            closing = [t for t in allowed if any(byte in CLOSING for byte in tokens.piece(t)) or t in tokens.ends]
            token = chance.choice(closing or [token])
        row.take(token, 0.0)
        assert len(row.written) < 3000, row.text
    return row.text.decode()
