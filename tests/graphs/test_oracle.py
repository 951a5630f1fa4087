"""The proofs against an oracle that plays every run of a random workflow, branches of forks included."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from playing import Play
from questions import Approved, Assigned, Standing, Trusted
from random_specs import ACTIONS, specs

from interlock.graphs.fault import Fault
from interlock.graphs.flow import Flow, flow
from interlock.graphs.proofs.approval import approval
from interlock.graphs.proofs.assigned import assigned, writers
from interlock.graphs.proofs.compensation import compensation
from interlock.graphs.proofs.integrity import integrity
from interlock.graphs.spec import START, ApproveStep, ForkStep, Spec

many = settings(max_examples=2200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def forks(spec: Spec) -> bool:
    return any(isinstance(step, ForkStep) for step in spec.steps.values())


def walked(spec: Spec, path: tuple[str, ...]) -> bool:
    """Whether a path starts at START and follows edges, or failures that end the run or the branch."""
    edges = {(edge.source, edge.target) for edge in spec.edges}
    joins = {name for name, step in spec.steps.items() if step.kind == "join"}
    steps = list(pairwise(path))
    implied = [pair for pair in steps if pair not in edges]
    return path[0] == START and all(target == "END" or target in joins for _, target in implied)


def agree(spec: Spec, found: dict[object, Fault], shortest: dict[object, int]) -> None:
    """The same places, each with a walk there; a shortest one where no branches run beside it."""
    assert set(found) == set(shortest)
    for place, fault in found.items():
        assert walked(spec, fault.path), fault.path
        assert len(fault.path) == shortest[place] or (forks(spec) and len(fault.path) > shortest[place])


@many
@given(specs())
def test_the_proofs_agree_with_every_run(spec: Spec) -> None:
    """Approval, assignment, compensation and integrity: no false alarm, no miss, and a shortest path."""
    paths = flow(spec)
    if paths.disjointed:
        return  # some step was drawn that nothing leads to, and its edges cross a branch
    _approval(spec, paths)
    _assigned(spec, paths)
    _compensation(spec, paths)
    _integrity(spec, paths)


def _approval(spec: Spec, paths: Flow) -> None:
    question = Approved(spec)
    Play(spec, question).run()
    found = {str(fault.at[1]): fault for fault in approval(spec, paths, ACTIONS, lambda action: False)}
    agree(spec, dict(found), dict(question.wrong))


def _assigned(spec: Spec, paths: Flow) -> None:
    question = Assigned(spec)
    Play(spec, question).run()
    faults = list(assigned(spec, paths))
    late = {(str(fault.at[1]), str(fault.part)): fault for fault in faults if fault.code == "G102"}
    never = {(str(fault.at[1]), str(fault.part)) for fault in faults if fault.code == "G101"}
    written = writers(spec)
    agree(spec, dict(late), {place: length for place, length in question.missing.items() if place[1] in written})
    unwritten = {place for place in question.missing if place[1] not in written}
    asking = {name for name, step in spec.steps.items() if isinstance(step, ApproveStep)}
    assert never <= unwritten
    assert {place for place in unwritten - never if place[0] not in asking} == set()


def _compensation(spec: Spec, paths: Flow) -> None:
    question = Standing(spec)
    Play(spec, question).run()
    faults = list(compensation(spec, paths, ACTIONS))
    found: dict[object, Fault] = {}
    for fault in faults:
        if fault.code in ("G208", "G209"):
            step = fault.message.split("while what `")[1].split("`")[0]
            index = fault.at[1] if fault.at[0] == "edges" else None
            source = spec.edges[index].source if isinstance(index, int) else str(fault.at[1])
            found[source, index, step] = fault
    expected = {
        (source, index, step): length
        for (source, index), steps in question.wrong.items()
        for step, length in steps.items()
    }
    agree(spec, found, dict(expected))
    idle = {(fault.at[1], fault.at[3]) for fault in faults if fault.code == "G034"}
    for index, edge in enumerate(spec.edges):
        for place, name in enumerate(edge.keeps):
            assert ((index, place) in idle) == (index in question.there and name not in question.there[index]) or (
                index not in question.there
            )


def _integrity(spec: Spec, paths: Flow) -> None:
    for auto in (frozenset({"model", "untrusted"}), frozenset({"untrusted"}), frozenset({"model"})):
        question = Trusted(spec, auto=auto)
        Play(spec, question).run()
        faults = integrity(spec, paths, ACTIONS, lambda action, labels, auto=auto: labels["payee"] in auto)
        found: dict[object, Fault] = {str(fault.at[1]): fault for fault in faults}
        if auto == {"model"} and forks(spec):
            assert set(question.wrong) <= set(found)  # labels of other branches are taken at their best
        else:
            agree(spec, found, dict(question.wrong))
