"""What some rules come to, over all values of their inputs: exact, without trying every combination.

The constants cut each input into cells (`domains`); a cell rules out some rules.  The search fixes one
input after another and goes on only with the rules that can still hold.  Where the same rules are left,
the rest of the search is the same, so it is done once, as in a decision diagram.  Of a policy whose
answer can only be overruled, the rules that would not overrule it are dropped.

Bits of a whole number stand for rules: first those that are searched, then those that only mark a
region, and last, for each policy, the outcomes that its rules can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from interlock.policies.comparing import Undecidable, comparer, typed
from interlock.policies.domains import Domains
from interlock.policies.language import Comparison, Conditions, Input, Policy, Requirement
from interlock.policies.outcome import DENY, Outcome, outcome_of
from interlock.policies.tables import bits

Witness = dict[str, Any]
"""One value for each input that is compared."""

MOST = 300_000
"""Places of the search at most; rules that need more are not analysed in full."""


class Unfinished(Exception):
    """The rules depend on too many inputs at once to be searched in full."""


@dataclass(frozen=True)
class Group:
    """The rules of one policy; policies of one side are decided together, the strictest winning.

    `approvals` are the named requirements there are, `fixed` inputs that have one value for this group alone.
    """

    policy: Policy
    approvals: Mapping[str, Requirement] = field(default_factory=dict)
    side: int = 0
    fixed: Mapping[str, Any] = field(default_factory=dict)


class Class(NamedTuple):
    """Cells of one input that rules answer alike: a value of them, the rules ruled out, and those left unclear."""

    value: Any
    ruled_out: int
    unclear: int


class Sweep:
    """The rules of some groups over the values of their inputs.

    Args:
        marks: conditions, as of a `never`, that `find` can be held to; numbered on from the rules.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        values: Domains,
        marks: Sequence[tuple[Policy, Conditions]] = (),
    ) -> None:
        self.groups = groups
        self.rules = [(number, rule) for number, group in enumerate(groups) for rule in group.policy.rules]
        self.outcomes = [outcome_of(rule, groups[number].approvals) for number, rule in self.rules]
        self.searched = (1 << len(self.rules)) - 1
        self._values = values
        self._left = MOST
        whens = [(groups[number].policy.inputs, rule.when, groups[number].fixed) for number, rule in self.rules]
        whens += [(policy.inputs, when, {}) for policy, when in marks]
        self._gone, self._unclear = 0, 0
        answers: dict[str, dict[int, list[bool | None]]] = {name: {} for name in values}
        reading = _Reading(values)
        for bit, (declared, when, fixed) in enumerate(whens):
            for name, comparison in when.items():
                kind = declared.get(name)
                if name in fixed:
                    self._settled(bit, reading.of_one(name, kind, comparison, fixed[name]))
                else:
                    answers[name][bit] = reading.answers(name, kind, comparison)
        names = sorted(values, key=lambda name: (-len(answers[name]), name))
        self.inputs = [name for name in names if answers[name]]
        self.classes = [_classes(values[name], answers[name]) for name in self.inputs]
        self._touched = [sum_of(1 << bit for bit in answers[name]) for name in self.inputs]
        self._pending = [sum_of(self._touched[level:]) for level in range(len(self.inputs) + 1)]
        self._careless = ~(self._unclear | sum_of(one.unclear for found in self.classes for one in found))
        self._said(len(whens))

    def _settled(self, bit: int, answer: bool | None) -> None:
        if answer is False:
            self._gone |= 1 << bit
        elif answer is None:
            self._unclear |= 1 << bit

    def _said(self, first: int) -> None:
        """Bits for what each group can come to, and what each of them leaves without effect."""
        self.said: dict[int, tuple[int, Outcome]] = {}
        of_group = [{DENY: first + number} for number in range(len(self.groups))]
        place = first + len(self.groups)
        for (number, _), outcome in zip(self.rules, self.outcomes, strict=True):
            if outcome not in of_group[number]:
                of_group[number][outcome] = place
                place += 1
        for number, found in enumerate(of_group):
            self.said |= {bit: (number, outcome) for outcome, bit in found.items()}
        self._denied = [found[DENY] for found in of_group]
        self._bit_of = [of_group[number][out] for (number, _), out in zip(self.rules, self.outcomes, strict=True)]
        self.all_said = sum(1 << bit for bit in self.said)
        self._overruled = {bit: self._overruled_by(bit, *found) for bit, found in self.said.items()}

    def _overruled_by(self, said: int, number: int, outcome: Outcome) -> int:
        """The rules and outcomes that change nothing once a group has come to this."""
        side = self.groups[number].side
        mask = 0
        for bit, (other, rule_outcome) in [
            *((bit, (of, out)) for bit, ((of, _), out) in enumerate(zip(self.rules, self.outcomes, strict=True))),
            *self.said.items(),
        ]:
            if outcome == DENY and self.groups[other].side == side:
                mask |= 1 << bit
            elif other == number and outcome.absorbs(rule_outcome):
                mask |= (1 << bit) & (self._careless | ~self.searched)
        return mask & ~(1 << said)

    def said_by(self, wanted: Callable[[int, Outcome], bool]) -> int:
        """The bits of outcomes, by group and outcome."""
        return sum(1 << bit for bit, (number, outcome) in self.said.items() if wanted(number, outcome))

    def able(self, number: int, wanted: Outcome) -> int:
        """The rules of a group that say what is wanted, and the bit for its having been said."""
        rules = sum_of(
            1 << bit for bit, (of, _) in enumerate(self.rules) if of == number and self.outcomes[bit] == wanted
        )
        return rules | self.said_by(lambda of, outcome: of == number and outcome == wanted)

    def region(self, bit: int) -> list[list[Class]]:
        """The values with which a rule or mark holds, by input."""
        wanted = 1 << bit
        if wanted & (self._gone | self._unclear):
            return [[] for _ in self.inputs]
        return [[one for one in found if not wanted & (one.ruled_out | one.unclear)] for found in self.classes]

    def find(
        self,
        wanted: Callable[[tuple[Outcome | None, ...]], bool],
        *,
        hopeless: int = 0,
        needed: Iterable[int] = (),
        within: list[list[Class]] | None = None,
        without: int = 0,
    ) -> Witness | None:
        """Values for which the sides come to what is wanted; None where there are none.

        Args:
            wanted: asked of what each group came to, None where no rule of it holds.
            hopeless: outcomes with which it cannot be wanted any more.
            needed: of each of these masks a rule or outcome must be left.
            within: the values to look at, as of `region`.
            without: rules left out.

        Raises:
            Unfinished: the search is too large.
        """
        classes = self.classes if within is None else within
        if any(not found for found in classes):
            return None
        needs = list(needed)
        failed: set[tuple[int, int, int]] = set()

        def search(level: int, live: int, unclear: int) -> tuple[Any, ...] | None:
            live, unclear = self._settle(level, live, unclear)
            if live & hopeless or any(not live & need for need in needs):
                return None
            if not live & self.searched:
                rest = tuple(found[0].value for found in classes[level:])
                return rest if wanted(self.groups_said(live)) else None
            place = (level, live, unclear)
            if place in failed:
                return None
            self._step()
            tried: set[tuple[int, int]] = set()
            for value, ruled_out, not_clear in classes[level] if live & self._touched[level] else classes[level][:1]:
                left = live & ~ruled_out
                step = left, (unclear | not_clear) & left
                if step in tried:
                    continue
                tried.add(step)
                further = search(level + 1, *step)
                if further is not None:
                    return (value, *further)
            failed.add(place)
            return None

        live = self.searched & ~self._gone & ~without
        found = search(0, live, self._unclear & live)
        return None if found is None else self._witness(found)

    def outcomes_by_side(self) -> dict[tuple[Outcome, ...], Witness]:
        """Everything that the sides come to together, each with values for which they do.

        Raises:
            Unfinished: the search is too large.
        """
        known: dict[tuple[int, int, int], dict[tuple[Outcome, ...], tuple[Any, ...]]] = {}

        def search(level: int, live: int, unclear: int) -> dict[tuple[Outcome, ...], tuple[Any, ...]]:
            live, unclear = self._settle(level, live, unclear)
            if not live & self.searched:
                return {self._sides(live): tuple(found[0].value for found in self.classes[level:])}
            place = (level, live, unclear)
            if place in known:
                return known[place]
            self._step()
            found: dict[tuple[Outcome, ...], tuple[Any, ...]] = {}
            tried: set[tuple[int, int]] = set()
            classes = self.classes[level]
            for value, ruled_out, not_clear in classes if live & self._touched[level] else classes[:1]:
                left = live & ~ruled_out
                step = left, (unclear | not_clear) & left
                if step in tried:
                    continue
                tried.add(step)
                for sides, rest in search(level + 1, *step).items():
                    found.setdefault(sides, (value, *rest))
            known[place] = found
            return found

        live = self.searched & ~self._gone
        return {sides: self._witness(values) for sides, values in search(0, live, self._unclear & live).items()}

    def groups_said(self, live: int) -> tuple[Outcome | None, ...]:
        """What each group came to, None where no rule of it holds."""
        found: list[Outcome | None] = [None] * len(self.groups)
        for bit in bits(live & self.all_said):
            number, outcome = self.said[bit]
            before = found[number]
            found[number] = outcome if before is None else before.join(outcome)
        return tuple(found)

    def _sides(self, live: int) -> tuple[Outcome, ...]:
        """What each side comes to: the strictest of its groups, and no where no rule of one holds."""
        sides: dict[int, Outcome] = {}
        for group, said in zip(self.groups, self.groups_said(live), strict=True):
            outcome = DENY if said is None else said
            before = sides.get(group.side)
            sides[group.side] = outcome if before is None else before.join(outcome)
        return tuple(sides[side] for side in sorted(sides))

    def _settle(self, level: int, live: int, unclear: int) -> tuple[int, int]:
        """What is left to look at, once no rule but those that `level` and later inputs touch is open."""
        held = live & self.searched & ~self._pending[level]
        if held:
            live &= ~held
            for bit in bits(held):
                number = self.rules[bit][0]
                live |= 1 << (self._denied[number] if unclear >> bit & 1 else self._bit_of[bit])
            for bit in bits(live & self.all_said):
                if live >> bit & 1:
                    live &= ~self._overruled[bit]
        return live, unclear & live

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Unfinished

    def _witness(self, found: tuple[Any, ...]) -> Witness:
        known = dict(zip(self.inputs, found, strict=True))
        return {name: known[name] if name in known else values[0] for name, values in self._values.items()}


def sum_of(masks: Iterable[int]) -> int:
    """All bits of some masks."""
    found = 0
    for mask in masks:
        found |= mask
    return found


class _Reading:
    """The values of each input as each declaration of it reads them."""

    def __init__(self, values: Domains) -> None:
        self._values = values
        self._read: dict[tuple[str, int], list[Any]] = {}

    def answers(self, name: str, declared: Input | None, comparison: Comparison) -> list[bool | None]:
        """What a comparison says of each value; None where it cannot be read as declared."""
        if declared is None:
            return [None] * len(self._values[name])
        place = name, id(declared)
        if place not in self._read:
            self._read[place] = [_as_declared(name, declared, value) for value in self._values[name]]
        test = comparer(comparison, declared.type)
        return [None if value is None else test(value) for value in self._read[place]]

    def of_one(self, name: str, declared: Input | None, comparison: Comparison, value: Any) -> bool | None:
        """What a comparison says of one value."""
        read = None if declared is None else _as_declared(name, declared, value)
        return None if declared is None or read is None else comparer(comparison, declared.type)(read)


def _as_declared(name: str, declared: Input, value: Any) -> Any:
    """A value as its declaration reads it, or None."""
    try:
        return None if value is None else typed(name, declared, value)
    except Undecidable:
        return None


def _classes(values: Sequence[Any], answers: Mapping[int, list[bool | None]]) -> list[Class]:
    """The values that all rules answer alike, one of each."""
    found: dict[tuple[int, int], Class] = {}
    for place, value in enumerate(values):
        ruled_out = sum_of(1 << bit for bit, column in answers.items() if column[place] is False)
        unclear = sum_of(1 << bit for bit, column in answers.items() if column[place] is None)
        found.setdefault((ruled_out, unclear), Class(value, ruled_out, unclear))
    return list(found.values())
