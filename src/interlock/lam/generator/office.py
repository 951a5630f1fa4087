"""The shipped actions in office words, as `interlock.lam.requests` writes them."""

from __future__ import annotations

from random import Random

from interlock.lam.examples import Example
from interlock.lam.functions import shipped_space
from interlock.lam.requests import Generator
from interlock.lam.wordings.lexicon import read_lexicon


class Office:
    """Examples over the shipped actions; most of them with a few of the actions only."""

    def __init__(self, seed: int, words: tuple[str, ...] = ()) -> None:
        self.generator = Generator(read_lexicon("training"), shipped_space(), seed, words)

    def example(self, random: Random) -> Example:
        """One example; which one is drawn from `random`."""
        return self.generator.example(random.randrange(1 << 40))
