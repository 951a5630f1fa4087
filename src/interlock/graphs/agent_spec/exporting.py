"""A spec as an Open Agent Spec flow, and the list of what another runtime will not do.

Control flow is carried along the normal outcome of each step, the labels of routes, the answers of
people and the ends of subgraphs; values flow along data edges, one for each writer of a key.  Whatever
the format has no word for is lost elsewhere, said so, and kept under `metadata.interlock`, from which
our own import restores the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.errors import ProjectError
from interlock.graphs.agent_spec.conditions import rule, words
from interlock.graphs.agent_spec.nested import Made, NestedNodes, branch_name
from interlock.graphs.agent_spec.nodes import StepNodes
from interlock.graphs.agent_spec.parts import Offer, Parts, Path, Placed, Tool, Want, Wires, ref, tools_of
from interlock.graphs.agent_spec.vocabulary import (
    DEFAULT,
    FIRST_VERSION,
    NEXT,
    OURS,
    REFERENCED,
    STRUCTURED_VERSION,
    Loss,
    fits,
    named,
    optional,
    title_of,
    untyped,
)
from interlock.graphs.bind import path_parts
from interlock.graphs.branches import block, join_of
from interlock.graphs.cards import Limits, Schema
from interlock.graphs.spec import (
    END,
    START,
    ActStep,
    ApproveStep,
    CallStep,
    CompensateStep,
    Edge,
    ForkStep,
    GraphStep,
    JoinStep,
    MapStep,
    RouteStep,
    Spec,
)
from interlock.tools.action import Action

FORMAT = 1
"""Of what stands under `metadata.interlock` of a flow."""


@dataclass(frozen=True)
class Exported:
    """A flow as JSON data, and what it does not carry."""

    document: dict[str, Any]
    losses: list[Loss]


def export(spec: Spec, actions: Mapping[str, Action]) -> Exported:
    """The Agent Spec flow of `spec`.

    Raises:
        ProjectError: no end of the graph can be reached by what the format can carry.
    """
    return export_with(spec, tools_of(actions))


def export_with(spec: Spec, tools: Mapping[str, Tool]) -> Exported:
    """`export`, with the actions as a flow shows them."""
    parts = Parts(tools)
    made = _Flow(spec, parts, spec.graph).build()
    if parts.consequential:
        names = ", ".join(sorted(parts.consequential))
        message = f"no policy decides about {names} there, and no ledger keeps them from happening twice"
        parts.lose("", f"{message}; the tools only ask for confirmation", guard=True)
    kept = {"format": FORMAT, "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True)}
    document = {
        **made.component,
        "metadata": {OURS: kept},
        REFERENCED: dict(sorted(parts.components.items())),
        "agentspec_version": STRUCTURED_VERSION if parts.structured else FIRST_VERSION,
    }
    losses = sorted(parts.losses, key=lambda loss: not loss.guard)
    return Exported(document, losses)


@dataclass
class _Flow:
    """Builds one flow; the flows inside it are built by others of this kind."""

    spec: Spec
    parts: Parts
    id: str
    open_inputs: bool = False
    """Whether any path that nothing inside writes is an input: so for a branch, which has its fork's whole state."""
    wires: Wires = field(default_factory=Wires)
    placed: dict[str, Placed] = field(default_factory=dict)
    start: dict[str, Offer] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    """End node by the name of the end."""

    def build(self) -> Made:
        spec = self.spec
        if not self.open_inputs:
            self.start = {name: Offer(name, (name,), _input(name, schema)) for name, schema in spec.input.items()}
        guarded = {edge.target for edge in spec.edges if edge.approval is not None}
        guarded |= {step.covers for step in spec.steps.values() if isinstance(step, ApproveStep) and step.covers}
        nodes = StepNodes(self.parts, self.wires, self.id, self._fields, guarded)
        nested = NestedNodes(
            spec, self.parts, self.id, lambda inner, id_, open_: _Flow(inner, self.parts, id_, open_).build()
        )
        order, _ = self.reached()
        for name in order:  # what a prompt may name is known only when every writer stands
            step = spec.steps[name]
            if isinstance(step, GraphStep | MapStep | ForkStep):
                self.placed[name] = nested.place(name, step)
        self._promise(order)
        for name in order:
            if name not in self.placed:
                self.placed[name] = nodes.place(name, spec.steps[name])
        self._leave(START, {"": (f"{self.id}.START", None)}, nodes)
        for name in order:
            self._leave(name, self.placed[name].exits, nodes)
        self._lost_edges(order)
        if not self.ends:
            raise ProjectError(f"{spec.graph} cannot be exported: no end is reached by an edge that Agent Spec has.")
        for name in order:
            for want in self.placed[name].wants:
                self._connect(name, want)
        if not self.open_inputs:
            self._lost_of_graph()
        return self._component(order)

    # Which steps there are ------------------------------------------------------------------------

    def _exits(self, name: str) -> tuple[str, ...]:
        """The outcomes of a step that its nodes will have a way out for."""
        match self.spec.steps[name]:
            case RouteStep(card=card):
                return (*card.labels, "abstained")
            case ApproveStep():
                return ("approved", "rejected")
            case GraphStep(spec=inner):
                _, ends = _Flow(inner, Parts(self.parts.tools), "").reached()
                return tuple(ends)
            case ForkStep():
                return ()
        return ("done",)

    def reached(self) -> tuple[list[str], list[str]]:
        """The steps that carried outcomes lead to, in authored order, and the names of the ends.

        Branches of forks are flows of their own.
        """
        spec = self.spec
        seen: dict[str, None] = {}
        ends: dict[str, None] = {}
        waiting = list(spec.leaving(START))
        while waiting:
            edge = waiting.pop()
            name = edge.target
            if name == END:
                ends[_end_name(edge)] = None
                continue
            if name in seen:
                continue
            seen[name] = None
            if isinstance(spec.steps[name], ForkStep):
                joint = join_of(spec, name)
                assert joint is not None
                waiting += spec.leaving(joint, "done")
            else:
                waiting += [edge for outcome in self._exits(name) for edge in spec.leaving(name, outcome)]
        return [name for name in spec.steps if name in seen], list(ends)

    # What flows where -----------------------------------------------------------------------------

    def _promise(self, order: list[str]) -> None:
        """The paths that the steps will write, before their nodes are made: a prompt may name any of them."""
        found = [offer.path for placed in self.placed.values() for offer in placed.offers]
        scratch = Parts(self.parts.tools)
        nodes = StepNodes(scratch, Wires(), "", lambda path: [path], set())
        for name in order:
            if name not in self.placed:
                found += [offer.path for offer in nodes.place(name, self.spec.steps[name]).offers]
        self.paths = list(dict.fromkeys([*(offer.path for offer in self.start.values()), *found]))

    def _fields(self, path: Path) -> list[Path]:
        """The paths that make up the value at `path`: itself, or the fields of an object that is carried in parts."""
        if path in self.paths:
            return [path]
        return [known for known in self.paths if known[: len(path)] == path] or [path]

    def _sources(self, path: Path) -> list[tuple[str, str, Mapping[str, Any]]]:
        found = [(f"{self.id}.START", offer.title, offer.schema) for offer in self.start.values() if offer.path == path]
        for placed in self.placed.values():
            found += [(placed.source, offer.title, offer.schema) for offer in placed.offers if offer.path == path]
        return found

    def _connect(self, step: str, want: Want) -> None:
        sources = self._sources(want.path)
        written = {key for key in (spec_step.writes for spec_step in self.spec.steps.values()) if key}
        if not sources and self.open_inputs and want.path[0] not in written:
            title = title_of(want.path)
            self.start[title] = Offer(title, want.path, optional({"title": title}))
            sources = self._sources(want.path)
        node = self.parts.components[want.node]
        inputs = node["inputs"]
        place = next(index for index, item in enumerate(inputs) if item["title"] == want.title)
        item = dict(inputs[place])
        if not sources:
            self.parts.lose(step, f"the value of `$.{'.'.join(want.path)}`, which no node gives")
            node["inputs"][place] = {**item, "default": ""} if item.get("type") == "string" else optional(item)
            return
        if any(not fits(schema, item) for _, _, schema in sources):
            item = untyped(item)
        if any("default" in schema and schema["default"] is None for _, _, schema in sources) and "default" not in item:
            item = optional(item)
        node["inputs"] = [*inputs[:place], item, *inputs[place + 1 :]]
        for source, output, _ in sources:
            self.wires.carry(source, output, want.node, want.title)

    # Edges ----------------------------------------------------------------------------------------

    def _leave(self, name: str, exits: Mapping[str, tuple[str, str | None]], nodes: StepNodes) -> None:
        """The control edges out of a step, by each outcome that has a way out."""
        step = self.spec.steps.get(name)
        edges_of = join_of(self.spec, name) if isinstance(step, ForkStep) else name
        assert edges_of is not None
        for outcome, (node, way) in exits.items():
            edges = self.spec.leaving(edges_of, outcome or None)
            plain = [edge for edge in edges if not edge.when and not edge.otherwise]
            if plain:
                self.wires.join(node, way, self._target(plain[0]))
            elif edges:
                self._choose(f"{name}.{outcome}" if outcome else name, node, way, edges, nodes)
            elif way is not None:  # a branch of a node must lead somewhere: an outcome without an edge ends as failed
                self.wires.join(node, way, self._end("failed"))

    def _target(self, edge: Edge) -> str:
        return self._end(_end_name(edge)) if edge.target == END else self.placed[edge.target].entry

    def _end(self, name: str) -> str:
        return self.ends.setdefault(name, f"{self.id}.END.{name}")

    def _choose(self, name: str, node: str, way: str | None, edges: list[Edge], nodes: StepNodes) -> None:
        """A branching node for edges with conditions.

        It compares one text with constants; other conditions are left to a tool that the other runtime
        must have, so that nothing there passes them by.
        """
        asked = [edge for edge in edges if edge.when]
        others = [edge for edge in edges if edge.otherwise]
        # Without an `else` the conditions were proven to leave nothing out, so the last is what remains.
        other = others[0] if others else asked.pop()
        found = words(asked)
        ways = {index: f"edge_{index + 1}" for index in range(len(asked))}
        if found is not None:
            path, mapping = found
            choice = nodes.choice(name, title_of(path), {word: ways[index] for word, index in mapping.items()})
            self.wires.join(node, way, choice)
            self.placed.setdefault(name + ".choice", Placed(choice, {}, choice))
            self._connect(name, Want(choice, title_of(path), path))
        else:
            choice = self._decided(name, node, way, asked, nodes)
        for index, edge in enumerate(asked):
            self.wires.join(choice, ways[index], self._target(edge))
        self.wires.join(choice, DEFAULT, self._target(other))

    def _decided(self, name: str, node: str, way: str | None, asked: list[Edge], nodes: StepNodes) -> str:
        paths = list(dict.fromkeys(path_parts(path) for edge in asked for path in edge.when or {}))
        rules = "; ".join(
            f"edge_{index + 1} when {' and '.join(rule(path, test) for path, test in (edge.when or {}).items())}"
            for index, edge in enumerate(asked)
        )
        inputs = [{"title": title_of(path)} for path in paths]
        output = {"title": "edge", "type": "string"}
        tool = self.parts.add(
            "ServerTool", f"tool.{OURS}.choose.{self.id}.{name}", f"{OURS}.choose.{name}", inputs=inputs,
            outputs=[output], description=f"Return {rules}; else {DEFAULT}.",
        )  # fmt: skip
        decide = self.parts.add(
            "ToolNode", f"{self.id}.{name}.decide", f"{name}.decide", tool=ref(tool),
            inputs=[dict(item) for item in inputs], outputs=[output], branches=[NEXT],
        )  # fmt: skip
        ways = [f"edge_{index + 1}" for index in range(len(asked))]
        choice = nodes.choice(name, "edge", {word: word for word in ways})
        self.wires.join(node, way, decide)
        self.wires.join(decide, None, choice)
        self.wires.carry(decide, "edge", choice, "edge")
        for path in paths:
            self._connect(name, Want(decide, title_of(path), path))
        self.parts.lose(name, f"its conditions: there the tool `{OURS}.choose.{name}` chooses, and has to be written")
        return choice

    def _lost_of_graph(self) -> None:
        """What a graph has and a flow has not."""
        spec = self.spec
        where = "" if self.id == spec.graph else spec.graph
        if untrusted := [name for name, schema in spec.input.items() if schema.provenance != "user"]:
            self.parts.lose(where, f"where {', '.join(untrusted)} may come from", guard=True)
        if spec.limits != Limits():
            self.parts.lose(where, "the limits of a run", guard=True)
        for step in spec.steps.values():
            if isinstance(step, ActStep | CallStep | CompensateStep):
                known = [self.parts.tools.get(name) for name in step.actions]
                named = zip(step.actions, known, strict=True)
                self.parts.consequential |= {name for name, tool in named if tool is None or tool.consequential}

    def _lost_edges(self, order: list[str]) -> None:
        spec = self.spec
        for edge in spec.edges:
            if edge.source != START and edge.source not in self.placed:
                continue
            name = f"{edge.source} -> {edge.target}"
            if edge.approval is not None:
                message = f"the approval `{edge.approval}` is NOT enforced there; the tool only asks for confirmation"
                self.parts.lose(name, message, guard=True)
            elif edge.writes:
                self.parts.lose(name, f"what it writes to `{edge.writes}`")
            forked = isinstance(spec.steps.get(edge.source), ForkStep)
            if lost := [word for word in edge.on if not forked and word not in self.placed[edge.source].exits]:
                self.parts.lose(name, f"the outcomes {', '.join(lost)}: Agent Spec has no edge for them")
            if edge.keeps:
                self.parts.lose(name, f"that the effects of {', '.join(edge.keeps)} stay")
        inside = {step for name in order if isinstance(spec.steps[name], ForkStep) for step in block(spec, name)}
        for name, step in spec.steps.items():
            if name not in self.placed and name not in inside and not isinstance(step, JoinStep):
                self.parts.lose(name, "the step is left out: only edges that are not carried lead to it", guard=True)

    # The flow -------------------------------------------------------------------------------------

    def _component(self, order: list[str]) -> Made:
        start = f"{self.id}.START"
        gives: dict[str, Offer] = {}
        for key in self.spec.output:
            for path in [path for path in self._fields((key,)) if self._sources(path)]:
                title = title_of(path)
                gives[title] = Offer(title, path, optional(named(title, self._sources(path)[0][2])))
            if not self._sources((key,)) and not any(offer.path[0] == key for offer in gives.values()):
                self.parts.lose("", f"the output `{key}`, which no node gives")
        outputs = [dict(offer.schema) for offer in gives.values()]
        for name, end in self.ends.items():
            self.parts.add(
                "EndNode",
                end,
                f"END {name}",
                inputs=outputs,
                outputs=outputs,
                branch_name=branch_name(name),
                branches=[],
            )
            for title, offer in gives.items():
                for source, output, _ in self._sources(offer.path):
                    self.wires.carry(source, output, end, title)
        inputs = [named(offer.title, offer.schema) for offer in self.start.values()]
        self.parts.add("StartNode", start, START, inputs=inputs, outputs=inputs, branches=[NEXT])
        # Every node of this flow was added under its id; those of flows inside have longer ids of their own.
        mine = {start, *self.ends.values(), *(placed.entry for placed in self.placed.values())}
        for edge in self.wires.control:
            mine |= {edge["from_node"]["$component_ref"], edge["to_node"]["$component_ref"]}
        component = {
            "component_type": "Flow",
            "id": self.id,
            "name": self.spec.graph,
            "description": self.spec.description or None,
            "inputs": inputs,
            "outputs": outputs,
            "start_node": ref(start),
            "nodes": [ref(id_) for id_ in self.parts.components if id_ in mine],
            "control_flow_connections": self.wires.control,
            "data_flow_connections": self.wires.data,
        }
        takes = {offer.title: offer.path for offer in self.start.values()}
        return Made(component, takes, gives, list(self.ends))


def _input(name: str, schema: Schema) -> dict[str, Any]:
    found = named(name, schema.json_schema())
    found.pop("required", None)
    found.pop("additionalProperties", None)
    if schema.default is not None:
        return {**found, "default": schema.default}
    return optional(found) if schema.optional else found


def _end_name(edge: Edge) -> str:
    return edge.outcome or "done"
