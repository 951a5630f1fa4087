"""From a request in words to an example: schemas around it, values read from its words, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Literal

from interlock.lam.candidates import read_value
from interlock.lam.examples import Call, Example, Span
from interlock.lam.generator.drafts import Draft
from interlock.lam.generator.dress import Dressed, dress
from interlock.lam.generator.surfaces import READ
from interlock.lam.generator.wordbook import Function, Slot
from interlock.lam.protocol import ActionSchema, Observation


def _extra(function: Function, others: Sequence[Function], text: str, random: Random) -> tuple[Slot, ...]:
    """Optional parameters of other functions that the request says nothing of."""
    if not others or random.random() > 0.18:
        return ()
    names = {slot.path.rsplit(".", 1)[-1] for slot in function.slots} | set(function.objects)
    found: list[Slot] = []
    low = text.lower()
    for other in random.sample(list(others), min(4, len(others))):
        for slot in other.slots:
            if slot.required or "." in slot.path or slot.path in names or not (slot.enum or slot.type == "boolean"):
                continue
            said = [str(option).replace("_", " ") for option in slot.enum]
            said += [words for each in slot.says.values() for words in each]
            if not any(words.lower() in low for words in said) and slot.path.replace("_", " ") not in low:
                names.add(slot.path)
                found.append(slot)
    return tuple(found[: random.choice((1, 1, 2))])


def finish(
    draft: Draft,
    others: Sequence[Function],
    random: Random,
    *,
    today: str | None = None,
    sources: dict[str, str] | None = None,
    missing: frozenset[str] = frozenset(),
    abstain: bool = False,
    neighbours: Sequence[Function] = (),
    plain: bool = False,
) -> Example | None:
    """The example of a request.

    Args:
        others: functions of the action space that the request does not need.
        sources: earlier turns and observations, in order.
        missing: required parameters that the request does not give.
        neighbours: functions whose optional parameters may be lent to the ones called.
        plain: keep the functions' names.

    Returns:
        `None` when a value does not read back from its words.
    """
    dressed: dict[str, Dressed] = {}
    if not abstain:
        for number, function in enumerate(draft.functions):
            if function.name not in dressed:
                given = set.intersection(*(draft.given(n) for n, f in enumerate(draft.functions) if f is function))
                extra = _extra(function, neighbours, draft.text, random) if number == 0 else ()
                dressed[function.name] = dress(function, random, given, extra, plain)
    space: list[ActionSchema] = [d.schema for d in dressed.values()]
    for other in others:
        schema = dress(other, random, plain=plain).schema
        if all(schema.name != known.name for known in space):
            space.append(schema)
    random.shuffle(space)
    if not space:
        return None
    texts = {"request": draft.text, **(sources or {})}
    calls: list[Call] = []
    if not abstain:
        for number, function in enumerate(draft.functions):
            call = _call(draft, number, function, dressed[function.name], texts, today)
            if call is None:
                return None
            if call in calls:
                return None
            calls.append(call)
    kind: Literal["act", "ask", "abstain"] = "abstain" if abstain else "ask" if missing else "act"
    names = dressed[draft.functions[0].name].names if missing else {}
    return Example(
        Observation(sources=texts, today=today),
        tuple(space),
        kind,
        tuple(calls),
        tuple(sorted(names[path] for path in missing)),
        draft.template,
    )


def _call(
    draft: Draft, number: int, function: Function, dressed: Dressed, texts: dict[str, str], today: str | None
) -> Call | None:
    slots = {slot.path: slot for slot in function.slots}
    marks = [mark for mark in draft.marks if mark.call == number]
    readers = dressed.readers(slots[mark.path] for mark in marks if mark.value is READ)
    arguments: dict[str, Any] = {}
    spans: dict[str, Span] = {}
    for mark in marks:
        name = dressed.names[mark.path]
        if name in arguments:
            return None
        if mark.value is READ:
            found = read_value(readers[mark.path], texts[mark.source][mark.start : mark.end], today)
            if found is None or not _sound(slots[mark.path], found[1]):
                return None
            arguments[name] = found[1]
        else:
            arguments[name] = mark.value
        spans[name] = Span(mark.source, mark.start, mark.end)
    return Call(dressed.schema.name, arguments, spans)


def _sound(slot: Slot, value: Any) -> bool:
    """Whether a value is of the size its slot means: a fraction is none of 15."""
    if isinstance(value, list):
        return all(_sound(slot, item) for item in value)
    if slot.values == "fraction":
        return isinstance(value, (int, float)) and abs(value) < 1
    if slot.values == "percent":
        return not isinstance(value, (int, float)) or abs(value) >= 1
    return True
