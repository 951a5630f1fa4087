"""What a reviewer typed and has not decided yet, or what was refused: shown again, with what is wrong beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from interlock.tools.action import Action
from interlock.web.fields import CHANGE, DROP, Field, changes_of, fields_of, with_one_more


@dataclass(frozen=True)
class Draft:
    """A form as it was sent."""

    form: Mapping[str, str] = field(default_factory=dict)
    said: str = ""
    """Why it was not taken."""

    @property
    def typed(self) -> dict[str, str]:
        return {name: value for name, value in self.form.items() if name.startswith((CHANGE, DROP))}

    @property
    def comment(self) -> str:
        return self.form.get("comment", "")


NOTHING = Draft()


@dataclass(frozen=True)
class Proposal:
    """The arguments of an action as fields, and what is not as proposed."""

    fields: Sequence[Field]
    changes: Mapping[str, Any]
    arguments: Mapping[str, Any]
    """With the changes."""
    faults: Sequence[str]
    """What is wrong and stands at no field."""

    @property
    def faulty(self) -> bool:
        return bool(self.faults) or any(part.fault for each in self.fields for part in each.every())


def proposal(action: Action, arguments: Mapping[str, Any], draft: Draft = NOTHING) -> Proposal:
    """What an action was proposed with, as it was typed over."""
    schema, typed = action.parameters(), draft.typed
    fields = fields_of(schema, arguments, typed)
    changes = changes_of(fields)
    known = {part.name for each in fields for part in each.every()} | {
        part.drop for each in fields for part in each.every()
    }
    for name, value in typed.items():
        if name not in known:  # the action says that it has no such argument
            changes[name.partition(".")[2].partition(".")[0]] = value
    after = {**arguments, **changes}
    faults = _judge(action, after, fields) if typed else []
    wanted = draft.form.get("more", "")
    for each in (part for found in fields for part in found.every()):
        if each.kind == "list" and ".".join(each.path) == wanted:
            each.fields.append(with_one_more(each, schema))
    return Proposal(fields, changes, after, faults)


def _judge(action: Action, arguments: Mapping[str, Any], fields: Sequence[Field]) -> list[str]:
    """Mark what the action's types refuse; returns what stands at no field."""
    try:
        action.validate(arguments)
    except ValidationError as error:
        rest = []
        for fault in error.errors():
            said = str(fault["msg"]).removeprefix("Value error, ")
            if not _mark(fields, list(fault["loc"]), said):
                rest.append(f"{'.'.join(map(str, fault['loc']))}: {said}")
        return rest
    return []


def _mark(fields: Sequence[Field], loc: list[Any], said: str) -> bool:
    """Let the field at a place say what is wrong; False where there is none."""
    if not loc:
        return False
    first, *rest = loc
    if isinstance(first, int):
        kept = [each for each in fields if not each.dropped]
        found = kept[first] if first < len(kept) else None
    else:
        found = next((each for each in fields if each.label == first), None)
    if found is None:
        return False
    if not (rest and found.fields and _mark(found.fields, rest, said)):
        found.fault = found.fault or said
    return True
