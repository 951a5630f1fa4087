"""Two versions of some policies: every decision that differs, with values that show it.

Exact over all values of the inputs, as the analysis is.  It speaks of decisions alone: who holds which
role, and which assertions were given up, is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from interlock.policies.cells import constants
from interlock.policies.decide import decide
from interlock.policies.domains import Setting, domains
from interlock.policies.language import Policy, Requirement
from interlock.policies.outcome import Outcome
from interlock.policies.patterns import examples
from interlock.policies.regions import Group, Sweep, Witness
from interlock.policies.witness import in_words

Direction = Literal["looser", "stricter", "changed"]
"""Where a decision went; `changed` asks for less in one respect and for more in another."""


@dataclass(frozen=True)
class Version:
    """Policies as they were or are to be, with the named requirements of all their files."""

    policies: Sequence[Policy]
    approvals: Mapping[str, Requirement] = field(default_factory=dict)

    def covering(self, action: str) -> list[Policy]:
        """The policies of rules that decide an action; what an engine says cannot be looked into."""
        return [policy for policy in self.policies if policy.covers(action) and policy.engine is None]

    def rules(self, action: str, witness: Witness) -> list[str]:
        """The rules that decide for these values; none where no rule does."""
        verdict = decide(self.covering(action), action, witness, self.approvals)
        if verdict is None:
            return []
        found = [reason.rule for reason in verdict.reasons if reason.effect == verdict.effect]
        return [name for name in found if not name.endswith("/-")]


@dataclass(frozen=True)
class Change:
    """One action whose outcome differs for some values, and all values with the same two outcomes.

    An outcome is None where no policy applies to the action: then an edge's approval or nothing decides it.
    """

    action: str
    before: Outcome | None
    after: Outcome | None
    witness: Witness
    rules_before: list[str]
    rules_after: list[str]

    @property
    def direction(self) -> Direction:
        """Without a policy an action needs an edge's approval: that is looser than a no, stricter than an auto."""
        if self.before is None or self.after is None:
            known = self.before or self.after
            passes = known is None or known.effect == "auto"
            if self.before is None:
                return "stricter" if known is not None and known.effect == "deny" else "looser"
            return "stricter" if passes else "looser"
        if self.after.stricter(self.before):
            return "stricter"
        return "looser" if self.before.stricter(self.after) else "changed"

    def words(self) -> str:
        """The values and both outcomes, who must agree only where both ask: `… hour 0: approve -> auto`."""
        told = in_words(self.witness)
        both = self.before is not None and self.after is not None and self.before.effect == self.after.effect
        sides = [
            "decided by no policy" if side is None else side.words() if both else side.effect
            for side in (self.before, self.after)
        ]
        return f"{self.action}: {told + ': ' if told else ''}{sides[0]} -> {sides[1]}"


def differences(old: Version, new: Version, settings: Iterable[Setting]) -> list[Change]:
    """Every change of an outcome, one for each action and pair of outcomes.

    Raises:
        Unfinished: the rules depend on too many inputs at once to be compared in full.
    """
    return [change for setting in settings for change in _of_action(old, new, setting)]


def _of_action(old: Version, new: Version, setting: Setting) -> Iterator[Change]:
    before, after = old.covering(setting.action), new.covering(setting.action)
    if not before and not after:
        return
    groups = [Group(policy, old.approvals) for policy in before]
    groups += [Group(policy, new.approvals, 1) for policy in after]
    sweep = Sweep(groups, domains([*before, *after], setting))
    for outcomes, witness in sweep.outcomes_by_side().items():
        left = outcomes[0] if before else None
        right = outcomes[-1] if after else None
        if left != right:
            rules = old.rules(setting.action, witness), new.rules(setting.action, witness)
            yield Change(setting.action, left, right, witness, *rules)


def opaque(old: Version, new: Version) -> list[str]:
    """The policies that an engine decides in one of two versions, and that differ between them."""
    before, after = (
        {policy.policy: (policy.engine, policy.text, tuple(policy.applies_to)) for policy in version.policies}
        for version in (old, new)
    )
    engines = {policy.policy for version in (old, new) for policy in version.policies if policy.engine is not None}
    return sorted(name for name in engines if before.get(name) != after.get(name))


def settings_of(versions: Iterable[Version], known: Iterable[Setting] = ()) -> list[Setting]:
    """The actions that some versions decide.

    Besides those that are known, each action that the files name, and for `family.*` one that they do not,
    called as the pattern; of those every input is taken to exist.
    """
    found = {setting.action: setting for setting in known}
    for policy in (policy for version in versions for policy in version.policies):
        for name in (*policy.applies_to, *_compared(policy)):
            found.setdefault(name, Setting(name))
    named = list(found.values())
    return [setting for setting in named if any(version.covering(setting.action) for version in versions)]


def _compared(policy: Policy) -> Iterator[str]:
    """The actions that rules compare `action` with, as far as a pattern has examples."""
    comparisons = [rule.when["action"] for rule in policy.rules if "action" in rule.when]
    yield from (value for value in constants(comparisons) if isinstance(value, str))
    for comparison in comparisons:
        yield from examples(comparison.matches) if comparison.matches is not None else ()
