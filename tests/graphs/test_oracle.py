"""The proofs against an oracle that walks every path and judges it by its history alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from random_specs import specs

from interlock.graphs.approval import approval
from interlock.graphs.assigned import assigned, bound_keys, reads_of
from interlock.graphs.bounds import bounded, bounds
from interlock.graphs.flow import flow, reachable
from interlock.graphs.spec import END, START, ApproveStep, CallStep, Edge, ReasonStep, Spec
from interlock.tools.drawer import read_actions

ACTIONS = read_actions(Path(__file__).parents[1] / "refused" / "tools")
many = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Walk = list[tuple[Edge, str]]
"""The edges taken so far, each with the outcome of the step it leads to once that has ended."""


def walks(spec: Spec, longest: int) -> Iterator[tuple[Walk, Edge]]:
    """Every walk from START with the edge it takes last, shortest first."""
    level: list[tuple[Walk, str, str]] = [([], START, "")]
    for _ in range(longest):
        following: list[tuple[Walk, str, str]] = []
        for walk, step, outcome in level:
            for edge in spec.edges:
                if edge.source != step or (step != START and outcome not in edge.on):
                    continue
                yield walk, edge
                if edge.target != END:
                    ends = dict.fromkeys(word for other in spec.leaving(edge.target) for word in other.on)
                    following += [([*walk, (edge, word)], edge.target, word) for word in ends]
        level = following


def wrote(spec: Spec, edge: Edge, outcome: str, key: str, maybe: bool) -> bool:
    """Whether the step that `edge` leads to has written `key` (or, with `maybe`, may have)."""
    step = spec.steps[edge.target]
    if step.writes == key:
        if isinstance(step, ApproveStep):
            full = outcome == "approved" or (outcome == "rejected" and step.covers is None)
            if maybe or full:
                return True
        elif outcome == "done":
            return True
    reviews = {other.writes for other in spec.entering(edge.target)} if maybe else {edge.writes}
    return outcome == "rejected" and key in reviews


def agreed(spec: Spec, walk: Walk, last: Edge) -> bool:
    """Whether the action of the step that `last` enters was approved, as it is now, and not yet used."""
    if last.approval is not None:
        return True
    keys = set(bound_keys(spec.steps[last.target]).values())
    for edge, outcome in reversed(walk):
        step = spec.steps[edge.target]
        if any(wrote(spec, edge, outcome, key, maybe=True) for key in keys):
            return False
        if isinstance(step, ApproveStep) and step.covers == last.target and outcome == "approved":
            return True
        if edge.target == last.target and outcome != "exhausted":
            return False
    return False


def trail(walk: Walk, last: Edge) -> tuple[str, ...]:
    return (START, *(edge.target for edge, _ in walk), last.target)


@many
@given(specs())
def test_approval_agrees_with_every_path(spec: Spec) -> None:
    """A step is reported exactly when some path enters it undecided, and the path shown is a shortest such."""
    shortest: dict[str, int] = {}
    wrong: dict[str, set[tuple[str, ...]]] = {}
    for walk, edge in walks(spec, 2 * len(spec.steps)):
        if isinstance(spec.steps.get(edge.target), CallStep) and not agreed(spec, walk, edge):
            shortest.setdefault(edge.target, len(walk))
            wrong.setdefault(edge.target, set()).add(trail(walk, edge))
    found = {str(fault.at[1]): fault.path for fault in approval(spec, flow(spec), ACTIONS, lambda action: False)}
    assert set(found) == set(shortest)
    for step, path in found.items():
        assert len(path) == shortest[step] + 2
        assert path in wrong[step]


@many
@given(specs())
def test_assigned_agrees_with_every_path(spec: Spec) -> None:
    """A read is reported exactly when some path comes to it without the key, with a shortest such path."""
    shortest: dict[tuple[str, str], int] = {}
    for walk, edge in walks(spec, 2 * len(spec.steps)):
        for read in reads_of(spec, edge.target) if edge.target != END else ():
            there = read.key in spec.input or any(
                wrote(spec, entered, outcome, read.key, maybe=False) for entered, outcome in walk
            )
            if not there:
                shortest.setdefault((read.step, read.key), len(walk) + 2)
    faults = list(assigned(spec, flow(spec)))
    late = {(str(fault.at[1]), str(fault.part)): len(fault.path) for fault in faults if fault.code == "G102"}
    never = {(str(fault.at[1]), str(fault.part)) for fault in faults if fault.code == "G101"}
    assert set(late) | never == set(shortest)
    assert all(length == shortest[place] for place, length in late.items())


def longest_run(spec: Spec) -> int | None:
    """The most steps that any run enters, by walking every one; None when some run never ends."""
    memo: dict[tuple[str, tuple[int, ...]], int | None] = {}
    names = list(spec.steps)

    def enter(name: str, seen: tuple[int, ...]) -> int | None:
        if name == END:
            return 0
        place, limit = names.index(name), spec.steps[name].visits
        executed = limit is None or seen[place] < limit
        if limit is not None and executed:
            seen = (*seen[:place], seen[place] + 1, *seen[place + 1 :])
        key = (name + "!" * executed, seen)
        if key not in memo:
            memo[key] = None  # coming back here unchanged means going round for ever
            most: int | None = 0
            for edge in spec.leaving(name):
                if ("exhausted" in edge.on and limit is not None) == executed:
                    continue
                rest = enter(edge.target, seen)
                most = None if rest is None or most is None else max(most, rest)
            memo[key] = None if most is None else most + 1
        return memo[key]

    return enter(spec.leaving(START)[0].target, (0,) * len(names))


@many
@given(specs())
def test_a_bounded_workflow_ends_within_its_bounds(spec: Spec) -> None:
    """Where no cycle is reported every run ends, and none enters more steps than the bounds say."""
    paths = flow(spec)
    if any(bounded(spec, paths)) or END not in reachable(paths.successors(), [START]):
        return
    longest = longest_run(spec)
    assert longest is not None
    found = bounds(spec, ACTIONS)
    assert found.steps is not None
    assert longest <= found.steps


def test_an_answer_can_change_what_was_approved() -> None:
    """A reviewer's rejection of another step writes a key that the approved step binds: the approval is gone."""
    steps = {
        "ask": ApproveStep(approve="Pay?", covers="pay"),
        "first": CallStep(call="house.pay", bind={"payee": "$.a", "amount": "$.a"}),
        "pay": CallStep(call="house.pay", bind={"payee": "$.b", "amount": "$.a"}),
    }
    edges = [
        Edge(source=START, target="ask"),
        Edge(source="ask", on=["approved"], target="first", approval="two", writes="b"),
        Edge(source="first", on=["rejected"], target="pay"),
    ]
    spec = Spec(graph="answer", version=1, input={}, steps=steps, edges=edges)
    found = list(approval(spec, flow(spec), ACTIONS, lambda action: False))
    assert [fault.path for fault in found] == [(START, "ask", "first", "pay")]
    kept = spec.model_copy(update={"edges": [edges[0], edges[1].model_copy(update={"writes": "c"}), edges[2]]})
    assert not list(approval(kept, flow(kept), ACTIONS, lambda action: False))


def test_the_oracle_meets_both_answers() -> None:
    """The smallest loop: the approval before it covers the first payment and not the second."""
    steps = {
        "ask": ApproveStep(approve="Pay?", covers="pay"),
        "pay": CallStep(call="house.pay", bind={"payee": "$.a", "amount": "$.a"}),
    }
    once = [Edge(source=START, target="ask"), Edge(source="ask", on=["approved"], target="pay")]
    again = Edge(source="pay", on=["failed"], target="pay")
    spec = Spec(graph="loop", version=1, input={}, steps=steps, edges=[*once, again])
    found = list(approval(spec, flow(spec), ACTIONS, lambda action: False))
    assert [fault.path for fault in found] == [(START, "ask", "pay", "pay")]
    alone = spec.model_copy(update={"edges": once})
    assert not list(approval(alone, flow(alone), ACTIONS, lambda action: False))
    assert not any(isinstance(step, ReasonStep) for step in spec.steps.values())
