"""Every run ends: cycles carry visit limits, and from these the worst case of a run follows.

A step with `visits` that is entered once more than that leaves by `exhausted` without being carried
out, and nothing limits how often.  So it stands in the graph twice: once as the limited step, once as
the unlimited way out; the graph without the limited halves must have no cycle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from interlock.graphs.fault import Fault
from interlock.graphs.flow import Flow, components, cycle, flow
from interlock.graphs.spec import END, START, ActStep, ApproveStep, Performing, ReasonStep, Spec
from interlock.graphs.structure import consequential
from interlock.tools.action import Action

Half = tuple[str, bool]
"""A step's name, and whether this is its unlimited half."""


class Bounds(BaseModel):
    """The most a run can take: steps entered, chat-model calls, actions performed, questions to people.

    None where nothing limits it.  An edit of an action by a reviewer asks again and is not counted.
    """

    model_config = ConfigDict(frozen=True)

    steps: int | None
    model_calls: int | None
    actions: int | None
    approvals: int | None
    cost: Decimal | None = None
    """US dollars, as limited by the graph; None without a limit."""


def _halves(spec: Spec, paths: Flow) -> dict[Half, list[Half]]:
    """The graph of outcomes in which each limited step has two halves."""

    def entered(name: str) -> list[Half]:
        step = spec.steps.get(name)
        limited = step is not None and step.visits is not None
        return [(name, False), (name, True)] if limited else [(name, True)]

    graph: dict[Half, list[Half]] = {half: [] for name in paths.leaving for half in entered(name)}
    for arc in paths.arcs:
        step = spec.steps.get(arc.source)
        limited = step is not None and step.visits is not None
        graph[arc.source, not limited or arc.outcome == "exhausted"] += entered(arc.target)
    return {half: list(dict.fromkeys(following)) for half, following in graph.items()}


def bounded(spec: Spec, paths: Flow) -> Iterator[Fault]:
    """A cycle that no visit limit ends, one for each part of the graph that has one."""
    graph = _halves(spec, paths)
    free = {half: [other for other in following if other[1]] for half, following in graph.items() if half[1]}
    for component in reversed(components(free)):
        if len(component) == 1 and component[0] not in free[component[0]]:
            continue
        members = set(component)
        found = cycle(free, [(name, True) for name in spec.steps if (name, True) in members])
        if found is None:
            continue
        path = [half[0] for half in found]
        closing = [arc for arc in paths.leaving[path[-2]] if arc.target == path[-1]]
        limited = [name for name in path if spec.steps[name].visits is not None]
        message = f"nothing limits the cycle through `{path[0]}`"
        hint = "give one of its steps `visits`"
        if limited:
            message = f"the limit of `{limited[0]}` ends nothing: its way out by `exhausted` leads back into the cycle"
            hint = "lead `exhausted` out of the cycle"
        yield Fault("G203", message, ("edges", closing[0].edge, "to"), hint=hint, path=tuple(path))


def bounds(spec: Spec, actions: Mapping[str, Action] | None = None) -> Bounds:
    """The worst case of a run; limits that are enforced while it runs cap it.

    A part of the graph that is strongly connected is entered once.  In it each limited half runs as
    often as its limit, and every other half at most once between two of these.  Without `actions`
    each action is taken for one that people may be asked about.
    """
    paths, limits = flow(spec), spec.limits
    cost = limits.cost.usd if limits.cost else None
    if next(bounded(spec, paths), None) is not None:
        most = limits.steps
        return Bounds(steps=most, model_calls=limits.model_calls, actions=most, approvals=most, cost=cost)
    graph = _halves(spec, paths)
    home: dict[Half, int] = {}
    groups = components(graph)
    for number, group in enumerate(groups):
        home |= dict.fromkeys(group, number)
    visits: dict[Half, int] = {}
    cyclic: set[Half] = set()
    for group in groups:
        cyclic.update(group if len(group) > 1 or group[0] in graph[group[0]] else ())
        total = sum(spec.steps[name].visits or 0 for name, unlimited in group if not unlimited)
        for half in group:
            limit = spec.steps[half[0]].visits if not half[1] else None
            visits[half] = (limit if limit is not None else total + 1) if half in cyclic else 1
    steps = model_calls = performed = approvals = 0
    for name, step in spec.steps.items():
        half = (name, step.visits is None)
        entered = visits[half]
        steps += entered + (visits[name, True] if step.visits is not None and (name, False) in cyclic else 0)
        if isinstance(step, ReasonStep):
            model_calls += entered * step.retry.attempts * (step.card.repairs + 1)
        elif isinstance(step, ApproveStep):
            approvals += entered
        elif isinstance(step, Performing):
            again = any(home[half] == home[other] for other in _after_done(name, spec, paths))
            performed += entered if again else 1
            asks = isinstance(step, ActStep) and step.card.on_abstain == "ask"
            approvals += entered if asks or consequential(step, actions or {}) else 0
    steps = min(steps, limits.steps) if limits.steps is not None else steps
    calls = min(model_calls, limits.model_calls) if limits.model_calls is not None else model_calls
    return Bounds(
        steps=steps, model_calls=calls, actions=min(performed, steps), approvals=min(approvals, steps), cost=cost
    )


def _after_done(name: str, spec: Spec, paths: Flow) -> list[Half]:
    """Where a step can go after its action was performed: only then can it be performed again."""
    targets = [arc.target for arc in paths.leaving[name] if arc.outcome == "done" and arc.target != END]
    return [(target, spec.steps[target].visits is None) for target in targets]


def enough(spec: Spec, paths: Flow) -> Iterator[Fault]:
    """Limits that already the longest path without a repetition goes past."""
    order: list[str] = []
    kept: dict[str, list[str]] = {}
    state: dict[str, bool] = {}
    successors = paths.successors()
    work: list[tuple[str, bool]] = [(START, True)]
    while work:
        name, entering = work.pop()
        if not entering:
            state[name] = True
            order.append(name)
        elif name not in state:
            state[name] = False
            work.append((name, False))
            work += [(target, True) for target in reversed(successors[name])]
    place = {name: number for number, name in enumerate(order)}
    for name in order:  # the arrows of a depth-first search that do not lead back
        kept[name] = [target for target in successors[name] if place[target] < place[name]]
    longest_steps: dict[str, int] = {}
    longest_calls: dict[str, int] = {}
    for name in order:
        own = 0 if name in (START, END) else 1
        calls = 1 if isinstance(spec.steps.get(name), ReasonStep) else 0
        longest_steps[name] = own + max((longest_steps[target] for target in kept[name]), default=0)
        longest_calls[name] = calls + max((longest_calls[target] for target in kept[name]), default=0)
    for key, limit, needed in (
        ("steps", spec.limits.steps, longest_steps[START]),
        ("model_calls", spec.limits.model_calls, longest_calls[START]),
    ):
        if limit is not None and limit < needed:
            message = f"the longest path needs {needed} {key.replace('_', ' ')}, but the limit is {limit}"
            yield Fault("G205", message, ("limits", key), severity="warning")
