"""Whether policies may let an action pass without a person, for some values of their inputs.

The search is exact, up to `matches` on free text: every input takes one value out of each cell that the
constants cut (see `cells`), and a choice is followed only while each policy can still say `auto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from interlock.policies.cells import Range, constants, numbers, texts
from interlock.policies.comparing import Undecidable, holds
from interlock.policies.language import PROVENANCE, Comparison, Input, Policy, Rule

Domains = dict[str, tuple[Any, ...]]
"""The values that each input may still have."""

HOURS = tuple(range(24))


def may_auto(policies: Iterable[Policy], action: str, labels: Mapping[str, str]) -> bool:
    """Whether some values exist for which the policies decide `action` as `auto`.

    What an engine says nobody can tell beforehand.  It can only make a decision stricter, so beside rules it
    is left out, and alone it may say anything.

    Args:
        labels: the labels of arguments, where they are known; any other label may be any.
    """
    deciding = [policy for policy in policies if policy.covers(action)]
    covering = [policy for policy in deciding if policy.engine is None]
    if not covering:
        return bool(deciding)
    domains = _domains(covering, action, labels)
    return _choose(covering, domains)


def _domains(policies: Sequence[Policy], action: str, labels: Mapping[str, str]) -> Domains:
    compared: dict[str, list[Comparison]] = {}
    declared: dict[str, list[Input]] = {}
    for policy in policies:
        for name, kind in policy.inputs.items():
            declared.setdefault(name, []).append(kind)
        for rule in policy.rules:
            for name, comparison in rule.when.items():
                compared.setdefault(name, []).append(comparison)
    found: Domains = {}
    for name, comparisons in compared.items():
        known = labels.get(name.removesuffix("_from")) if name.endswith("_from") else None
        values: list[Any] = []
        for kind in declared.get(name, ()):
            if name == "action":
                values.append(action)
            elif known is not None and kind.type == "provenance":
                values.append(known)
            else:
                values += _values(name, kind, comparisons)
        found[name] = tuple(values) or (None,)  # nothing fits, so no rule on it can be evaluated
    return found


def _values(name: str, kind: Input, comparisons: Sequence[Comparison]) -> Iterable[Any]:
    cuts = constants(comparisons)
    match kind.type:
        case "bool":
            return (True, False)
        case "provenance":
            return PROVENANCE
        case "int" if name == "hour":
            return HOURS
        case "int" | "decimal":
            least = None if kind.min is None else Decimal(kind.min)
            most = None if kind.max is None else Decimal(kind.max)
            return numbers(cuts, whole=kind.type == "int", within=Range(least, most))
    if kind.enum is not None:
        return kind.enum
    return texts(cuts, [wish.matches for wish in comparisons if wish.matches is not None])


def _answer(policy: Policy, name: str, comparison: Comparison, value: Any) -> bool | None:
    """Whether a comparison holds for a value; None where the policy cannot say."""
    try:
        return holds({name: comparison}, policy.inputs, {name: value})
    except Undecidable:
        return None


def _choose(policies: Sequence[Policy], domains: Domains) -> bool:
    """Whether each policy can have one `auto` rule that holds, and no rule that says otherwise."""
    if not policies:
        return True
    # every choice is tried on all policies at once, because they share inputs
    return _with_rules(list(policies), [], domains)


def _with_rules(open_policies: list[Policy], chosen: list[tuple[Policy, Rule]], domains: Domains) -> bool:
    if not open_policies:
        policies = [policy for policy, _ in chosen]
        taken = {id(rule) for _, rule in chosen}
        return _silence(
            [(policy, rule) for policy in policies for rule in policy.rules if id(rule) not in taken], domains
        )
    policy, *rest = open_policies
    for rule in policy.rules:
        if rule.then == "auto":
            narrowed = _holding(policy, rule, domains)
            if narrowed is not None and _with_rules(rest, [*chosen, (policy, rule)], narrowed):
                return True
    return False


def _holding(policy: Policy, rule: Rule, domains: Domains) -> Domains | None:
    """The values with which every condition of a rule holds; None where there are none."""
    found = dict(domains)
    for name, comparison in rule.when.items():
        found[name] = tuple(value for value in found[name] if _answer(policy, name, comparison, value) is True)
        if not found[name]:
            return None
    return found


def _silence(rules: list[tuple[Policy, Rule]], domains: Domains) -> bool:
    """Whether some of these values make none of `rules` deny, ask, or be undecidable."""
    while rules:
        (policy, rule), *rest = rules
        answers = {
            name: [_answer(policy, name, comparison, value) for value in domains[name]]
            for name, comparison in rule.when.items()
        }
        if any(all(answer is False for answer in column) for column in answers.values()):
            rules = rest
            continue
        if rule.then == "auto" and all(answer is True for column in answers.values() for answer in column):
            rules = rest
            continue
        for name, column in answers.items():
            left = tuple(value for value, answer in zip(domains[name], column, strict=True) if answer is False)
            if left and _silence(rest, domains | {name: left}):
                return True
        if rule.then == "auto":
            narrowed = _holding(policy, rule, domains)
            return narrowed is not None and _silence(rest, narrowed)
        return False
    return all(domains.values())
