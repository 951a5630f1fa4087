"""A mapping from one spec to another: what the old one's steps and keys are called in the new one.

::

    steps: {draft: polish}        # old name: new name
    keys: {text: draft}
    values: {tone: friendly}      # keys that the new spec reads and the old one never wrote
    entered: {pay: triage}        # a run that stands at pay (a new name) counts as having come from triage
    answers: [confirm]            # old approve steps whose given answers count, though they ask otherwise now
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from pydantic import Field

from interlock.digest import Json, digest
from interlock.graphs.fault import Fault
from interlock.graphs.proofs.shapes import Shape, state_shapes
from interlock.graphs.spec import START, ApproveStep, Spec, keys_of
from interlock.policies.declared import NAME, Declared
from interlock.source import Document, Finding, Loc, SourceError, hint_for, read_document, validate
from interlock.tools.action import Action

Name = Annotated[str, Field(pattern=NAME)]
Source = Annotated[str, Field(pattern=rf"{NAME}|^{START}$")]


class SpecMapping(Declared):
    """What a mapping file declares; every part may be left out."""

    steps: dict[Name, Name] = Field(default_factory=dict, description="Steps, old name to new name.")
    keys: dict[Name, Name] = Field(default_factory=dict, description="Keys of the state, old name to new name.")
    values: dict[Name, Json] = Field(default_factory=dict, description="New keys, each with its value.")
    entered: dict[Name, Source] = Field(default_factory=dict, description="New steps, each with the one before it.")
    answers: list[Name] = Field(default_factory=list, description="Old approve steps whose given answers still count.")

    def digest(self) -> str:
        """What the audit names it by."""
        return digest(self.model_dump(mode="json"))

    def step(self, name: str, new: Spec) -> str | None:
        """What the old step `name` is called in `new`; None where it is gone."""
        return _image(name, self.steps, new.steps)

    def key(self, name: str, new: Spec) -> str | None:
        """What the old key `name` is called in `new`; None where it is gone."""
        return _image(name, self.keys, keys_of(new))


def _image(name: str, renamed: Mapping[str, str], known: Mapping[str, object] | list[str]) -> str | None:
    if name in renamed:
        return renamed[name] if renamed[name] in known else None
    return name if name in known and name not in renamed.values() else None


def read_mapping(path: Path, old: Spec, new: Spec, actions: Mapping[str, Action]) -> SpecMapping:
    """The mapping of a file, checked against both specs.

    Raises:
        SourceError: the file has faults; it carries each with its place.
    """
    document = read_document(path)
    mapping, found = validate(SpecMapping, document, "U")
    if mapping is not None:
        found = found + [_placed(fault, document) for fault in check(mapping, old, new, actions)]
    if found or mapping is None:
        raise SourceError(found, [document])
    return mapping


def _placed(fault: Fault, document: Document) -> Finding:
    return document.finding(fault.code, fault.message, fault.at, key=fault.key, hint=fault.hint)


def check(mapping: SpecMapping, old: Spec, new: Spec, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """Everything wrong with `mapping` between these two specs, whatever the runs are."""
    yield from _names("steps", "step", mapping.steps, list(old.steps), list(new.steps))
    yield from _names("keys", "key", mapping.keys, keys_of(old), keys_of(new))
    for name, target in mapping.steps.items():
        if name in old.steps and target in new.steps and old.steps[name].kind != new.steps[target].kind:
            kinds = f"`{name}` is a step of kind {old.steps[name].kind}, `{target}` of kind {new.steps[target].kind}"
            yield Fault("U013", kinds, ("steps", name), hint="map it to a step of the same kind")
    before, after = state_shapes(old, actions), state_shapes(new, actions)
    for name, target in mapping.keys.items():
        if not _fit(before.get(name, []), after.get(target, [])):
            yield Fault("U014", f"no value of `{name}` fits `{target}`", ("keys", name))
    for name, value in mapping.values.items():
        at: Loc = ("values", name)
        if name not in keys_of(new):
            hint = hint_for(name, keys_of(new))
            yield Fault("U011", f"the new graph has no key `{name}`", at, key=True, hint=hint)
        elif name in mapping.keys.values():
            yield Fault("U012", f"`{name}` is given twice: by a value and by a key of the old graph", at, key=True)
        elif why := misfit(value, after.get(name, [])):
            yield Fault("U014", f"the value does not fit `{name}`: {why}", at)
    yield from _entered(mapping, new)
    for place, name in enumerate(mapping.answers):
        if not isinstance(old.steps.get(name), ApproveStep):
            hint = hint_for(name, [each for each, step in old.steps.items() if isinstance(step, ApproveStep)])
            yield Fault("U010", f"the old graph has no approve step `{name}`", ("answers", place), hint=hint)


def _names(part: str, word: str, renamed: Mapping[str, str], old: list[str], new: list[str]) -> Iterator[Fault]:
    taken: dict[str, str] = {}
    for name, target in renamed.items():
        if name not in old:
            yield Fault(
                "U010", f"the old graph has no {word} `{name}`", (part, name), key=True, hint=hint_for(name, old)
            )
        if target not in new:
            yield Fault("U011", f"the new graph has no {word} `{target}`", (part, name), hint=hint_for(target, new))
        elif target in taken:
            yield Fault("U012", f"`{taken[target]}` and `{name}` would both be `{target}`", (part, name))
        taken.setdefault(target, name)


def _entered(mapping: SpecMapping, new: Spec) -> Iterator[Fault]:
    for name, source in mapping.entered.items():
        at: Loc = ("entered", name)
        for word, key in ((name, True), (source, False)):
            if word not in new.steps and (key or word != START):
                hint = hint_for(word, list(new.steps))
                yield Fault("U011", f"the new graph has no step `{word}`", at, key=key, hint=hint)
        edges = [edge for edge in new.edges if (edge.source, edge.target) == (source, name)]
        if name in new.steps and source in new.steps and len(edges) != 1:
            many = f"{len(edges)} edges lead" if edges else "no edge leads"
            yield Fault(
                "U015", f"{many} from `{source}` to `{name}`", at, hint="name a step with exactly one edge there"
            )


def _fit(before: list[Shape], after: list[Shape]) -> bool:
    """Whether some value may have a shape of each; what is not known may be anything."""
    if not before or not after or any(not shape.kinds for shape in (*before, *after)):
        return True
    one, other = (frozenset().union(*(shape.kinds for shape in shapes)) for shapes in (before, after))
    return bool(one & other) or ("integer" in one and "number" in other) or ("number" in one and "integer" in other)


def misfit(value: Json, shapes: list[Shape], formats: FormatChecker | None = None) -> str | None:
    """Why `value` has none of these shapes, in a few words; None where it has one or nothing is known.

    Args:
        formats: what checks the formats that a shape names; without it they are taken as met.
    """
    why = None
    for shape in shapes:
        fault = best_match(Draft202012Validator(shape.resolved(), format_checker=formats).iter_errors(value))
        if fault is None:
            return None
        where = ".".join(str(part) for part in fault.absolute_path)
        text = f"{where}: {fault.message}" if where else fault.message
        why = why or (text if len(text) <= 120 else text[:117] + "...")
    return why
