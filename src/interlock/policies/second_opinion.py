"""A second opinion on the analysis, by the solver z3 (the extra `z3`).

The rules are written down as formulas, which the solver satisfies or refutes by means of its own: which
effects can come out, whether some values are decided by no rule, and whether a `never` is false.  It is
asked about the same values as the analysis, those that fit a declaration; unlike the analysis it reasons
about `matches` over all texts, where it understands the pattern.
"""

from __future__ import annotations

import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from interlock.errors import InterlockError
from interlock.policies.comparing import is_number
from interlock.policies.decide import STRICTNESS
from interlock.policies.domains import HOURS, Setting, domains
from interlock.policies.language import PROVENANCE, WEEKDAYS, Comparison, Conditions, Input, Policy, Requirement
from interlock.policies.outcome import outcome_of
from interlock.policies.proofs import Claim
from interlock.policies.regions import Group, Sweep

SECONDS = 20
"""How long the solver may think about one question."""


class SolverMissing(InterlockError):
    """A second opinion needs the package z3-solver, which is not installed; install it: pip install 'interlock[z3]'."""


class NotUnderstood(Exception):
    """A regular expression that cannot be put to the solver."""


@dataclass(frozen=True)
class Opinion:
    """One question about one action, and both answers; None where one could not tell."""

    policy: str
    action: str
    question: str
    ours: bool | None
    theirs: bool | None

    @property
    def agrees(self) -> bool:
        """Whether nothing speaks against our answer."""
        return self.ours is None or self.theirs is None or self.ours == self.theirs


def second_opinion(
    policies: Sequence[Policy], settings: Sequence[Setting], approvals: Mapping[str, Requirement]
) -> list[Opinion]:
    """Both answers to every question, over all policies of rules and the actions that they decide.

    Raises:
        SolverMissing: the package is not installed.
        Unfinished: the rules depend on too many inputs at once for the analysis itself.
    """
    try:
        import z3
    except ImportError:
        raise SolverMissing from None
    found: list[Opinion] = []
    for policy in policies:
        if policy.engine is not None:
            continue
        for setting in settings:
            if policy.covers(setting.action):
                found += _of_action(z3, policy, policies, replace(setting, shapes={}), approvals)
    return found


def _of_action(
    z3: Any, policy: Policy, policies: Sequence[Policy], setting: Setting, approvals: Mapping[str, Requirement]
) -> Iterator[Opinion]:
    def told(question: str, ours: bool | None, theirs: bool | None) -> Opinion:
        return Opinion(policy.policy, setting.action, question, ours, theirs)

    sweep = Sweep([Group(policy, approvals)], domains([policy], setting))
    effects = {outcomes[0].effect for outcomes in sweep.outcomes_by_side()}
    gap = sweep.find(lambda said: said[0] is None, hopeless=sweep.all_said) is not None
    formulas = _Formulas(z3, [policy], setting, approvals)
    for effect in STRICTNESS:
        yield told(f"can it be {effect}", effect in effects, formulas.possible(partial(formulas.effect, effect)))
    yield told("do some values have no rule", gap, formulas.possible(formulas.silent))
    claim = Claim(policy, policies, setting, approvals)
    together = _Formulas(z3, claim.together, setting, approvals)
    for index, never in enumerate(policy.never):
        ours = claim.counterexample(index, never) is not None
        answers = [
            each.possible(partial(each.effect, never.effect), partial(each.holds, policy, never.when))
            for each in (formulas, together)
        ]
        theirs = True if True in answers else None if None in answers else False
        yield told(f"is `never` {index + 1} false", ours, theirs)


class _Formulas:
    """The rules of some policies as formulas over one variable an input."""

    def __init__(
        self, z3: Any, policies: Sequence[Policy], setting: Setting, approvals: Mapping[str, Requirement]
    ) -> None:
        self._z3 = z3
        self._policies = policies
        self._setting = setting
        self._approvals = approvals
        self._kinds: dict[str, list[Input]] = {}
        for policy in policies:
            for name, declared in policy.inputs.items():
                if setting.has(name, declared):
                    self._kinds.setdefault(name, []).append(declared)
        self._variables = {name: self._variable(name, kinds) for name, kinds in self._kinds.items()}

    def possible(self, *formulas: Callable[[], Any]) -> bool | None:
        """Whether some values fulfil all formulas; None where the solver cannot tell or does not know a pattern."""
        solver = self._z3.Solver()
        solver.set("timeout", SECONDS * 1000)
        try:
            for name, kinds in self._kinds.items():
                solver.add(self._z3.Or(*(self._readable(name, kind) for kind in kinds)))
            solver.add(*(formula() for formula in formulas))
            answer = solver.check()
        except NotUnderstood:
            return None
        return None if answer == self._z3.unknown else bool(answer == self._z3.sat)

    def silent(self) -> Any:
        """That no rule holds, and none is such that it cannot be evaluated."""
        rules = [(policy, rule.when) for policy in self._policies for rule in policy.rules]
        spoken = [self._z3.Or(self.holds(policy, when), self._unclear(policy, when)) for policy, when in rules]
        return self._z3.Not(self._z3.Or(*spoken))

    def effect(self, wanted: str) -> Any:
        """That the policies together come to an effect."""
        denied = self._z3.Or(*(self._denied(policy) for policy in self._policies))
        asked = self._z3.Or(*(self._says(policy, "approve") for policy in self._policies))
        if wanted == "deny":
            return denied
        return self._z3.And(self._z3.Not(denied), asked if wanted == "approve" else self._z3.Not(asked))

    def holds(self, policy: Policy, when: Conditions) -> Any:
        """That all conditions can be read and hold."""
        return self._z3.And(*(self._condition(policy, name, one)[0] for name, one in when.items()))

    def _unclear(self, policy: Policy, when: Conditions) -> Any:
        """That no condition is false, and one cannot be read."""
        found = [self._condition(policy, name, one) for name, one in when.items()]
        none_false = self._z3.And(*(self._z3.Not(false) for _, false in found))
        return self._z3.And(none_false, self._z3.Not(self._z3.And(*(true for true, _ in found))))

    def _denied(self, policy: Policy) -> Any:
        unclear = [self._unclear(policy, rule.when) for rule in policy.rules]
        spoken = self._z3.Or(*(self.holds(policy, rule.when) for rule in policy.rules))
        return self._z3.Or(*unclear, self._says(policy, "deny"), self._z3.Not(spoken))

    def _says(self, policy: Policy, effect: str) -> Any:
        rules = [rule for rule in policy.rules if outcome_of(rule, self._approvals).effect == effect]
        return self._z3.Or(*(self.holds(policy, rule.when) for rule in rules))

    def _condition(self, policy: Policy, name: str, comparison: Comparison) -> tuple[Any, Any]:
        """That a condition holds, and that it is false; neither where its input cannot be read."""
        declared = policy.inputs.get(name)
        if declared is None or name not in self._variables:
            return self._z3.BoolVal(False), self._z3.BoolVal(False)
        readable = self._readable(name, declared)
        tests = [self._test(name, declared, *operator) for operator in comparison.operators().items()]
        return self._z3.And(readable, *tests), self._z3.And(readable, self._z3.Not(self._z3.And(*tests)))

    def _variable(self, name: str, kinds: Sequence[Input]) -> Any:
        z3 = self._z3
        types = {kind.type for kind in kinds}
        if types <= {"decimal", "int"}:
            return z3.Real(name) if "decimal" in types else z3.Int(name)
        if len(types) > 1:
            raise NotUnderstood  # one thing of two types is refused when policies are read
        return {"bool": z3.Bool, "provenance": z3.Int, "string": z3.String}[types.pop()](name)

    def _readable(self, name: str, declared: Input) -> Any:
        """That the value fits its declaration, and is one that the gate can hand over."""
        z3, value = self._z3, self._variables[name]
        match declared.type:
            case "provenance":
                return z3.And(value >= 0, value < len(PROVENANCE))
            case "int" | "decimal":
                bounds = [value >= declared.min] if declared.min is not None else []
                bounds += [value <= declared.max] if declared.max is not None else []
                if declared.type == "int" and value.sort() == z3.RealSort():
                    bounds.append(z3.IsInt(value))
                if name == "hour":
                    bounds += [value >= HOURS[0], value <= HOURS[-1]]
                return z3.And(*bounds)
            case "string" if name == "action":
                return value == z3.StringVal(self._setting.action)
            case "string":
                words = [declared.enum] if declared.enum is not None else []
                words += [WEEKDAYS] if name == "weekday" else []
                return z3.And(*(z3.Or(*(value == z3.StringVal(word) for word in few)) for few in words))
        return z3.BoolVal(True)

    def _test(self, name: str, declared: Input, operator: str, constant: Any) -> Any:
        z3, value = self._z3, self._variables[name]
        match operator:
            case "eq":
                return self._same(value, declared, constant)
            case "ne":
                return z3.Not(self._same(value, declared, constant))
            case "in":
                return z3.Or(*(self._same(value, declared, one) for one in constant))
            case "not_in":
                return z3.And(*(z3.Not(self._same(value, declared, one)) for one in constant))
            case "matches":
                return z3.InRe(value, _pattern(z3, constant))
            case "at_least":
                return value >= PROVENANCE.index(constant)
        if declared.type not in ("int", "decimal") or not is_number(constant):
            return z3.BoolVal(False)
        bound = z3.RealVal(str(constant))
        return {"lt": value < bound, "le": value <= bound, "gt": value > bound, "ge": value >= bound}[operator]

    def _same(self, value: Any, declared: Input, constant: Any) -> Any:
        z3 = self._z3
        match declared.type:
            case "int" | "decimal" if is_number(constant):
                return value == z3.RealVal(str(constant))
            case "bool" if isinstance(constant, bool):
                return value == constant
            case "provenance" if constant in PROVENANCE:
                return value == PROVENANCE.index(constant)
            case "string" if isinstance(constant, str):
                return value == z3.StringVal(constant)
        return z3.BoolVal(False)


def _pattern(z3: Any, pattern: str) -> Any:
    """A regular expression as the solver has it.

    Raises:
        NotUnderstood: it uses what has no exact counterpart.
    """
    return _sequence(z3, list(parser.parse(pattern)))


def _sequence(z3: Any, items: list[Any]) -> Any:
    found = [_item(z3, code, what) for code, what in items]
    if not found:
        return z3.Re("")
    return found[0] if len(found) == 1 else z3.Concat(*found)


def _item(z3: Any, code: Any, what: Any) -> Any:
    any_one = z3.AllChar(z3.ReSort(z3.StringSort()))
    if code is codes.LITERAL:
        return z3.Re(chr(what))
    if code is codes.NOT_LITERAL:
        return z3.Intersect(any_one, z3.Complement(z3.Re(chr(what))))
    if code is codes.ANY:
        return z3.Intersect(any_one, z3.Complement(z3.Re("\n")))
    if code is codes.IN:
        return _one_of(z3, what, any_one)
    if code is codes.BRANCH:
        found = [_sequence(z3, list(branch)) for branch in what[1]]
        return found[0] if len(found) == 1 else z3.Union(*found)
    if code is codes.SUBPATTERN and not what[1] and not what[2]:
        return _sequence(z3, list(what[-1]))
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        least, most, inner = what
        part = _sequence(z3, list(inner))
        if most == codes.MAXREPEAT:
            return z3.Concat(z3.Loop(part, least, least), z3.Star(part)) if least else z3.Star(part)
        return z3.Loop(part, least, most)
    raise NotUnderstood


def _one_of(z3: Any, items: list[Any], any_one: Any) -> Any:
    negated, found = False, []
    for code, what in items:
        if code is codes.NEGATE:
            negated = True
        elif code is codes.LITERAL:
            found.append(z3.Re(chr(what)))
        elif code is codes.RANGE:
            found.append(z3.Range(chr(what[0]), chr(what[1])))
        else:
            raise NotUnderstood
    either = found[0] if len(found) == 1 else z3.Union(*found)
    return z3.Intersect(any_one, z3.Complement(either)) if negated else either
