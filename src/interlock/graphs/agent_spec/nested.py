"""Steps that run other graphs as nodes of an Agent Spec flow: a flow, a flow for each item, flows side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.graphs.agent_spec.parts import Component, Offer, Parts, Path, Placed, Want, plain_bind
from interlock.graphs.agent_spec.vocabulary import COLLECTED, ITERATED, NEXT, named, optional
from interlock.graphs.bind import is_path, path_parts
from interlock.graphs.branches import branch, join_of
from interlock.graphs.spec import ForkStep, GraphStep, MapStep, Spec

REDUCERS = {"sum": "sum", "min": "min", "max": "max"}
"""Our reducers that the format has too."""


def branch_name(end: str) -> str:
    """The branch of a flow that an end closes; the plain end is the default one."""
    return NEXT if end == "done" else end


@dataclass(frozen=True)
class Made:
    """A flow, the values it takes and gives by title, and the names of its ends."""

    component: Component
    takes: dict[str, Path]
    gives: dict[str, Offer]
    ends: list[str]


@dataclass
class NestedNodes:
    """Makes the nodes of steps that run other graphs; ids begin with the flow's own."""

    spec: Spec
    parts: Parts
    id: str
    build: Callable[[Spec, str, bool], Made]
    """Builds a flow: the graph, the flow's id, and whether any path that nothing inside writes is an input."""

    def place(self, name: str, step: GraphStep | MapStep | ForkStep) -> Placed:
        """The node of one step."""
        if step.visits is not None:
            self.parts.lose(name, f"at most {step.visits} visits", guard=True)
        match step:
            case GraphStep():
                return self._graph(name, step)
            case MapStep():
                return self._map(name, step)
        return self._fork(name, step)

    def _graph(self, name: str, step: GraphStep) -> Placed:
        id_ = f"{self.id}.{name}"
        inner = self.build(step.spec, id_ + ".graph", False)
        inputs, wants = self._bound(id_, inner, plain_bind(self.parts, name, step.bind))
        offers = [Offer(title, (step.writes, *offer.path), offer.schema) for title, offer in inner.gives.items()
                  if step.writes]  # fmt: skip
        self.parts.add(
            "FlowNode", id_, name, subflow=inner.component, inputs=inputs, outputs=inner.component["outputs"],
            branches=sorted(branch_name(end) for end in inner.ends),
        )  # fmt: skip
        exits: dict[str, tuple[str, str | None]] = {end: (id_, branch_name(end)) for end in inner.ends}
        return Placed(id_, exits, id_, offers, wants)

    def _map(self, name: str, step: MapStep) -> Placed:
        id_ = f"{self.id}.{name}"
        inner = self.build(step.spec, id_ + ".graph", False)
        plain, wants = self._bound(id_, inner, {**plain_bind(self.parts, name, step.bind), step.item: step.over})
        inputs = [
            {"title": ITERATED + item["title"], "anyOf": [item, {"type": "array", "items": item}],
             **({"default": item["default"]} if "default" in item else {})}
            for item in plain
        ]  # fmt: skip
        methods = {
            title: REDUCERS.get(step.reduce.get(offer.path[0], ""), "append") for title, offer in inner.gives.items()
        }
        outputs = [
            {"title": COLLECTED + title, "type": "array", "items": dict(offer.schema)} if methods[title] == "append"
            else named(COLLECTED + title, offer.schema)
            for title, offer in inner.gives.items()
        ]  # fmt: skip
        parallel = step.concurrency > 1
        self.parts.structured |= parallel
        self.parts.add(
            "ParallelMapNode" if parallel else "MapNode", id_, name, subflow=inner.component, reducers=methods,
            inputs=inputs, outputs=outputs, branches=[NEXT],
        )  # fmt: skip
        offers = [
            Offer(COLLECTED + title, (step.writes, *offer.path), offer.schema)
            for title, offer in inner.gives.items()
            if step.writes and methods[title] != "append"
        ]
        self.parts.lose(name, f"at most {step.at_most} items, {step.concurrency} at a time", guard=True)
        if step.writes and not offers:
            self.parts.lose(name, f"`{step.writes}` as one list of objects: there each output is a list of its own")
        moved = [Want(want.node, ITERATED + want.title, want.path) for want in wants]
        return Placed(id_, {"done": (id_, None)}, id_, offers, moved)

    def _bound(self, node: str, inner: Made, bind: Mapping[str, Any]) -> tuple[list[Component], list[Want]]:
        inputs, wants = [], []
        for item in inner.component["inputs"]:
            value = bind.get(item["title"])
            if value is not None and is_path(value):
                wants.append(Want(node, item["title"], path_parts(str(value))))
                inputs.append(dict(item))
            else:
                inputs.append(dict(item) if value is None else {**item, "default": value})
        return inputs, wants

    def _fork(self, name: str, step: ForkStep) -> Placed:
        id_ = f"{self.id}.{name}"
        joint = join_of(self.spec, name)
        assert joint is not None
        flows: list[Component] = []
        takes: dict[str, Path] = {}
        gives: dict[str, Offer] = {}
        cuts = {label: branch(self.spec, name, label).spec for label in step.fork}
        keys = [key for cut in cuts.values() for key in cut.output]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            self.parts.lose(name, f"{', '.join(twice)}, which several branches write: parallel flows have no reducer")
        for label, cut in cuts.items():
            alone = cut.model_copy(update={"output": [key for key in cut.output if key not in twice]})
            inner = self.build(alone, f"{id_}.{label}", True)
            flows.append(inner.component)
            takes |= inner.takes
            gives |= inner.gives
        self.parts.structured = True
        inputs = [optional({"title": title}) for title in takes]
        outputs = [item for flow in flows for item in flow["outputs"]]
        self.parts.add("ParallelFlowNode", id_, name, subflows=flows, inputs=inputs, outputs=outputs, branches=[NEXT])
        wants = [Want(id_, title, path) for title, path in takes.items()]
        offers = [Offer(title, offer.path, offer.schema) for title, offer in gives.items()]
        self.parts.lose(name, "each branch's own copy of the state, checkpoints of each branch")
        return Placed(id_, {"done": (id_, None)}, id_, offers, wants)
