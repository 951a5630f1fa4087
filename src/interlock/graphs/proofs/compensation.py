"""The proof that no run ends as failed while an effect stands that nobody undid or decided to keep.

A forward may-analysis of how often each step that changes something was *performed*: never, once, or
several times.  The step's success counts up; the success of a step that compensates it undoes the last,
which leaves nothing after one and an unknown rest after several.  At a failed end nothing may stand
unless the edge `keeps` it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from interlock.graphs.fault import Fault
from interlock.graphs.flow import Arc, Flow, flow, may, shortest
from interlock.graphs.parallel import FAILING
from interlock.graphs.proofs.structure import consequential
from interlock.graphs.spec import END, FAILED, CompensateStep, ForkStep, GraphStep, MapStep, Spec
from interlock.source import hint_for
from interlock.tools.action import Action


@dataclass
class Standing:
    """How often each step was performed, and what every arc does to it.

    A step has two bits, for *performed* and, above it, for *several times*: a chain on which every arc is
    monotone, so that joining paths bit by bit loses nothing.
    """

    spec: Spec
    actions: Mapping[str, Action]
    bit: dict[str, int] = field(default_factory=dict)
    others: dict[tuple[str, str], int] = field(default_factory=dict)
    """For each branch, the steps of the other branches of its fork."""
    nested: dict[str, frozenset[str]] = field(default_factory=dict)
    """The outcomes of a step that runs a graph after which effects of that graph may stand."""

    @classmethod
    def of(cls, spec: Spec, paths: Flow, actions: Mapping[str, Action]) -> Standing:
        facts = cls(spec, actions)
        for name, step in spec.steps.items():
            if isinstance(step, GraphStep | MapStep):
                facts.nested[name] = _leaving_effects(step, actions)
            if facts.nested.get(name) or (not isinstance(step, CompensateStep) and consequential(step, actions)):
                facts.bit[name] = 1 << 2 * len(facts.bit)
        for fork, block in paths.blocks.of.items():
            inside = {branch: facts.bits(names) for branch, names in block.branches.items()}
            for branch in inside:
                facts.others[fork, branch] = sum(bits for other, bits in inside.items() if other != branch)
        return facts

    def bits(self, names: tuple[str, ...]) -> int:
        return sum(3 * self.bit.get(name, 0) for name in set(names))

    def after(self, arc: Arc, performed: int) -> int:
        """What may have been performed once `arc` is taken.

        Into a branch goes what stands of its own steps; of the other branches' steps these alone can tell.
        """
        step, own = self.spec.steps.get(arc.source), self.bit.get(arc.source, 0)
        counted = performed | own | (performed & own) << 1
        match step:
            case ForkStep():
                return performed & ~self.others.get((arc.source, arc.outcome), 0)
            case GraphStep() | MapStep():
                return counted if arc.outcome in self.nested[arc.source] else performed
            case CompensateStep() if arc.outcome == "done":
                undone = self.bit.get(step.compensate, 0)
                return performed if performed & undone << 1 else performed & ~undone
        return counted if arc.outcome == "done" else performed

    def undoable(self, name: str) -> bool:
        """Whether a compensate step could undo everything that the step may do."""
        risky = consequential(self.spec.steps[name], self.actions)
        return bool(risky) and all(action in self.actions and self.actions[action].compensate for action in risky)

    def kept(self, arc: Arc) -> int:
        return self.bits(tuple(self.spec.edges[arc.edge].keeps)) if arc.edge is not None else 0


def _leaving_effects(step: GraphStep | MapStep, actions: Mapping[str, Action]) -> frozenset[str]:
    """The outcomes of `step` after which an effect of the graph it runs may stand."""
    paths = flow(step.spec)
    facts = Standing.of(step.spec, paths, actions)
    if not facts.bit:
        return frozenset()
    found = set()
    entered = may(paths, 0, facts.after)
    for arc in paths.arcs:
        if arc.target == END and arc.source in entered and facts.after(arc, entered[arc.source]):
            named = step.spec.edges[arc.edge].outcome if arc.edge is not None else None
            found.add(named or ("failed" if arc.outcome in FAILED else "done"))
    if isinstance(step, MapStep) and found:
        return frozenset({"done", "failed"})  # one item may have failed and another not
    return frozenset(found)


def failed_ends(paths: Flow) -> Iterator[Arc]:
    """The arcs by which a run ends as failed."""
    return (arc for arc in paths.arcs if arc.target == END and arc.outcome in FAILED)


def compensation(spec: Spec, paths: Flow, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """Every failed end at which an effect may stand that the end does not keep, with the shortest path."""
    facts = Standing.of(spec, paths, actions)
    entered = may(paths, 0, facts.after) if facts.bit else {}
    said: set[tuple[str, int | None, str]] = set()
    for arc in failed_ends(paths):
        performed = facts.after(arc, entered.get(arc.source, 0))
        standing = performed & ~facts.kept(arc)
        for name, bit in facts.bit.items():
            place = (arc.source, arc.edge, name)
            if standing & bit and place not in said:
                said.add(place)
                ends = [other for other in failed_ends(paths) if (other.source, other.edge) == (arc.source, arc.edge)]
                already = [] if arc.edge is None else spec.edges[arc.edge].keeps
                stays = [other for other, held in facts.bit.items() if standing & held and not facts.undoable(other)]
                final = [*already, *stays]
                yield _fault(facts, paths, ends, name, final, several=bool(performed & bit << 1))
    yield from _keeping(spec, facts, paths, entered)


def _fault(facts: Standing, paths: Flow, ends: list[Arc], name: str, final: list[str], *, several: bool) -> Fault:
    """The fault of ending as failed by one of `ends`, which are outcomes of one place, after `name` was performed.

    Args:
        final: all that stands there and cannot be undone; one `keeps` names them together.
        several: whether it may have been performed several times.
    """
    bits = facts.bits((name,))

    def after(arc: Arc, state: int) -> int:
        return facts.after(arc, state) & bits

    found = shortest(paths, 0, after, lambda arc, state: arc in ends and bool(after(arc, state)))
    source = ends[0].source.removesuffix(FAILING)
    outcome = found[1].outcome if found else ends[0].outcome
    undone = facts.undoable(name)
    edge = ends[0].edge
    message = f"the run can end as failed by `{outcome}` of `{source}` while what `{name}` did stands"
    undoing = facts.spec.steps.get(source)
    if isinstance(undoing, CompensateStep) and undoing.compensate == name:
        hint = f"say `keeps: [{name}]`, so that it is known what is left to do by hand"
    elif undone and several:
        hint = f"only the last of several is undone: undo `{name}` before it runs again, or say `keeps: [{name}]`"
    elif undone:
        hint = f"lead it through a step with `compensate: {name}`, or say `keeps: [{name}]`"
    else:
        hint = f"it cannot be undone: say `keeps: [{', '.join(final)}]`"
    if edge is None:
        hint = f"{hint}, on an edge {{from: {source}, on: {outcome}, to: …}}"
    at = ("steps", source) if edge is None else ("edges", edge, "on")
    part = None if edge is None else outcome
    code = "G208" if undone else "G209"
    return Fault(code, message, at, key=edge is None, hint=hint, path=tuple(found[0]) if found else (), part=part)


def _keeping(spec: Spec, facts: Standing, paths: Flow, entered: Mapping[str, int]) -> Iterator[Fault]:
    """Steps that a failed end keeps though nothing of theirs can stand there."""
    there: dict[int, int] = {}
    for arc in failed_ends(paths):
        if arc.edge is not None:
            there[arc.edge] = there.get(arc.edge, 0) | facts.after(arc, entered.get(arc.source, 0))
    for index, edge in enumerate(spec.edges):
        for place, name in enumerate(edge.keeps):
            at = ("edges", index, "keeps", place)
            if name in spec.steps and index in there and not there[index] & facts.bit.get(name, 0):
                message = f"nothing that `{name}` does can stand at this end"
                yield Fault("G034", message, at, severity="warning")


def naming(spec: Spec) -> Iterator[Fault]:
    """`keeps` stands on failed ends, and names steps there are."""
    for index, edge in enumerate(spec.edges):
        if not edge.keeps:
            continue
        if edge.target != END or not set(edge.on) & set(FAILED):
            message = "`keeps` is for an edge to END by `failed` or `exhausted`"
            yield Fault("G029", message, ("edges", index, "keeps"), key=True)
            continue
        for place, name in enumerate(edge.keeps):
            if name not in spec.steps:
                hint = hint_for(name, spec.steps)
                yield Fault("G038", f"unknown step `{name}`", ("edges", index, "keeps", place), hint=hint)


def undoing(spec: Spec, paths: Flow) -> Iterator[Fault]:
    """A compensate step undoes what was done in its own run, or in a block of it."""
    for name, step in spec.steps.items():
        if not isinstance(step, CompensateStep):
            continue
        home = paths.blocks.home.get(name)
        if home is not None and home not in paths.blocks.around(step.compensate):
            message = f"`{step.compensate}` lies outside the branch of `{name}`, which cannot see what it did"
            hint = "compensate it after the join"
            yield Fault("G214", message, ("steps", name, "compensate"), hint=hint)
