"""Tools without parameters: the intents of the CLINC set and the plugins of MetaTool, chosen by what they do."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random

import yaml

from interlock.lam.examples import Example
from interlock.lam.generator.drafts import Draft, lowered
from interlock.lam.generator.finish import finish
from interlock.lam.generator.joining import joined
from interlock.lam.generator.names import known_name
from interlock.lam.generator.spaces import SIZES, Shelf
from interlock.lam.generator.wordbook import Function
from interlock.lam.heldout import held_out

Said = tuple[str, Function | None]
"""A request and the tool for it, if there is one."""


def _typed(text: str, random: Random) -> str:
    """An utterance as a writer would type it: with a capital and a stop, or not."""
    if random.random() < 0.5:
        return text
    question = text.split(maxsplit=1)[0] in ("what", "how", "who", "where", "when", "why", "which", "is", "are", "do",
                                             "does", "can", "could", "will", "would", "did")  # fmt: skip
    return text[0].upper() + text[1:] + random.choice(("", "?" if question else "."))


class Choices:
    """Examples that only ask which of a few tools is meant, or none.

    Args:
        beyond: requests that none of the tools serves.
        strict: whether a request is known to be served by its own tool alone, so that it can be shown without it.
    """

    def __init__(self, said: list[Said], beyond: list[str], strict: bool) -> None:
        self.said, self.beyond, self.strict = said, beyond, strict
        self.shelf = Shelf(tuple({f.name: f for _, f in said if f is not None}.values()))

    def example(self, random: Random) -> Example | None:
        """One example."""
        chance, size = random.random(), random.choice(SIZES)
        if self.beyond and chance < 0.12:
            draft = Draft(_typed(random.choice(self.beyond), random), template="beyond")
            return finish(draft, self.shelf.far([], random, min(size, 4)), random, abstain=True)
        text, function = random.choice(self.said)
        if function is None:
            return None
        draft = Draft(_typed(text, random), [], [function], f"intent {function.name}")
        if self.strict and chance < 0.28:
            others = self.shelf.far([function], random, size, 0.2)
            return finish(draft, others, random, abstain=True) if others else None
        called = [function]
        if chance > 0.86:
            second, other = random.choice(self.said)
            if other is None or other is function:
                return None
            called.append(other)
            draft = joined([draft, Draft(_typed(second, random), [], [other], f"intent {other.name}")], random)
        if random.random() < 0.1:
            lowered(draft)
        return finish(draft, self.shelf.far(called, random, max(1, size) - 1, 0.5), random)


def read_intents(folder: Path) -> Choices:
    """The utterances of CLINC's training rows over its intents, out-of-scope ones included."""
    path = Path(__file__).parent.parent / "wordings" / "intents.yaml"
    abouts: Mapping[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    tools = {name: Function(name, "assistant", (about,), ()) for name, about in abouts.items() if not known_name(name)}
    said: list[Said] = []
    beyond: list[str] = []
    for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if held_out(row["text"]):
            continue
        if row["intent"] == "oos":
            beyond.append(row["text"])
        elif row["intent"] in tools:
            said.append((row["text"], tools[row["intent"]]))
    return Choices(said, beyond, strict=True)


def read_plugins(folder: Path) -> Choices:
    """The requests of MetaTool; a request is never shown without its tool, since others may serve it as well."""
    abouts: Mapping[str, str] = json.loads((folder / "plugin_des.json").read_text(encoding="utf-8"))
    tools = {name: Function(name, "plugins", (about,), ()) for name, about in abouts.items() if not known_name(name)}
    with (folder / "all_clean_data.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["Query"].strip(), tools.get(row["Tool"])) for row in csv.DictReader(file)]
    said = [row for row in rows if row[0] and row[1] is not None and len(row[0]) < 300 and not held_out(row[0])]
    return Choices(said, [], strict=False)
