"""The proof that every path to a consequential action crosses an approval or a policy that decides it.

Dominators would not do: in a loop the second execution is dominated by the first approval, and an
argument can change after the approval.  So each risky step has a fact *dirty*, true at START.  The
`approved` edge of an approval that covers the step clears it; writing a key the step binds sets it
again; entering the step consumes the approval and sets it.  A step entered dirty, over an edge that
carries no approval itself, is the fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from interlock.graphs.fault import Fault
from interlock.graphs.flow import Arc, Flow, may, shortest
from interlock.graphs.parallel import Blocks
from interlock.graphs.proofs.assigned import ANSWERED, bound_keys, writing
from interlock.graphs.proofs.shapes import argument_shapes, reports_error
from interlock.graphs.proofs.structure import consequential
from interlock.graphs.spec import ActStep, ApproveStep, CompensateStep, ForkStep, Performing, Spec
from interlock.source import hint_for
from interlock.tools.action import Action

Decided = Callable[[str], bool]
"""Whether some policy decides the action of this name."""


def undecided(spec: Spec, actions: Mapping[str, Action], decided: Decided) -> dict[str, list[str]]:
    """The steps with consequential actions that no policy decides, and these actions."""
    found = {
        name: [action for action in consequential(step, actions) if not decided(action)]
        for name, step in spec.steps.items()
    }
    return {name: risky for name, risky in found.items() if risky}


class Dirt:
    """The fact *dirty* of each step in question, as one bit, and what every arc does to it."""

    def __init__(self, spec: Spec, steps: list[str], blocks: Blocks) -> None:
        self.spec = spec
        self.bit = {name: 1 << place for place, name in enumerate(steps)}
        self.all = (1 << len(self.bit)) - 1
        self.binding: dict[str, int] = {}
        for name in steps:
            for key in {key for keys in bound_keys(spec.steps[name]).values() for key in keys}:
                self.binding[key] = self.binding.get(key, 0) | self.bit[name]
        self.undoing: dict[str, int] = {}
        for name in steps:
            step = spec.steps[name]
            if isinstance(step, CompensateStep):  # its arguments are those of the effect that it undoes
                self.undoing[step.compensate] = self.undoing.get(step.compensate, 0) | self.bit[name]
        self.inside = {
            fork: sum(self.bit.get(name, 0) for names in block.branches.values() for name in names)
            for fork, block in blocks.of.items()
        }

    def after(self, arc: Arc, dirty: int) -> int:
        """What is dirty on entering the target of `arc`, from what was on entering its source."""
        dirty = self._left(arc, dirty)
        edge = self.spec.edges[arc.edge] if arc.edge is not None else None
        if edge is None or not edge.writes:
            return dirty
        written = self.binding.get(edge.writes, 0)
        return dirty | (written if reports_error(edge) else written << len(self.bit))

    def _left(self, arc: Arc, dirty: int) -> int:
        """What is dirty once the source of `arc` has ended.

        Above the bits of the steps lie those that the answer of a review still to come would make dirty.
        """
        step = self.spec.steps.get(arc.source)
        review, dirty = dirty >> len(self.bit), dirty & self.all
        if step is None:
            return dirty
        if isinstance(step, ForkStep):
            return dirty | self.inside.get(arc.source, 0)  # no approval goes from a run to its child runs
        if arc.outcome != "exhausted":  # an exhausted step was not carried out
            dirty |= self.bit.get(arc.source, 0)
        if isinstance(step, ApproveStep) and step.covers is not None and arc.outcome == "approved":
            dirty &= ~self.bit.get(step.covers, 0)
        answered = isinstance(step, ApproveStep) and arc.outcome != "exhausted"
        if step.writes and (answered or arc.outcome in writing(step)):
            dirty |= self.binding.get(step.writes, 0)
        if arc.outcome in ANSWERED:
            dirty |= review
        if arc.outcome == "done":
            dirty |= self.undoing.get(arc.source, 0)
        return dirty

    def unapproved(self, arc: Arc, dirty: int) -> int:
        """The step that `arc` enters dirty and without an approval of its own, as its bit."""
        if arc.edge is None or self.spec.edges[arc.edge].approval is not None:
            return 0
        return self.after(arc, dirty) & self.bit.get(arc.target, 0)


def approval(spec: Spec, flow: Flow, actions: Mapping[str, Action], decided: Decided) -> Iterator[Fault]:
    """Every step whose consequential action some path reaches undecided, with the shortest such path."""
    risky = undecided(spec, actions, decided)
    dirt = Dirt(spec, list(risky), flow.blocks)
    open_steps = _entered_open(dirt, flow) if risky else 0
    for name, undecided_actions in risky.items():
        if not open_steps & dirt.bit[name]:
            continue
        only = Dirt(spec, [name], flow.blocks)
        found = shortest(flow, only.all, only.after, lambda arc, state: bool(only.unapproved(arc, state)))  # noqa: B023
        words = ", ".join(f"`{action}`" for action in undecided_actions)
        message = f"{words} can be reached without an approval or a policy that decides it"
        hint = "add an approval to the edge, or a policy for it"
        at = ("steps", name)
        yield Fault("G201", message, at, key=True, hint=hint, path=tuple(found[0]) if found else ())


def _entered_open(dirt: Dirt, flow: Flow) -> int:
    """The bits of all steps that are entered dirty and unapproved over some path."""
    dirty = may(flow, dirt.all, dirt.after)
    wrong = 0
    for arc in flow.arcs:
        if arc.source in dirty:
            wrong |= dirt.unapproved(arc, dirty[arc.source])
    return wrong


def covering(spec: Spec, actions: Mapping[str, Action], blocks: Blocks, whole: bool = True) -> Iterator[Fault]:
    """Every `covers` names a step of the same run, with one consequential action and all its arguments bound.

    Unless the spec is `whole`, a step that could not be read may be the one that is named.
    """
    for name, step in spec.steps.items():
        if not isinstance(step, ApproveStep) or step.covers is None:
            continue
        at = ("steps", name, "covers")
        covered = spec.steps.get(step.covers)
        if covered is None:
            if whole:
                yield Fault("G030", f"unknown step `{step.covers}`", at, hint=hint_for(step.covers, spec.steps))
        elif not isinstance(covered, Performing) or not consequential(covered, actions):
            yield Fault("G202", f"`{step.covers}` changes nothing, so there is nothing to authorise", at)
        elif blocks.home.get(name) != blocks.home.get(step.covers):
            message = f"`{step.covers}` and `{name}` run apart, in other branches; an approval is for its own run"
            yield Fault("G215", message, at, hint="put both into the same branch")
        elif len(covered.actions) != 1:
            message = f"`{step.covers}` chooses among {len(covered.actions)} actions; an approval covers exactly one"
            yield Fault("G202", message, at)
        elif covered.actions[0] in actions:
            unbound = [key for key in argument_shapes(actions[covered.actions[0]])[1] if key not in covered.bind]
            if unbound and isinstance(covered, ActStep):  # a call says so itself
                words = ", ".join(f"`{key}`" for key in unbound)
                message = f"`{step.covers}` does not bind {words}, so its exact action is not known yet"
                yield Fault("G202", message, at)
