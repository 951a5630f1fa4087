"""Arguments that say who is affected: where an action may pass without a person, some rule has to look at each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from interlock.policies.analysis import about
from interlock.policies.autonomy import auto_witness
from interlock.policies.decide import decide
from interlock.policies.domains import setting_of
from interlock.policies.language import Policy, Requirement
from interlock.policies.regions import Unfinished
from interlock.policies.remark import Remark
from interlock.tools.action import Action


def unnamed_targets(
    policies: Sequence[Policy], actions: Mapping[str, Action], approvals: Mapping[str, Requirement]
) -> Iterator[Remark]:
    """Targets of consequential actions that no rule compares, neither the value nor where it came from.

    Told at the first rule that lets the action pass.
    """
    for action in actions.values():
        covering = [policy for policy in policies if policy.covers(action.name) and policy.engine is None]
        if not covering or not action.consequential:
            continue
        setting = setting_of(action)
        rules = [(policy, rule) for policy in covering for rule in policy.rules if about(policy, rule, setting)]
        named = {name for _, rule in rules for name in rule.when}
        unnamed = [name for name in action.targets if name not in named and f"{name}_from" not in named]
        if not unnamed:
            continue
        try:
            witness = auto_witness(covering, setting)
        except Unfinished:
            continue  # told of the policy itself
        verdict = decide(covering, action.name, witness, approvals) if witness is not None else None
        if verdict is not None:
            policy, rule = verdict.reasons[0].rule.split("/", 1)
            index = next(
                place for of in covering if of.policy == policy for place, one in enumerate(of.rules) if one.id == rule
            )
            told = " and ".join(f"`{name}`" for name in unnamed)
            message = f"{action.name} can pass without a person, and no rule looks at its target {told}"
            hint = f"compare `{unnamed[0]}`, or where it came from: `{unnamed[0]}_from: {{at_least: record}}`"
            yield Remark(policy, "P017", message, ("rules", index, "id"), "warning", hint=hint)
