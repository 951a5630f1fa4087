"""The reader of the drawer `policies/`: rules, named approvals, and the people who hold roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from interlock.policies.adapters import EngineFault, engines, required, ruling
from interlock.policies.analysis import analyse
from interlock.policies.derived_faults import clashes, derived_against_actions, derived_faults
from interlock.policies.domains import setting_of
from interlock.policies.language import (
    PROVENANCE,
    Comparison,
    Conditions,
    Input,
    People,
    Policy,
    Requirement,
    Rule,
    ThenApprove,
)
from interlock.policies.proofs import prove
from interlock.policies.remark import Remark
from interlock.policies.targets import unnamed_targets
from interlock.source import MAX_BYTES, Document, Finding, Loc, SourceError, hint_for, read_document, validate
from interlock.tools.action import Action

PEOPLE = "people.yaml"
DERIVED = {"action": "string", "hour": "int", "weekday": "string"}
"""Inputs that every action has: its name, and the hour and the day of the week when it is decided."""

OPERATORS = {
    "decimal": ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in"),
    "int": ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in"),
    "bool": ("eq", "ne"),
    "string": ("eq", "ne", "in", "not_in", "matches"),
    "provenance": ("eq", "ne", "in", "not_in", "at_least"),
}
"""The operators that say something about each type of input."""

_JSON_TYPES = {"decimal": ("number", "integer"), "int": ("integer",), "bool": ("boolean",), "string": ("string",)}
_WORDS = {"decimal": "a number", "int": "a whole number", "bool": "true or false", "string": "text"}


@dataclass(frozen=True)
class PolicyDrawer:
    """The policies in the order of their file names, the people, and the file of each policy by its name."""

    policies: list[Policy] = field(default_factory=list)
    people: People = field(default_factory=lambda: People(people={}))
    documents: Mapping[str, Document] = field(default_factory=dict, repr=False)

    def requirement(self, name: str) -> Requirement | None:
        """The requirement declared under `approvals` with this name, in any file."""
        return self.approvals.get(name)

    @property
    def approvals(self) -> dict[str, Requirement]:
        """The named requirements of all files; names are unique over them."""
        return {name: requirement for policy in self.policies for name, requirement in policy.approvals.items()}

    def covering(self, action: str) -> list[Policy]:
        """The policies that decide `action`."""
        return [policy for policy in self.policies if policy.covers(action)]

    def eligible(self, requirement: Requirement) -> list[str]:
        """The people who hold every role that `requirement` asks for; where it asks for none, all who are named."""
        return [name for name, roles in self.people.people.items() if requirement.roles <= set(roles)]

    def placed(self, remark: Remark) -> Finding:
        """What was said of a policy, at its place in the policy's file."""
        document = self.documents[remark.policy]
        return document.finding(
            remark.code, remark.message, remark.at, key=remark.key, hint=remark.hint, severity=remark.severity
        )


def read_policies(folder: Path) -> PolicyDrawer:
    """The policies and people of a drawer; a missing folder has none.

    Raises:
        SourceError: a file cannot be used (codes P001 to P010, Y…).
    """
    drawer, findings = inspect_policies(folder)
    if any(finding.fatal for finding in findings):
        raise SourceError(findings, drawer.documents.values())
    return drawer


def inspect_policies(folder: Path, first: Path | None = None) -> tuple[PolicyDrawer, list[Finding]]:
    """The policies that can be used, and what is wrong with the files, seen without the actions.

    Args:
        first: the file that is read before all others, so that a name declared twice is its own.
    """
    policies: list[Policy] = []
    people = People(people={})
    documents: dict[str, Document] = {}
    findings: list[Finding] = []
    names: dict[str, str] = {}
    paths = folder.iterdir() if folder.is_dir() else []
    for path in sorted(paths, key=lambda path: (path != first, path)):
        if path.suffix not in (".yaml", ".yml"):
            continue
        try:
            document = read_document(path)
        except SourceError as error:
            findings += error.findings
            continue
        if path.name == PEOPLE:
            read, faults = validate(People, document, "P")
            people = read or people
            findings += faults
            continue
        policy, faults = validate(Policy, document, "P")
        findings += faults
        if policy is None:
            continue
        policy, faults = with_text(policy, document, folder)
        findings += faults
        if policy.policy in documents:
            message = f"the policy `{policy.policy}` is declared twice; first in {documents[policy.policy].file}"
            findings.append(document.finding("P004", message, ("policy",)))
            continue
        for name in policy.approvals:
            if name in names:
                message = f"the approval `{name}` is declared twice; first in {names[name]}"
                findings.append(document.finding("P004", message, ("approvals", name), key=True))
            names.setdefault(name, document.file)
        policies.append(policy)
        documents[policy.policy] = document
    drawer = PolicyDrawer(policies, people, documents)
    for policy in policies:
        findings += _faults(policy, drawer, broken=any(finding.fatal for finding in findings))
    return drawer, findings


def with_policy(drawer: PolicyDrawer, path: Path) -> PolicyDrawer:
    """The drawer with the policy of one file, in the place of the policy of its name.

    Raises:
        SourceError: the file cannot be used.
    """
    document = read_document(path)
    policy, findings = validate(Policy, document, "P")
    if policy is not None:
        policy, faults = with_text(policy, document, path.parent)
        others = [other for other in drawer.policies if other.policy != policy.policy]
        drawer = PolicyDrawer([*others, policy], drawer.people, {**drawer.documents, policy.policy: document})
        findings += [*faults, *_faults(policy, drawer, broken=bool(findings or faults))]
    if any(finding.fatal for finding in findings):
        raise SourceError(findings, [document])
    return drawer


def with_text(policy: Policy, document: Document, folder: Path) -> tuple[Policy, list[Finding]]:
    """The policy with the text of its engine, which decisions are bound to like rules."""
    if policy.source is None:
        return policy, []
    try:
        text = (folder / policy.source).read_bytes()
        if len(text) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        return policy.model_copy(update={"text": text.decode("utf-8")}), []
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return policy, [document.finding("P034", f"the file `{policy.source}` cannot be read: {why}", ("source",))]


def _faults(policy: Policy, drawer: PolicyDrawer, broken: bool) -> Iterator[Finding]:
    """What is wrong with one policy; names that a broken file may declare are not called unknown."""
    document = drawer.documents[policy.policy]
    seen: set[str] = set()
    yield from derived_faults(policy, document)
    yield from engine_faults(policy, document, drawer, broken)
    for name, requirement in policy.approvals.items():
        yield from _quorum(requirement, document, ("approvals", name), drawer, broken)
    for index, rule in enumerate(policy.rules):
        at: Loc = ("rules", index)
        if rule.id in seen:
            yield document.finding("P004", f"the rule `{rule.id}` stands twice", (*at, "id"))
        seen.add(rule.id)
        yield from _conditions(rule.when, policy, document, at)
        yield from _then(rule, document, at, drawer, broken)
    for index, never in enumerate(policy.never):
        yield from _conditions(never.when, policy, document, ("never", index))


def _conditions(when: Conditions, policy: Policy, document: Document, at: Loc) -> Iterator[Finding]:
    for name, comparison in when.items():
        where = (*at, "when", name)
        if name not in policy.inputs:
            hint = hint_for(name, policy.inputs)
            yield document.finding("P006", f"`{name}` is not declared under `inputs`", where, key=True, hint=hint)
        else:
            yield from _comparison(name, policy.inputs[name], comparison, document, where)


def engine_faults(policy: Policy, document: Document, drawer: PolicyDrawer, broken: bool) -> Iterator[Finding]:
    """What is wrong with the engine of a policy, its text, or whom it asks for."""
    if policy.engine is None or policy.text is None:
        return
    at: Loc = ("source",) if policy.source is not None else ("text",)
    try:
        read = ruling(policy.engine, policy.text)
    except EngineFault as error:
        where: Loc = ("engine",) if policy.engine not in engines() or error.hint else at
        hint = error.hint or hint_for(policy.engine, engines()) if where == ("engine",) else None
        yield document.finding("P033" if where == ("engine",) else "P034", str(error), where, hint=hint)
        return
    for requires in dict.fromkeys(read.requires):
        try:
            needed = required(requires, drawer.approvals)
        except ValueError as error:
            if not broken:
                yield document.finding("P005", str(error), at, hint=hint_for(requires, drawer.approvals))
        else:
            yield from _quorum(needed, document, at, drawer, broken)


def _then(rule: Rule, document: Document, at: Loc, drawer: PolicyDrawer, broken: bool) -> Iterator[Finding]:
    if not isinstance(rule.then, ThenApprove):
        return
    where = (*at, "then", "approve")
    if isinstance(rule.then.approve, Requirement):
        yield from _quorum(rule.then.approve, document, where, drawer, broken)
    elif drawer.requirement(rule.then.approve) is None and not broken:
        hint = hint_for(rule.then.approve, drawer.approvals)
        yield document.finding("P005", f"unknown approval `{rule.then.approve}`", where, hint=hint)


def _quorum(
    requirement: Requirement, document: Document, at: Loc, drawer: PolicyDrawer, broken: bool
) -> Iterator[Finding]:
    if (fault := quorum_fault(requirement, drawer)) and not broken:
        where, message = fault
        yield document.finding("P009", message, (*at, *where) if document.at((*at, *where)) is not None else at)


def quorum_fault(requirement: Requirement, drawer: PolicyDrawer) -> tuple[Loc, str] | None:
    """What of this requirement can never be met, and why: it asks for more people of a role than there are.

    Without a role anybody may agree, named in the file or not.
    """
    if not requirement.roles:
        return None
    eligible = drawer.eligible(requirement)
    if len(eligible) < requirement.count:
        held = _written(requirement.roles)
        return ("count",), f"{requirement.count} must agree, but {len(eligible)} hold {held} in {PEOPLE}"
    further = requirement.escalate
    if further is not None and not any(further.roles <= set(roles) for roles in drawer.people.people.values()):
        return ("escalate", "role"), f"nobody holds {_written(further.roles)} in {PEOPLE}, so there is nobody to ask"
    return None


def _written(roles: frozenset[str]) -> str:
    return " and ".join(f"`{role}`" for role in sorted(roles))


def _comparison(name: str, declared: Input, comparison: Comparison, document: Document, at: Loc) -> Iterator[Finding]:
    for operator, value in comparison.operators().items():
        where = (*at, operator) if isinstance(document.at(at), dict) else at
        if operator not in OPERATORS[declared.type]:
            hint = f"use {', '.join(f'`{known}`' for known in OPERATORS[declared.type])}"
            message = f"`{operator}` says nothing about `{name}`, which is of type {declared.type}"
            yield document.finding("P007", message, where, key=True, hint=hint)
            continue
        if operator in ("matches", "at_least"):
            continue
        many = isinstance(value, list | tuple)
        for index, item in enumerate(value if many else [value]):
            spot = (*where, index) if many else where
            words = PROVENANCE if declared.type == "provenance" else declared.enum
            if not _fits(item, declared.type):
                wanted = _WORDS.get(declared.type, "a label")
                yield document.finding("P007", f"`{name}` is compared with {wanted}, not with {item!r}", spot)
            elif words and item not in words:
                message = f"`{name}` is never {item!r}"
                yield document.finding("P007", message, spot, hint=hint_for(str(item), words))


def _fits(value: Any, kind: str) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "decimal":
        return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return isinstance(value, str)


def policy_findings(drawer: PolicyDrawer, actions: Mapping[str, Action]) -> list[Finding]:
    """The policies against the actions there are.

    Patterns match, inputs exist and have the argument's type, and what the rules do over all values of
    their inputs is what is said of them; only policies without a fault of form are analysed.
    """
    findings: list[Finding] = []
    sound: list[Policy] = []
    for policy in drawer.policies:
        form, against = list(_faults(policy, drawer, broken=False)), list(_against_actions(policy, drawer, actions))
        findings += against
        if not any(fault.fatal for fault in (*form, *against)):
            sound.append(policy)
    clashing = list(clashes(drawer.policies, drawer.documents, actions))
    faulty = {finding.file for finding in clashing}
    sound = [policy for policy in sound if drawer.documents[policy.policy].file not in faulty]
    for policy in sound:
        settings = [setting_of(action) for name, action in actions.items() if policy.covers(name)]
        remarks = prove(policy, sound, settings, drawer.approvals)
        findings += map(drawer.placed, [*remarks, *analyse(policy, settings, drawer.approvals)])
    findings += map(drawer.placed, unnamed_targets(sound, actions, drawer.approvals))
    findings += clashing
    return findings


def _against_actions(policy: Policy, drawer: PolicyDrawer, actions: Mapping[str, Action]) -> Iterator[Finding]:
    document = drawer.documents[policy.policy]
    for index, pattern in enumerate(policy.applies_to):
        if not any(policy.model_copy(update={"applies_to": [pattern]}).covers(name) for name in actions):
            message = f"`{pattern}` matches no action"
            yield document.finding("P008", message, ("applies_to", index), hint=hint_for(pattern, actions))
    covered = [action for name, action in actions.items() if policy.covers(name)]
    if not covered:
        return
    types = _input_types(covered)
    yield from derived_against_actions(policy, document, actions, types)
    for name, declared in policy.inputs.items():
        where = ("inputs", name)
        if declared.derived is not None:
            yield from _other_type(name, declared, policy, drawer, covered)
        elif name not in types:
            message = f"no action that `{policy.policy}` applies to has the input `{name}`"
            yield document.finding("P010", message, where, key=True, hint=hint_for(name, types))
        elif types[name] and declared.type not in types[name]:
            message = f"`{name}` is of type {' or '.join(sorted(types[name]))}, not {declared.type}"
            yield document.finding("P010", message, (*where, "type"))
        else:
            yield from _other_type(name, declared, policy, drawer, covered)
    yield from _action_names(policy, document, [action.name for action in covered])


def _other_type(
    name: str, declared: Input, policy: Policy, drawer: PolicyDrawer, covered: list[Action]
) -> Iterator[Finding]:
    """An input that another policy of the same action reads as something else: no value is right for both."""
    for other in drawer.policies:
        if other is policy:
            return  # told once, at the later of the two
        kind = other.inputs[name].type if name in other.inputs else declared.type
        if {kind, declared.type} in ({kind}, {"int", "decimal"}):
            continue
        if any(other.covers(action.name) for action in covered):
            message = f"`{name}` is of type {declared.type} here and of type {kind} in `{other.policy}`"
            yield drawer.documents[policy.policy].finding("P020", message, ("inputs", name, "type"))
            return


def _input_types(actions: list[Action]) -> dict[str, set[str]]:
    """The input types that fit each name; an empty set where any type may (a fact)."""
    found: dict[str, set[str]] = {name: {kind} for name, kind in DERIVED.items()}
    for action in actions:
        parameters = action.parameters()
        for argument, schema in parameters.get("properties", {}).items():
            kinds = {kind for kind, types in _JSON_TYPES.items() if _json_types(schema, parameters) & set(types)}
            found[argument] = found.get(argument, set()) | kinds
            found[f"{argument}_from"] = {"provenance"}
        for fact in action.fact_names:
            found[fact] = set()
    return found


def _json_types(schema: Mapping[str, Any], root: Mapping[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _json_types(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return {kind for option in options for kind in _json_types(option, root)}
    kind = schema.get("type")
    return {kind} if isinstance(kind, str) else set()


def _action_names(policy: Policy, document: Document, names: list[str]) -> Iterator[Finding]:
    """Constants that `action` is compared with: each must be an action that the policy decides."""
    for index, rule in enumerate(policy.rules):
        comparison = rule.when.get("action")
        where: Loc = ("rules", index, "when", "action")
        for operator, value in comparison.operators().items() if comparison else ():
            if operator not in ("eq", "ne", "in", "not_in"):
                continue
            at = (*where, operator) if isinstance(document.at(where), dict) else where
            many = isinstance(value, list | tuple)
            for place, item in enumerate(value if many else [value]):
                if isinstance(item, str) and item not in names:
                    spot = (*at, place) if many else at
                    message = f"`{policy.policy}` applies to no action `{item}`"
                    yield document.finding("P008", message, spot, hint=hint_for(item, names))
