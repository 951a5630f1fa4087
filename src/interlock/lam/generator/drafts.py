"""Requests under construction: text, and which of its characters give which argument of which call."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from interlock.lam.generator.surfaces import READ, Part, Surface, Values, listed
from interlock.lam.generator.templates import Hole, Template
from interlock.lam.generator.wordbook import Function, Slot

_FIRST = 0xE000
"""Values are written into a text last; until then a character of Unicode's private use stands for each."""
_DETERMINED = re.compile(r"\b(?:a|an|the|my|our|your|this|that)\s+(?:\w+\s+)?$", re.IGNORECASE)
_DETERMINER = re.compile(r"^(?:a certain|a given|the right|my usual|some|that|the same|the|an?) ")
_PLACE = re.compile("[\ue000-\uf8ff]")


@dataclass(frozen=True)
class Mark:
    """Characters that give an argument of call number `call`."""

    call: int
    path: str
    start: int
    end: int
    value: Any = READ
    source: str = "request"

    def moved(self, by: int, calls: int = 0) -> Mark:
        return replace(self, start=self.start + by, end=self.end + by, call=self.call + calls)


@dataclass
class Draft:
    """One or more calls in words."""

    text: str
    marks: list[Mark] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    """The function of each call."""
    template: str = ""

    def lead(self, text: str) -> None:
        """Put `text` before the request."""
        self.text = text + self.text
        self.marks = [m.moved(len(text)) if m.source == "request" else m for m in self.marks]

    def add(self, joint: str, other: Draft) -> None:
        """Put another request after this one."""
        by = len(self.text) + len(joint)
        self.marks += [m.moved(by, len(self.functions)) for m in other.marks]
        self.text += joint + other.text
        self.functions += other.functions
        self.template += " + " + other.template

    def given(self, call: int = 0) -> set[str]:
        return {mark.path for mark in self.marks if mark.call == call}


def tidy(text: str) -> str:
    """Spaces and stops as they should be after pieces were left out."""
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" ([,.;:?!])(?!\d)", r"\1", text)
    text = re.sub(r"([,;:])(?=[,;.?!])", "", text)
    text = re.sub(r"(^|\n)[,;:. ]+", r"\1", text).strip()
    return re.sub(r"[,;]+$", "", text)


Spread = dict[str, int]
"""Paths whose slot is filled with so many values, one a call."""


def compose(
    function: Function,
    template: Template,
    values: Values,
    *,
    drop: frozenset[str] = frozenset(),
    optional: float = 0.55,
    spread: Spread | None = None,
    vague: Callable[[Slot], str] | None = None,
) -> Draft | None:
    """Write a request by a template.

    Args:
        drop: parameters that must not be given.
        optional: how likely each optional piece is said.
        spread: see `Spread`.
        vague: words for a slot of `drop` that stands in no optional piece; without it such a template fails.

    Returns:
        The request, or `None` when the template cannot be said like that.
    """
    random, required = values.random, function.required

    def keep(paths: frozenset[str]) -> bool:
        slots = {slot.path for path in paths for slot in function.parts(path)}
        if slots & drop:
            return False
        return bool(slots & required) or random.random() < optional

    holes: list[Hole] = []
    pattern = ""
    for piece in template.pieces(random, keep):
        if isinstance(piece, str):
            pattern += piece
            continue
        if any(slot.path in drop for slot in function.parts(piece.path)):
            if vague is None:
                return None
            pattern = _vaguely(pattern, vague(function.parts(piece.path)[0]))
            continue
        pattern += chr(_FIRST + len(holes))
        holes.append(piece)
    draft = _filled(function, tidy(pattern), holes, template.calls, values, spread or {})
    if draft is None:
        return None
    draft.template = template.text
    for call in range(len(draft.functions)):
        if required - drop - draft.given(call):
            return None
    return draft


def _vaguely(before: str, words: str) -> str:
    """`words` put after `before`, with one determiner and no more."""
    if _DETERMINED.search(before):
        words = _DETERMINER.sub("", words)
    elif words.startswith("a ") and words[2:3] in "aeio":
        words = "an " + words[2:]
    return before + words


def _filled(
    function: Function, pattern: str, holes: list[Hole], calls: int, values: Values, spread: Spread
) -> Draft | None:
    known: dict[Hole, Surface] = {}
    count = max([calls, *spread.values()])
    draft = Draft("", functions=[function] * count)
    position = 0
    for match in _PLACE.finditer(pattern):
        before, after = draft.text + pattern[position : match.start()], pattern[match.end() : match.end() + 16]
        position = match.end()
        hole = holes[ord(match[0]) - _FIRST]
        first = hole not in known
        if first and hole.path in spread:
            parts = _several(function.parts(hole.path)[0], spread[hole.path], values, known)
            if parts is None:
                return None
            surface, marks = parts
            known[hole] = surface
        else:
            surface = known[hole] if not first else _one(function, hole, values, before, after, known)
            known[hole] = surface
            numbers = range(count) if not hole.number else (hole.number - 1,)
            marks = [
                Mark(call, part.path, part.start, part.end, part.value) for part in surface.parts for call in numbers
            ]
        before = _with_article(before, surface.text)
        if first:
            draft.marks += [mark.moved(len(before)) for mark in marks]
        draft.text = before + surface.text
    draft.text += pattern[position:]
    return draft


def _one(
    function: Function, hole: Hole, values: Values, before: str, after: str, known: dict[Hole, Surface]
) -> Surface:
    parts = function.parts(hole.path)
    if len(parts) == 1:
        taken = {surface.text for surface in known.values()}
        for _ in range(5):  # two values of one request differ
            made = values.write(parts[0], before, after)
            if made.text not in taken:
                break
        return made
    text, marks = "", []
    for slot in parts:
        text += ", " if text else ""
        made = values.write(slot, "'", "'")
        marks += [Part(p.path, p.start + len(text), p.end + len(text), p.value) for p in made.parts]
        text += made.text
    return Surface(text, tuple(marks))


def _several(slot: Slot, count: int, values: Values, known: dict[Hole, Surface]) -> tuple[Surface, list[Mark]] | None:
    made: list[Surface] = []
    for _ in range(count * 4):
        one = values.write(slot, "'", "'")
        if one.text not in {other.text for other in made} and "," not in one.text and " and " not in one.text:
            made.append(one)
        if len(made) == count:
            break
    if len(made) < count:
        return None
    text = listed([one.text for one in made], values.random)
    marks, place = [], 0
    for call, one in enumerate(made):
        place = text.index(one.text, place)
        marks += [Mark(call, part.path, place + part.start, place + part.end, part.value) for part in one.parts]
        place += len(one.text)
    return Surface(text, ()), marks


def _with_article(before: str, word: str) -> str:
    """`a` and `an` as the next word needs it."""
    if before.endswith((" a ", " A ")) or before in ("a ", "A "):
        return before[:-1] + "n " if word[:1] in "aeiouAEIOU" and not word.startswith(("uni", "eu", "use")) else before
    if before.endswith((" an ", " An ")) and word[:1].isalpha() and word[:1] not in "aeiouAEIOUhSRFLMNX8":
        return before[:-2] + " "
    return before


def lowered(draft: Draft) -> None:
    """All in lower case, as many people type."""
    if len(draft.text.lower()) == len(draft.text):
        draft.text = draft.text.lower()


def decapitalised(draft: Draft) -> None:
    """The first letter small, for a request that follows `and then`."""
    first = min((mark.start for mark in draft.marks if mark.source == "request"), default=99)
    if first > 0 and len(draft.text) > 1 and draft.text[1].islower() and not draft.text.startswith(("I ", "I'")):
        draft.text = draft.text[0].lower() + draft.text[1:]


def random_from(seed: int, index: int) -> Random:
    """The chances of example number `index`."""
    return Random(f"mixture:{seed}:{index}")
