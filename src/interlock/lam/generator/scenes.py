"""What kind of example a request becomes: one call or several, an incomplete one, or none at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random

from interlock.lam.examples import Example
from interlock.lam.generator import earlier
from interlock.lam.generator.drafts import Draft, compose
from interlock.lam.generator.finish import finish
from interlock.lam.generator.joining import joined
from interlock.lam.generator.names import words_of
from interlock.lam.generator.spaces import Shelf
from interlock.lam.generator.surfaces import Values
from interlock.lam.generator.talk import dress_up, say
from interlock.lam.generator.together import say_together
from interlock.lam.generator.wordbook import Function, Slot, Together, content

SCENES = {
    "one": 0.33, "earlier": 0.05, "listed": 0.06, "twice": 0.06, "several": 0.12, "mixed": 0.08, "together": 0.08,
    "ask": 0.07, "abstain": 0.17,
}  # fmt: skip
"""How often each kind of scene is tried; scenes that cannot be written fall back to another draw."""
_VAGUE = ("some {words}", "a certain {words}", "the {words}", "the right {words}", "a given {words}",
          "my usual {words}", "whatever {words} fits")  # fmt: skip
_PREPOSITION = re.compile(r"[,]? (?:in|for|of|at|to|from|with|by|on|named|called|about|is|are|as|=|:)? ?\x1f")
_DROPPED = "\x1f"


class Scenes:
    """Writes examples over one shelf of functions whose requests are templates."""

    def __init__(
        self, shelf: Shelf, pools: Mapping[str, tuple[str, ...]], weights: Mapping[str, float] = SCENES,
        together: Sequence[Together] = (),
    ) -> None:  # fmt: skip
        self.shelf, self.pools, self.together = shelf, pools, together
        self.names, self.weights = tuple(weights), tuple(weights.values())

    def example(self, random: Random) -> Example | None:
        """One example, or `None` when this draw cannot be written."""
        today = None
        if random.random() < 0.5:
            today = (date(2023, 1, 1) + timedelta(days=random.randint(0, 2200))).isoformat()
        values = Values(self.pools, random, today)
        scene = random.choices(self.names, self.weights)[0]
        function = self.shelf.any(random)
        if scene == "earlier":
            return self._earlier(function, values)
        if scene == "ask":
            return self._ask(function, values)
        if scene == "abstain":
            return self._abstain(function, values)
        makers = {"one": self._one, "listed": self._listed, "twice": self._twice, "several": self._several,
                  "mixed": self._mixed, "together": self._together}  # fmt: skip
        draft = makers[scene](function, values)
        if draft is None:
            return None
        dress_up(draft, values)
        called = list({f.name: f for f in draft.functions}.values())
        return finish(draft, self.shelf.beside(called, random), random, today=today,
                      neighbours=self.shelf.domains[called[0].domain])  # fmt: skip

    # -- requests to act ------------------------------------------------------------------------------

    def _one(self, function: Function, values: Values) -> Draft | None:
        return compose(function, values.random.choice(function.requests), values)

    def _listed(self, function: Function, values: Values) -> Draft | None:
        """One request with a list where the function takes one value: a call for each."""
        random = values.random
        template = random.choice(function.requests)
        able = [
            slot.path
            for hole in sorted(template.holes, key=lambda hole: hole.path)
            for slot in function.parts(hole.path)
            if slot.path == hole.path and slot.required and slot.type not in ("array", "boolean") and not slot.says
            and slot.values not in ("text", "date", "datetime", "duration")
        ]  # fmt: skip
        if not able:
            return None
        count = random.choice((2, 2, 2, 3, 3, 4))
        spread = dict.fromkeys(random.sample(able, 2 if len(able) > 1 and random.random() < 0.2 else 1), count)
        draft = compose(function, template, values, spread=spread)
        if draft is None or re.search(r"\b(?:an?|this|one|each|every)\s*$", draft.text[: draft.marks[0].start]):
            return None
        if len(spread) == 2:
            if draft.text[-1] not in ".?":
                return None
            draft.text = (
                draft.text[:-1] + random.choice((" respectively", ", respectively", ", in that order")) + draft.text[-1]
            )
        return draft

    def _twice(self, function: Function, values: Values) -> Draft | None:
        """Two or three whole requests of one function, or a second one told by its difference."""
        random = values.random
        count = random.choice((2, 2, 2, 3))
        drafts = [self._one(function, values) for _ in range(count)]
        if any(draft is None for draft in drafts):
            return None
        return joined([draft for draft in drafts if draft], random)

    def _several(self, function: Function, values: Values) -> Draft | None:
        if not function.several:
            return None
        return compose(function, values.random.choice(function.several), values)

    def _mixed(self, function: Function, values: Values) -> Draft | None:
        """Two or three functions, two to four calls."""
        random = values.random
        count = random.choice((2, 2, 2, 2, 3))
        others = self.shelf.near(function, random, count - 1, 0.5) if random.random() < 0.5 else []
        others += self.shelf.far([function, *others], random, count - 1 - len(others))
        if len(others) < count - 1:
            return None
        drafts: list[Draft] = []
        for each in (function, *others):
            chance = random.random()
            made = self._listed(each, values) if chance < 0.12 else None
            made = self._several(each, values) if 0.12 <= chance < 0.2 else made
            made = made or self._one(each, values)
            if made is None:
                return None
            drafts.append(made)
        if sum(len(draft.functions) for draft in drafts) > 5:
            return None
        random.shuffle(drafts)
        return joined(drafts, random)

    def _together(self, function: Function, values: Values) -> Draft | None:
        """Functions of one file, asked for in one breath."""
        if not self.together:
            return None
        entry = values.random.choice(self.together)
        return say_together(entry, values.random.choice(entry.requests), values)

    def _earlier(self, function: Function, values: Values) -> Example | None:
        random = values.random
        maker = random.choice((earlier.referred, earlier.answered, earlier.followed, None))
        if maker is None:
            draft, other = self._one(function, values), self._one(self.shelf.any(random), values)
            scene = earlier.distracted(draft, other, values) if draft else None
        else:
            scene = maker(function, values)
        if scene is None:
            return None
        return finish(scene[0], self.shelf.beside([function], random), random, today=values.today, sources=scene[1])

    # -- requests not to act on -------------------------------------------------------------------------

    def _ask(self, function: Function, values: Values) -> Example | None:
        """A required value is left out, or only hinted at."""
        random = values.random
        able = sorted(function.required)
        if not able:
            return None
        missing = frozenset(random.sample(able, 1 if len(able) == 1 or random.random() < 0.8 else 2))
        hinted = random.random() < 0.5

        def vague(slot: Slot) -> str:
            if not hinted or len(slot.path) < 3:
                return _DROPPED
            return random.choice(_VAGUE).replace("{words}", words_of(slot.path.rsplit(".", 1)[-1]))

        draft = compose(function, random.choice(function.requests), values, drop=missing, vague=vague)
        if draft is None:
            return None
        if _DROPPED in draft.text and not _cut(draft):
            return None
        dress_up(draft, values)
        return finish(draft, self.shelf.beside([function], random), random, today=values.today, missing=missing)

    def _abstain(self, function: Function, values: Values) -> Example | None:
        random = values.random
        if random.random() < 0.25:
            draft = Draft(say(random.choice(("general", "general", "smalltalk")), values), template="talk")
            others = [f for f in self.shelf.far([], random, random.choice((1, 1, 1, 2, 3, 4, 6)))
                      if _unrelated(f, draft.text)]  # fmt: skip
        else:
            made = self._one(function, values)
            if made is None:
                return None
            draft = made
            dress_up(draft, values)
            others = self.shelf.unable(function, draft.text, random)
        return finish(draft, others, random, today=values.today, abstain=True) if others else None


def _cut(draft: Draft) -> bool:
    """Take out the place of a dropped value with the preposition before it; False where that leaves no sentence."""
    while _DROPPED in draft.text:
        found = _PREPOSITION.search(draft.text)
        rest = draft.text[found.end() :] if found else ""
        if found is None or not re.match(r"(?:[.,?!]|$| (?:and|in|for|at|to|from|with|by|on|using|over)\b)", rest):
            return False
        by = found.end() - found.start()
        if any(mark.start < found.end() and found.start() < mark.end for mark in draft.marks):
            return False
        draft.text = draft.text[: found.start()] + rest
        draft.marks = [mark.moved(-by) if mark.start >= found.end() else mark for mark in draft.marks]
    return len(draft.text.split()) > 2


def _unrelated(function: Function, text: str) -> bool:
    words = content(text)
    return len(words & (content(function.name) | content(function.abouts[0]))) == 0
