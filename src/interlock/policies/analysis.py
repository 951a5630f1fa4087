"""What is wrong with the rules of one policy, over all values of their inputs.

Conditions that can never all hold, rules that never change the outcome, an `auto` that a `deny` overlaps,
values that no rule decides, and a label whose raising makes a decision stricter: each with values that
show it.  Every policy is looked at alone.  The shapes that a tool gives its arguments count where they
spare a warning about values that cannot come, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from interlock.policies.comparing import comparer
from interlock.policies.decide import decide
from interlock.policies.domains import Setting, domains, on_examples
from interlock.policies.language import PROVENANCE, Policy, Requirement, Rule
from interlock.policies.outcome import AUTO, DENY, Outcome, outcome_in
from interlock.policies.regions import Class, Group, Sweep, Unfinished, Witness
from interlock.policies.remark import Remark
from interlock.policies.witness import case, named_rules

Approvals = Mapping[str, Requirement]


def analyse(policy: Policy, settings: Sequence[Setting], approvals: Approvals) -> list[Remark]:
    """Everything that is to be said of one policy by itself.

    Args:
        settings: the actions that it decides.
        approvals: the named requirements of all files.
    """
    if not settings or not policy.rules:
        return []
    looks = [Look(policy, setting, approvals) for setting in settings]
    found: list[Remark] = []
    for part in (_impossible, _unreadable, _silenced, _contradictions, _gaps, _stricter_when_raised):
        try:
            found += part(policy, looks)
        except Unfinished:
            message = f"`{policy.policy}` depends on too many inputs at once to be looked at in full"
            hint = "split it by action, or compare fewer inputs in one rule"
            return [*found, Remark(policy.policy, "P018", message, ("rules",), "warning", True, hint)]
    return [*found, *_on_examples(policy)]


def _on_examples(policy: Policy) -> Iterator[Remark]:
    """Inputs of which not all texts could be looked at."""
    for name in on_examples([policy], [(policy, never.when) for never in policy.never]):
        message = (
            f"the texts of `{name}` are tried on examples only, because a pattern of it is not understood; what is "
            "found, and each `never`, holds for these"
        )
        hint = "write the pattern without look-around, references back, anchors and flags"
        yield Remark(policy.policy, "P018", message, ("inputs", name), "warning", True, hint)


class Look:
    """One policy with one of the actions that it decides: only the rules that can be about it."""

    def __init__(self, policy: Policy, setting: Setting, approvals: Approvals) -> None:
        self.setting = setting
        self.approvals = approvals
        self.policy = policy.model_copy(
            update={"rules": [rule for rule in policy.rules if about(policy, rule, setting)]}
        )
        self.rules = {rule.id: bit for bit, rule in enumerate(self.policy.rules)}
        self.open = replace(setting, shapes={})
        values = domains([self.policy], self.open)
        self.sweep = Sweep([Group(self.policy, approvals)], values)
        shaped = domains([self.policy], setting)
        self.shaped = self.sweep if shaped == values else Sweep([Group(self.policy, approvals)], shaped)

    def case(self, witness: Witness) -> str:
        """The action with these values, in words."""
        return case(self.setting.action, witness, self.policy.inputs)

    def outcome(self, witness: Witness) -> Outcome:
        return outcome_in(decide([self.policy], self.setting.action, witness, self.approvals))


def about(policy: Policy, rule: Rule, setting: Setting) -> bool:
    """Whether a rule can hold for the action of a setting, as far as its condition on `action` goes."""
    comparison, declared = rule.when.get("action"), policy.inputs.get("action")
    if comparison is None or declared is None or declared.type != "string":
        return True
    return comparer(comparison, "string")(setting.action)


def _impossible(policy: Policy, looks: Sequence[Look]) -> Iterator[Remark]:
    """Rules whose conditions exclude each other, for every action."""
    for index, rule in enumerate(policy.rules):
        here = [look for look in looks if rule.id in look.rules]
        if any(all(look.sweep.region(look.rules[rule.id])) for look in here):
            continue
        if here and all(_reads(look, rule) for look in here):
            message = f"the conditions of `{rule.id}` never hold together"
            yield Remark(policy.policy, "P012", message, ("rules", index, "when"), key=True)


def _reads(look: Look, rule: Rule) -> bool:
    return not _lacking(look, rule)


def _lacking(look: Look, rule: Rule) -> list[str]:
    """The inputs of a rule that the action does not have."""
    return [name for name in rule.when if not look.setting.has(name, look.policy.inputs[name])]


def _unreadable(policy: Policy, looks: Sequence[Look]) -> Iterator[Remark]:
    """Rules that are asked about an action without one of their inputs, and therefore deny it."""
    for index, rule in enumerate(policy.rules):
        for look in looks:
            lacking = _lacking(look, rule) if rule.id in look.rules else []
            if lacking:
                message = (
                    f"`{rule.id}` cannot be evaluated for {look.setting.action}, which has no `{lacking[0]}`; what "
                    "cannot be evaluated denies"
                )
                hint = "say with `action` which actions the rule is about"
                yield Remark(policy.policy, "P019", message, ("rules", index, "id"), "warning", hint=hint)
                break


def _silenced(policy: Policy, looks: Sequence[Look]) -> Iterator[Remark]:
    """Rules beside which another one, at least as strict, always holds."""
    for index, rule in enumerate(policy.rules):
        witness: tuple[Look, Witness] | None = None
        for look in looks:
            bit = look.rules.get(rule.id)
            region = look.sweep.region(bit) if bit is not None else [[]]
            if bit is None or not all(region):
                continue
            if _changes(look, bit, region):
                break
            witness = witness or (look, _within(look, region))
        else:
            if witness is not None:
                yield _told_silenced(policy, index, rule, *witness)


def _changes(look: Look, bit: int, region: list[list[Class]]) -> bool:
    """Whether some values make a rule say more than all others that hold."""
    outcome = look.sweep.outcomes[bit]
    found = look.sweep.find(
        lambda said: said[0] is None or not said[0].covers(outcome),
        hopeless=look.sweep.said_by(lambda _, other: other.covers(outcome)),
        within=region,
        without=1 << bit,
    )
    return found is not None


def _told_silenced(policy: Policy, index: int, rule: Rule, look: Look, witness: Witness) -> Remark:
    verdict = decide([look.policy], look.setting.action, witness, look.approvals)
    others = [reason for reason in verdict.reasons if reason.rule != f"{policy.policy}/{rule.id}"] if verdict else []
    by = named_rules(others[:1], policy.policy)
    message = (
        f"`{rule.id}` never changes the outcome: wherever it holds, another rule asks for as much, as {by} does for "
        f"{look.case(witness)}"
    )
    return Remark(policy.policy, "P013", message, ("rules", index, "id"), "warning")


def _contradictions(policy: Policy, looks: Sequence[Look]) -> Iterator[Remark]:
    """An `auto` rule where a `deny` rule holds too; each `auto` once."""
    for index, rule in enumerate(policy.rules):
        found = next((met for look in looks if (met := _denied_too(look, rule)) is not None), None)
        if found is not None:
            look, other, witness = found
            message = f"`{rule.id}` says auto and `{other.id}` says deny for {look.case(witness)}; it is denied"
            hint = f"leave out of `{rule.id}` what `{other.id}` denies"
            yield Remark(policy.policy, "P014", message, ("rules", index, "id"), "warning", hint=hint)


def _denied_too(look: Look, rule: Rule) -> tuple[Look, Rule, Witness] | None:
    bit = look.rules.get(rule.id)
    if bit is None or look.sweep.outcomes[bit] != AUTO:
        return None
    for other in look.policy.rules:
        if other.then == "deny":
            both = [
                [one for one in mine if one in theirs]
                for mine, theirs in zip(look.sweep.region(bit), look.sweep.region(look.rules[other.id]), strict=True)
            ]
            if all(both):
                return look, other, _within(look, both)
    return None


def _gaps(policy: Policy, looks: Sequence[Look]) -> Iterator[Remark]:
    """Values for which no rule holds; one case is told, and how many actions have some."""
    found = [
        (look, witness)
        for look in looks
        if (witness := look.shaped.find(lambda said: said[0] is None, hopeless=look.shaped.all_said)) is not None
    ]
    if found:
        look, witness = found[0]
        more = f"; so it is with some values of {len(found) - 1} more actions" if len(found) > 1 else ""
        message = f"no rule decides {look.case(witness)}, which is therefore denied{more}"
        hint = "decide it by a rule; `then: deny` says that it is meant"
        yield Remark(policy.policy, "P015", message, ("rules",), "warning", True, hint)


def _stricter_when_raised(policy: Policy, looks: Sequence[Look]) -> Iterator[Remark]:
    """Labels whose raising, all else being alike, makes the outcome stricter; each input once."""
    for name, declared in policy.inputs.items():
        if declared.type != "provenance":
            continue
        for look in looks:
            found = _raised(look, name)
            if found is not None:
                low, high, witness = found
                before, after = (look.outcome(witness | {name: label}) for label in (low, high))
                told = look.case({key: value for key, value in witness.items() if key != name})
                message = (
                    f"raising `{name}` from {low} to {high} makes it stricter: {told} goes from {before.words()} to "
                    f"{after.words()}"
                )
                yield Remark(policy.policy, "P016", message, ("inputs", name), key=True)
                break


def _raised(look: Look, name: str) -> tuple[str, str, Witness] | None:
    """Two labels, and values of the other inputs, for which the more trusted one is decided more strictly."""
    compared = [rule.when[name] for rule in look.policy.rules if name in rule.when]
    if not compared or not look.setting.has(name, look.policy.inputs[name]):
        return None
    tests = [comparer(comparison, "provenance") for comparison in compared]
    columns = {label: tuple(test(label) for test in tests) for label in PROVENANCE}
    tried = set()
    values = domains([look.policy], look.setting)
    for low, high in combinations(PROVENANCE, 2):
        pair = columns[low], columns[high]
        if pair[0] == pair[1] or pair in tried:
            continue
        tried.add(pair)
        sides = enumerate((low, high))
        sweep = Sweep([Group(look.policy, look.approvals, side, {name: label}) for side, label in sides], values)
        witness = sweep.find(
            lambda said: (said[1] or DENY).stricter(said[0] or DENY),
            hopeless=sweep.said_by(lambda number, outcome: number == 0 and outcome == DENY),
        )
        if witness is not None:
            return low, high, witness
    return None


def _within(look: Look, region: Iterable[list[Class]]) -> Witness:
    """The first values of a region."""
    first = dict(zip(look.sweep.inputs, (found[0].value for found in region), strict=True))
    return {name: first.get(name, values[0]) for name, values in domains([look.policy], look.open).items()}
