"""All proofs of a workflow, on its spec, before anything runs.

What is not proven: that a node honours its declarations.  That is enforced while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from interlock.graphs.fault import Fault
from interlock.graphs.flow import Flow, flow
from interlock.graphs.proofs.approval import Decided, approval, covering
from interlock.graphs.proofs.assigned import assigned
from interlock.graphs.proofs.bindings import bindings
from interlock.graphs.proofs.bounds import Bounds as Bounds
from interlock.graphs.proofs.bounds import bounds as bounds
from interlock.graphs.proofs.bounds import enough
from interlock.graphs.proofs.compensation import compensation, naming, undoing
from interlock.graphs.proofs.cycles import bounded
from interlock.graphs.proofs.disjoint import disjoint
from interlock.graphs.proofs.integrity import MayAuto, integrity
from interlock.graphs.proofs.reducers import reduced
from interlock.graphs.proofs.retries import retries
from interlock.graphs.proofs.shapes import reports_error, state_shapes
from interlock.graphs.proofs.structure import closed, connected, consequential
from interlock.graphs.spec import Spec
from interlock.tools.action import Action


def prove(
    spec: Spec,
    actions: Mapping[str, Action],
    decided: Decided,
    unsure: Set[str] | None = None,
    may_auto: MayAuto | None = None,
) -> list[Fault]:
    """Everything wrong with `spec`.

    Where something is missing, the proofs that look at whole paths are left out: what they found would
    only be a consequence.  So are they where forks and joins are no blocks.

    Args:
        decided: whether some policy decides an action.
        unsure: the sources whose edges could not all be read; None when the whole file was.
        may_auto: whether the policies may let an action pass by themselves; by default, wherever one decides it.
    """
    paths = flow(spec) if unsure is None else Flow({})
    flows = list(bindings(spec, actions, unsure is None))
    wrong = {int(fault.at[1]) for fault in flows if fault.at[0] == "edges"}
    faults = [
        *closed(spec, actions, unsure or frozenset()),
        *flows,
        *disjoint(spec, state_shapes(spec, actions), wrong),
        *covering(spec, actions, paths.blocks, unsure is None),
        *naming(spec),
        *paths.disjointed,
        *_edge_keys(spec, actions),
        *retries(spec, actions),
    ]
    if unsure is not None or paths.disjointed:
        return faults
    faults += connected(spec, paths)
    faults += reduced(spec, paths.blocks, actions)
    faults += undoing(spec, paths)
    faults += assigned(spec, paths)
    unlimited = list(bounded(spec, paths))
    faults += unlimited
    faults += approval(spec, paths, actions, decided)
    faults += compensation(spec, paths, actions)
    faults += integrity(spec, paths, actions, may_auto or (lambda action, labels: decided(action)))
    if not unlimited:
        faults += enough(spec, paths)
    return faults


def _edge_keys(spec: Spec, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """Keys that say nothing on their edge; a reader would believe in a guard that is not there."""
    for index, edge in enumerate(spec.edges):
        at = ("edges", index)
        target = spec.steps.get(edge.target)
        if edge.approval is not None and (target is None or not consequential(target, actions)):
            message = f"`{edge.target}` performs no action that an approval could be for"
            yield Fault("G029", message, (*at, "approval"))
        elif edge.writes is not None and edge.approval is None and not reports_error(edge):
            hint = "an edge of failure may write what went wrong" if edge.on else None
            yield Fault("G029", "`writes` says nothing without `approval`", (*at, "writes"), key=True, hint=hint)
        if edge.outcome is not None and target is not None:
            yield Fault("G029", "`outcome` names an end, but this edge does not go to END", (*at, "outcome"), key=True)
