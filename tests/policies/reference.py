"""The meaning of the policy language written down plainly: rule by rule, condition by condition.

It is slow on purpose.  What `decide` does with tables is held to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.policies.comparing import Undecidable, holds
from interlock.policies.decide import Verdict, approve, auto, deny, strictest
from interlock.policies.language import Policy, Requirement, ThenApprove


def plain_decide(
    policies: Iterable[Policy], action: str, inputs: Mapping[str, Any], requirements: Mapping[str, Requirement]
) -> Verdict | None:
    """What the policies say of `action`; None when no policy applies to it."""
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
