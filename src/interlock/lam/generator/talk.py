"""Words around a request: greetings, small talk, thanks, typing habits; and requests that no tool serves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from random import Random

import yaml

from interlock.lam.generator.drafts import Draft, decapitalised, lowered
from interlock.lam.generator.surfaces import Values
from interlock.lam.generator.templates import Template, parse


@lru_cache(maxsize=1)
def phrases() -> Mapping[str, tuple[Template, ...]]:
    """The phrases of `wordings/talk.yaml`, by their use."""
    path = Path(__file__).parent.parent / "wordings" / "talk.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {use: tuple(parse(text) for text in texts) for use, texts in document.items()}


def say(use: str, values: Values) -> str:
    """One phrase, its slots filled from the pools."""
    template = values.random.choice(phrases()[use])
    text = ""
    for piece in template.pieces(values.random, lambda _: values.random.random() < 0.5):
        text += piece if isinstance(piece, str) else _filler(piece.path, values)
    return re.sub(r"\s+", " ", text).strip()


def _filler(slot: str, values: Values) -> str:
    if slot == "small":
        return str(values.random.randint(2, 12))
    if slot in ("date", "time", "email", "phone"):
        return values.scalar_text(slot)
    return values.scalar_text(slot)


_VERB_FIRST = re.compile(
    r"(?:Find|Get|Show|Tell|Give|Calculate|Compute|Book|Create|Send|Play|Add|Search|Look|Check|List|Set|Convert|Make|"
    r"Order|Schedule|Fetch|Retrieve|Determine|Estimate|Plan|Reserve|Turn|Update|Delete|Remove|Translate|Generate|Track|"
    r"Predict|Compare|Analy[sz]e|Pull|Work|Figure|Solve|Draw|Buy|Start|Stop|Open|Help|Put|Record|Log|Rate|Recommend)\b"
)


def dress_up(draft: Draft, values: Values) -> None:
    """Put talk around a request, and type it as people do."""
    random = values.random
    chance = random.random()
    if _VERB_FIRST.match(draft.text) and chance < 0.22:
        draft.text = draft.text[0].lower() + draft.text[1:]
        draft.lead(say("lead", values) + " ")
    elif chance < 0.3:
        greeting = say("greeting", values)
        if greeting.endswith(","):
            decapitalised(draft)
        draft.lead(greeting + " ")
    elif chance < 0.4:
        draft.lead(say("chatter", values) + " ")
    end = max((mark.end for mark in draft.marks if mark.source == "request"), default=0)
    if end < len(draft.text) and draft.text[-1] in ".?!" and random.random() < 0.14:
        draft.text += " " + say("closing" if random.random() < 0.7 else "aside", values)
    elif end < len(draft.text) and draft.text[-1] in ".?" and random.random() < 0.12:
        draft.text = draft.text[:-1]
    if random.random() < 0.06:
        lowered(draft)
    if random.random() < 0.03:
        _slip(draft, random)


def _slip(draft: Draft, random: Random) -> None:
    """Two letters change places in a word that is no value."""
    words = list(re.finditer(r"[a-z]{5,}", draft.text))
    words = [
        w for w in words if all(w.end() < m.start or m.end < w.start() for m in draft.marks if m.source == "request")
    ]
    if words:
        place = random.choice(words).start() + random.randint(1, 3)
        text = draft.text
        draft.text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
