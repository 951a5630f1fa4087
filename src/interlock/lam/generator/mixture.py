"""The mixture that the action model is trained on: one seed and one index give one example."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Protocol

from interlock.lam.examples import Example
from interlock.lam.generator.drafts import random_from
from interlock.lam.generator.intents import read_intents, read_plugins
from interlock.lam.generator.office import Office
from interlock.lam.generator.scenes import Scenes
from interlock.lam.generator.schemas import read_schemas, with_plain_requests
from interlock.lam.generator.spaces import Shelf
from interlock.lam.generator.spoken import Spoken
from interlock.lam.generator.wordbook import read_wordbook

WEIGHTS = {"functions": 0.6, "office": 0.2, "schemas": 0.07, "spoken": 0.04, "intents": 0.06, "choices": 0.03}
"""Share of each source; the ones that need data are left out where there is none."""

SCHEMA_SCENES = {"one": 0.5, "earlier": 0.05, "listed": 0.05, "twice": 0.04, "mixed": 0.1, "ask": 0.08, "abstain": 0.18}
"""Kinds of scenes over functions whose requests are made by grammar."""


class Source(Protocol):
    """Writes examples."""

    def example(self, random: Random) -> Example | None:
        """One example, or `None` when this draw cannot be written."""


class Mixture:
    """Examples of all sources.

    Args:
        data: folder with the permissive data sets (`seal_tools`, `snips`, `clinc`, `metatool`); without it the
            sources that need none.
        words: words of which the office requests make up names and texts.
    """

    def __init__(self, seed: int, data: Path | None = None, words: tuple[str, ...] = ()) -> None:
        self.seed = seed
        book = read_wordbook()
        shelf = Shelf([with_plain_requests(function) for function in book.functions])
        self.sources: dict[str, Source] = {
            "functions": Scenes(shelf, book.pools, together=book.together),
            "office": Office(seed, words),
        }
        if data is not None:
            self.sources["schemas"] = Scenes(
                Shelf(read_schemas(data / "seal_tools" / "tool.jsonl", book.pools)), book.pools, SCHEMA_SCENES
            )
            self.sources["spoken"] = Spoken(data / "snips", shelf)
            self.sources["intents"] = read_intents(data / "clinc")
            self.sources["choices"] = read_plugins(data / "metatool")
        self.names = tuple(self.sources)
        self.weights = tuple(WEIGHTS[name] for name in self.names)

    def drawn(self, index: int) -> tuple[str, Example]:
        """The source of example number `index`, and the example."""
        random = random_from(self.seed, index)
        name = random.choices(self.names, self.weights)[0]
        made = None
        while made is None:
            made = self.sources[name].example(random)
        return name, made

    def example(self, index: int) -> Example:
        """Example number `index`; the same for the same seed, data and words."""
        return self.drawn(index)[1]
