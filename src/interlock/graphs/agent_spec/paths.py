"""Where the values of an Agent Spec flow stand in the state of a graph.

There each node keeps its outputs, and of several that feed one input the node that ran last counts.
Here steps write keys.  So nodes that feed one input write one key, which means the same exactly when
whatever reads one of them reads all; other flows are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.graphs.agent_spec.reader import Flow, Node
from interlock.graphs.agent_spec.vocabulary import COLLECTED

Path = tuple[str, ...]

PLAIN = ("StartNode", "EndNode", "BranchingNode")
"""Nodes that are no step here."""


def slug(text: str, fallback: str = "step") -> str:
    """`text` as a name of ours: small letters, digits and underscores, a letter first."""
    found = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not found:
        return fallback
    return found if found[0].isalpha() else f"{fallback}_{found}"


def unique(wanted: str, taken: Mapping[str, object]) -> str:
    """`wanted`, with a number behind it where it is taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


@dataclass
class Paths:
    """The names of one flow's steps and keys, and the path of each value; faults are collected."""

    flow: Flow
    faults: list[str]
    inner: Mapping[str, tuple[Paths, ...]] = field(default_factory=dict)
    """Those of the flows that nodes run, by node."""
    steps: dict[str, str] = field(default_factory=dict)
    """The step of each node."""
    inputs: dict[str, str] = field(default_factory=dict)
    """The key of each input."""
    branches: dict[str, list[str]] = field(default_factory=dict)
    """For nodes that run flows side by side: the step of each, which is also the name of its branch and its key."""
    _key: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken: dict[str, object] = {}
        for item in self.flow.nodes[self.flow.start].outputs:
            name = unique(slug(item["title"], "input"), taken)
            taken[name] = self.inputs[item["title"]] = name
        used: dict[str, object] = {}
        for node in self.flow.nodes.values():
            if node.kind not in PLAIN:
                name = unique(slug(node.name), used)
                used[name] = self.steps[node.id] = name
        for node in self.flow.nodes.values():
            for flow in node.subflows if node.kind == "ParallelFlowNode" else ():
                name = unique(slug(flow.name, "branch"), {**used, **taken})
                used[name] = taken[name] = name
                self.branches.setdefault(node.id, []).append(name)
        self._group(taken)

    def _group(self, taken: dict[str, object]) -> None:
        """Give nodes that feed one input one key."""
        leader = {node: node for node in self.steps}

        def lead(node: str) -> str:
            while leader[node] != node:
                node = leader[node]
            return node

        for (target, _), sources in self.flow.data.items():
            nodes = [node for node, _ in sources if node in leader]
            if self.flow.nodes[target].kind != "EndNode":
                for other in nodes[1:]:
                    leader[lead(other)] = lead(nodes[0])
        for node in self.steps:
            if lead(node) == node:
                self._key[node] = unique(self.steps[node], taken)
                taken[self._key[node]] = node
        self._key |= {node: self._key[lead(node)] for node in self.steps}
        for (target, title), sources in self.flow.data.items():
            these = {node for node, _ in sources if node in leader}
            whole = {node for node in self.steps if any(self._key[node] == self._key[one] for one in these)}
            if these and these != whole and self.flow.nodes[target].kind != "EndNode":
                missing = ", ".join(sorted(f"`{self.flow.nodes[node].name}`" for node in whole - these))
                self.faults.append(
                    f"  input `{title}` of {self.flow.nodes[target].said} must take its value from {missing} too: "
                    "these nodes feed another input together, and here that is one key of the state"
                )

    def key(self, node: str) -> str:
        """The key that a node's step writes."""
        return self._key[node]

    def value(self, node: str, title: str) -> Path | None:
        """The path of the value that an input takes; None where nothing feeds it."""
        sources = self.flow.data.get((node, title), [])
        found = list(dict.fromkeys(self.given(source, output) for source, output in sources))
        if len(found) > 1:
            shown = ", ".join(f"`{self.flow.nodes[source].name}.{output}`" for source, output in sources)
            self.faults.append(
                f"  input `{title}` of {self.flow.nodes[node].said} takes its value from {shown}: here these are "
                "different values; give the outputs one name, or feed the input from one node"
            )
        return found[0] if found else None

    def given(self, node: str, output: str) -> Path:
        """The path of a node's output."""
        made = self.flow.nodes[node]
        if made.kind == "StartNode":
            return (self.inputs[output],)
        if made.kind in ("MapNode", "ParallelMapNode"):
            return (self._key[node],)
        if not re.fullmatch(r"[A-Za-z0-9_]+", output):
            self.faults.append(f"  output `{output}` of {made.said}: a field's name has letters, digits and _")
        if made.kind == "FlowNode":
            return (self._key[node], *self.inner[node][0].output(output))
        if made.kind == "ParallelFlowNode":
            for name, inner in zip(self.branches[node], self.inner[node], strict=True):
                if any(item["title"] == output for item in inner.flow.outputs):
                    return (name, *inner.output(output))
            self.faults.append(f"  output `{output}` of {made.said} is an output of none of its flows")
        return (self._key[node], output)

    def output(self, title: str) -> Path:
        """The path of one output of the flow itself."""
        found = {
            path
            for node in self.flow.nodes.values()
            if node.kind == "EndNode"
            for path in [self.value(node.id, title)]
            if path is not None
        }
        if len(found) != 1:
            self.faults.append(
                f"  output `{title}` of Flow `{self.flow.name}` "
                + (
                    "comes from nowhere"
                    if not found
                    else "is another value at each of its ends; give each its own name"
                )
            )
            return (title,)
        return found.pop()

    def outputs(self) -> list[str]:
        """The keys that the flow gives, in the order of its ends."""
        found: dict[str, None] = {}
        for node in self.flow.nodes.values():
            for item in node.inputs if node.kind == "EndNode" else ():
                for source, output in self.flow.data.get((node.id, item["title"]), []):
                    found[self.given(source, output)[0]] = None
        return list(found)

    def collected(self, node: Node, title: str) -> bool:
        """Whether an input takes the collected list of a map node."""
        return any(
            output.startswith(COLLECTED) and self.flow.nodes[source].kind in ("MapNode", "ParallelMapNode")
            for source, output in self.flow.data.get((node.id, title), [])
        )
