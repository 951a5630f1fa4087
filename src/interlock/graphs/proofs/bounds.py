"""The worst case of a run, from visit limits, the steps' own limits and those of the run.

A part of the graph that is strongly connected is entered once.  In it each limited step runs as often
as its limit, and every other at most once between two of these; of parts that exclude each other only
the dearer one counts.  Every number is the greatest over its own path, so two need not come together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from math import ceil

from pydantic import BaseModel, ConfigDict

from interlock.graphs.calls import lookups, model_calls
from interlock.graphs.cards import StepLimits
from interlock.graphs.fault import Fault
from interlock.graphs.flow import Arc, Flow, failing, flow
from interlock.graphs.parallel import FAILING, Inside
from interlock.graphs.proofs.cycles import Half, bounded, halves, homes, regions
from interlock.graphs.proofs.structure import consequential
from interlock.graphs.spec import (
    END,
    START,
    ActStep,
    ApproveStep,
    GraphStep,
    MapStep,
    Performing,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
)
from interlock.tools.action import Action


class Bounds(BaseModel):
    """The most a run can take: steps entered, chat-model calls, actions performed, questions to people.

    Child runs are counted in.  None where nothing limits it.  An edit of an action by a reviewer asks
    again and is not counted.
    """

    model_config = ConfigDict(frozen=True)

    steps: int | None
    model_calls: int | None
    actions: int | None
    approvals: int | None
    tokens: int | None = None
    cost: Decimal | None = None
    """US dollars; None without a limit."""
    seconds: int | None = None
    """From when it is accepted, waits included; None without a limit."""


ENDLESS = Decimal("Infinity")

METRICS = ("steps", "model_calls", "performed", "lookups", "approvals", "tokens", "cost")
"""What is counted; `performed` and `lookups` together are the actions."""

Load = tuple[Decimal, ...]
"""One number for each of `METRICS`."""


def _load(**numbers: int | Decimal | None) -> Load:
    """The numbers given, None for endless, and 0 for all others."""
    return tuple(ENDLESS if (found := numbers.get(name, 0)) is None else Decimal(found) for name in METRICS)


NOTHING = _load()
ENTERED = _load(steps=1)
UNKNOWN: Load = (ENDLESS,) * len(METRICS)


def _sum(*loads: Load) -> Load:
    return tuple(sum(column, Decimal(0)) for column in zip(*loads, strict=True))


def _times(load: Load, count: int) -> Load:
    return tuple(number * count if number else number for number in load)


def _most(loads: Iterable[Load]) -> Load:
    """The greatest of each number."""
    found = tuple(max(column) for column in zip(*loads, strict=True))
    return found or NOTHING


def _raise(found: dict[str, Load], ends: Mapping[str, Load], own: Load) -> None:
    """Take in the ends that something further on comes to, with what is taken on the way there."""
    for end, load in ends.items():
        found[end] = _most([_sum(load, own), *([found[end]] if end in found else [])])


def bounds(spec: Spec, actions: Mapping[str, Action] | None = None) -> Bounds:
    """The worst case of a run; limits that are enforced while it runs cap it.

    Without `actions` each action is taken for one that people may be asked about.
    """
    limits = spec.limits
    found = dict(zip(METRICS, _Worst(spec, actions or {}).run(), strict=True))
    steps = min(found["steps"], ENDLESS if limits.steps is None else Decimal(limits.steps))
    calls = min(found["model_calls"], ENDLESS if limits.model_calls is None else Decimal(limits.model_calls))
    tokens = min(found["tokens"], ENDLESS if limits.tokens is None else Decimal(limits.tokens))
    cost = min(found["cost"], limits.cost.usd if limits.cost else ENDLESS)
    return Bounds(
        steps=_whole(steps),
        model_calls=_whole(calls),
        actions=_whole(min(found["performed"], steps) + min(found["lookups"], calls)),
        approvals=_whole(min(found["approvals"], steps)),
        tokens=_whole(tokens),
        cost=cost if cost.is_finite() else None,
        seconds=None if limits.time is None else ceil(limits.time.total_seconds()),
    )


def _whole(number: Decimal) -> int | None:
    return int(number) if number.is_finite() else None


class _Worst:
    def __init__(self, spec: Spec, actions: Mapping[str, Action]) -> None:
        self.spec = spec
        self.actions = actions
        self.paths = flow(spec)
        self.endless = next(bounded(spec, self.paths), None) is not None
        self.regions = regions(spec, self.paths)
        self.forks: dict[str, tuple[Load, Load]] = {}

    def run(self) -> Load:
        return UNKNOWN if self.endless else _most(self.region(None).values())

    def region(self, inside: Inside | None) -> dict[str, Load]:
        """The worst case of the run itself, or of one branch, by the end that it comes to."""
        paths = self.regions[inside]
        graph = halves(self.spec, paths)
        groups, home = homes(graph)
        most: list[dict[str, Load]] = []
        for number, group in enumerate(groups):
            (name, unlimited), *more = group
            if name in (END, failing(END)):
                most.append({name: NOTHING})
                continue
            here = {half: most[home[half]] for one in group for half in graph[one] if home[half] != number}
            found: dict[str, Load] = {}
            if more or group[0] in graph[group[0]]:
                own = self._group(group, paths, home)
                for ends in here.values():
                    _raise(found, ends, own)
            else:
                step = self.spec.steps.get(name.removesuffix(FAILING))
                exhausted = step is not None and step.visits is not None and unlimited
                own = NOTHING if step is None else ENTERED if exhausted else self._visit(name, step)
                for arc in paths.leaving[name]:
                    if step is not None and step.visits is not None and (arc.outcome == "exhausted") != unlimited:
                        continue
                    after = _sum(own, self._over(arc, step))
                    for half in ((arc.target, True), (arc.target, False)):
                        _raise(found, here.get(half, {}), after)
            most.append(found)
        return most[home[START, True]]

    def _over(self, arc: Arc, step: Step | None) -> Load:
        """What an outcome takes beside the visit: the action performed, or the branches of a fork."""
        if isinstance(step, Performing) and arc.outcome == "done":
            return _load(performed=1)
        if arc.source in self.paths.blocks.of:
            return self._branches(arc.source)[int(arc.target.endswith(FAILING))]
        return NOTHING

    def _branches(self, fork: str) -> tuple[Load, Load]:
        """All branches of a fork, when all have ended well, and when one has failed."""
        if fork not in self.forks:
            ends = [self.region((fork, branch)) for branch in self.paths.blocks.of[fork].branches]
            well = _sum(*(found.get(END, NOTHING) for found in ends))
            either = [_most(found.values()) for found in ends]
            failed = [
                _sum(found[failing(END)], *(other for number, other in enumerate(either) if number != place))
                for place, found in enumerate(ends)
                if failing(END) in found
            ]
            self.forks[fork] = well, _most(failed)
        return self.forks[fork]

    def _group(self, group: list[Half], paths: Flow, home: Mapping[Half, int]) -> Load:
        """The worst case of one strongly connected part."""
        total = sum(self.spec.steps[name].visits or 0 for name, unlimited in group if not unlimited)
        found = NOTHING
        for name, unlimited in group:
            step = self.spec.steps.get(name.removesuffix(FAILING))
            if step is None:
                continue
            if step.visits is not None and unlimited:  # left as exhausted
                found = _sum(found, _times(ENTERED, total + 1))
                continue
            visits = total + 1 if unlimited else step.visits or 1
            found = _sum(found, _times(self._visit(name, step), visits))
            if isinstance(step, Performing):
                again = any(
                    home.get((arc.target, self._unlimited(arc.target))) == home[name, unlimited]
                    for arc in paths.leaving[name]
                    if arc.outcome == "done"
                )
                found = _sum(found, _load(performed=visits if again else 1))
            elif name in self.paths.blocks.of:
                found = _sum(found, _times(_most(self._branches(name)), visits))
        return found

    def _unlimited(self, name: str) -> bool:
        step = self.spec.steps.get(name)
        return step is None or step.visits is None

    def _visit(self, name: str, step: Step) -> Load:
        """What one visit takes, beside the action that it performs."""
        match step:
            case ReasonStep() | RouteStep():
                return _sum(ENTERED, _thinking(step, model_calls(step)), _load(lookups=lookups(step)))
            case ApproveStep():
                return _load(steps=1, approvals=1)
            case GraphStep():
                return _sum(ENTERED, _child(step.spec, self.actions))
            case MapStep():
                return _sum(ENTERED, _times(_child(step.spec, self.actions), step.at_most))
            case _ if isinstance(step, Performing):
                asks = isinstance(step, ActStep) and (step.card.on_abstain == "ask" or step.card.model == "auto")
                own = _load(steps=1, approvals=int(asks or bool(consequential(step, self.actions))))
                return _sum(own, _thinking(step, model_calls(step)))
        return ENTERED


def _thinking(step: Step, calls: int) -> Load:
    """What the chat model of one visit takes, its own limits counted in."""
    if calls == 0:
        return NOTHING
    own = step.limits if isinstance(step, ReasonStep | RouteStep) else StepLimits()
    most = calls if own.model_calls is None else min(calls, own.model_calls)
    return _load(model_calls=most, tokens=own.tokens, cost=own.cost.usd if own.cost else None)


def _child(spec: Spec, actions: Mapping[str, Action]) -> Load:
    """The worst case of a child run, capped by its own limits."""
    found = bounds(spec, actions)
    return _load(
        steps=found.steps,
        model_calls=found.model_calls,
        performed=found.actions,
        approvals=found.approvals,
        tokens=found.tokens,
        cost=found.cost,
    )


def enough(spec: Spec, paths: Flow) -> Iterator[Fault]:
    """Limits that already the longest path without a repetition goes past."""
    if spec.limits.steps is None and spec.limits.model_calls is None:
        return
    needed = _Needed(spec, paths)
    steps, calls = needed.region(None)
    for key, limit, most in (("steps", spec.limits.steps, steps), ("model_calls", spec.limits.model_calls, calls)):
        if limit is not None and limit < most:
            message = f"the longest path needs {most} {key.replace('_', ' ')}, but the limit is {limit}"
            yield Fault("G205", message, ("limits", key), severity="warning")


class _Needed:
    """Steps and model calls of the longest path that enters no step twice and repeats no attempt."""

    def __init__(self, spec: Spec, paths: Flow) -> None:
        self.spec = spec
        self.blocks = paths.blocks
        self.regions = regions(spec, paths)

    def region(self, inside: Inside | None) -> tuple[int, int]:
        successors = self.regions[inside].successors()
        order: list[str] = []
        entered: set[str] = set()
        work: list[tuple[str, bool]] = [(START, True)]
        while work:
            name, entering = work.pop()
            if not entering:
                order.append(name)
            elif name not in entered:
                entered.add(name)
                work.append((name, False))
                work += [(target, True) for target in reversed(successors[name])]
        longest: dict[str, tuple[int, int]] = {}
        for name in order:  # an arrow that leads back finds its target not yet in `longest`
            after = [longest[target] for target in successors[name] if target in longest]
            own = self._own(name)
            longest[name] = (
                own[0] + max((steps for steps, _ in after), default=0),
                own[1] + max((calls for _, calls in after), default=0),
            )
        return longest[START]

    def _own(self, name: str) -> tuple[int, int]:
        if name in (START, END):
            return 0, 0
        if name in self.blocks.of:
            branches = [self.region((name, branch)) for branch in self.blocks.of[name].branches]
            return 1 + sum(steps for steps, _ in branches), sum(calls for _, calls in branches)
        step = self.spec.steps.get(name.removesuffix(FAILING))
        if isinstance(step, GraphStep):
            steps, calls = _Needed(step.spec, flow(step.spec)).region(None)
            return 1 + steps, calls
        return 1, int(step is not None and model_calls(step) > 0)
