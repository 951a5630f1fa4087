"""Reads an Open Agent Spec document: JSON or YAML becomes flows of nodes and edges, references resolved.

The document is untrusted.  YAML goes through our strict reader, and JSON is held to the same rules: its
size and depth, no key twice, no character that hides.  What is no flow, or holds a component that has no
counterpart here, is refused by its name and place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.errors import ProjectError
from interlock.graphs.agent_spec.vocabulary import DEFAULT, NEXT, REF, VERSIONS
from interlock.source import MAX_BYTES, Document, Loc, parse_document, read_document

NODES = (
    "StartNode", "EndNode", "LlmNode", "ToolNode", "BranchingNode", "InputMessageNode", "FlowNode", "MapNode",
    "ParallelMapNode", "ParallelFlowNode",
)  # fmt: skip
"""The nodes that have a counterpart here."""

REFUSED = {
    "AgentNode": "an agent calls its tools when it likes; make it an LlmNode, or a ToolNode for each call",
    "ApiNode": "nobody declared the effect of its request; declare an action, and make it a ToolNode with a ServerTool",
    "OutputMessageNode": "there is no conversation here; make its text an output of the flow",
    "CatchExceptionNode": "write its exception branch as an edge `on: failed` in the graph",
    "RemoteTool": "nobody declared the effect of its request; declare an action, and make it a ServerTool",
    "ClientTool": "nobody is there to execute it during a run; declare an action, and make it a ServerTool",
    "MCPTool": "nobody declared its effect; declare an action that calls it, and make it a ServerTool",
    "BuiltinTool": "it belongs to another runtime; declare an action, and make it a ServerTool",
}
"""Why the components that have none are refused, and what to do."""


@dataclass(frozen=True)
class Node:
    """One node of a flow, with its own fields."""

    id: str
    kind: str
    name: str
    inputs: tuple[dict[str, Any], ...]
    outputs: tuple[dict[str, Any], ...]
    data: Mapping[str, Any]
    tool: Mapping[str, Any] | None = None
    subflows: tuple[Flow, ...] = ()
    """The flows that it runs."""
    model: str = ""
    """What an LLM node's configuration asks for."""

    @property
    def said(self) -> str:
        """The node as messages name it."""
        return f"{self.kind} `{self.name}`"


@dataclass(frozen=True)
class Flow:
    """One flow: nodes by id in their order, and its edges."""

    id: str
    name: str
    description: str
    outputs: tuple[dict[str, Any], ...]
    nodes: dict[str, Node]
    start: str
    control: dict[tuple[str, str], str]
    """The next node by node and branch."""
    data: dict[tuple[str, str], list[tuple[str, str]]]
    """For each node and input, the nodes and outputs that its value comes from."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def read_data(path: Path) -> Document:
    """A JSON or YAML file as plain data; a JSON document has no positions.

    Raises:
        SourceError: it is not plain YAML.
        ProjectError: it is not JSON, or holds what our YAML reader would refuse.
    """
    if path.suffix != ".json":
        return read_document(path)
    try:
        raw = path.read_bytes()[: MAX_BYTES + 1]
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}.") from None
    if len(raw) > MAX_BYTES:
        raise ProjectError(f"{path} is larger than {MAX_BYTES:,} bytes.")
    try:
        data = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
        text = json.dumps(data, ensure_ascii=False, indent=0)
    except (ValueError, RecursionError) as error:
        what = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ProjectError(f"{path} is not JSON as it is read here: {what}.") from None
    if not isinstance(data, dict):
        raise ProjectError(f"{path} must hold one object.")
    parse_document(text, str(path))  # JSON is YAML: what the strict reader refuses there, it refuses here
    return Document(str(path), "", data)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


_OUTLINE = (
    "component_type", "name", "prompt_template", "system_prompt", "message", "mapping", "branch_name", "reducers",
    "start_node", "nodes", "tool", "tools", "agent", "subflow", "subflows", "from_node", "from_branch", "to_node",
    "source_node", "source_output", "destination_node", "destination_input", "requires_confirmation",
)  # fmt: skip
"""The fields that say what a document does; models, descriptions and the order of things do not."""


def components(data: Any) -> Iterator[dict[str, Any]]:
    """Every component of a document, wherever it stands."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("component_type"), str) and isinstance(value.get("id"), str):
                yield value
            waiting += [inner for key, inner in value.items() if key != "metadata"]
        elif isinstance(value, list):
            waiting += value


def outline(data: Any) -> dict[str, dict[str, Any]]:
    """What a document does, by the ids of its components: the same after any program has written it again."""
    return {
        made["id"]: {key: _plain(made[key]) for key in _OUTLINE if made.get(key) not in (None, False, [], {})}
        for made in components(data)
        if not made["component_type"].endswith("Config")
    }


def _plain(value: Any) -> Any:
    """A value with ids in place of components; lists of these in order of their ids."""
    if isinstance(value, dict) and isinstance(value.get(REF), str):
        return value[REF]
    if isinstance(value, dict) and "component_type" in value:
        return value.get("id")
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=str)
    return value


def read_flow(document: Document) -> Flow:
    """The flow that a document holds.

    Raises:
        ProjectError: it is no flow, or not one that can be imported; one line for each reason.
    """
    reader = _Reader(document)
    version = str(document.data.get("agentspec_version", VERSIONS[0]))
    if version not in VERSIONS:
        known = ", ".join(VERSIONS)
        raise ProjectError(f"{document.file}: agentspec_version {version} is not known; known are {known}.")
    flow = reader.flow(document.data, (), ())
    if flow is None or reader.faults:
        raise ProjectError("\n".join([f"{document.file} cannot be imported:", *sorted(set(reader.faults))]))
    return flow


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[str] = []
        self.known: dict[str, tuple[dict[str, Any], Loc]] = {}
        self._collect(document.data, ())

    def _collect(self, value: Any, at: Loc) -> None:
        """Every component by its id; the depth of a document is bounded by its reader."""
        if isinstance(value, dict):
            id_ = value.get("id")
            if isinstance(value.get("component_type"), str) and isinstance(id_, str):
                if id_ in self.known:
                    self._fault(at, f"two components have the id `{id_}`")
                self.known[id_] = (value, at)
            for key, inner in value.items():
                if key != "metadata":
                    self._collect(inner, (*at, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self._collect(inner, (*at, index))

    def _fault(self, at: Loc, message: str) -> None:
        line = f"line {self.document.mark(at).line}: " if self.document.text else ""
        self.faults.append(f"  {line}{message}")

    def _resolve(self, value: Any, at: Loc, what: str) -> tuple[dict[str, Any], Loc] | None:
        """A component given in place or by reference."""
        if isinstance(value, dict) and isinstance(value.get(REF), str):
            found = self.known.get(value[REF])
            if found is None:
                self._fault(at, f"{what}: there is no component `{value[REF]}`")
            return found
        if isinstance(value, dict) and isinstance(value.get("component_type"), str):
            return value, at
        self._fault(at, f"{what} must be a component or a reference to one")
        return None

    def flow(self, value: Any, at: Loc, within: tuple[str, ...]) -> Flow | None:
        """A flow and all in it; `within` are the flows around it."""
        kind = str(value.get("component_type"))
        name = self._name(value)
        if kind != "Flow":
            self._fault(at, f"{kind} `{name}`: only a Flow is a workflow")
            return None
        id_ = str(value.get("id", name))
        if id_ in within:
            self._fault(at, f"Flow `{name}`: a flow cannot be a step of itself")
            return None
        nodes: dict[str, Node] = {}
        for index, item in enumerate(self._list(value, "nodes", at)):
            found = self._resolve(item, (*at, "nodes", index), "a node")
            node = self._node(*found, (*within, id_)) if found is not None else None
            if node is not None:
                nodes[node.id] = node
        starts = [node.id for node in nodes.values() if node.kind == "StartNode"]
        if len(starts) != 1:
            self._fault(at, f"Flow `{name}` has {len(starts)} start nodes, not one")
        if self.faults:
            return None
        control = self._control(value, at, nodes)
        data = self._data(value, at, nodes)
        about = value.get("metadata")
        return Flow(
            id_, name, str(value.get("description") or ""), self._properties(value, "outputs", at), nodes,
            starts[0], control, data, about if isinstance(about, dict) else {},
        )  # fmt: skip

    def _name(self, value: Mapping[str, Any]) -> str:
        return str(value.get("name") or value.get("id") or "without a name")

    def _list(self, value: Mapping[str, Any], key: str, at: Loc) -> list[Any]:
        found = value.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            self._fault((*at, key), f"`{key}` of `{self._name(value)}` must be a list")
            return []
        return found

    def _properties(self, value: Mapping[str, Any], key: str, at: Loc) -> tuple[dict[str, Any], ...]:
        found = []
        for index, item in enumerate(self._list(value, key, at)):
            if not isinstance(item, dict) or not isinstance(item.get("title"), str):
                self._fault((*at, key, index), f"{key} of `{self._name(value)}` need a title each")
            else:
                found.append(item)
        return tuple(found)

    def _node(self, value: dict[str, Any], at: Loc, within: tuple[str, ...]) -> Node | None:
        kind, name = str(value.get("component_type")), self._name(value)
        if kind not in NODES:
            self._fault(at, f"{kind} `{name}`: {REFUSED.get(kind, 'there is no such step here')}")
            return None
        tool: dict[str, Any] | None = None
        if kind == "ToolNode":
            found = self._resolve(value.get("tool"), (*at, "tool"), f"the tool of `{name}`")
            if found is None:
                return None
            tool = found[0]
            if tool.get("component_type") != "ServerTool":
                made = str(tool.get("component_type"))
                why = REFUSED.get(made, "only a ServerTool is an action")
                self._fault(found[1], f"{made} `{self._name(tool)}`: {why}")
        reducers = value.get("reducers") or {}
        odd = sorted({str(way) for way in reducers.values()} - {"append"}) if isinstance(reducers, dict) else ["?"]
        if odd:
            self._fault(at, f"{kind} `{name}`: it reduces by {', '.join(odd)}; reduce in a step after it")
        subflows = self._subflows(value, at, within)
        inputs = self._properties(value, "inputs", at) or self._properties(tool or {}, "inputs", at)
        outputs = self._properties(value, "outputs", at) or self._properties(tool or {}, "outputs", at)
        if kind == "EndNode":
            inputs, outputs = inputs or outputs, ()
        if kind == "StartNode":
            inputs = outputs = inputs or outputs
        model = ""
        if kind == "LlmNode":
            config = self._resolve(value.get("llm_config"), (*at, "llm_config"), f"the model of `{name}`")
            model = str(config[0].get("model_id") or "") if config is not None else ""
        return Node(str(value.get("id", name)), kind, name, inputs, outputs, value, tool, subflows, model)

    def _subflows(self, value: Mapping[str, Any], at: Loc, within: tuple[str, ...]) -> tuple[Flow, ...]:
        """The flows that a node runs."""
        kind, name = str(value.get("component_type")), self._name(value)
        places: list[Loc] = []
        if kind in ("FlowNode", "MapNode", "ParallelMapNode"):
            places = [("subflow",)]
        elif kind == "ParallelFlowNode":
            places = [("subflows", index) for index in range(len(self._list(value, "subflows", at)))]
            if len(places) < 2:
                self._fault(at, f"{kind} `{name}` runs {len(places)} flows; two or more are a fork")
        found = []
        for place in places:
            given = value["subflows"][place[1]] if len(place) == 2 else value.get("subflow")
            resolved = self._resolve(given, (*at, *place), f"a subflow of `{name}`")
            flow = self.flow(*resolved, within) if resolved is not None else None
            found += [flow] if flow is not None else []
        return tuple(found)

    def _edge_end(self, edge: Mapping[str, Any], key: str, nodes: Mapping[str, Node], at: Loc) -> str | None:
        found = self._resolve(edge.get(key), (*at, key), f"`{key}` of edge `{self._name(edge)}`")
        id_ = str(found[0].get("id", self._name(found[0]))) if found is not None else None
        if id_ is not None and id_ not in nodes:
            self._fault(at, f"edge `{self._name(edge)}` joins `{id_}`, which is no node of its flow")
            return None
        return id_

    def _control(self, value: Mapping[str, Any], at: Loc, nodes: Mapping[str, Node]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for index, item in enumerate(self._list(value, "control_flow_connections", at)):
            place = (*at, "control_flow_connections", index)
            edge = self._resolve(item, place, "an edge")
            if edge is None:
                continue
            source = self._edge_end(edge[0], "from_node", nodes, place)
            target = self._edge_end(edge[0], "to_node", nodes, place)
            if source is None or target is None:
                continue
            branch = str(edge[0].get("from_branch") or NEXT)
            if branch not in _branches(nodes[source]):
                self._fault(place, f"{nodes[source].said} has no branch `{branch}`")
            elif (source, branch) in found:
                self._fault(place, f"two edges leave {nodes[source].said} by `{branch}`")
            else:
                found[source, branch] = target
        for node in nodes.values():
            for branch in _branches(node):
                if (node.id, branch) not in found:
                    self._fault(at, f"no edge leaves {node.said} by `{branch}`")
        return found

    def _data(
        self, value: Mapping[str, Any], at: Loc, nodes: Mapping[str, Node]
    ) -> dict[tuple[str, str], list[tuple[str, str]]]:
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        if value.get("data_flow_connections") is None:  # then equal names are joined
            for node in nodes.values():
                for item in node.inputs if node.kind != "StartNode" else ():
                    title = item["title"]
                    givers = [other.id for other in nodes.values() if title in _titles(other.outputs)]
                    sources = [(giver, title) for giver in givers]
                    if sources:
                        found[node.id, title] = sources
            return found
        for index, item in enumerate(self._list(value, "data_flow_connections", at)):
            place = (*at, "data_flow_connections", index)
            edge = self._resolve(item, place, "an edge")
            if edge is None:
                continue
            source = self._edge_end(edge[0], "source_node", nodes, place)
            target = self._edge_end(edge[0], "destination_node", nodes, place)
            if source is None or target is None:
                continue
            output, input_ = str(edge[0].get("source_output")), str(edge[0].get("destination_input"))
            if output not in _titles(nodes[source].outputs):
                self._fault(place, f"{nodes[source].said} has no output `{output}`")
            elif input_ not in _titles(nodes[target].inputs):
                self._fault(place, f"{nodes[target].said} has no input `{input_}`")
            elif (source, output) not in found.setdefault((target, input_), []):
                found[target, input_].append((source, output))
        return found


def _titles(properties: tuple[dict[str, Any], ...]) -> list[str]:
    return [item["title"] for item in properties]


def _branches(node: Node) -> list[str]:
    """The branches that a node leaves by."""
    match node.kind:
        case "EndNode":
            return []
        case "BranchingNode":
            mapping = node.data.get("mapping")
            named = [str(way) for way in mapping.values()] if isinstance(mapping, dict) else []
            return list(dict.fromkeys([*named, DEFAULT]))
        case "FlowNode" if node.subflows:
            return flow_branches(node.subflows[0])
    return [NEXT]


def flow_branches(flow: Flow) -> list[str]:
    """The branches that the ends of a flow close."""
    ends = [node for node in flow.nodes.values() if node.kind == "EndNode"]
    return list(dict.fromkeys(str(node.data.get("branch_name") or NEXT) for node in ends))
