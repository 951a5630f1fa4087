"""A graph file becomes a spec: names are resolved, and every fault is placed in the file.

Reading goes on after a fault.  A misspelt name is taken for the close match, so that one mistake
gives one finding; what cannot be understood at all is left out, and so are the proofs it would spoil.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from pydantic import BaseModel

from interlock.graphs.arrows import parse_arrow
from interlock.graphs.cards import ActCard, Card, Schema
from interlock.graphs.fault import Fault
from interlock.graphs.fields import ActFields, ApproveFields, CallFields, EdgeFields, GraphFields, ReasonFields
from interlock.graphs.proofs import prove
from interlock.graphs.spec import END, OUTCOMES, START, ActStep, ApproveStep, CallStep, Edge, ReasonStep, Spec, Step
from interlock.policies.drawer import PolicyDrawer, quorum_fault
from interlock.policies.language import NAME, Requirement
from interlock.source import Document, Finding, Loc, Mark, SourceError, did_you_mean, hint_for, read_document, validate
from interlock.tools.action import Action

REVIEW_KEY = "review"
"""The key that an approval edge writes when it names none."""

_KINDS = ("node", "call", "approve")
F = TypeVar("F", bound=BaseModel)


@dataclass(frozen=True)
class Loaded:
    """What a graph file holds: the spec where nothing is wrong with it, and all findings."""

    spec: Spec | None
    findings: list[Finding]
    documents: list[Document] = field(default_factory=list, repr=False)

    @property
    def ok(self) -> bool:
        return self.spec is not None


def read_spec(path: Path, cards: Mapping[str, Card], actions: Mapping[str, Action], policies: PolicyDrawer) -> Spec:
    """The spec of a graph file.

    Raises:
        SourceError: the file has faults; it carries each with its place.
    """
    loaded = load_spec(path, cards, actions, policies)
    if loaded.spec is None:
        raise SourceError([finding for finding in loaded.findings if finding.fatal], loaded.documents)
    return loaded.spec


def load_spec(path: Path, cards: Mapping[str, Card], actions: Mapping[str, Action], policies: PolicyDrawer) -> Loaded:
    """Read, resolve and prove a graph file; never raises for a faulty one."""
    try:
        document = read_document(path)
    except SourceError as error:
        return Loaded(None, error.findings)
    reader = _Reader(document, cards, actions, policies)
    spec = reader.read()
    if spec is not None:
        unsure = None if reader.whole else frozenset(reader.unsure)
        for fault in prove(spec, actions, lambda action: bool(policies.covering(action)), unsure):
            reader.place(fault)
    findings = _tidy(reader.findings)
    fatal = any(finding.fatal for finding in findings)
    return Loaded(None if fatal else spec, findings, [document])


def _tidy(findings: list[Finding]) -> list[Finding]:
    """In the order of the file, each once."""
    found: dict[tuple[int, int, str, str], Finding] = {}
    for finding in findings:
        found.setdefault((finding.line, finding.column, finding.code, finding.message), finding)
    return [found[place] for place in sorted(found)]


class _Reader:
    def __init__(
        self, document: Document, cards: Mapping[str, Card], actions: Mapping[str, Action], policies: PolicyDrawer
    ) -> None:
        self.document, self.cards, self.actions, self.policies = document, cards, actions, policies
        self.findings: list[Finding] = []
        self.steps: dict[str, Step] = {}
        self.names: list[str] = []
        self.edges: list[Edge] = []
        self.edge_places: list[int] = []
        self.unsure: set[str] = set()
        self.whole = True
        """Whether every input, step and edge could be understood."""

    def read(self) -> Spec | None:
        data = self.document.data
        header, faults = validate(GraphFields, self.document, "G")
        self.findings += faults
        inputs = self._inputs(data.get("input"))
        steps, edges = data.get("steps"), data.get("edges")
        self.whole &= isinstance(steps, dict) and isinstance(edges, list)
        self.names = list(steps) if isinstance(steps, dict) else []
        for name in self.names:
            step = self._step(name)
            if step is None:
                self.whole = False
            else:
                self.steps[name] = step
        for index, raw in enumerate(edges if isinstance(edges, list) else []):
            edge = self._edge(index, raw)
            if edge is None:
                self.whole = False
            else:
                self.edges.append(edge)
                self.edge_places.append(index)
        if not self.steps or not isinstance(edges, list):
            return None
        if header is not None:
            about = {name: getattr(header, name) for name in ("graph", "version", "description", "limits", "output")}
        else:
            about = {"graph": "unnamed", "version": 1}
        return Spec(input=inputs, steps=self.steps, edges=self.edges, **about)

    def report(self, code: str, message: str, at: Loc, *, key: bool = False, hint: str | None = None) -> None:
        self.findings.append(self.document.finding(code, message, at, key=key, hint=hint))

    def place(self, fault: Fault) -> None:
        """Put a fault of the spec at its place in the file."""
        at = fault.at
        if at[0] == "edges" and len(at) > 1 and isinstance(at[1], int):
            at = ("edges", self.edge_places[at[1]], *at[2:])
        self.findings.append(
            self.document.finding(
                fault.code,
                fault.message,
                self._mark(at, fault),
                hint=fault.hint,
                severity=fault.severity,
                path=fault.path,
            )
        )

    def _mark(self, at: Loc, fault: Fault) -> Mark:
        document = self.document
        text = document.at(at[:2])
        if at[0] == "edges" and isinstance(text, str):
            arrow = parse_arrow(text)
            if arrow is not None and at[2:] == ("to",):
                return document.within(at[:2], arrow.target_at, len(arrow.target))
            return document.mark(at[:2])
        value = document.at(at)
        if fault.part is not None and isinstance(value, list) and fault.part in value:
            return document.mark((*at, value.index(fault.part)))
        if fault.part is not None and isinstance(value, str) and value.startswith("$.") and not fault.key:
            start = value.find(fault.part, 2)
            return document.within(at, start, len(fault.part)) if start == 2 else document.mark(at)
        return document.mark(at, fault.key)

    def _inputs(self, raw: Any) -> dict[str, Schema]:
        found = {}
        for name in raw if isinstance(raw, dict) else ():
            if not re.fullmatch(NAME, name):
                self._bad_name(name, ("input", name))
            schema, faults = validate(Schema, self.document, "G", ("input", name))
            self.findings += faults
            if schema is not None and schema.default is not None:
                self._default(schema, ("input", name, "default"))
            found[name] = schema or Schema.model_construct(type="object")
            self.whole &= schema is not None
        return found

    def _default(self, schema: Schema, at: Loc) -> None:
        checker = Draft202012Validator(schema.json_schema(), format_checker=FormatChecker())
        if fault := best_match(checker.iter_errors(schema.default)):
            self.report("G003", f"the default does not fit: {fault.message}", at)

    def _bad_name(self, name: str, at: Loc) -> None:
        self.whole = False
        self.report("G005", f"`{name}` is no name", at, key=True, hint="small letters, digits and _")

    def _fields(self, model: type[F], at: Loc) -> F | None:
        found, faults = validate(model, self.document, "G", at)
        self.findings += faults
        return found

    def _step(self, name: str) -> Step | None:
        at: Loc = ("steps", name)
        raw = self.document.at(at)
        if not re.fullmatch(NAME, name):
            self._bad_name(name, at)
        if not isinstance(raw, dict):
            self.report("G003", f"the step `{name}` must be a mapping", at)
            return None
        kinds = [kind for kind in _KINDS if kind in raw]
        if len(kinds) != 1:
            message = f"the step `{name}` needs exactly one of `node`, `call`, `approve`"
            close = next((key for key in raw if not kinds and did_you_mean(key, _KINDS)), None)
            hint = f"did you mean `{did_you_mean(close, _KINDS)}`?" if close else None
            self.report("G004", message, (*at, close) if close else at, key=True, hint=hint)
            return None
        match kinds[0]:
            case "node":
                return self._node_step(at, raw["node"])
            case "call":
                return self._call_step(at)
        return self._approve_step(at)

    def _node_step(self, at: Loc, node: Any) -> Step | None:
        name = self._resolve("G010", "unknown node", str(node), self.cards, (*at, "node"))
        if name is None:
            return None
        card = self.cards[name]
        if isinstance(card, ActCard):
            acts = self._fields(ActFields, at)
            return ActStep(card=card, **_values(acts, "node")) if acts is not None else None
        reasons = self._fields(ReasonFields, at)
        return ReasonStep(card=card, **_values(reasons, "node")) if reasons is not None else None

    def _call_step(self, at: Loc) -> Step | None:
        fields = self._fields(CallFields, at)
        if fields is None:
            return None
        action = self._resolve("G011", "unknown action", fields.call, self.actions, (*at, "call"))
        return CallStep(call=action, **_values(fields, "call")) if action is not None else None

    def _approve_step(self, at: Loc) -> Step | None:
        fields = self._fields(ApproveFields, at)
        if fields is None:
            return None
        requirement = self._requirement(fields.requires, (*at, "requires"))
        covers = fields.covers
        if covers is not None and covers not in self.names:
            self.report("G030", f"unknown step `{covers}`", (*at, "covers"), hint=hint_for(covers, self.names))
            covers = did_you_mean(covers, self.names)
            self.whole &= covers is not None
        values = _values(fields, "requires", "covers")
        return ApproveStep(requires=requirement or Requirement(), covers=covers, **values)

    def _requirement(self, named: Requirement | str, at: Loc) -> Requirement | None:
        """The requirement meant by a name or written out, checked against the people there are."""
        if isinstance(named, Requirement):
            requirement = named
        else:
            known = self.policies.approvals
            name = self._resolve("G012", "unknown approval", named, known, at)
            if name is None or name != named:
                return known.get(name) if name else None
            return known[name]  # its quorum was checked where it is declared
        if fault := quorum_fault(requirement, self.policies):
            self.report("G204", fault, (*at, "count") if self.document.at((*at, "count")) is not None else at)
        return requirement

    def _resolve(self, code: str, what: str, name: str, known: Mapping[str, object], at: Loc) -> str | None:
        """`name` if it is known; else it is reported, and the close match is taken for it."""
        if name in known:
            return name
        self.report(code, f"{what} `{name}`", at, hint=hint_for(name, known))
        return did_you_mean(name, known)

    def _edge(self, index: int, raw: Any) -> Edge | None:
        at: Loc = ("edges", index)
        if isinstance(raw, str):
            arrow = parse_arrow(raw)
            if arrow is None:
                self.report("G006", "an edge is written `A -> B`, or as a mapping with `from` and `to`", at)
                self._lost(next((word for word in re.split(r"[\s>-]+", raw) if word in self.names), None))
                return None
            fields = EdgeFields.model_validate({"from": arrow.source, "to": arrow.target})
            source_mark = self.document.within(at, arrow.source_at, len(arrow.source))
            target_mark = self.document.within(at, arrow.target_at, len(arrow.target))
        elif isinstance(raw, dict):
            read = self._fields(EdgeFields, at)
            if read is None:
                self._lost(raw.get("from"))
                return None
            fields = read
            source_mark, target_mark = self.document.mark((*at, "from")), self.document.mark((*at, "to"))
        else:
            self.report("G006", "an edge is written `A -> B`, or as a mapping with `from` and `to`", at)
            self._lost(None)
            return None
        source = self._end("G021", "comes from", fields.source, START, END, source_mark)
        target = self._end("G020", "goes to", fields.target, END, START, target_mark)
        if source is None or target is None:
            self._lost(source)
            return None
        on = self._outcomes(source, fields.on, at)
        if on is None:
            self._lost(source)
            return None
        requires = self._requirement(fields.approval, (*at, "approval")) if fields.approval is not None else None
        writes = fields.writes or (REVIEW_KEY if fields.approval is not None else None)
        return Edge(
            source=source, on=on, target=target, when=fields.when, otherwise=bool(fields.otherwise),
            approval=fields.approval, requires=requires, writes=writes, outcome=fields.outcome,
        )  # fmt: skip

    def _lost(self, source: Any) -> None:
        """An edge was left out, so nothing is said about where `source` goes."""
        self.whole = False
        self.unsure |= {source} if isinstance(source, str) else {START, *self.names}

    def _end(self, code: str, verb: str, name: str, allowed: str, forbidden: str, mark: Mark) -> str | None:
        if name == forbidden:
            message = f"no edge {verb} {forbidden}"
            self.findings.append(self.document.finding("G026", message, mark))
            return None
        if name == allowed or name in self.steps:
            return name
        if name in self.names:
            return None  # a step that was refused itself
        known = [*self.names, allowed]
        message = f"edge {verb} unknown step `{name}`"
        self.findings.append(self.document.finding(code, message, mark, hint=hint_for(name, known)))
        close = did_you_mean(name, known)
        return close if close == allowed or close in self.steps else None

    def _outcomes(self, source: str, on: str | list[str] | None, at: Loc) -> list[str] | None:
        where = (*at, "on")
        if source == START:
            if on is not None:
                self.report("G026", "START has no outcomes", where, key=True, hint="leave out `on`")
            return []
        kind = self.steps[source].kind
        known = OUTCOMES[kind]
        if on is None:
            return [known[0]]
        found: list[str] = []
        for place, word in enumerate([on] if isinstance(on, str) else on):
            spot = where if isinstance(on, str) else (*where, place)
            if word not in known:
                message = f"a step of kind {kind} has no outcome `{word}`"
                self.report("G022", message, spot, hint=hint_for(word, known))
                close = did_you_mean(word, known)
                if close is None or close in found:
                    return None
                word = close
            elif word in found:
                self.report("G024", f"`{word}` stands twice", spot)
                continue
            found.append(word)
        if not found:
            self.report("G003", "`on` needs at least one outcome", where)
            return None
        return found


def _values(fields: BaseModel, *without: str) -> dict[str, Any]:
    return {name: getattr(fields, name) for name in type(fields).model_fields if name not in without}
