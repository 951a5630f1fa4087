"""Random workflows of up to twelve steps, made as specs without any file."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from interlock.graphs.cards import PythonCard, ReasonCard, RouteCard, Schema, StepLimits
from interlock.graphs.endings import possible
from interlock.graphs.spec import (
    END,
    START,
    ApproveStep,
    CallStep,
    CompensateStep,
    Edge,
    ForkStep,
    JoinStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
    WaitStep,
    outcomes,
)
from interlock.tools.action import Action, ActionContext, Arguments, Result, about, action

KEYS = ("a", "b", "c")
TEXT = Schema(type="string")


class Whom(Arguments):
    payee: str = about("Who is affected.")


class Made(Result):
    payee: str


@action("house.pay", effect="keyed", risk="high", targets=["payee"])
def pay(arguments: Whom, context: ActionContext) -> Made:
    """Pay somebody; it cannot be undone."""
    return Made(payee=arguments.payee)


@action("house.reserve", effect="keyed", risk="low", targets=["payee"], compensate="house.release")
def reserve(arguments: Whom, context: ActionContext) -> Made:
    """Reserve something for somebody."""
    return Made(payee=arguments.payee)


@action("house.release", effect="keyed", risk="low")
def release(arguments: Whom, context: ActionContext) -> Made:
    """Release what was reserved."""
    return Made(payee=arguments.payee)


@action("house.look", effect="read")
def look(arguments: Whom, context: ActionContext) -> Made:
    """Look somebody up."""
    return Made(payee=arguments.payee)


ACTIONS: dict[str, Action] = {one.name: one for one in (pay, reserve, release, look)}

REASON = ReasonCard(node="think", kind="reason", goal="Think.", prompt="Think.", output={"text": TEXT}, repairs=1)
ROUTE = RouteCard(node="sort", kind="route", goal="Sort.", labels={"left": "Left.", "right": "Right."})
READS = {"type": "object", "properties": {key: {} for key in KEYS}}
PYTHON = PythonCard(node="pure", goal="Compute.", reads=READS, output={"type": "string"}, source="-")


class _Maker:
    def __init__(self, choice: random.Random, size: int, forks: bool, loops: bool) -> None:
        self.choice = choice
        self.forks = forks
        self.loops = loops
        self.left = size
        self.count = 0
        self.steps: dict[str, Step] = {}
        self.edges: list[Edge] = []
        self.regions: list[list[str]] = []

    def name(self) -> str:
        self.left -= 1
        self.count += 1
        return f"s{self.count}"

    def region(self, start: dict[str, Any], end: str, size: int, depth: int) -> None:
        """Steps that `start` leads to and that end at `end`, a fork and its branches counted in."""
        first = self.count
        nodes: list[tuple[str, str]] = []
        """The node that is entered and the node that is left: a fork and its join, else twice the same."""
        budget = size
        while budget > 0 and self.left > 0:
            if self.forks and depth < 2 and budget >= 4 and self.left >= 4 and self.choice.random() < 0.5:
                before = self.left
                nodes.append(self.fork(budget, depth))
                budget -= before - self.left
            else:
                name = self.name()
                self.steps[name] = self.step(name)
                nodes.append((name, name))
                budget -= 1
        self.regions.append([name for name, _ in nodes] + [left for name, left in nodes if name != left])
        self.edges.append(Edge(target=nodes[0][0], **start))
        for place, (_, name) in enumerate(nodes):
            self.leave(name, [entry for entry, _ in nodes], place, end)
        assert self.count > first

    def fork(self, budget: int, depth: int) -> tuple[str, str]:
        fork, join = self.name(), self.name()
        self.steps[fork] = ForkStep(fork=["one", "two"])
        reduce = dict.fromkeys(KEYS, "first")
        self.steps[join] = JoinStep(join=fork, reduce=reduce)
        most = max((budget - 2) // 2, 1)
        for branch in ("one", "two"):
            self.region({"source": fork, "on": [branch]}, join, self.choice.randint(1, most), depth + 1)
        return fork, join

    def step(self, name: str) -> Step:
        choice = self.choice
        key, other = choice.choice(KEYS), choice.choice(KEYS)
        visits = choice.choice([None, None, 1, 2])
        written = choice.choice([None, *KEYS])
        often = ["reason", "pay", "approve", "undo"]
        match choice.choice([*often, *often, "approve", "python", "reserve", "wait", "route", "look"]):
            case "reason":
                limits = StepLimits(tokens=choice.choice([None, 100]))
                card = REASON.model_copy(update={"node": f"think_of_{key}", "prompt": f"Think of ${key}."})
                return ReasonStep(card=card, reads=[key], writes=other, visits=visits, limits=limits)
            case "python":
                return PythonStep(card=PYTHON, reads=[key], writes=other, visits=visits)
            case "approve":
                return ApproveStep(approve="Go on?", covers="?", writes=choice.choice([None, other]), visits=visits)
            case "wait":
                return WaitStep(event="paid", within=timedelta(days=1), payload={"id": TEXT}, writes=written)
            case "route":
                return RouteStep(card=ROUTE, reads=[key], writes=written, visits=visits)
            case "undo":
                return CompensateStep(compensate="?", undoing=["house.release"], visits=visits)
            case kind:
                return CallStep(call=f"house.{kind}", bind={"payee": f"$.{key}"}, writes=written, visits=visits)

    def leave(self, name: str, entries: list[str], place: int, end: str) -> None:
        """Edges for the outcomes of one node; most lead on, so that most steps are reached."""
        choice, step = self.choice, self.steps[name]
        ahead = [*entries[place + 1 : place + 3], end]
        back = entries[: place + 1] if self.loops else []
        groups: list[list[str]] = []
        for outcome in outcomes(step):
            if not possible(step, outcome):
                continue
            if outcome in ("expired", "denied") and groups and groups[-1][0] == "rejected":
                groups[-1].append(outcome)
            else:
                groups.append([outcome])
        for group in groups:
            if group[0] in ("failed", "exhausted") and choice.random() < 0.5:
                continue  # ends the run, or the branch
            first = group == groups[0]
            likely = [*ahead[:1] * 3, *ahead, *([] if first else [end])]
            self.edge(name, group, choice.choice([*likely, *back] if choice.random() < 0.4 else likely))
            if first and choice.random() < 0.3:  # a second edge for the same outcome, as under a condition
                self.edge(name, group, choice.choice([*ahead, *back]))

    def edge(self, source: str, on: list[str], target: str) -> None:
        if any((edge.source, edge.on, edge.target) == (source, on, target) for edge in self.edges):
            return
        extra: dict[str, Any] = {}
        if target != END and self.choice.random() < 0.15 and isinstance(self.steps[target], CallStep):
            extra = {"approval": "two", "writes": self.choice.choice(KEYS)}
        elif on[0] in ("failed", "exhausted", "abstained") and self.choice.random() < 0.2:
            extra = {"writes": self.choice.choice(KEYS)}
        if target == END and on[0] in ("failed", "exhausted") and self.choice.random() < 0.3:
            extra["keeps"] = [self.choice.choice(list(self.steps))]
        self.edges.append(Edge(source=source, on=on, target=target, **extra))

    def settle(self) -> None:
        """Each `covers` and `compensate` names a step that it may name, or the step becomes another."""
        for region in self.regions:
            calls = [name for name in region if isinstance(self.steps[name], CallStep)]
            risky = [name for name in calls if getattr(self.steps[name], "call", "") != "house.look"]
            undone = [name for name in risky if getattr(self.steps[name], "call", "") == "house.reserve"]
            for name in region:
                step = self.steps[name]
                if isinstance(step, ApproveStep):
                    covers = self.choice.choice([*risky, *risky, None])
                    self.steps[name] = step.model_copy(update={"covers": covers})
                elif isinstance(step, CompensateStep):
                    if undone:
                        self.steps[name] = step.model_copy(update={"compensate": self.choice.choice(undone)})
                    else:
                        self.steps[name] = CallStep(call="house.look", bind={"payee": "$.a"}, visits=step.visits)
        self.edges = [
            edge
            for edge in self.edges
            if edge.source == START or set(edge.on) <= set(outcomes(self.steps[edge.source]))
        ]


def made(seed: int, size: int, forks: bool, loops: bool) -> Spec:
    """One workflow; the same numbers give the same."""
    maker = _Maker(random.Random(seed), size, forks, loops)
    maker.region({"source": START}, END, size, 0)
    maker.settle()
    provenance = maker.choice.choice(["user", "untrusted", "model"])
    given = Schema(type="string", provenance=provenance)
    return Spec(graph="random", version=1, input={"a": given}, steps=maker.steps, edges=maker.edges)


def specs(loops: bool | None = None) -> st.SearchStrategy[Spec]:
    """Workflows of up to twelve steps with branches, loops and forks."""
    looping = st.booleans() if loops is None else st.just(loops)
    return st.builds(made, st.integers(0, 2**32), st.integers(1, 12), st.booleans(), looping)
