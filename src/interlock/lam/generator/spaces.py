"""Which other functions stand in an action space beside the ones a request needs."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from interlock.lam.generator.wordbook import Function, alike, content

SIZES = (1,) * 62 + (2,) * 17 + (3,) * 14 + (4,) * 9 + (5,) * 6 + (6,) * 5 + (7,) * 2 + (8,) * 2
"""How many functions a space has, by chance."""
BESIDE = 6
"""A function file runs from subject to subject: so many before and after a function are of its own."""


class Shelf:
    """Functions, and those of one domain together."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self.functions = tuple(functions)
        self.domains: dict[str, list[Function]] = {}
        for function in self.functions:
            self.domains.setdefault(function.domain, []).append(function)

    def any(self, random: Random) -> Function:
        """A function; each is as likely as any other."""
        return self.functions[int(random.random() * len(self.functions))]

    def near(self, function: Function, random: Random, count: int, limit: float = 0.7) -> list[Function]:
        """Up to `count` other functions of the same domain that do something else, often those written beside it."""
        pool = self.domains[function.domain]
        if len(pool) > 2 * BESIDE and random.random() < 0.6:
            place = max(0, min(pool.index(function) - BESIDE, len(pool) - 2 * BESIDE)) if function in pool else 0
            pool = pool[place : place + 2 * BESIDE + 1]
        drawn = random.sample(pool, min(len(pool), 2 * count + 2))
        return [other for other in drawn if other is not function and alike(function, other) < limit][:count]

    def far(self, functions: Sequence[Function], random: Random, count: int, limit: float = 0.5) -> list[Function]:
        """Up to `count` functions of any domain that none of `functions` is like."""
        made: list[Function] = []
        for _ in range(2 * count + 2):
            other = self.any(random)
            if len(made) < count and other not in made and all(alike(f, other) < limit for f in functions):
                made.append(other)
        return made

    def beside(self, functions: Sequence[Function], random: Random) -> list[Function]:
        """What stands beside `functions` in an action space, often nothing."""
        count = max(0, random.choice(SIZES) - len(functions))
        made: list[Function] = []
        if count and random.random() < 0.75:
            made = self.near(functions[0], random, random.randint(1, count))
            made = [other for other in made if all(alike(f, other) < 0.7 and other is not f for f in functions)]
        return made + [o for o in self.far(functions, random, count - len(made)) if o not in made]

    def unable(self, function: Function, text: str, random: Random) -> list[Function]:
        """Functions none of which can do what `text` asks of `function`."""
        size = random.choice(SIZES)
        made: list[Function] = []
        if random.random() < 0.5:
            made = self.near(function, random, size, 0.45)
        made += [other for other in self.far([function], random, size - len(made), 0.34) if other not in made]
        return [other for other in made if _apart(other, text)]


def _apart(function: Function, text: str) -> bool:
    """Whether the words of a function's name do not all stand in a text."""
    words = content(function.name)
    return bool(words - content(text)) or not words
