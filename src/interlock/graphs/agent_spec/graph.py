"""One flow of an Agent Spec document as the fields of a graph file and its cards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.graphs.agent_spec.conditions import leaves
from interlock.graphs.agent_spec.paths import PLAIN, Path, Paths, slug, unique
from interlock.graphs.agent_spec.reader import Flow, Node, flow_branches
from interlock.graphs.agent_spec.vocabulary import ITERATED, NEXT, PLACEHOLDER, declared
from interlock.graphs.flow import components as strongly_connected
from interlock.graphs.spec import END, START

NOT_DONE = "not_done"
"""The end where a run stops when a person does not agree."""

AT_MOST_ITEMS, AT_MOST_VISITS = 50, 10
"""Bounds that every run needs here and the format does not have."""

_ACTION = re.compile(r"[a-z][a-z0-9_]*[.][a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Needed:
    """Something that has to be written by hand before the graph can run."""

    what: str
    """action, function or approval."""
    name: str
    about: str
    inputs: list[dict[str, Any]]
    """For an action: its arguments as JSON Schemas with a title."""
    outputs: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class GraphMaker:
    """Translates one flow; faults, notes and what is needed are collected."""

    flow: Flow
    name: str
    inner: Mapping[str, tuple[GraphMaker, ...]]
    """The graphs of the flows that nodes run, by node."""
    decided: Mapping[str, bool]
    """The project's consequential actions, and whether a policy decides about each."""
    harmless: set[str]
    """The project's actions that only read."""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    needed: list[Needed] = field(default_factory=list)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    ends: list[str] = field(default_factory=list)
    """The names of ends that this translation added."""
    paths: Paths = field(init=False)

    def __post_init__(self) -> None:
        self.paths = Paths(
            self.flow,
            self.faults,
            {node: tuple(maker.paths for maker in makers) for node, makers in self.inner.items()},
        )
        self.steps: dict[str, dict[str, Any]] = {}
        self.edges: list[Any] = []
        self.entry: dict[str, str] = {}
        self.joins: dict[str, str] = {}

    def make(self) -> None:
        """Fill `fields` and `cards`."""
        nodes = [node for node in self.flow.nodes.values() if node.kind not in PLAIN]
        for node in nodes:
            self._step(node)
        self._leave(START, None, self.flow.start, NEXT)
        for node in nodes:
            self._edges(node)
        self._bound_loops()
        self.fields = {"graph": self.name, "version": 1}
        if self.flow.description:
            self.fields["description"] = self.flow.description
        if inputs := self._inputs():
            self.fields["input"] = inputs
        self.fields |= {"steps": self.steps, "edges": self.edges}
        if outputs := self.paths.outputs():
            self.fields["output"] = outputs

    def _inputs(self) -> dict[str, Any]:
        found = {}
        for item in self.flow.nodes[self.flow.start].outputs:
            made = declared(item)
            if isinstance(item.get("default"), str | int | float | bool):
                made["default"] = item["default"]
            elif "default" in item:
                made["optional"] = True
            found[self.paths.inputs[item["title"]]] = made
        return found

    # Steps ----------------------------------------------------------------------------------------

    def _step(self, node: Node) -> None:
        name = self.paths.steps[node.id]
        self.entry[node.id] = name
        match node.kind:
            case "LlmNode":
                self.steps[name] = self._reason(node, name)
            case "ToolNode":
                self._call(node, name)
            case "InputMessageNode":
                self.steps[name] = self._asked(node)
            case "FlowNode":
                bind = self._bind(node, node.inputs)
                self.steps[name] = _without_empty(
                    {"graph": self.inner[node.id][0].name, "bind": bind, "writes": self.paths.key(node.id)}
                )
            case "ParallelFlowNode":
                self._fork(node, name)
            case _:
                self.steps[name] = self._map(node)

    def _text(self, node: Node, template: str) -> tuple[str, list[str]]:
        """A template with `$path` for `{{title}}`, and the keys that it reads."""
        defaults = {item["title"]: item["default"] for item in node.inputs if "default" in item}
        keys: dict[str, None] = {}
        parts: list[str] = []
        last = 0
        for match in PLACEHOLDER.finditer(template):
            parts.append(template[last : match.start()].replace("$", "$$"))
            path = self.paths.value(node.id, match[1])
            if path is not None:
                keys[path[0]] = None
                inserted = f"${'.'.join(path)}"
                tagged = template[: match.start()].rstrip().endswith(">")
                # A value in tags of its own cannot pass for a part of the prompt.
                parts.append(inserted if tagged else f"<{match[1]}>{inserted}</{match[1]}>")
            elif match[1] in defaults:
                parts.append(str(defaults[match[1]]).replace("$", "$$"))
            else:
                self.faults.append(f"  input `{match[1]}` of {node.said}: nothing feeds it, and it has no default")
            last = match.end()
        parts.append(template[last:].replace("$", "$$"))
        return "".join(parts), list(keys)

    def _reason(self, node: Node, name: str) -> dict[str, Any]:
        template = node.data.get("prompt_template")
        if not isinstance(template, str) or not template.strip():
            self.faults.append(f"  {node.said} has no prompt")
            template = "?"
        prompt, reads = self._text(node, template)
        outputs = node.outputs or ({"title": "generated_text", "type": "string"},)
        card = f"{self.name}_{name}"
        goal = node.data.get("description")
        self.cards[card] = {
            "node": card,
            "kind": "reason",
            "goal": goal if isinstance(goal, str) and goal.strip() else "Do what the prompt asks for.",
            "prompt": prompt,
            "output": {item["title"]: declared(item) for item in outputs},
        }
        asked = f" (it asked for {node.model})" if node.model else ""
        self.notes.append(f"{name}: the model of the settings answers{asked}; name another in nodes/{card}.yaml")
        return {"node": card, "reads": reads, "writes": self.paths.key(node.id)}

    def _asked(self, node: Node) -> dict[str, Any]:
        message = node.data.get("message")
        text, reads = self._text(node, message) if isinstance(message, str) and message else ("Your answer?", [])
        title = node.outputs[0]["title"] if node.outputs else "user_input"
        question = PLACEHOLDER.sub(lambda match: match[1], message) if isinstance(message, str) and message else text
        return _without_empty(
            {"approve": question, "reads": reads, "form": {slug(title, "answer"): {"type": "string"}},
             "writes": self.paths.key(node.id)}
        )  # fmt: skip

    def _bind(self, node: Node, inputs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """The arguments that are fed, or have a plain default."""
        found: dict[str, Any] = {}
        for item in inputs:
            title = item["title"]
            path = self.paths.value(node.id, title)
            default = item.get("default")
            if path is not None:
                if self.paths.collected(node, title):
                    self.faults.append(
                        f"  input `{title}` of {node.said} takes a map node's list, whose items are objects here; "
                        "take them apart in a step between"
                    )
                found[title] = f"$.{'.'.join(path)}"
            elif isinstance(default, str | int | float | bool):
                if isinstance(default, str) and default.startswith("$."):
                    self.faults.append(f"  input `{title}` of {node.said}: its default reads like a path")
                found[title] = default
            elif "default" not in item:
                self.faults.append(f"  input `{title}` of {node.said}: nothing feeds it, and it has no default")
        return found

    def _call(self, node: Node, name: str) -> None:
        assert node.tool is not None
        wanted = str(node.tool.get("name") or node.tool.get("id"))
        action = wanted if _ACTION.fullmatch(wanted) else f"imported.{slug(wanted, 'tool')}"
        bind = self._bind(node, node.inputs)
        step = _without_empty({"call": action, "bind": bind, "writes": self.paths.key(node.id)})
        unknown = action not in self.harmless and action not in self.decided
        if unknown:
            about = str(node.tool.get("description") or f"the tool `{wanted}`")
            self.needed.append(Needed("action", action, about, list(node.inputs), list(node.outputs)))
        confirm = node.tool.get("requires_confirmation") is True
        if confirm and action in self.harmless:
            self.notes.append(f"{name}: the tool asks for confirmation, but `{action}` only reads: nobody is asked")
        if unknown or (action in self.decided and (confirm or not self.decided[action])):
            asks = unique(f"approve_{name}", dict.fromkeys([*self.steps, *self.paths.steps.values()]))
            reads = [str(value)[2:].split(".")[0] for value in bind.values() if _path(value)]
            self.steps[asks] = _without_empty(
                {"approve": f"May {action} be called with these values?", "reads": list(dict.fromkeys(reads)),
                 "covers": name}
            )  # fmt: skip
            self.entry[node.id] = asks
            self.notes.append(
                f"{name}: a person agrees before `{action}` is called; leave it to a policy once it is declared"
            )
        self.steps[name] = step

    def _map(self, node: Node) -> dict[str, Any]:
        [maker] = self.inner[node.id]
        types = {item["title"]: item for item in maker.flow.nodes[maker.flow.start].outputs}
        over: tuple[str, Path] | None = None
        bind: dict[str, Any] = {}
        for item in node.inputs:
            title = item["title"].removeprefix(ITERATED)
            path = self.paths.value(node.id, item["title"])
            if title not in types:
                self.faults.append(f"  {node.said}: its flow has no input `{title}`")
            elif path is None:
                if isinstance(item.get("default"), str | int | float | bool):
                    bind[maker.paths.inputs[title]] = item["default"]
            elif types[title].get("type") != "array" and self._is_list(node, item):
                if over is not None:
                    self.faults.append(
                        f"  {node.said} goes over two lists, `{over[0]}` and `{title}`; here a map has one"
                    )
                over = (maker.paths.inputs[title], path)
            else:
                bind[maker.paths.inputs[title]] = f"$.{'.'.join(path)}"
        if over is None:
            self.faults.append(f"  {node.said} goes over no list")
            over = ("?", ("?",))
        self.notes.append(f"{self.paths.steps[node.id]}: at most {AT_MOST_ITEMS} items, which you may change")
        one_by_one = {"concurrency": 1} if node.kind == "MapNode" else {}
        made = {"over": f"$.{'.'.join(over[1])}", "as": over[0], "graph": maker.name, "at_most": AT_MOST_ITEMS}
        return _without_empty({"map": made | one_by_one, "bind": bind, "writes": self.paths.key(node.id)})

    def _fork(self, node: Node, name: str) -> None:
        """Flows side by side: a fork, a step for each flow, and the join."""
        labels = self.paths.branches[node.id]
        self.steps[name] = {"fork": labels}
        for label, maker in zip(labels, self.inner[node.id], strict=True):
            wanted = {item["title"] for item in maker.flow.nodes[maker.flow.start].outputs}
            bind = self._bind(node, [item for item in node.inputs if item["title"] in wanted])
            inputs = {maker.paths.inputs[title]: value for title, value in bind.items()}
            self.steps[label] = _without_empty({"graph": maker.name, "bind": inputs, "writes": label})
            if maker.ends:
                self.notes.append(f"{label}: where a person does not agree in it, the other branches go on")
        self.joins[node.id] = unique(f"{name}_join", self.steps)
        self.steps[self.joins[node.id]] = {"join": name}

    def _is_list(self, node: Node, item: Mapping[str, Any]) -> bool:
        if item.get("type") == "array":
            return True
        outputs = [
            output
            for source, title in self.flow.data.get((node.id, item["title"]), [])
            for output in self.flow.nodes[source].outputs
            if output["title"] == title
        ]
        return bool(outputs) and all(output.get("type") == "array" for output in outputs)

    # Edges ----------------------------------------------------------------------------------------

    def _edges(self, node: Node) -> None:
        name = self.paths.steps[node.id]
        entry = self.entry[node.id]
        if entry != name:
            self.edges.append(f"{entry} -> {name}")
            self._end_at(entry, ["rejected", "expired"])
        if node.kind == "ParallelFlowNode":
            joint = self.joins[node.id]
            for label, maker in zip(self.paths.branches[node.id], self.inner[node.id], strict=True):
                self.edges.append({"from": name, "on": label, "to": label})
                ways = ["done" if way == NEXT else slug(way, "end") for way in flow_branches(maker.flow)]
                ends = [*ways, *maker.ends]
                on = {} if ends == ["done"] else {"on": list(dict.fromkeys(ends))}
                self.edges.append({"from": label, **on, "to": joint} if on else f"{label} -> {joint}")
            self._leave(joint, None, node.id, NEXT)
            return
        if node.kind == "FlowNode":
            [maker] = self.inner[node.id]
            for way in flow_branches(maker.flow):
                self._leave(name, None if way == NEXT else slug(way, "end"), node.id, way)
            for end in maker.ends:
                self._end_at(name, [end])
            return
        self._leave(name, None, node.id, NEXT)
        if node.kind == "InputMessageNode":
            self._end_at(name, ["rejected", "expired"])
        elif node.kind == "ToolNode" and self.steps[name]["call"] not in self.harmless:
            self._end_at(name, ["rejected", "expired", "denied"])

    def _end_at(self, source: str, outcomes: list[str]) -> None:
        on: Any = outcomes[0] if len(outcomes) == 1 else outcomes
        self.edges.append({"from": source, "on": on, "to": END, "outcome": NOT_DONE})
        if NOT_DONE not in self.ends:
            self.ends.append(NOT_DONE)

    def _leave(self, source: str, outcome: str | None, node: str, way: str) -> None:
        """The edges from a step by one branch, through the branching nodes behind it."""
        found = leaves(self.paths, self.flow.control[node, way])
        for index, (conditions, target) in enumerate(found):
            made = self.flow.nodes[target]
            fields: dict[str, Any] = {"from": source}
            if outcome is not None:
                fields["on"] = outcome
            fields["to"] = END if made.kind == "EndNode" else self.entry[target]
            if len(found) > 1:
                last = index == len(found) - 1
                fields |= {"else": True} if last else {"when": conditions}
            end = str(made.data.get("branch_name") or NEXT)
            if made.kind == "EndNode" and end != NEXT:
                fields["outcome"] = slug(end, "end")
            plain = set(fields) == {"from", "to"}
            self.edges.append(f"{source} -> {fields['to']}" if plain else fields)

    def _bound_loops(self) -> None:
        """A bound on the visits of each loop: without one a run could go on for ever."""
        following: dict[str, list[str]] = {name: [] for name in self.steps}
        for edge in self.edges:
            source, target = edge.split(" -> ") if isinstance(edge, str) else (edge["from"], edge["to"])
            if source != START and target != END:
                following[source].append(target)
        for group in strongly_connected(following):
            if len(group) > 1 or group[0] in following[group[0]]:
                for name in group:
                    if not {"fork", "join"} & self.steps[name].keys():
                        self.steps[name]["visits"] = AT_MOST_VISITS
                steps = ", ".join(sorted(group))
                self.notes.append(
                    f"{steps}: a loop; each is entered at most {AT_MOST_VISITS} times, which you may change"
                )


def _path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("$.")


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, [], {})}
