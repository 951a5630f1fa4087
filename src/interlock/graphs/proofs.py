"""All proofs of a workflow, on its spec, before anything runs.

What is not proven: that a node honours its declarations.  That is enforced while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from interlock.graphs.approval import Decided, approval, covering
from interlock.graphs.assigned import assigned
from interlock.graphs.bindings import bindings
from interlock.graphs.bounds import Bounds as Bounds
from interlock.graphs.bounds import bounded, enough
from interlock.graphs.bounds import bounds as bounds
from interlock.graphs.fault import Fault
from interlock.graphs.flow import flow
from interlock.graphs.shapes import reports_error
from interlock.graphs.spec import Performing, Spec
from interlock.graphs.structure import closed, connected, consequential
from interlock.tools.action import Action


def prove(spec: Spec, actions: Mapping[str, Action], decided: Decided, unsure: Set[str] | None = None) -> list[Fault]:
    """Everything wrong with `spec`.

    `decided` says whether some policy decides an action.  `unsure` are the sources whose edges could
    not all be read; None when the whole file was.  Where something is missing, the proofs that look at
    whole paths are left out: what they found would only be a consequence.
    """
    faults = [
        *closed(spec, actions, unsure or frozenset()),
        *bindings(spec, actions, unsure is None),
        *covering(spec, actions),
    ]
    faults += [*_edge_keys(spec, actions), *_retries(spec, actions)]
    if unsure is not None:
        return faults
    paths = flow(spec)
    faults += connected(spec, paths)
    faults += assigned(spec, paths)
    unlimited = list(bounded(spec, paths))
    faults += unlimited
    faults += approval(spec, paths, actions, decided)
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
            yield Fault("G029", "`writes` says nothing without `approval`", (*at, "writes"), key=True)
        if edge.outcome is not None and target is not None:
            yield Fault("G029", "`outcome` names an end, but this edge does not go to END", (*at, "outcome"), key=True)


def _retries(spec: Spec, actions: Mapping[str, Action]) -> Iterator[Fault]:
    for name, step in spec.steps.items():
        if not isinstance(step, Performing) or step.retry.attempts == 1:
            continue
        blind = [action for action in step.actions if action in actions and actions[action].effect == "blind"]
        if blind:
            message = f"nobody can know whether `{blind[0]}` happened, so it must not be tried again"
            yield Fault("G206", message, ("steps", name, "retry"), key=True)
