"""A graph file becomes a spec: names are resolved, and every fault is placed in the file.

Reading goes on after a fault.  A misspelt name is taken for the close match, so that one mistake
gives one finding; what cannot be understood at all is left out, and so are the proofs it would spoil.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import BaseModel

from interlock.graphs.arrows import parse_arrow
from interlock.graphs.cards import Card, Schema
from interlock.graphs.fault import Fault
from interlock.graphs.fields import EdgeFields, GraphFields
from interlock.graphs.formats import FORMATS
from interlock.graphs.proofs.prove import prove
from interlock.graphs.spec import END, START, Edge, Spec, Step, outcomes, plain_outcome
from interlock.graphs.steps import Known, StepReader
from interlock.policies.autonomy import may_auto
from interlock.policies.declared import NAME
from interlock.policies.drawer import PolicyDrawer
from interlock.source import Document, Finding, Loc, Mark, SourceError, did_you_mean, hint_for, read_document, validate
from interlock.tools.action import Action

REVIEW_KEY = "review"
"""The key that an approval edge writes when it names none."""

F = TypeVar("F", bound=BaseModel)


@dataclass(frozen=True)
class Loaded:
    """What a graph file holds: the spec where nothing is wrong with it, and all findings."""

    spec: Spec | None
    findings: list[Finding]
    documents: list[Document] = field(default_factory=list, repr=False)
    partial: Spec | None = field(default=None, repr=False)
    """What could be read of a file with errors: to be drawn, never to be run."""

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


def load_spec(
    path: Path,
    cards: Mapping[str, Card],
    actions: Mapping[str, Action],
    policies: PolicyDrawer,
    within: tuple[str, ...] = (),
) -> Loaded:
    """Read, resolve and prove a graph file; never raises for a faulty one.

    Args:
        within: the graphs that use this one as a step, outermost first.
    """
    try:
        document = read_document(path)
    except SourceError as error:
        return Loaded(None, error.findings)
    within = (*within, path.stem)

    def graph(name: str) -> Loaded:
        return load_spec(path.with_name(f"{name}.yaml"), cards, actions, policies, within)

    names = tuple(sorted(other.stem for other in path.parent.glob("*.yaml")))
    reader = _Reader(document, Known(cards, actions, policies, graph, names, within))
    spec = reader.read()
    if spec is not None:
        unsure = None if reader.whole else frozenset(reader.unsure)
        auto = cache(lambda action, labels: may_auto(policies.policies, action, dict(labels)))
        for fault in prove(
            spec,
            actions,
            lambda action: bool(policies.covering(action)),
            unsure,
            lambda action, labels: auto(action, tuple(sorted(labels.items()))),
        ):
            reader.place(fault)
    findings = _tidy(reader.findings)
    fatal = any(finding.fatal for finding in findings)
    return Loaded(None if fatal else spec, findings, [document], spec)


def _tidy(findings: list[Finding]) -> list[Finding]:
    """In the order of the file, each once."""
    found: dict[tuple[int, int, str, str], Finding] = {}
    for finding in findings:
        found.setdefault((finding.line, finding.column, finding.code, finding.message), finding)
    return [found[place] for place in sorted(found)]


class _Reader:
    def __init__(self, document: Document, known: Known) -> None:
        data = document.data.get("steps")
        self.document = document
        self.known = known
        self.steps: dict[str, Step] = {}
        self.names: list[str] = list(data) if isinstance(data, dict) else []
        self.edges: list[Edge] = []
        self.edge_places: list[int] = []
        self.unsure: set[str] = set()
        self._steps = StepReader(document, known, self.names)
        self.findings = self._steps.findings
        self.report = self._steps.report

    @property
    def whole(self) -> bool:
        """Whether every input, step and edge could be understood."""
        return self._steps.whole

    def _broken(self) -> None:
        self._steps.whole = False

    def read(self) -> Spec | None:
        data = self.document.data
        header, faults = validate(GraphFields, self.document, "G")
        self.findings += faults
        inputs = self._inputs(data.get("input"))
        steps, edges = data.get("steps"), data.get("edges")
        if not (isinstance(steps, dict) and isinstance(edges, list)):
            self._broken()
        for name in self.names:
            step = self._steps.step(name)
            if step is None:
                self._broken()
            else:
                self.steps[name] = step
        for index, raw in enumerate(edges if isinstance(edges, list) else []):
            edge = self._edge(index, raw)
            if edge is None:
                self._broken()
            else:
                self.edges.append(edge)
                self.edge_places.append(index)
        if not self.steps or not isinstance(edges, list):
            return None
        return Spec(input=inputs, steps=self.steps, edges=self.edges, **self._about(header))

    def _about(self, header: GraphFields | None) -> dict[str, Any]:
        """What the file says about the whole graph; of a faulty header what other findings depend on."""
        if header is not None:
            return {name: getattr(header, name) for name in ("graph", "version", "description", "limits", "output")}
        output = self.document.at(("output",))
        keys = [key for key in output if isinstance(key, str)] if isinstance(output, list) else []
        return {"graph": "unnamed", "version": 1, "output": keys}

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
                self._steps.bad_name(name, ("input", name))
            schema, faults = validate(Schema, self.document, "G", ("input", name))
            self.findings += faults
            if schema is not None and schema.default is not None:
                self._default(schema, ("input", name, "default"))
            found[name] = schema or Schema(type="any")
        return found

    def _default(self, schema: Schema, at: Loc) -> None:
        checker = Draft202012Validator(schema.json_schema(), format_checker=FORMATS)
        if fault := best_match(checker.iter_errors(schema.default)):
            self.report("G003", f"the default does not fit: {fault.message}", at)

    def _fields(self, model: type[F], at: Loc) -> F | None:
        found, faults = validate(model, self.document, "G", at)
        self.findings += faults
        return found

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
        approval = fields.approval
        requires = self._steps.requirement(approval, (*at, "approval")) if approval is not None else None
        writes = fields.writes or (REVIEW_KEY if approval is not None else None)
        return Edge(
            source=source, on=on, target=target, when=fields.when, otherwise=bool(fields.otherwise),
            approval=approval, requires=requires, writes=writes, outcome=fields.outcome,
            keeps=self._kept(fields.keeps, at),
        )  # fmt: skip

    def _kept(self, keeps: list[str], at: Loc) -> list[str]:
        """The steps whose effects an end keeps; a misspelt name is taken for the close match."""
        found = []
        for place, name in enumerate(keeps):
            known = self._steps.resolve("G038", "unknown step", name, tuple(self.names), (*at, "keeps", place))
            if known is None:
                self._broken()
            else:
                found.append(known)
        return found

    def _lost(self, source: Any) -> None:
        """An edge was left out, so nothing is said about where `source` goes."""
        self._broken()
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
        step = self.steps[source]
        known = outcomes(step)
        if on is None:
            plain = plain_outcome(step)
            if plain is None:
                message = f"an edge out of `{source}`, a {step.kind}, must say `on`"
                self.report("G033", message, at, hint=f"one of {', '.join(known)}")
                return None
            return [plain]
        found: list[str] = []
        for place, word in enumerate([on] if isinstance(on, str) else on):
            spot = where if isinstance(on, str) else (*where, place)
            if word not in known:
                message = f"a step of kind {step.kind} has no outcome `{word}`"
                if step.kind in ("route", "fork", "graph"):
                    message = f"`{source}` has no outcome `{word}`"
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
