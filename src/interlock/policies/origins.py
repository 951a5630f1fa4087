"""Where a value came from in one run, as data and in words: what stands beside its label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from interlock.policies.provenance import Label, Marks, Part, rank

Kind = Literal[
    "author", "input", "person", "record", "text", "model", "copied", "function", "reduced", "event", "error",
    "effect", "upgrade", "changed", "unknown",
]  # fmt: skip
"""What made a value.

author: a constant of the graph, or a default.  input: the run's input.  person: a reviewer's answer or edit.
record, text: a field of a tool's result.  model: a model wrote it.  copied: the action model copied it out of
`of`.  function: a pure function.  reduced: several branches or items.  event, error: what its name says.
effect: the effect that is undone.  upgrade: the mapping of an upgrade.  changed: not what the run wrote.
unknown: a run of an earlier release, which kept no record.
"""


class Origin(BaseModel):
    """Where a value came from; plain JSON when it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    of: str = ""
    """The input, action, step, function, event or person that it came from."""
    field: str = ""
    """For a field of a tool's result: its path, without the places in lists."""
    by: dict[str, str] = {}
    """What it was made from, each with its label; for a record, the arguments, each with where it came from."""
    stands_in: str = ""
    """The source in which a validator found it."""

    def words(self) -> str:
        """Where it came from, as a reviewer reads it."""
        said = self._said()
        return f"{said}; it stands literally in {self.stands_in}" if self.stands_in else said

    def _said(self) -> str:
        made_from = f" from {_listed(self.by)}" if self.by else ""
        match self.kind:
            case "author":
                return "fixed by the graph"
            case "input":
                return f"from the request: {self.of}"
            case "person":
                return f"written by a person: {self.of}" if self.of else "written by a person"
            case "record":
                looked_up = ", ".join(f"{name}: {whence}" for name, whence in self.by.items())
                return f"record {self.field} of {self.of}" + (f" (looked up by {looked_up})" if looked_up else "")
            case "text":
                return f"text of {self.of}"
            case "model":
                return f"written by the model in {self.of}{made_from}"
            case "copied":
                return f"copied by the action model from {self.of}"
            case "function":
                return f"worked out in {self.of}{made_from}"
            case "reduced":
                return f"put together in {self.of}{made_from}"
            case "event":
                return f"brought by the event {self.of}"
            case "error":
                return f"the error of {self.of}"
            case "effect":
                return f"of the effect {self.of}, which is undone"
            case "upgrade":
                return f"given when the run was upgraded: {self.of}"
            case "changed":
                return "not what this run wrote: it was changed from outside"
            case "unknown":
                return "of a run that kept no record of it"

    def as_json(self) -> dict[str, Any]:
        """Only what it says, as plain JSON."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"kind": self.kind}

    def short(self) -> str:
        """The same in a word or two, where it is only mentioned."""
        match self.kind:
            case "author":
                return "fixed by the graph"
            case "input":
                return f"the request's {self.of.removeprefix('$.')}"
            case "person":
                return "a person"
            case "record":
                return f"record {self.field} of {self.of}"
            case "text":
                return f"text of {self.of}"
            case "model" | "copied":
                return "a model"
        return self._said()


def _listed(by: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({label})" for name, label in by.items())


AUTHOR = Origin(kind="author")


def edited_by(person: str) -> dict[str, Any]:
    """The origin of an argument that a reviewer wrote, as the ledger keeps it."""
    return Origin(kind="person", of=person).as_json()


Mark = tuple[Label, Origin]


@dataclass(frozen=True)
class Traced:
    """The marks of a value in one run, and the origin of each part that has one."""

    marks: Marks
    origins: Mapping[Part, Origin] = field(default_factory=dict)

    def at(self, path: Iterable[str] = ()) -> Mark:
        """The label of what stands at `path`, and the origin of the part of it that decides that label."""
        path = tuple(path)
        part, label = self.marks.deciding(path)
        return label, self.origins.get(part, AUTHOR)

    def inside(self, path: Iterable[str]) -> Traced:
        """What stands at `path`, by itself."""
        path = tuple(path)
        label, origin = self._own(path)
        return traced(label, origin, {part: self._own(path + part) for part in self.marks.below(path)})

    def _own(self, path: Part) -> Mark:
        part, label = self.marks.own(path)
        return label, self.origins.get(part, AUTHOR)

    def as_json(self) -> list[Any]:
        """`[path, label, origin]` for each part, the whole first."""
        whole: list[tuple[Part, Label]] = [((), self.marks.whole), *self.marks.parts]
        return [[list(part), label, self.origins.get(part, AUTHOR).as_json()] for part, label in whole]


def traced(label: Label, origin: Origin, parts: Mapping[Part, Mark] | None = None) -> Traced:
    """A value with one label and origin, and those of some of its parts, which are kept also where they agree."""
    parts = parts or {}
    marks = Marks(label, tuple(sorted((part, mark[0]) for part, mark in parts.items())))
    return Traced(marks, {(): origin} | {part: mark[1] for part, mark in parts.items()})


def holding(values: Mapping[Part, Traced]) -> Traced:
    """An object or a list that the run itself made, with these values in their places."""
    parts: dict[Part, Mark] = {}
    for place, value in values.items():
        for part, label in [((), value.marks.whole), *value.marks.parts]:
            parts[place + part] = label, value.origins.get(part, AUTHOR)
    return traced("user", AUTHOR, parts)


def from_json(found: Iterable[Any]) -> Traced:
    """What `as_json` wrote."""
    (_, label, origin), *rest = found
    return traced(
        label, Origin.model_validate(origin), {tuple(part): (mark, Origin.model_validate(o)) for part, mark, o in rest}
    )


def least(marks: Iterable[Mark]) -> Mark:
    """The least trusted of several; nothing at all comes from the author."""
    return min(marks, key=lambda mark: rank(mark[0]), default=("user", AUTHOR))


def vouched(source: Traced, by: Label, path: str) -> Traced:
    """The marks of a value that stands literally in the source at `path`, which has the label `by`."""
    label, origin = source.at()
    return traced(by, origin.model_copy(update={"stands_in": path})) if rank(by) > rank(label) else source
