"""The parts that an Agent Spec document is put together from: components, edges, tools, and what was lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.graphs.agent_spec.vocabulary import OURS, REF, Loss, named, optional, simple
from interlock.graphs.bind import Bound, Only, StandsIn
from interlock.tools.action import Action

Path = tuple[str, ...]
Component = dict[str, Any]


@dataclass(frozen=True)
class Offer:
    """A value that a node gives: the output's title, and where our state has it."""

    title: str
    path: Path
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Want:
    """An input of a node that takes the value at a path of our state."""

    node: str
    title: str
    path: Path


@dataclass
class Placed:
    """One step as nodes: where control enters, where each outcome leaves, what flows in and out."""

    entry: str
    exits: dict[str, tuple[str, str | None]]
    source: str
    """The node that has the outputs."""
    offers: list[Offer] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)


@dataclass
class Parts:
    """The components of one document by id, and what was lost on the way."""

    tools: Mapping[str, Tool]
    components: dict[str, Component] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    consequential: set[str] = field(default_factory=set)
    """The actions that change something."""
    structured: bool = False
    """Whether anything needs the version that brought structured outputs."""

    def add(self, kind: str, id_: str, name: str, **fields: Any) -> str:
        """A component, unless there is one of that id; returns the id."""
        self.components.setdefault(id_, {"component_type": kind, "id": id_, "name": name, **fields})
        return id_

    def lose(self, step: str, message: str, *, guard: bool = False) -> None:
        loss = Loss(step, message, guard)
        if loss not in self.losses:
            self.losses.append(loss)


def ref(id_: str) -> dict[str, str]:
    return {REF: id_}


@dataclass
class Wires:
    """The edges of one flow."""

    control: list[Component] = field(default_factory=list)
    data: list[Component] = field(default_factory=list)

    def join(self, source: str, branch: str | None, target: str) -> None:
        """A control edge; a branch of a node has one."""
        name = f"{source}{'.' + branch if branch else ''} -> {target}"
        self.control.append(
            {"component_type": "ControlFlowEdge", "id": f"control {name}", "name": name, "from_node": ref(source),
             "from_branch": branch, "to_node": ref(target)}
        )  # fmt: skip

    def carry(self, source: str, output: str, target: str, input_: str) -> None:
        """A data edge; of several into one input, the node that ran last counts, as for a key of our state."""
        name = f"{source}:{output} -> {target}:{input_}"
        self.data.append(
            {"component_type": "DataFlowEdge", "id": f"data {name}", "name": name, "source_node": ref(source),
             "source_output": output, "destination_node": ref(target), "destination_input": input_}
        )  # fmt: skip


def model(parts: Parts, provider: str, step: str) -> str:
    """The LLM configuration that a provider string means; one that only we know becomes a placeholder."""
    kind, _, rest = provider.partition(":")
    name, _, url = rest.partition("@")
    id_ = f"model.{provider}"
    if kind == "openai" and name and url:
        return parts.add("OpenAiCompatibleConfig", id_, name, model_id=name, url=url)
    if kind == "openai" and name:
        return parts.add("OpenAiConfig", id_, name, model_id=name)
    if kind == "ollama" and name:
        return parts.add("OllamaConfig", id_, name, model_id=name, url="http://localhost:11434")
    parts.lose(step, f"the model `{provider}` is one of our settings; put a real one in its place")
    return parts.add(
        "OpenAiCompatibleConfig", id_, provider, model_id=provider, url="http://localhost:8000/v1",
        description="A placeholder: name the model and its server.",
    )  # fmt: skip


@dataclass(frozen=True)
class Tool:
    """What a flow shows of an action."""

    name: str
    description: str
    inputs: tuple[Component, ...]
    needed: frozenset[str]
    offers: tuple[Offer, ...]
    effect: str = ""
    risk: str = ""

    @property
    def consequential(self) -> bool:
        return self.effect != "read"


def tools_of(actions: Mapping[str, Action]) -> dict[str, Tool]:
    """The tools that a project's actions make."""
    found = {}
    for name, action in actions.items():
        arguments = action.parameters()
        needed = frozenset(arguments.get("required", []))
        inputs = []
        for title, schema in arguments.get("properties", {}).items():
            property_ = named(title, simple(schema, arguments.get("$defs", {})))
            inputs.append(property_ if title in needed else optional(property_))
        offers = fields_of(action.result.model_json_schema(mode="serialization"), "result")
        found[name] = Tool(name, action.description, tuple(inputs), needed, tuple(offers), action.effect, action.risk)
    return found


def shown_tools(components: Iterable[Mapping[str, Any]]) -> dict[str, Tool]:
    """The tools as one of our own documents shows them."""
    found = {}
    for made in components:
        about = (made.get("metadata") or {}).get(OURS)
        if made.get("component_type") != "ServerTool" or not isinstance(about, dict) or "risk" not in about:
            continue
        inputs = tuple(made.get("inputs") or [])
        offers = tuple(
            Offer(item["title"], () if about.get("whole") else (item["title"],), item)
            for item in made.get("outputs") or []
        )
        needed = frozenset(item["title"] for item in inputs if "default" not in item)
        found[str(made["name"])] = Tool(
            str(made["name"]), "", inputs, needed, offers, str(about.get("effect")), str(about["risk"])
        )
    return found


def tool(parts: Parts, name: str, guarded: bool = False) -> str:
    """The server tool of an action; another runtime has to register a function of this name."""
    id_ = f"tool.{name}"
    known = parts.tools.get(name)
    if known is None:
        return parts.add("ServerTool", id_, name, inputs=[], outputs=[])
    confirm = {"requires_confirmation": True} if known.consequential or guarded else {}
    parts.structured |= bool(confirm)
    whole = {"whole": True} if any(not offer.path for offer in known.offers) else {}
    return parts.add(
        "ServerTool", id_, name, description=known.description, inputs=[dict(item) for item in known.inputs],
        outputs=[named(offer.title, offer.schema) for offer in known.offers], **confirm,
        metadata={OURS: {"effect": known.effect, "risk": known.risk, **whole}},
    )  # fmt: skip


def fields_of(schema: Mapping[str, Any], whole: str) -> list[Offer]:
    """The outputs that an object's schema makes: one a field, or one for the whole where no field is known."""
    known = schema.get("$defs", {})
    inner = schema.get("properties")
    if schema.get("type") == "object" and inner:
        return [Offer(name, (name,), simple(field_, known)) for name, field_ in inner.items()]
    return [Offer(whole, (), simple(schema, known))]


def bound(known: Tool | None, bind: Mapping[str, Bound]) -> bool:
    """Whether every required argument is bound, so that no model has to propose one."""
    return known is None or known.needed <= set(bind)


def plain_bind(parts: Parts, name: str, bind: Mapping[str, Bound]) -> dict[str, bool | int | float | str]:
    """The bindings of a step that a flow can hold: constants and paths; what else they say is noted as lost."""
    found: dict[str, bool | int | float | str] = {}
    for argument, value in bind.items():
        match value:
            case StandsIn():
                parts.lose(name, f"the check that `{argument}` stands in {value.stands_in}", guard=True)
                found[argument] = value.value
            case Only():
                parts.lose(name, f"`{argument}` as the only element of {value.only}: nothing feeds it", guard=True)
            case _:
                found[argument] = value
    return found
