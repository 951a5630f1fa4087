"""Several requests as one text."""

from __future__ import annotations

import re
from random import Random

from interlock.lam.generator.drafts import Draft, decapitalised

_SENTENCES = ("", "", "", "Also, ", "Additionally, ", "And ", "Then ", "After that, ", "Next, ", "Besides that, ",
              "Plus, ", "I also need this: ", "One more thing: ", "On top of that, ")  # fmt: skip
_CLAUSES = (" and then ", " and also ", ", and then ", ", and ", "; ", ", then ", ", after that ", " and ", ", plus ")
_QUESTION = re.compile(
    r"(?:what|how|which|who|when|where|why|did|do|does|is|are|am|was|any|could|can|would|will|should|i|i'\w+|there|"
    r"there's|my|we|we're|we've|it|the|a|an|\W)\b",
    re.IGNORECASE,
)


def joined(drafts: list[Draft], random: Random) -> Draft:
    """The requests one after the other, as sentences, clauses or a numbered list."""
    chance = random.random()
    if chance < 0.12 and len(drafts) > 1:
        return _numbered(drafts, random)
    made = drafts[0]
    for other in drafts[1:]:
        ended = made.text[-1] in ".?!"
        if _QUESTION.match(other.text) or random.random() < 0.45 or made.text[-1] == "?":
            lead = random.choice(_SENTENCES)
            if lead:
                decapitalised(other)
                other.lead(lead)
            made.add(" " if ended else ". ", other)
        else:
            if ended and made.marks and max(m.end for m in made.marks) < len(made.text):
                made.text = made.text[:-1]
            decapitalised(other)
            made.add(random.choice(_CLAUSES), other)
    return made


def _numbered(drafts: list[Draft], random: Random) -> Draft:
    mark = random.choice(("{}. ", "{}) ", "- ", "({}) "))
    made = drafts[0]
    made.lead(random.choice(("", "Please do the following:\n", "I need a few things:\n", "Tasks:\n")) + mark.format(1))
    for number, other in enumerate(drafts[1:], 2):
        other.lead(mark.format(number))
        made.add("\n", other)
    return made
