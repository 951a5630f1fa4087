"""From a spec to a figure: which boxes and arrows a workflow is drawn with, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from interlock.graphs.branches import block, join_of
from interlock.graphs.cards import StepLimits
from interlock.graphs.pictures.figure import Edge, Figure, Group, Node
from interlock.graphs.spec import (
    END,
    FAILED,
    START,
    ActStep,
    ApproveStep,
    CallStep,
    CompensateStep,
    ForkStep,
    GraphStep,
    JoinStep,
    MapStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
    WaitStep,
)
from interlock.graphs.spec import Edge as Arrow
from interlock.policies.declared import duration_text
from interlock.policies.language import Conditions, Requirement

TROUBLE = frozenset({"failed", "exhausted", "expired", "denied", "abstained"})
"""Outcomes with which a step did not do its work."""

_SIGNS = {"eq": "=", "ne": "≠", "lt": "<", "le": "≤", "gt": ">", "ge": "≥", "in": "in", "not_in": "not in"}
_UNSAID = "done"
"""The outcome that an arrow means when it says nothing."""


def depicted(spec: Spec, *, expand: bool = False) -> Figure:
    """The figure of a workflow; with `expand`, graphs that run as a step are drawn inside it.

    What a spec with errors lacks is left out.
    """
    return _Depiction(spec, expand).figure()


def end_name(outcome: str, within: str = "") -> str:
    """What the node of an end is called; inside a fork each block has ends of its own, which end one branch."""
    return f"{END}:{within}:{outcome}" if within else f"{END}:{outcome}"


class _Depiction:
    def __init__(self, spec: Spec, expand: bool) -> None:
        self.spec, self.expand = spec, expand
        self.blocks = {name: self._block(name) for name, step in spec.steps.items() if isinstance(step, ForkStep)}

    def figure(self) -> Figure:
        spec = self.spec
        known = {START, END, *spec.steps}
        edges = [
            self._edge(index, edge)
            for index, edge in enumerate(spec.edges)
            if edge.source in known and edge.target in known
        ]
        nodes = [Node(START, "start", about=f"It takes {', '.join(spec.input)}." if spec.input else "")]
        nodes += [self._node(name, step) for name, step in spec.steps.items()]
        reached = dict.fromkeys(edge.target for edge in edges if edge.target.startswith(f"{END}:"))
        nodes += [Node(name, "end", name.rpartition(":")[2]) for name in reached]
        groups = [
            Group(name, name, name, joint, frozenset([name, joint, *inside, *self._ends_in(name, reached)]))
            for name, inside in self.blocks.items()
            if (joint := join_of(spec, name)) is not None
        ]
        title = f"{spec.graph}, version {spec.version}"
        return Figure(spec.graph, title, spec.description, tuple(nodes), tuple(edges), tuple(groups))

    # Forks --------------------------------------------------------------------------------------

    def _block(self, fork: str) -> frozenset[str]:
        """The steps between a fork and its join; none where what lies between is not a block."""
        return frozenset(block(self.spec, fork)) if join_of(self.spec, fork) else frozenset()

    def _within(self, step: str) -> str:
        """The innermost fork that `step` is a branch of, or nothing."""
        around = [fork for fork, inside in self.blocks.items() if step in inside]
        return min(around, key=lambda fork: len(self.blocks[fork]), default="")

    def _ends_in(self, fork: str, reached: Iterable[str]) -> Iterator[str]:
        inner = {name for name in self.blocks if name in self.blocks[fork]} | {fork}
        for name in reached:
            _, _, rest = name.partition(":")
            within, found, _ = rest.rpartition(":")
            if found and within in inner:
                yield name

    # Nodes --------------------------------------------------------------------------------------

    def _node(self, name: str, step: Step) -> Node:
        details = [words for words in (*_details(name, step), _bounds(step)) if words]
        inside = None
        if self.expand and isinstance(step, GraphStep | MapStep):
            inside = nested(depicted(step.spec, expand=True), name)
        return Node(name, step.kind, name, tuple(map(tuple, details)), _about(step), inside)

    # Arrows -------------------------------------------------------------------------------------

    def _edge(self, index: int, edge: Arrow) -> Edge:
        target = edge.target
        if target == END:
            bad = bool(edge.on) and all(word in FAILED for word in edge.on)
            target = end_name(edge.outcome or ("failed" if bad else "done"), self._within(edge.source))
        on = () if edge.on == [_UNSAID] else tuple(edge.on)
        when = [*conditions(edge.when or {}), *(["else"] if edge.otherwise else [])]
        when += [f"keeps {name}" for name in edge.keeps]
        approval = (edge.approval, *_requirement(edge.requires)) if edge.approval else ()
        trouble = bool(edge.on) and TROUBLE.issuperset(edge.on)
        return Edge(edge.source, target, on, tuple(when), approval, index, trouble)


def nested(figure: Figure, outer: str) -> Figure:
    """The figure inside the node `outer`: names begin with it, and arrows belong to no edge of the outer spec."""

    def inner(node: Node) -> Node:
        inside = nested(node.inside, outer) if node.inside is not None else None
        return replace(node, name=f"{outer}/{node.name}", inside=inside)

    edges = [
        replace(edge, source=f"{outer}/{edge.source}", target=f"{outer}/{edge.target}", index=-1)
        for edge in figure.edges
    ]
    groups = [
        replace(
            group, entry=f"{outer}/{group.entry}", exit=f"{outer}/{group.exit}",
            members=frozenset(f"{outer}/{name}" for name in group.members),
        )
        for group in figure.groups
    ]  # fmt: skip
    return replace(figure, nodes=tuple(map(inner, figure.nodes)), edges=tuple(edges), groups=tuple(groups))


def conditions(when: Conditions) -> list[str]:
    """Conditions as a reader says them: `amount > 1000`."""
    found = []
    for path, comparison in when.items():
        name = path.removeprefix("$.")
        for operator, value in comparison.operators().items():
            if operator == "matches":
                found.append(f"{name} matches {value}")
            elif operator == "at_least":
                found.append(f"{name} is {value} or better")
            elif isinstance(value, tuple | list):
                found.append(f"{name} {_SIGNS[operator]} {', '.join(map(_constant, value))}")
            else:
                found.append(f"{name} {_SIGNS[operator]} {_constant(value)}")
    return found


def _constant(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _requirement(requirement: Requirement | None) -> list[str]:
    if requirement is None:
        return []
    who = "1 person" if requirement.count == 1 else f"{requirement.count} people"
    roles = " and ".join(sorted(requirement.roles))
    within = f"within {duration_text(requirement.within)}"
    further = requirement.escalate
    also = [f"after {duration_text(further.after)} also {' and '.join(sorted(further.roles))}"] if further else []
    return [who, *([f"role {roles}"] if roles else []), within, *also]


def _details(name: str, step: Step) -> Iterator[list[str]]:
    """What a step does, as a few short lists; some may be empty."""
    match step:
        case ReasonStep(card=card):
            yield _card(name, card.node, card.model)
            yield [*card.actions, f"≤ {card.turns} turns"] if card.actions else []
        case RouteStep(card=card):
            yield _card(name, card.node, "LAM, then LLM" if card.model == "auto" else card.model)
        case PythonStep(card=card):
            yield _card(name, card.node)
        case ActStep(card=card):
            yield _card(name, card.node, "LAM, then LLM" if card.model == "auto" else card.model)
            yield card.actions
            yield ["asks when unsure"] if card.on_abstain == "ask" else []
        case CallStep(call=action):
            yield [action]
        case CompensateStep(compensate=undone, undoing=actions):
            yield [f"undoes {undone}"]
            yield actions
        case ApproveStep():
            yield [step.approve]
            yield _requirement(step.requires)
            yield [f"covers {step.covers}"] if step.covers else []
        case WaitStep():
            yield _waiting(step)
        case GraphStep(spec=inner):
            yield [f"runs {inner.graph}"] if inner.graph != name else []
        case MapStep(spec=inner):
            yield [f"{inner.graph} for each of {step.over.removeprefix('$.')}"]
            yield [f"≤ {step.at_most} items", f"{step.concurrency} at once"]
            yield _reducers(step.reduce)
        case ForkStep():
            yield [f"{len(step.fork)} branches", f"{step.concurrency} at once"]
        case JoinStep():
            yield _reducers(step.reduce)


def _card(name: str, card: str, model: str = "default") -> list[str]:
    found = [f"card {card}"] if card != name else []
    return found if model == "default" else [*found, model]


def _reducers(reduce: Mapping[str, str]) -> list[str]:
    return [f"{key}: {reducer}" for key, reducer in reduce.items()]


def _waiting(step: WaitStep) -> list[str]:
    plain = step.model_dump(mode="json", include={"duration", "within"})
    if step.event:
        return [f"for {step.event}", *([f"≤ {plain['within']}"] if plain["within"] else [])]
    return [f"until {step.until.removeprefix('$.')}"] if step.until else [f"for {plain['duration']}"]


def _bounds(step: Step) -> list[str]:
    """Attempts, visits, time and money that a step may take."""
    found = []
    plain: dict[str, Any] = step.model_dump(mode="json", include={"retry", "timeout"})
    if plain.get("retry", {}).get("attempts", 1) > 1:
        found.append(f"≤ {plain['retry']['attempts']} attempts")
    if step.visits:
        found.append(f"≤ {step.visits} visit{'s' if step.visits > 1 else ''}")
    if plain.get("timeout"):
        found.append(f"timeout {plain['timeout']}")
    limits = step.limits if isinstance(step, ReasonStep | RouteStep) else StepLimits()
    if limits.model_calls:
        found.append(f"≤ {limits.model_calls} model calls")
    if limits.tokens:
        found.append(f"≤ {limits.tokens} tokens")
    if limits.cost:
        found.append(f"≤ {limits.cost.usd} USD")
    return found


def _about(step: Step) -> str:
    match step:
        case ReasonStep() | RouteStep() | ActStep() | PythonStep():
            return " ".join(step.card.goal.split())
        case ApproveStep():
            return " ".join(step.approve.split())
        case GraphStep() | MapStep():
            return " ".join(step.spec.description.split())
    return ""
