"""The steps of a graph file: each is read by its kind, and every name in it is resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from interlock.graphs.bind import path_parts
from interlock.graphs.cards import ActCard, Card, PythonCard, RouteCard
from interlock.graphs.fields import (
    ActFields,
    ApproveFields,
    CallFields,
    CompensateFields,
    ForkFields,
    JoinFields,
    MapFields,
    NestedFields,
    PythonFields,
    ReasonFields,
    RouteFields,
    WaitEvent,
    WaitFields,
    WaitUntil,
)
from interlock.graphs.spec import (
    ActStep,
    ApproveStep,
    CallStep,
    CompensateStep,
    ForkStep,
    GraphStep,
    JoinStep,
    MapStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
    WaitStep,
)
from interlock.policies.declared import NAME
from interlock.policies.drawer import PolicyDrawer, quorum_fault
from interlock.policies.language import Requirement
from interlock.source import Document, Finding, Loc, did_you_mean, hint_for, validate
from interlock.tools.action import Action

if TYPE_CHECKING:
    from interlock.graphs.loader import Loaded

KINDS = ("node", "call", "approve", "wait", "graph", "map", "fork", "join", "compensate")
"""The keys of which a step has exactly one: it says what kind of step it is."""

_INSTEAD = {"visits": 1, "retry": None, "timeout": None, "limits": None, "concurrency": None, "within": None}
"""What is taken in place of a wrong value, so that the proofs still look at the step."""

F = TypeVar("F", bound=BaseModel)


@dataclass(frozen=True)
class Known:
    """The drawers that names in a graph file are resolved in."""

    cards: Mapping[str, Card]
    actions: Mapping[str, Action]
    policies: PolicyDrawer
    graph: Callable[[str], Loaded | None]
    """Another graph of the same folder; None when there is no such file."""
    graphs: tuple[str, ...] = ()
    """The names of the graphs in the folder."""
    within: tuple[str, ...] = ()
    """The graphs being read, outermost first: none of them may be used as a step again."""


@dataclass
class StepReader:
    """Reads the steps of one file; findings are collected, and what a fault hides is noted."""

    document: Document
    known: Known
    names: list[str]
    findings: list[Finding] = field(default_factory=list)
    whole: bool = True
    """Whether everything that the proofs look at could be understood."""

    def report(self, code: str, message: str, at: Loc, *, key: bool = False, hint: str | None = None) -> None:
        self.findings.append(self.document.finding(code, message, at, key=key, hint=hint))

    def bad_name(self, name: str, at: Loc) -> None:
        self.whole = False
        self.report("G005", f"`{name}` is no name", at, key=True, hint="small letters, digits and _")

    def resolve(
        self, code: str, what: str, name: str, known: Mapping[str, object] | tuple[str, ...], at: Loc
    ) -> str | None:
        """`name` if it is known; else it is reported, and the close match is taken for it."""
        if name in known:
            return name
        self.report(code, f"{what} `{name}`", at, hint=hint_for(name, known))
        return did_you_mean(name, known)

    def requirement(self, named: Requirement | str, at: Loc) -> Requirement | None:
        """The requirement meant by a name or written out, checked against the people there are."""
        if isinstance(named, Requirement):
            requirement = named
        else:
            known = self.known.policies.approvals
            name = self.resolve("G012", "unknown approval", named, known, at)
            if name is None or name != named:
                return known.get(name) if name else None
            return known[name]  # its quorum was checked where it is declared
        if fault := quorum_fault(requirement, self.known.policies):
            where, message = fault
            self.report("G204", message, (*at, *where) if self.document.at((*at, *where)) is not None else at)
        return requirement

    def step(self, name: str) -> Step | None:
        """The step of that name; None when it cannot be understood."""
        at: Loc = ("steps", name)
        raw = self.document.at(at)
        if not re.fullmatch(NAME, name):
            self.bad_name(name, at)
        if not isinstance(raw, dict):
            self.report("G003", f"the step `{name}` must be a mapping", at)
            return None
        kinds = [kind for kind in KINDS if kind in raw]
        if len(kinds) != 1:
            message = f"the step `{name}` needs exactly one of {', '.join(f'`{kind}`' for kind in KINDS)}"
            close = next((key for key in raw if not kinds and did_you_mean(key, KINDS)), None)
            hint = f"did you mean `{did_you_mean(close, KINDS)}`?" if close else None
            self.report("G004", message, (*at, close) if close else at, key=True, hint=hint)
            return None
        read: Callable[[Loc], Step | None] = getattr(self, f"_{kinds[0]}")
        return read(at)

    def _fields(self, model: type[F], at: Loc) -> F | None:
        found, faults = validate(model, self.document, "G", at, instead=_INSTEAD)
        self.findings += faults
        return found

    def _node(self, at: Loc) -> Step | None:
        cards = self.known.cards
        node = str(self.document.at((*at, "node")))
        name = self.resolve("G010", "unknown node", node, cards, (*at, "node"))
        match cards[name] if name is not None else None:
            case None:
                return None
            case ActCard() as card:
                acts = self._fields(ActFields, at)
                return ActStep(card=card, **_values(acts, "node")) if acts is not None else None
            case RouteCard() as card:
                routes = self._fields(RouteFields, at)
                return RouteStep(card=card, **_values(routes, "node")) if routes is not None else None
            case PythonCard() as card:
                pure = self._fields(PythonFields, at)
                return PythonStep(card=card, **_values(pure, "node")) if pure is not None else None
            case card:
                reasons = self._fields(ReasonFields, at)
                return ReasonStep(card=card, **_values(reasons, "node")) if reasons is not None else None

    def _call(self, at: Loc) -> Step | None:
        fields = self._fields(CallFields, at)
        if fields is None:
            return None
        action = self.resolve("G011", "unknown action", fields.call, self.known.actions, (*at, "call"))
        return CallStep(call=action, **_values(fields, "call")) if action is not None else None

    def _compensate(self, at: Loc) -> Step | None:
        fields = self._fields(CompensateFields, at)
        if fields is None:
            return None
        undone = self._other_step(fields.compensate, (*at, "compensate"), "G035")
        if undone is None:
            return None
        undoing = [
            action.compensate
            for action in (self.known.actions.get(name) for name in self._actions_of(undone))
            if action is not None and action.compensate is not None and action.compensate in self.known.actions
        ]
        if not undoing:
            actions = self._actions_of(undone)
            message = f"no action of `{undone}` names one that compensates it"
            hint = "declare `compensate=` on the action in tools/"
            if not actions:
                message, hint = f"`{undone}` performs no action that could be undone", "name an act or call step"
            self.report("G035", message, (*at, "compensate"), hint=hint)
            return None
        values = _values(fields, "compensate")
        return CompensateStep(compensate=undone, undoing=list(dict.fromkeys(undoing)), **values)

    def _actions_of(self, name: str) -> list[str]:
        """The actions of another step, from its own text: it may not have been read yet."""
        raw = self.document.at(("steps", name))
        if not isinstance(raw, dict):
            return []
        if isinstance(raw.get("call"), str):
            return [raw["call"]]
        card = self.known.cards.get(str(raw.get("node")))
        return list(card.actions) if isinstance(card, ActCard) else []

    def _other_step(self, name: str, at: Loc, code: str) -> str | None:
        """Another step of this file by its name, or by the close match of a misspelt one."""
        found = self.resolve(code, "unknown step", name, tuple(self.names), at)
        self.whole &= found is not None
        return found

    def _approve(self, at: Loc) -> Step | None:
        fields = self._fields(ApproveFields, at)
        if fields is None:
            return None
        requirement = self.requirement(fields.requires, (*at, "requires"))
        covers = fields.covers
        if covers is not None:
            covers = self._other_step(covers, (*at, "covers"), "G030")
            if fields.form:
                message = "a question that `covers` an action is answered by deciding that action; it has no `form`"
                hint = "ask for the fields in an approve step of their own, before this one"
                self.report("G003", message, (*at, "form"), key=True, hint=hint)
        values = _values(fields, "requires", "covers")
        return ApproveStep(requires=requirement or Requirement(), covers=covers, **values)

    def _wait(self, at: Loc) -> Step | None:
        fields = self._fields(WaitFields, at)
        if fields is None:
            return None
        rest = _values(fields, "wait")
        match fields.wait:
            case WaitUntil(until=path):
                if not self._path(path, (*at, "wait", "until")):
                    return None
                return WaitStep(until=path, **rest)
            case WaitEvent() as event:
                return WaitStep(event=event.event, within=event.within, payload=event.payload, **rest)
            case duration:
                return WaitStep(duration=duration, **rest)

    def _path(self, path: str, at: Loc) -> bool:
        try:
            return bool(path_parts(path))
        except ValueError:
            self.report("G111", f"`{path}` is not a path", at, hint="write $.key or $.key.field")
            return False

    def _graph(self, at: Loc) -> Step | None:
        fields = self._fields(NestedFields, at)
        spec = self._nested(fields.graph, (*at, "graph")) if fields is not None else None
        return GraphStep(spec=spec, **_values(fields, "graph")) if fields is not None and spec is not None else None

    def _map(self, at: Loc) -> Step | None:
        fields = self._fields(MapFields, at)
        if fields is None:
            return None
        over = fields.map
        spec = self._nested(over.graph, (*at, "map", "graph"))
        if not self._path(over.over, (*at, "map", "over")) or spec is None:
            return None
        values = _values(fields, "map") | _values(over, "graph")
        return MapStep(spec=spec, **values)

    def _nested(self, name: str, at: Loc) -> Spec | None:
        """The spec of another graph of this folder."""
        found = self.resolve("G013", "unknown graph", name, self.known.graphs, at)
        if found is None:
            return None
        if found in self.known.within:
            chain = " -> ".join([*self.known.within[self.known.within.index(found) :], found])
            self.report("G015", f"a graph cannot be a step of itself: {chain}", at)
            return None
        loaded = self.known.graph(found)
        if loaded is None or loaded.spec is None:
            file = Path(self.document.file).with_name(f"{found}.yaml")
            self.report("G014", f"the graph `{found}` has errors of its own", at, hint=f"see `interlock check {file}`")
            return None
        return loaded.spec

    def _fork(self, at: Loc) -> Step | None:
        fields = self._fields(ForkFields, at)
        if fields is None:
            return None
        for index, branch in enumerate(fields.fork):
            if branch in fields.fork[:index]:
                self.report("G024", f"the branch `{branch}` stands twice", (*at, "fork", index))
                return None
        return ForkStep(**_values(fields))

    def _join(self, at: Loc) -> Step | None:
        fields = self._fields(JoinFields, at)
        if fields is None:
            return None
        fork = self._other_step(fields.join, (*at, "join"), "G036")
        return JoinStep(join=fork, **_values(fields, "join")) if fork is not None else None


def _values(fields: BaseModel, *without: str) -> dict[str, Any]:
    return {name: getattr(fields, name) for name in type(fields).model_fields if name not in without}
