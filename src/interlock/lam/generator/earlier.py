"""Earlier turns and observations: values that stand there, and talk that only stands in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from interlock.lam.generator.drafts import Draft, Mark, compose
from interlock.lam.generator.names import words_of
from interlock.lam.generator.surfaces import Values
from interlock.lam.generator.talk import say
from interlock.lam.generator.wordbook import Function, Slot

_STATED = ("The {words} is {value}.", "I was thinking of {value} for the {words}.", "{words}: {value}",
           "My {words} is {value}, just so you know.", "Let's go with {value} as the {words}.",
           "We settled on {value} as {words}.", "For the {words}, use {value}.")  # fmt: skip
_REFERRED = ("that {words}", "the {words} I mentioned", "the same {words}",
             "the {words} from before", "the {words} above",
             "the {words} I gave you")  # fmt: skip
_ANSWERS = ("Sure, what would you like me to do?", "Got it.", "Noted. Anything else?", "Thanks, I have noted that.",
            "Okay. How can I help with it?", "Understood.")  # fmt: skip
_ASKED = ("What {words} should I use?", "Which {words} would you like?", "Could you tell me the {words}?",
          "Sure. I still need the {words}.", "What is the {words}?")  # fmt: skip
_DONE = (
    "Done.",
    "Here you go, that is finished.",
    "It is done. Is there anything else?",
    "All set!",
    "I have done that.",
)
_AGAIN = ("What about {value}?", "And for {value}?", "Now do the same for {value}.", "How about {value}?",
          "Same for {value}, please.",
          "And {value}?", "Okay, and with {value} instead?", "Can you repeat that for {value}?")  # fmt: skip

Scene = tuple[Draft, dict[str, str]]


def _words(slot: Slot) -> str:
    return words_of(slot.path.rsplit(".", 1)[-1])


def _stated(slot: Slot, values: Values, source: str, pattern: str) -> tuple[str, list[Mark]]:
    before, _, after = pattern.partition("{value}")
    before, after = before.replace("{words}", _words(slot)), after.replace("{words}", _words(slot))
    made = values.write(slot, "'", "'")
    text = before + made.text + after
    by = -len(text[0]) + 1 if text else 0
    marks = [Mark(0, p.path, p.start + len(before) + by, p.end + len(before) + by, p.value, source) for p in made.parts]
    return text[:1].upper() + text[1:] if before else text, marks


def _choose(function: Function, values: Values, count: int) -> list[Slot]:
    able = [
        slot
        for slot in function.slots
        if slot.required and len(_words(slot)) > 2 and slot.type not in ("boolean", "array") and not slot.enum
    ]
    return values.random.sample(able, min(len(able), count))


def referred(function: Function, values: Values) -> Scene | None:
    """A value stands in an earlier turn; the request points to it."""
    random = values.random
    slots = _choose(function, values, 1)
    if not slots:
        return None
    slot = slots[0]
    draft = compose(
        function, random.choice(function.requests), values, drop=frozenset({slot.path}),
        vague=lambda s: random.choice(_REFERRED).replace("{words}", _words(s)),
    )  # fmt: skip
    if draft is None or _words(slot) not in draft.text:
        return None
    if random.random() < 0.4:
        text, mark = _observed(function, slot, values)
        sources = {"user_1": say("chatter", values), "assistant_2": "Let me look that up.", "tool_3": text}
        draft.marks.append(replace(mark, source="tool_3"))
        return draft, sources
    text, marks = _stated(slot, values, "user_1", random.choice(_STATED))
    draft.marks += marks
    return draft, {"user_1": text, "assistant_2": random.choice(_ANSWERS)}


def _observed(function: Function, slot: Slot, values: Values) -> tuple[str, Mark]:
    """A tool's result that holds the value among others."""
    random = values.random
    holder: dict[str, Any] = {}
    others = [s for s in function.slots if s is not slot and s.type in ("string", "integer", "number") and s.values]
    for other in random.sample(others, min(2, len(others))):
        if other.type == "string" and not other.enum:
            continue
        holder["other_" + _words(other).replace(" ", "_")] = random.randint(100, 9000)
    made = values.write(slot, "'", "'")
    value = made.text[made.parts[0].start : made.parts[0].end].replace('"', "")
    items = [*holder.items(), (_words(slot).replace(" ", "_"), value), ("status", "ok")]
    random.shuffle(items)
    text = json.dumps(dict(items), ensure_ascii=False)
    start = text.index(json.dumps(value, ensure_ascii=False)) + 1
    return text, Mark(0, slot.path, start, start + len(value), made.parts[0].value)


def answered(function: Function, values: Values) -> Scene | None:
    """The request answers a question for what an earlier turn lacked."""
    random = values.random
    slots = _choose(function, values, 1)
    if not slots:
        return None
    slot = slots[0]
    first = compose(
        function, random.choice(function.requests), values, drop=frozenset({slot.path}),
        vague=lambda s: f"a {_words(s)}",
    )  # fmt: skip
    if first is None:
        return None
    made = values.write(slot)
    lead = random.choice(("", "", "", "It's ", "Use ", "Make it ", "Let's say ", f"The {_words(slot)} is "))
    text = lead + made.text + ("." if lead else "")
    marks = [replace(mark, source="user_1") for mark in first.marks]
    marks += [Mark(0, p.path, p.start + len(lead), p.end + len(lead), p.value) for p in made.parts]
    draft = Draft(text, marks, [function], first.template)
    return draft, {"user_1": first.text, "assistant_2": random.choice(_ASKED).replace("{words}", _words(slot))}


def followed(function: Function, values: Values) -> Scene | None:
    """The request asks for the same again with one other value."""
    random = values.random
    first = compose(function, random.choice(function.requests), values)
    able = [
        s
        for s in _choose(function, values, 5)
        if s.type == "string" and isinstance(s.values, str) and " " not in s.values
    ]
    kinds = [slot.values for slot in function.slots]
    able = [slot for slot in able if kinds.count(slot.values) == 1 and slot.values in values.pools]
    if first is None or not able:
        return None
    slot = random.choice(able)
    text, marks = _stated(slot, values, "request", random.choice(_AGAIN))
    kept = [replace(mark, source="user_1") for mark in first.marks if mark.path != slot.path]
    draft = Draft(text, kept + marks, [function], first.template)
    return draft, {"user_1": first.text, "assistant_2": random.choice(_DONE)}


def distracted(draft: Draft, other: Draft | None, values: Values) -> Scene:
    """The request stands alone; an earlier turn was about something else."""
    if other is None or values.random.random() < 0.3:
        return draft, {"user_1": say("chatter", values), "assistant_2": values.random.choice(_ANSWERS)}
    return draft, {"user_1": other.text, "assistant_2": values.random.choice(_DONE)}
