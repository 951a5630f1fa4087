"""Requests for two or three functions in one breath: `What is the area of {1.country} and who rules {2.country}?`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from interlock.lam.generator.drafts import Draft, Mark, compose
from interlock.lam.generator.surfaces import Values
from interlock.lam.generator.templates import Hole, Template
from interlock.lam.generator.wordbook import SHARED, Together


def say_together(entry: Together, template: Template, values: Values) -> Draft | None:
    """A request by a template; `None` when a call would lack what it needs."""
    draft = compose(entry.spoken, template, values)
    if draft is None:
        return None
    counts = [_calls(number, template) for number in range(1, len(entry.functions) + 1)]
    marks: list[Mark] = []
    for mark in draft.marks:
        for path in mark.path.split(SHARED):
            number, _, rest = path.partition(".")
            place = int(number) - 1
            if mark.call < counts[place]:
                marks.append(replace(mark, call=sum(counts[:place]) + mark.call, path=rest))
    made = [function for function, count in zip(entry.functions, counts, strict=True) for _ in range(count)]
    if any(
        function.required - {mark.path for mark in marks if mark.call == call} for call, function in enumerate(made)
    ):
        return None
    return Draft(draft.text, list(dict.fromkeys(marks)), made, template.text)


def _calls(number: int, template: Template) -> int:
    return max([1, *(hole.number for hole in template.holes if number in _functions(hole))])


def _functions(hole: Hole) -> Iterator[int]:
    for path in hole.path.split(SHARED):
        yield int(path.partition(".")[0])
