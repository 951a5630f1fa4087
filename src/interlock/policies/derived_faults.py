"""What is wrong with derived inputs and calendars: in a policy file, and against the actions there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from interlock.policies.declared import named_by
from interlock.policies.derived import TYPES, Derivation, Derived, meaning
from interlock.policies.language import Input, Policy
from interlock.source import Document, Finding, Loc, hint_for
from interlock.tools.action import Action

ALWAYS = ("action", "hour", "weekday")
"""Names of inputs that every action has."""


def derived_faults(policy: Policy, document: Document) -> Iterator[Finding]:
    """The faults of one file, seen without the actions."""
    for name, declared in policy.inputs.items():
        told, at = declared.derived, ("inputs", name)
        if told is None:
            continue
        if name in ALWAYS or name.endswith("_from"):
            message = f"`{name}` has a meaning of its own; give the derived input another name"
            yield document.finding("P030", message, at, key=True)
        elif declared.type not in TYPES[told.kind]:
            message = f"`{told.kind}` gives {_words(TYPES[told.kind])}, not {declared.type}"
            yield document.finding("P030", message, (*at, "type"))
        if told.sum is not None:
            yield from _summed(told.sum, name, policy, document)
        if told.calendar is not None and told.calendar not in policy.calendars:
            hint = hint_for(told.calendar, policy.calendars)
            message = f"unknown calendar `{told.calendar}`"
            yield document.finding("P031", message, (*at, "derived", "calendar"), hint=hint)


def _summed(argument: str, name: str, policy: Policy, document: Document) -> Iterator[Finding]:
    where: Loc = ("inputs", name, "derived", "sum")
    summed = policy.inputs.get(argument)
    if summed is None:
        hint = hint_for(argument, [key for key, kind in policy.inputs.items() if _is_number(kind)])
        yield document.finding("P030", f"`{argument}` is not declared under `inputs`", where, hint=hint)
    elif summed.derived is not None:
        yield document.finding("P030", f"`{argument}` is derived itself; only an argument can be summed", where)
    elif summed.type not in ("decimal", "int"):
        yield document.finding("P030", f"`{argument}` is of type {summed.type}; only numbers can be summed", where)
    elif (policy.inputs[name].type, summed.type) == ("int", "decimal"):
        message = f"the sum of `{argument}`, which is of type decimal, is no int"
        yield document.finding("P030", message, ("inputs", name, "type"))


def _is_number(kind: Input) -> bool:
    return kind.derived is None and kind.type in ("decimal", "int")


def _words(types: Iterable[str]) -> str:
    return " or ".join(types)


def derived_against_actions(
    policy: Policy, document: Document, actions: Mapping[str, Action], types: Mapping[str, set[str]]
) -> Iterator[Finding]:
    """The faults of one file's derived inputs, against the actions: what they look at is there, in each that counts.

    Args:
        types: the types of the inputs that the covered actions have, by name; of a fact any.
    """
    for name, declared in policy.inputs.items():
        told, at = declared.derived, ("inputs", name)
        if told is None:
            continue
        if types.get(name):
            message = f"`{name}` is an argument already; give the derived input another name"
            yield document.finding("P030", message, at, key=True)
        for index, pattern in enumerate(told.of or ()):
            if not any(named_by([pattern], action) for action in actions):
                hint = hint_for(pattern, actions)
                message = f"`{pattern}` matches no action"
                yield document.finding("P008", message, (*at, "derived", "of", index), hint=hint)
        yield from _arguments(told, policy, document, (*at, "derived"), actions)


def _arguments(
    told: Derived, policy: Policy, document: Document, at: Loc, actions: Mapping[str, Action]
) -> Iterator[Finding]:
    counted = [action for name, action in actions.items() if named_by(told.of or policy.applies_to, name)]
    for key, argument in told.arguments.items():
        if key == "sum" and argument not in policy.inputs:
            continue  # said already
        without = [action.name for action in counted if argument not in action.arguments.model_fields]
        if without and len(without) == len(counted):
            known = sorted({name for action in counted for name in action.arguments.model_fields})
            hint = hint_for(argument, known)
            yield document.finding(
                "P030", f"no action that counts has the argument `{argument}`", (*at, key), hint=hint
            )
        elif without:
            hint = "say which actions count: `of: [...]`"
            message = f"`{without[0]}` counts too, and has no argument `{argument}`"
            yield document.finding("P030", message, (*at, key), hint=hint)


def clashes(policies: Iterable[Policy], documents: Mapping[str, Document], actions: Iterable[str]) -> Iterator[Finding]:
    """Names that mean two things for one action: a decision has one value for each name."""
    told: set[tuple[str, str]] = set()
    everyone = list(policies)
    for action in actions:
        meant: dict[str, tuple[Policy, Derivation | None]] = {}
        for policy in everyone:
            if not policy.covers(action):
                continue
            for name, declared in policy.inputs.items():
                own = meaning(policy, declared)
                first, before = meant.setdefault(name, (policy, own))
                if own != before and (policy.policy, name) not in told:
                    told.add((policy.policy, name))
                    message = (
                        f"`{name}` means something else in the policy `{first.policy}`, which decides {action} too"
                    )
                    yield documents[policy.policy].finding("P032", message, ("inputs", name), key=True)
