"""One answer under its grammar, token by token, without a model."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from llguidance import LLMatcher
from torch import Tensor

from interlock.lam.causal.tokens import Tokens, check


@dataclass(frozen=True)
class Question:
    """One prompt and the grammars of its answers."""

    prompt: list[int]
    everything: str
    """Grammar of calls, or nothing."""
    calls: str
    """Grammar of calls alone."""
    nothing: bytes
    """The answer that calls nothing."""
    prose: bool = False
    """Whether all that opens no call counts as nothing, so the first token is always asked of the model."""


@dataclass(frozen=True)
class Choice:
    """Which tokens may come next, where the grammar leaves a choice."""

    going: Tensor  # (V,) bool, those that go on
    opening: Tensor | None = None  # (V,) bool, those that open a call, where all others decide to call nothing
    nothing: Tensor | None = None  # (V,) bool, those that decide to call nothing, where that is open


@dataclass
class Row:
    """An answer being written.

    Args:
        skip: whether what the grammar forces is written at once; else each token is a choice, maybe of one.
    """

    tokens: Tokens
    question: Question
    skip: bool = True
    written: list[int] = field(default_factory=list)
    log_p: list[float] = field(default_factory=list)
    """Of each written token among those that were left, once it was open whether to call; 0 for a forced one."""
    pieces: list[bytes] = field(default_factory=list)
    """What each written token stands for."""
    called: float = 1.0
    """Probability that something is called, as far as that was open."""
    done: bool = False

    def __post_init__(self) -> None:
        self._everything = self.tokens.matcher(self.question.everything)
        self._calls: LLMatcher | None = self.tokens.matcher(self.question.calls)
        if not self.question.prose:
            self._forced()

    @property
    def text(self) -> bytes:
        """What is written."""
        return b"".join(self.pieces)

    def choice(self) -> Choice:
        """The tokens that may come next.

        Raises:
            ModelError: the grammar has become too much for its compiler.
        """
        allowed = self.tokens.allowed(self._everything)
        if self._calls is None:
            return Choice(allowed)
        # the mask of the calls alone holds only the tokenizer's own way to write what they force
        others = [token for token in torch.nonzero(allowed).flatten().tolist() if not self._opens(token)]
        if self.question.prose and not self.written:
            opening = torch.zeros_like(allowed)
            opening[self.tokens.beginnings(self._calls.compute_ff_bytes())] = True
            opening |= allowed
            opening[others] = False
            return Choice(opening & allowed, opening=opening)
        if not others:
            return Choice(allowed)
        nothing = torch.zeros_like(allowed)
        nothing[others] = True
        return Choice(allowed & ~nothing, nothing=nothing)

    def _opens(self, token: int) -> bool:
        return self._calls is not None and self._calls.validate_tokens([token]) == 1

    def weigh(self, choice: Choice, logits: Tensor) -> None:
        """Say in `called` how likely a call is at all, as far as this choice decides it.

        Args:
            logits: (V,) float32, the model's scores of the next token.
        """
        if choice.opening is not None:
            log_p = torch.logsumexp(logits[choice.opening], 0) - torch.logsumexp(logits, 0)
        elif choice.nothing is not None:
            both = choice.going | choice.nothing
            log_p = torch.logsumexp(logits[choice.going], 0) - torch.logsumexp(logits[both], 0)
        else:
            return
        self.called *= min(1.0, float(torch.exp(log_p)))

    def stop_calling(self) -> None:
        """Nothing is called: only the answer that says so may follow, and where any text does, none is needed."""
        self._calls = None
        self.done = self.question.prose and not self.written

    def take(self, token: int, log_p: float) -> None:
        """Write a token that may come next, and what it forces."""
        self._write(token, log_p)
        check(self._everything)
        self.done = self._everything.is_stopped()
        if not self.done:
            self._forced()

    def can_end(self) -> bool:
        """Whether the answer is whole as it is."""
        return self.done or bool(self._everything.is_accepting())

    def _forced(self) -> None:
        for token in self._everything.compute_ff_tokens() if self.skip else []:
            self._write(token, 0.0)
        check(self._everything)
        self.done = self._everything.is_stopped()

    def _write(self, token: int, log_p: float) -> None:
        self._everything.consume_token(token)
        self.written.append(token)
        self.log_p.append(log_p)
        self.pieces.append(self.tokens.piece(token))
        if self._calls is not None and (
            not self._calls.consume_token(token) or not self.question.nothing.startswith(self.text)
        ):
            self._calls = None  # by now it is certain whether something is called
