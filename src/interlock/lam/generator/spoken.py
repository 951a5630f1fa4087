"""Spoken requests of the SNIPS set, their slots as arguments of functions that are named anew each time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from interlock.lam.examples import Example
from interlock.lam.generator.drafts import Draft, Mark
from interlock.lam.generator.finish import finish
from interlock.lam.generator.joining import joined
from interlock.lam.generator.names import known_name
from interlock.lam.generator.spaces import Shelf
from interlock.lam.generator.wordbook import Function, Slot
from interlock.lam.heldout import held_out

_NEEDED = {"rating_value", "object_name", "playlist", "party_size_number"}


@dataclass(frozen=True)
class Said:
    """One utterance and where its slots stand."""

    intent: str
    text: str
    slots: tuple[tuple[str, int, int], ...]


def read_said(folder: Path) -> dict[str, list[Said]]:
    """The utterances of the set by intent, without those kept for measuring."""
    found: dict[str, list[Said]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text, slots = "", []
            for piece in row["data"]:
                if piece.get("entity"):
                    slots.append((str(piece["entity"]), len(text), len(text) + len(piece["text"])))
                text += piece["text"]
            twice = max(Counter(name for name, _, _ in slots).values(), default=1) > 1
            if not twice and text.isascii() and not held_out(text):
                start = len(text) - len(text.lstrip())
                moved = tuple((name, first - start, last - start) for name, first, last in slots)
                found.setdefault(row["intent"], []).append(Said(row["intent"], text.strip(), moved))
    return found


class Spoken:
    """Examples from the utterances; the other functions of a space come from `shelf` too."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self.said, self.shelf = read_said(folder), shelf
        path = Path(__file__).parent.parent / "wordings" / "spoken.yaml"
        self.intents: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.names = sorted(self.said)

    def example(self, random: Random) -> Example | None:
        """One example: one request or two, or one that no function of the space serves."""
        said = self._any(random)
        draft = self._draft(said, random)
        chance = random.random()
        if chance < 0.16:
            return self._abstain(draft, random)
        if draft is None:
            return None
        if chance < 0.34:
            other = self._draft(self._any(random, said.intent if chance < 0.24 else ""), random, draft.functions[0])
            if other is None or (other.functions[0].name == draft.functions[0].name) != (chance < 0.24):
                return None
            draft = joined([draft, other], random)
        return finish(draft, self._others(draft, random), random)

    def _any(self, random: Random, intent: str = "") -> Said:
        return random.choice(self.said[intent or random.choice(self.names)])

    def _draft(self, said: Said, random: Random, like: Function | None = None) -> Draft | None:
        """The utterance with a function for it; `like`, where that is of the same intent and knows its slots."""
        function = like if like is not None and like.domain == said.intent else self.function(said.intent, random, said)
        marks = []
        for name, start, end in said.slots:
            slot = next((s for s in function.slots if s.tag == name), None)
            if slot is not None:
                marks.append(Mark(0, slot.path, start, end))
            elif name in self.intents[said.intent]["slots"] and function is like:
                return None
        if not marks or function.required - {mark.path for mark in marks}:
            return None
        return Draft(said.text, marks, [function], f"snips {said.intent}")

    def function(self, intent: str, random: Random, said: Said | None = None) -> Function:
        """The function of an intent under names drawn anew; `tag` of a slot holds the set's name for it."""
        document = self.intents[intent]
        given = {name for name, _, _ in said.slots} if said else set()
        slots: list[Slot] = []
        names = list(document["slots"])
        random.shuffle(names)
        for name in names:
            entry = document["slots"][name]
            if (name not in given and random.random() < 0.35) or (name in given and random.random() < 0.06):
                continue
            path = next(
                (p for p in random.sample(entry["names"], len(entry["names"])) if all(s.path != p for s in slots)), ""
            )
            if path:
                required = name in given and random.random() < (0.8 if name in _NEEDED else 0.25)
                slots.append(
                    Slot(path, entry.get("type", "string"), random.choice(entry["abouts"]), required, tag=name)
                )
        unknown = [name for name in document["names"] if not known_name(name)]
        return Function(random.choice(unknown), intent, tuple(document["abouts"]), tuple(slots))

    def _others(self, draft: Draft, random: Random) -> list[Function]:
        intents = {function.domain for function in draft.functions}
        others = [self.function(name, random) for name in self.names if name not in intents]
        count = max(0, random.choice((1, 1, 1, 2, 2, 3, 3, 4, 5)) - len(intents))
        near = random.sample(others, min(len(others), count))
        return near if random.random() < 0.5 else self.shelf.far(draft.functions, random, count, 0.4)

    def _abstain(self, draft: Draft | None, random: Random) -> Example | None:
        if draft is None:
            return None
        others = self._others(draft, random) or self.shelf.far(draft.functions, random, 1, 0.3)
        return finish(draft, others, random, abstain=True) if others else None
