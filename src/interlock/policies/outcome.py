"""What rules come to for given values: a closed word, and for `approve` who must agree.

Outcomes are ordered by what they demand.  Two that ask for different roles are in no order: each demands
something that the other does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from interlock.policies.decide import STRICTNESS, Effect, Verdict
from interlock.policies.declared import duration_text
from interlock.policies.language import Requirement, Rule, ThenApprove


@dataclass(frozen=True, eq=False)
class Outcome:
    """One decision without its reasons.  `requirement` stands exactly when the effect is `approve`."""

    effect: Effect
    requirement: Requirement | None = None

    @cached_property
    def key(self) -> str:
        """Alike for alike outcomes, however their roles were written."""
        if self.requirement is None:
            return self.effect
        return self.requirement.stricter(self.requirement).model_dump_json()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def join(self, other: Outcome) -> Outcome:
        """What satisfies both: the stricter word, of two requirements the one that holds all they ask for."""
        if self.effect != other.effect:
            return self if STRICTNESS[self.effect] > STRICTNESS[other.effect] else other
        if self.requirement is None or other.requirement is None:
            return self
        return Outcome("approve", self.requirement.stricter(other.requirement))

    def absorbs(self, other: Outcome) -> bool:
        """Whether `other` beside it changes nothing at all."""
        return self.join(other) == self

    def covers(self, other: Outcome) -> bool:
        """Whether it demands all that `other` demands: of as many people, who hold its roles, as soon."""
        if self.requirement is None or other.requirement is None:
            return STRICTNESS[self.effect] >= STRICTNESS[other.effect]
        mine, theirs = self.requirement, other.requirement
        clocks = mine.within <= theirs.within and mine.execute_within <= theirs.execute_within
        return clocks and mine.satisfies(theirs)

    def stricter(self, other: Outcome) -> bool:
        """Whether it demands all that `other` demands, and more."""
        return self != other and self.covers(other)

    def words(self) -> str:
        """As people read it: `approve by 2 of finance, within 3d`."""
        asked = self.requirement
        if asked is None:
            return self.effect
        roles = " and ".join(sorted(asked.roles))
        who = f"{asked.count} of {roles}" if roles else f"{asked.count}"
        clocks = f"within {duration_text(asked.within)}, executed within {duration_text(asked.execute_within)}"
        if asked.escalate is None:
            return f"approve by {who}, {clocks}"
        further = " and ".join(sorted(asked.escalate.roles))
        return f"approve by {who}, {clocks}, and after {duration_text(asked.escalate.after)} also by {further}"


AUTO, DENY = Outcome("auto"), Outcome("deny")


def outcome_of(rule: Rule, approvals: Mapping[str, Requirement]) -> Outcome:
    """What a rule says where it holds; a name that no file declares denies."""
    if not isinstance(rule.then, ThenApprove):
        return Outcome(rule.then)
    asked = rule.then.approve
    if isinstance(asked, str):
        return Outcome("approve", approvals[asked]) if asked in approvals else DENY
    return Outcome("approve", asked)


def outcome_in(verdict: Verdict | None) -> Outcome:
    """The outcome of a decision; where nothing decides, no."""
    return DENY if verdict is None else Outcome(verdict.effect, verdict.requirement)
