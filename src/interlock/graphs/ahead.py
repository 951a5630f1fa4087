"""What may still come in a run: the events that it can wait for from where it stands."""

from __future__ import annotations

from interlock.graphs.branches import join_of
from interlock.graphs.flow import reachable
from interlock.graphs.spec import START, ForkStep, GraphStep, MapStep, Spec, WaitStep, awaited


def awaited_ahead(spec: Spec, at: str | None, left_by: int | None) -> list[WaitStep]:
    """The waits for events that a run may still come to, those of graphs that it may still run included.

    Where the run stands now is left out: a wait that is open is known by its pause, and what its child
    runs wait for is asked of them.

    Args:
        at: the step that was entered last; None before the first.
        left_by: the edge by which that step was left; None while the run is in it, below 0 at an end.
    """
    following = {name: [edge.target for edge in spec.leaving(name)] for name in (START, *spec.steps)}
    if at is None:
        entered = following[START]
    elif left_by is None:
        inside = join_of(spec, at) if isinstance(spec.steps[at], ForkStep) else None
        entered = [inside] if inside is not None else following[at]
    else:
        entered = [spec.edges[left_by].target] if left_by >= 0 else []
    found = []
    for name in reachable(following, entered):
        step = spec.steps.get(name)
        if isinstance(step, WaitStep) and step.event is not None:
            found.append(step)
        elif isinstance(step, GraphStep | MapStep):
            found += awaited(step.spec)
    return found
