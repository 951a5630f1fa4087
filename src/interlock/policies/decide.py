"""One decision: a closed word, who must agree, and the rules that said so.

The strictest of all layers wins: deny, then approve, then auto.  A rule that cannot be evaluated
denies, and an action that no rule decides is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from interlock.digest import digest
from interlock.policies.comparing import Undecidable, holds
from interlock.policies.declared import Declared
from interlock.policies.language import Policy, Requirement, Rule, ThenApprove
from interlock.policies.tables import bits, table_of

Effect = Literal["auto", "approve", "deny"]

STRICTNESS: dict[Effect, int] = {"auto": 0, "approve": 1, "deny": 2}
"""The strictest of several effects wins."""


class Reason(Declared):
    """What one rule or layer said."""

    rule: str
    """`policy/rule`, or the name of another layer: `schema`, `edge`, `confidence`, `fork`, `default`."""
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
    effect = max((verdict.effect for verdict in found), key=STRICTNESS.__getitem__)
    requirement: Requirement | None = None
    if effect == "approve":
        for verdict in found:
            if verdict.requirement is not None:
                requirement = verdict.requirement.stricter(requirement) if requirement else verdict.requirement
    reasons = sorted((reason for verdict in found for reason in verdict.reasons), key=lambda r: -STRICTNESS[r.effect])
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
    if len(verdicts) == 1:
        return verdicts[0]
    return strictest(verdicts) if verdicts else None


def _of_policy(policy: Policy, inputs: Mapping[str, Any], requirements: Mapping[str, Requirement]) -> Verdict:
    holding, unreadable = table_of(policy).holding(inputs)
    verdicts = []
    for index in bits(holding | unreadable):
        rule = policy.rules[index]
        if unreadable >> index & 1:
            verdicts.append(_unreadable(policy, rule, inputs))
        else:
            verdicts.append(_said(f"{policy.policy}/{rule.id}", rule, requirements))
    if len(verdicts) == 1:
        return verdicts[0]
    return strictest(verdicts) if verdicts else deny(f"{policy.policy}/-", "no rule of this policy decides the action")


def _unreadable(policy: Policy, rule: Rule, inputs: Mapping[str, Any]) -> Verdict:
    """The denial by a rule that cannot be evaluated, which says why."""
    why: object = "it is not clear whether it holds"
    try:
        holds(rule.when, policy.inputs, inputs)
    except Undecidable as error:
        why = error
    return deny(f"{policy.policy}/{rule.id}", f"the rule cannot be evaluated: {why}")


def _said(name: str, rule: Rule, requirements: Mapping[str, Requirement]) -> Verdict:
    match rule.then:
        case "auto":
            return auto(name, rule.because)
        case "deny":
            return deny(name, rule.because)
        case ThenApprove(approve=Requirement() as requirement):
            return approve(name, rule.because, requirement)
        case ThenApprove(approve=str(named)) if named in requirements:
            return approve(name, rule.because, requirements[named])
        case ThenApprove(approve=unknown):
            return deny(name, f"the rule names the unknown approval {unknown}")
