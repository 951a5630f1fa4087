"""The branches of a fork: which steps each one holds, and each as a graph of its own.

A branch runs as a child run with its own copy of the state, so what it does before the join no other
branch can see.  Its graph is cut out of the spec: the edge out of the fork becomes its START, every
edge into the join its END.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.graphs.cards import Limits, Schema
from interlock.graphs.flow import reachable
from interlock.graphs.labels import labels
from interlock.graphs.spec import END, START, Edge, ForkStep, JoinStep, Spec


def join_of(spec: Spec, fork: str) -> str | None:
    """The step that joins `fork`; None unless there is exactly one."""
    found = [name for name, step in spec.steps.items() if isinstance(step, JoinStep) and step.join == fork]
    return found[0] if len(found) == 1 else None


def region(spec: Spec, fork: str, branch: str) -> list[str]:
    """The steps that `branch` leads to before the join, in authored order."""
    outside = (join_of(spec, fork), fork)
    successors: dict[str, list[str]] = {}
    for edge in spec.edges:
        if edge.source not in outside:
            successors.setdefault(edge.source, []).append(edge.target)
    found = reachable(successors, [edge.target for edge in spec.leaving(fork, branch)])
    return [name for name in spec.steps if name in found and name not in outside]


def block(spec: Spec, fork: str) -> list[str]:
    """Every step between `fork` and its join, over all branches."""
    step = spec.steps[fork]
    assert isinstance(step, ForkStep)
    inside = {name for branch in step.fork for name in region(spec, fork, branch)}
    return [name for name in spec.steps if name in inside]


def written_in(spec: Spec, names: list[str]) -> list[str]:
    """The keys that these steps, and the edges into them, may write."""
    inside = set(names)
    keys = [spec.steps[name].writes for name in names]
    keys += [edge.writes for edge in spec.edges if edge.target in inside or edge.source in inside]
    return list(dict.fromkeys(key for key in keys if key))


@dataclass(frozen=True)
class Branch:
    """One branch of a fork as a graph of its own."""

    spec: Spec
    edges: tuple[int, ...]
    """For each edge of `spec`, its index in the graph that it was cut out of."""


def branch(spec: Spec, fork: str, name: str) -> Branch:
    """The graph of one branch, for a spec whose forks are block-structured.

    Its input is the whole state as it may be at the fork, each key with the label it has at worst; its
    output every key that the branch may write.
    """
    joint = join_of(spec, fork)
    names = region(spec, fork, name)
    inside = set(names)
    kept: list[int] = []
    edges: list[Edge] = []
    for index, edge in enumerate(spec.edges):
        if edge.source == fork and name in edge.on:
            edges.append(edge.model_copy(update={"source": START, "on": []}))
        elif edge.source in inside and edge.target == joint:
            edges.append(edge.model_copy(update={"target": END, "outcome": "done"}))
        elif edge.source in inside:
            edges.append(edge)
        else:
            continue
        kept.append(index)
    known = labels(spec)
    cut = Spec(
        graph=f"{spec.graph}.{fork}.{name}",
        version=spec.version,
        description=f"The branch {name} of {fork} in {spec.graph}.",
        input={key: Schema(type="any", optional=True, provenance=marks.at()) for key, marks in known.items()},
        steps={step: spec.steps[step] for step in names},
        edges=edges,
        limits=Limits(),
        output=written_in(spec, names),
    )
    return Branch(cut, tuple(kept))
