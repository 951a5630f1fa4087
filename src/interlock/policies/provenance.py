"""Where a value came from: four labels, joined downwards.

`user`: the run's typed input.  `record`: a trusted field of a registered tool's result.  `model`: a
model wrote it.  `untrusted`: free text from a tool's result.  A value made from several others is as
trusted as the least trusted of them.

A value with parts has `Marks`: the label of the whole, and of each part that differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.policies.language import PROVENANCE

Label = Literal["untrusted", "model", "record", "user"]

EACH = "*"
"""In the path of a part: every element of a list."""

Part = tuple[str, ...]
"""A path into a value: names of fields, places in lists, or `EACH`; empty for the whole."""


def rank(label: str) -> int:
    """0 for `untrusted` up to 3 for `user`.

    Raises:
        ValueError: it is no label.
    """
    return PROVENANCE.index(label)


def join(labels: Iterable[Label]) -> Label:
    """The least trusted of `labels`; a value made from nothing comes from the author: `user`."""
    return min(labels, key=rank, default="user")


def through_model(labels: Iterable[Label]) -> Label:
    """The label of what a model writes after reading values with `labels`."""
    return join([*labels, "model"])


def raised(label: Label, by: Label) -> Label:
    """The label of a value that a validator found in a source with the label `by`; never a lower one."""
    return max(label, by, key=rank)


@dataclass(frozen=True)
class Marks:
    """The labels of a value: of the whole, and of the parts of which another is known."""

    whole: Label
    parts: tuple[tuple[Part, Label], ...] = ()

    def at(self, path: Sequence[str] = ()) -> Label:
        """The label of what stands at `path`: of that part, joined with those inside it.

        A part without a mark of its own has that of the nearest part around it.
        """
        return self.deciding(tuple(path))[1]

    def deciding(self, path: Part) -> tuple[Part, Label]:
        """The least trusted of the marks of what stands at `path`, and the part that it is of."""
        found = self._around(path) + [mark for mark in self.parts if _inside(mark[0], path)]
        return min(found, key=lambda mark: rank(mark[1]))

    def own(self, path: Part) -> tuple[Part, Label]:
        """The same without what is inside it."""
        return min(self._around(path), key=lambda mark: rank(mark[1]))

    def inside(self, path: Sequence[str]) -> Marks:
        """The marks of what stands at `path`, by themselves."""
        path = tuple(path)
        around = self._own(path)
        return made(around, [(part, self._own(path + part)) for part in self.below(path)])

    def below(self, path: Part) -> list[Part]:
        """The paths, from `path` on, of the parts inside it that have a mark of their own."""
        return [part[len(path) :] for part, _ in self.parts if _inside(part, path)]

    def within(self, path: Sequence[str]) -> Marks:
        """The same marks, of a value that is the part `path` of another, of which nothing else is marked."""
        path = tuple(path)
        return made("user", [(path, self.whole), *((path + part, label) for part, label in self.parts)])

    def joined(self, other: Marks) -> Marks:
        """The marks of a value that is one or the other: part by part the less trusted."""
        places = dict.fromkeys([part for part, _ in self.parts] + [part for part, _ in other.parts])
        return made(
            join([self.whole, other.whole]),
            [(place, join([self._own(place), other._own(place)])) for place in places],
        )

    def best(self, other: Marks) -> Marks:
        """Part by part the more trusted of the two."""
        places = dict.fromkeys([part for part, _ in self.parts] + [part for part, _ in other.parts])
        return made(
            raised(self.whole, other.whole),
            [(place, raised(self._own(place), other._own(place))) for place in places],
        )

    def _own(self, path: Part) -> Label:
        return self.own(path)[1]

    def _around(self, path: Part) -> list[tuple[Part, Label]]:
        """The marks that decide on `path` itself: the nearest that holds for all of it, and those for some of it."""
        known: list[tuple[Part, Label]] = [((), self.whole), *self.parts]
        meeting = [(part, label) for part, label in known if len(part) <= len(path) and _meet(part, path)]
        whole = [mark for mark in meeting if all(a in (EACH, b) for a, b in zip(mark[0], path, strict=False))]
        nearest = max(len(part) for part, _ in whole)
        some = [mark for mark in meeting if mark not in whole and len(mark[0]) > nearest]
        return [mark for mark in whole if len(mark[0]) == nearest] + some


def made(whole: Label, parts: Iterable[tuple[Part, Label]]) -> Marks:
    """Marks with their parts in order, and none that says what the marks around it say."""
    found = Marks(whole)
    for part, label in sorted(dict(parts).items()):
        if part == ():
            found = Marks(label, found.parts)
        elif found._own(part) != label:
            found = Marks(found.whole, (*found.parts, (part, label)))
    return found


def _meet(part: Part, path: Part) -> bool:
    """Whether some place lies under both."""
    return all(a == b or EACH in (a, b) for a, b in zip(part, path, strict=False))


def _inside(part: Part, path: Part) -> bool:
    return len(part) > len(path) and _meet(part, path)
