"""A folder's tokenizer as the grammar and the prompt need it."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLParserLimits
from llguidance.hf import from_tokenizer
from numpy.typing import NDArray
from torch import Tensor

from interlock.errors import ModelError

_LONGEST = 64
"""Bytes of the longest token that is looked for by what it stands for."""


class Tokens:
    """Text to tokens and back, and which token may come next.

    Args:
        tokenizer: a fast tokenizer of transformers.
        size: how many tokens the model gives scores of.
        ends: tokens that end an answer.
    """

    def __init__(self, tokenizer: Any, size: int, ends: Collection[int]) -> None:
        if len(tokenizer) > size:
            raise ModelError(
                f"the tokenizer knows {len(tokenizer)} tokens and the model {size}; they do not belong together."
            )
        self.tokenizer, self.size = tokenizer, size
        self.ends = sorted({*ends} or {tokenizer.eos_token_id} - {None})
        if not self.ends:
            raise ModelError("the tokenizer names no token that ends an answer; set eos_token in its configuration.")
        try:
            self.constraint = from_tokenizer(tokenizer, n_vocab=size, eos_token=self.ends)
        except ValueError as error:
            raise ModelError(f"the tokenizer cannot be used with a grammar: {error}.") from error

    @cached_property
    def marks(self) -> dict[str, int]:
        """Texts that the tokenizer takes for a token of their own, longest first."""
        found: dict[str, int] = self.tokenizer.get_added_vocab()
        return {text: found[text] for text in sorted(found, key=len, reverse=True) if text.strip()}

    @cached_property
    def special(self) -> dict[str, int]:
        """Those of the marks that no text holds under a grammar, so it has to name them."""
        return {text: token for text, token in self.marks.items() if self.constraint.is_special_token(token)}

    @cached_property
    def _spelled(self) -> dict[int, bytes]:
        return {token: b"" if token in self.ends else text.encode() for text, token in self.special.items()}

    @cached_property
    def _by_piece(self) -> dict[bytes, int]:
        return {self.piece(token): token for token in reversed(range(self.size))}

    def matcher(self, grammar: str) -> LLMatcher:
        """A matcher at the beginning of a grammar.

        Raises:
            ModelError: the compiler does not take the grammar.
        """
        # a verbose error would quote the grammar, and with it the context
        found = LLMatcher(self.constraint, grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
        check(found)
        return found

    def allowed(self, matcher: LLMatcher) -> Tensor:
        """Which tokens may come next: (V,) of bool."""
        packed: NDArray[np.uint8] = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
        check(matcher)
        bits = np.unpackbits(packed, bitorder="little")[: self.size]
        return torch.from_numpy(bits.astype(np.bool_))

    def encode(self, text: str, *, special: bool) -> list[int]:
        """The tokens of a text, with those the tokenizer puts around any text if `special`."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids

    def piece(self, token: int) -> bytes:
        """What a token stands for; nothing for one that ends an answer."""
        return b"" if token in self.ends else self._spelled.get(token) or self.constraint.decode_bytes([token])

    def next_of(self, rest: bytes, allowed: Tensor) -> int | None:
        """The allowed token that `rest` begins with: the tokenizer's own, else the longest; `None` if there is none."""
        token = self.constraint.tokenize_bytes(rest)[0]
        if bool(allowed[token]) and rest.startswith(self.piece(token)):
            return token
        for length in range(min(len(rest), _LONGEST), 0, -1):
            token = self._by_piece.get(rest[:length], -1)
            if token >= 0 and bool(allowed[token]):
                return token
        return None

    def beginnings(self, text: bytes) -> list[int]:
        """The tokens that `text` begins with."""
        found = (self._by_piece.get(text[:length]) for length in range(1, min(len(text), _LONGEST) + 1))
        return [token for token in found if token is not None]

    def end_of(self, allowed: Tensor) -> int | None:
        """The token that ends an answer, where it may end."""
        return next((token for token in self.ends if bool(allowed[token])), None)


def check(matcher: LLMatcher) -> None:
    """Raises:
    ModelError: the matcher has met an error that it cannot leave.
    """
    if matcher.is_error():
        raise ModelError(f"the grammar of this action space cannot be followed: {matcher.get_error().splitlines()[0]}")
