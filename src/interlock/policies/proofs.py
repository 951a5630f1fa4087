"""`never` assertions, proven of all values of the inputs, or shown to be false by some.

An assertion speaks of the decision of its own policy, and of the decision of all policies together that
cover the same action; it has to hold for both.  Of `auto` the first is enough: what a policy does not
let pass, no other can.  Neither leans on the shapes of the tool's arguments.  Values that are missing
or malformed need no proof: they turn no decision looser than some proper value would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from interlock.policies.decide import decide
from interlock.policies.domains import Setting, domains
from interlock.policies.language import Never, Policy, Requirement
from interlock.policies.outcome import DENY, Outcome
from interlock.policies.regions import Group, Sweep, Unfinished, Witness
from interlock.policies.remark import Remark
from interlock.policies.witness import case, rules_of


def prove(
    policy: Policy, others: Sequence[Policy], settings: Sequence[Setting], approvals: Mapping[str, Requirement]
) -> list[Remark]:
    """The assertions of a policy that are false, that cannot be proven, or that speak of nothing.

    Args:
        others: all policies of the project, this one among them.
        settings: the actions that `policy` decides.
    """
    if not policy.never:
        return []
    open_to_all = [replace(setting, shapes={}) for setting in settings]
    claims = [Claim(policy, others, setting, approvals) for setting in open_to_all]
    return [remark for index, never in enumerate(policy.never) for remark in _of_one(policy, index, never, claims)]


class Claim:
    """The assertions of a policy for one action."""

    def __init__(
        self, policy: Policy, others: Sequence[Policy], setting: Setting, approvals: Mapping[str, Requirement]
    ) -> None:
        self.policy = policy
        self.setting = setting
        self.approvals = approvals
        self.marks = [(policy, never.when) for never in policy.never]
        together = [other for other in others if other.covers(setting.action)]
        self.together = [other for other in together if other.engine is None]
        self.engines = [other.policy for other in together if other.engine is not None]
        self.alone = self._sweep([policy])

    def _sweep(self, policies: Sequence[Policy]) -> Sweep:
        values = domains(policies, self.setting, self.marks)
        return Sweep([Group(policy, self.approvals) for policy in policies], values, self.marks)

    def speaks(self, index: int) -> bool:
        """Whether some values fulfil the conditions of an assertion."""
        return all(self.alone.region(len(self.policy.rules) + index))

    def counterexample(self, index: int, never: Never) -> tuple[list[Policy], Witness] | None:
        """Values that are decided as they must not be, and the policies that do.

        Raises:
            Unfinished: the rules depend on too many inputs at once.
        """
        found = _against(self.alone, len(self.policy.rules) + index, never)
        if found is not None:
            return [self.policy], found
        if never.effect == "auto" or len(self.together) < 2:
            return None
        sweep = self._sweep(self.together)
        found = _against(sweep, len(sweep.rules) + index, never)
        return None if found is None else (self.together, found)


def _against(sweep: Sweep, mark: int, never: Never) -> Witness | None:
    """Values within the conditions of an assertion that come to what it rules out."""
    if never.effect == "auto":
        hopeless = sweep.said_by(lambda _, outcome: outcome.effect != "auto")
    else:
        hopeless = sweep.said_by(lambda _, outcome: outcome.effect == "deny") if never.effect == "approve" else 0
    return sweep.find(
        lambda said: strictest_of(said).effect == never.effect, hopeless=hopeless, within=sweep.region(mark)
    )


def strictest_of(said: Sequence[Outcome | None]) -> Outcome:
    """What several policies come to; one that says nothing denies."""
    found, *rest = (DENY if outcome is None else outcome for outcome in said)
    for outcome in rest:
        found = found.join(outcome)
    return found


def _of_one(policy: Policy, index: int, never: Never, claims: Sequence[Claim]) -> Iterator[Remark]:
    at = ("never", index)
    if claims and not any(claim.speaks(index) for claim in claims):
        message = "this `never` speaks of no values: its conditions never hold together for any action"
        yield Remark(policy.policy, "P012", message, at)
        return
    for claim in claims:
        try:
            found = claim.counterexample(index, never)
        except Unfinished:
            message = f"this `never` cannot be proven: the rules for {claim.setting.action} depend on too many inputs"
            hint = "split the policy by action, or compare fewer inputs in one rule"
            yield Remark(policy.policy, "P011", message, at, hint=hint)
            return
        if found is not None:
            deciding, witness = found
            yield Remark(policy.policy, "P011", _shown(never, claim, deciding, witness), at)
            return
        if never.effect != "auto" and claim.engines:
            message = (
                f"this `never` cannot be proven: an engine decides {claim.setting.action} too, in the policy "
                f"`{claim.engines[0]}`, and may ask for more"
            )
            yield Remark(policy.policy, "P011", message, at, hint="assert `effect: auto`, which an engine cannot bring")
            return


def _shown(never: Never, claim: Claim, deciding: Sequence[Policy], witness: Witness) -> str:
    verdict = decide(deciding, claim.setting.action, witness, claim.approvals)
    by = rules_of(verdict, claim.policy.policy) if verdict else "no rule"
    told = case(claim.setting.action, witness, claim.policy.inputs)
    together = "" if len(deciding) == 1 else ", all policies taken together"
    because = f" ({never.because})" if never.because else ""
    return f"this `never` is not true{because}: {told} is decided {never.effect} by {by}{together}"
