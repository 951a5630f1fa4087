"""Cycles and bounds against an oracle that counts every visit of every run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from random_specs import ACTIONS, made, specs

from interlock.graphs.cards import Limits
from interlock.graphs.endings import possible
from interlock.graphs.flow import flow, reachable
from interlock.graphs.proofs.bounds import bounds
from interlock.graphs.proofs.cycles import bounded
from interlock.graphs.proofs.structure import connected
from interlock.graphs.spec import (
    END,
    START,
    UNROUTED_ENDS,
    ApproveStep,
    CallStep,
    CompensateStep,
    ForkStep,
    JoinStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
    outcomes,
)

many = settings(max_examples=2300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Over 2,000 workflows once those are left out that the proofs of structure refuse."""

ENDLESS = float("inf")
NEVER = float("-inf")


def own(step: Step, metric: str) -> float:
    """What one visit of a step that is carried out takes, and its action when it is performed."""
    match metric, step:
        case "steps", _:
            return 1
        case "model_calls", ReasonStep():
            return step.card.repairs + 1
        case "model_calls", RouteStep():
            return step.card.repairs + 1
        case "tokens", ReasonStep():
            return step.limits.tokens or ENDLESS
        case "tokens", RouteStep():
            return ENDLESS
        case "approvals", ApproveStep() | CompensateStep():
            return 1
        case "approvals", CallStep(call=call):
            return call != "house.look"
    return 0


def plus(*numbers: float) -> float:
    """The sum; what never happens together with anything never happens."""
    return NEVER if NEVER in numbers else sum(numbers)


@dataclass
class Longest:
    """The most of one metric that any run takes; endless where some run goes round for ever.

    A metric may stay finite on an endless run that never pays for it, but then the proof has refused the cycle.
    """

    spec: Spec
    metric: str
    end: tuple[str, bool] | None = None
    """For a branch: its join, and whether the end that counts is a failure."""
    memo: dict[Any, float] = field(default_factory=dict)

    def run(self) -> float:
        return max(self._enter(edge.target, (), None) for edge in self.spec.leaving(START))

    def _enter(self, name: str, seen: tuple[tuple[str, int], ...], join: str | None) -> float:
        if name == join:
            return 0 if self.end == (join, False) else NEVER
        if name == END:
            return 0
        step = self.spec.steps[name]
        counts = dict(seen)
        executed = step.visits is None or counts.get(name, 0) < step.visits
        if step.visits is not None and executed:
            counts[name] = counts.get(name, 0) + 1
        seen = tuple(sorted(counts.items()))
        key = (name, executed, seen, join)
        if key in self.memo:
            return self.memo[key]
        self.memo[key] = ENDLESS  # coming back here unchanged means going round for ever
        if isinstance(step, ForkStep):
            most = self._fork(name, step, seen, join)
        else:
            most = max(self._leave(name, word, executed, seen, join) for word in outcomes(step))
            most = plus(most, own(step, self.metric) if executed else float(self.metric == "steps"))
        self.memo[key] = most
        return most

    def _fork(self, name: str, step: ForkStep, seen: Any, join: str | None) -> float:
        after = next(n for n, s in self.spec.steps.items() if isinstance(s, JoinStep) and s.join == name)
        ends = [self._branch(name, branch, after) for branch in step.fork]
        either = [max(well, badly) for well, badly in ends]
        failed = [
            plus(badly, *(most for other, most in enumerate(either) if other != place))
            for place, (_, badly) in enumerate(ends)
        ]
        on = plus(*(well for well, _ in ends), self._leave(after, "done", True, seen, join))
        off = plus(max(failed), self._leave(after, "failed", True, seen, join) if max(failed) > NEVER else NEVER)
        return plus(max(on, off), 2 if self.metric == "steps" else 0)

    def _branch(self, fork: str, branch: str, join: str) -> tuple[float, float]:
        """The most until a branch comes to its join, and until it fails."""
        edge = self.spec.leaving(fork, branch)[0]
        found = []
        for failing in (False, True):
            inner = Longest(self.spec, self.metric, end=(join, failing))
            found.append(inner._enter(edge.target, (), join))
        return found[0], found[1]

    def _leave(self, name: str, word: str, executed: bool, seen: Any, join: str | None) -> float:
        if (word == "exhausted") == executed or not possible(self.spec.steps[name], word):
            return NEVER
        performed = self.metric == "actions" and word == "done"
        paid = float(performed and isinstance(self.spec.steps[name], CallStep | CompensateStep))
        edges = self.spec.leaving(name, word)
        if not edges:
            assert word in UNROUTED_ENDS
            return paid if join is None or self.end == (join, True) else NEVER
        return plus(paid, max(self._enter(edge.target, seen, join) for edge in edges))


METRICS = ("steps", "model_calls", "tokens", "actions", "approvals")


def ends(spec: Spec) -> bool:
    """Whether END can be reached from every step, and every branch can end."""
    return not any(fault.code == "G028" for fault in connected(spec, flow(spec)))


@many
@given(specs())
def test_a_cycle_is_refused_when_some_run_is_endless(spec: Spec) -> None:
    """Where no cycle is reported every run ends; and without visit limits a reported one is endless.

    With limits the proof does not count whether a run can come to a step often enough to leave it by `exhausted`.
    """
    paths = flow(spec)
    if paths.disjointed or not ends(spec):
        return
    assert Longest(spec, "steps").run() != ENDLESS or any(bounded(spec, paths))
    free = _unlimited(spec)
    paths = flow(free)
    if paths.disjointed or not ends(free):
        return
    reached = reachable(paths.successors(), [START])
    faults = list(bounded(free, paths))
    assert (Longest(free, "steps").run() == ENDLESS) == any(fault.path[0] in reached for fault in faults)
    assert all(fault.path[0] == fault.path[-1] for fault in faults)


@settings(many, max_examples=3700)  # of which some 2,100 have no endless cycle
@given(specs())
def test_no_run_goes_past_the_bounds(spec: Spec) -> None:
    """The bounds hold in every run of every workflow."""
    paths = flow(spec)
    if paths.disjointed or any(bounded(spec, paths)) or not ends(spec):
        return
    found = bounds(spec, ACTIONS)
    for metric in METRICS:
        bound = getattr(found, metric)
        assert Longest(spec, metric).run() <= (ENDLESS if bound is None else bound), metric


@many
@given(specs(loops=False))
def test_without_a_loop_some_run_reaches_each_bound(spec: Spec) -> None:
    """Where no step is entered twice, each bound is the exact worst case, branches and failures counted in."""
    spec = _unlimited(spec)
    paths = flow(spec)
    if paths.disjointed or any(bounded(spec, paths)) or not ends(spec):
        return
    found = bounds(spec, ACTIONS)
    for metric in METRICS:
        bound = getattr(found, metric)
        assert Longest(spec, metric).run() == (ENDLESS if bound is None else bound), metric


def _unlimited(spec: Spec) -> Spec:
    """The same without visit limits, and so without `exhausted`."""
    steps = {
        name: step.model_copy(update={"visits": None}) if step.visits is not None else step
        for name, step in spec.steps.items()
    }
    edges = [edge for edge in spec.edges if edge.on != ["exhausted"]]
    return spec.model_copy(update={"steps": steps, "edges": edges})


def test_limits_cap_the_bounds() -> None:
    """A run's own limits are never exceeded, so no bound is above them."""
    spec = made(7, 9, True, False)
    free = bounds(spec, ACTIONS)
    assert free.steps is not None
    capped = bounds(spec.model_copy(update={"limits": Limits(steps=1, model_calls=0)}), ACTIONS)
    assert (capped.steps, capped.model_calls) == (1, 0)
    assert (capped.actions, capped.approvals) == (min(free.actions or 0, 1), min(free.approvals or 0, 1))
