"""One decision: a closed word, who must agree, and the rules that said so.

The strictest of all layers wins: deny, then approve, then auto.  A rule that cannot be evaluated
denies, and an action that no rule decides is denied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from interlock.digest import digest
from interlock.policies.language import PROVENANCE, Comparison, Declared, Input, Policy, Requirement, ThenApprove

Effect = Literal["auto", "approve", "deny"]

_STRICTNESS: dict[Effect, int] = {"auto": 0, "approve": 1, "deny": 2}


class Reason(Declared):
    """What one rule or layer said."""

    rule: str
    """`policy/rule`, or the name of another layer: `schema`, `edge`, `confidence`, `default`."""
    effect: Effect
    because: str


class Verdict(Declared):
    """The decision on one action.  `requirement` stands exactly when the effect is `approve`."""

    effect: Effect
    requirement: Requirement | None = None
    reasons: list[Reason]


def auto(rule: str, because: str) -> Verdict:
    return Verdict(effect="auto", reasons=[Reason(rule=rule, effect="auto", because=because)])


def approve(rule: str, because: str, requirement: Requirement) -> Verdict:
    return Verdict(
        effect="approve", requirement=requirement, reasons=[Reason(rule=rule, effect="approve", because=because)]
    )


def deny(rule: str, because: str) -> Verdict:
    return Verdict(effect="deny", reasons=[Reason(rule=rule, effect="deny", because=because)])


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The strictest of `verdicts`, with every reason, strictest first; nothing at all denies."""
    found = list(verdicts)
    if not found:
        return deny("default", "nothing decides this action")
    effect = max((verdict.effect for verdict in found), key=_STRICTNESS.__getitem__)
    requirement: Requirement | None = None
    if effect == "approve":
        for verdict in found:
            if verdict.requirement is not None:
                requirement = verdict.requirement.stricter(requirement) if requirement else verdict.requirement
    reasons = sorted((reason for verdict in found for reason in verdict.reasons), key=lambda r: -_STRICTNESS[r.effect])
    return Verdict(effect=effect, requirement=requirement, reasons=reasons)


def policies_digest(policies: Iterable[Policy], action: str) -> str:
    """Digest of the policies that decide `action`: an approval is bound to it.  A `never` decides nothing."""
    covering = [
        policy.model_dump(mode="json", by_alias=True, exclude={"never"}) for policy in policies if policy.covers(action)
    ]
    return digest(sorted(covering, key=lambda policy: str(policy["policy"])))


def decide(
    policies: Iterable[Policy],
    action: str,
    inputs: Mapping[str, Any],
    requirements: Mapping[str, Requirement],
) -> Verdict | None:
    """What the policies say of `action`; None when no policy applies to it.

    Args:
        inputs: values by input name; an input that is absent is unknown.
        requirements: the named approvals of all policy files.
    """
    verdicts = [_of_policy(policy, inputs, requirements) for policy in policies if policy.covers(action)]
    return strictest(verdicts) if verdicts else None


def _of_policy(policy: Policy, inputs: Mapping[str, Any], requirements: Mapping[str, Requirement]) -> Verdict:
    verdicts = []
    for rule in policy.rules:
        name = f"{policy.policy}/{rule.id}"
        try:
            if not holds(rule.when, policy.inputs, inputs):
                continue
        except Undecidable as error:
            verdicts.append(deny(name, f"the rule cannot be evaluated: {error}"))
            continue
        match rule.then:
            case "auto":
                verdicts.append(auto(name, rule.because))
            case "deny":
                verdicts.append(deny(name, rule.because))
            case ThenApprove(approve=Requirement() as requirement):
                verdicts.append(approve(name, rule.because, requirement))
            case ThenApprove(approve=str(named)) if named in requirements:
                verdicts.append(approve(name, rule.because, requirements[named]))
            case ThenApprove(approve=unknown):
                verdicts.append(deny(name, f"the rule names the unknown approval {unknown}"))
    return strictest(verdicts) if verdicts else deny(f"{policy.policy}/-", "no rule of this policy decides the action")


class Undecidable(Exception):
    """An input is missing, or does not fit its declared type."""


def holds(when: Mapping[str, Comparison], declared: Mapping[str, Input], inputs: Mapping[str, Any]) -> bool:
    """Three-valued `and`: one false condition settles it, otherwise one unknown makes it undecidable."""
    unknown: Undecidable | None = None
    for name, comparison in when.items():
        try:
            if name not in declared:
                raise Undecidable(f"input {name} is not declared")
            if inputs.get(name) is None:
                raise Undecidable(f"input {name} is missing")
            if not compare(comparison, _typed(name, declared[name], inputs[name])):
                return False
        except Undecidable as error:
            unknown = unknown or error
    if unknown:
        raise unknown
    return True


def _typed(name: str, declared: Input, value: Any) -> Any:
    """`value` as the declared type."""
    match declared.type:
        case "bool" if isinstance(value, bool):
            return value
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            if (declared.min is None or value >= declared.min) and (declared.max is None or value <= declared.max):
                return value
            raise Undecidable(f"input {name} is out of its declared range")
        case "decimal" if isinstance(value, int | str | Decimal) and not isinstance(value, bool):
            return _decimal(name, value)
        case "string" if isinstance(value, str) and (declared.enum is None or value in declared.enum):
            return value
        case "provenance" if value in PROVENANCE:
            return value
    raise Undecidable(f"input {name} is not a {declared.type} as declared")


def _decimal(name: str, value: int | str | Decimal) -> Decimal:
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}([.][0-9]{1,18})?", value):
        raise Undecidable(f"input {name} is not a plain decimal number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Undecidable(f"input {name} is not a decimal number") from None
    if not number.is_finite():
        raise Undecidable(f"input {name} is not a finite number")
    return number


def compare(comparison: Comparison, value: Any) -> bool:
    """Whether `value` satisfies every operator of `comparison`; a comparison of unlike types is false.

    Booleans equal only booleans, so `1` never passes for `true`.
    """
    return all(_operator(name, value, constant) for name, constant in comparison.operators().items())


def _operator(name: str, value: Any, constant: Any) -> bool:
    match name:
        case "eq":
            return _same(value, constant)
        case "ne":
            return not _same(value, constant)
        case "in":
            return any(_same(value, item) for item in constant)
        case "not_in":
            return not any(_same(value, item) for item in constant)
        case "matches":
            return isinstance(value, str) and re.fullmatch(constant, value) is not None
        case "at_least":
            return value in PROVENANCE and PROVENANCE.index(value) >= PROVENANCE.index(constant)
    if not _is_number(value) or not _is_number(constant):
        return False
    left, right = Decimal(str(value)), Decimal(str(constant))
    match name:
        case "lt":
            return left < right
        case "le":
            return left <= right
        case "gt":
            return left > right
        case _:
            return left >= right


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _same(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return Decimal(str(left)) == Decimal(str(right))
    return type(left) is type(right) and bool(left == right)
