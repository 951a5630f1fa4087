"""What each kind of step does when it runs: its LangGraph nodes, in the order of their first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.errors import ModelError
from interlock.graphs.bind import bound_keys
from interlock.graphs.branches import block, written_in
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
    WaitStep,
    keys_of,
)
from interlock.nodes.act import Abstained, propose
from interlock.nodes.approve import answered, ask, ask_doubt, form_answered, gate
from interlock.nodes.children import drive, join, start
from interlock.nodes.compensate import undo
from interlock.nodes.metered import think
from interlock.nodes.moves import Leave, Move, Onward
from interlock.nodes.perform import perform
from interlock.nodes.pure import compute
from interlock.nodes.route import route
from interlock.nodes.routed import propose_routed
from interlock.nodes.services import Place, Services
from interlock.nodes.wait import begin_wait, waited

Values = Mapping[str, Any]
Body = Callable[[Place, Values, Services], Move]


@dataclass(frozen=True)
class Node:
    """One LangGraph node of a step, and so one checkpoint."""

    name: str
    """Empty where the step is one node; else it is called `STEP.name`."""
    body: Body
    reads: tuple[str, ...] = ()
    """Keys of the state that it is given."""
    waits: bool = field(default=False, kw_only=True)
    """Whether it begins with an interrupt."""

    def of(self, step: str) -> str:
        """Its name in the graph."""
        return f"{step}.{self.name}" if self.name else step


def nodes_of(spec: Spec, name: str) -> tuple[Node, ...]:
    """The nodes of a step; a run enters by the first."""
    step = spec.steps[name]
    reads = tuple(step.reads)
    match step:
        case ReasonStep():
            return (Node("", think, reads),)
        case RouteStep():
            return (Node("", route, reads),)
        case PythonStep():
            return (Node("", compute, reads),)
        case ActStep() | CallStep():
            return (Node("propose", _propose, (*reads, *bound_keys(step.bind.values()))), *_GUARDED)
        case CompensateStep():
            return (Node("propose", undo, reads), *_GUARDED)
        case ApproveStep():
            covered = spec.steps[step.covers] if step.covers else None
            ahead = bound_keys(covered.bind.values()) if isinstance(covered, ActStep | CallStep) else []
            return Node("propose", ask, (*reads, *ahead)), Node("approve", form_answered, waits=True)
        case WaitStep():
            return Node("start", begin_wait, reads), Node("wait", waited, waits=True)
        case GraphStep() | MapStep():
            return Node("start", start, reads), Node("wait", drive, waits=True)
        case ForkStep():
            return Node("start", start, tuple(keys_of(spec))), Node("wait", drive, waits=True)
        case JoinStep():
            return (Node("", join),)


def may_write(spec: Spec, name: str) -> set[str]:
    """The keys that leaving a step may write, the answers and errors on its edges included."""
    step = spec.steps[name]
    keys = {step.writes} | {edge.writes for edge in (*spec.entering(name), *spec.leaving(name))}
    if isinstance(step, JoinStep):
        keys |= set(written_in(spec, block(spec, step.join)))
    return {key for key in keys if key}


def _propose(place: Place, values: Values, services: Services) -> Move:
    """The visit's proposal, made once; a crash finds it again.  One that an upgrade withdrew is made anew."""
    step = place.spec.steps[place.step]
    assert isinstance(step, ActStep | CallStep)
    known = services.ledger.latest(place.run, place.step, place.visit)
    if known is None or known.state == "superseded":
        try:
            if isinstance(step, ActStep) and step.card.model == "auto":
                proposal = propose_routed(step, place, values, services)
            else:
                proposal = propose(step, place, values, services)
        except ModelError as error:
            return Leave("failed", note=error.message, kind="unavailable" if error.retryable else "invalid")
        if isinstance(proposal, Abstained):
            return Leave("abstained", note=proposal.because)
        if known is None:
            services.ledger.propose(proposal)
        else:
            services.ledger.follow(proposal)
    return Onward("gate")


def _gate(place: Place, values: Values, services: Services) -> Move:
    return gate(place, services.runs.visit(place.run, place.step, place.visit).entered_by, services)


def _approve(place: Place, values: Values, services: Services) -> Move:
    return answered(place, services)


def _perform(place: Place, values: Values, services: Services) -> Move:
    step = place.spec.steps[place.step]
    assert isinstance(step, ActStep | CallStep | CompensateStep)
    ended = perform(place, step.retry, services)
    match ended.word:
        case "done":
            writes = {step.writes: ended.effect.result} if step.writes else {}
            return Leave("done", writes=writes, note=ended.effect.model.get("routed", {}).get("because"))
        case "failed":
            return Leave("failed", note=ended.because, kind=ended.kind)
        case "doubt":
            return ask_doubt(place, ended.effect, ended.because, services)
        case "regate":
            return Onward("gate")


_GUARDED = (Node("gate", _gate), Node("approve", _approve, waits=True), Node("perform", _perform))
"""What follows a proposal: the rules, the people, the monitor."""
