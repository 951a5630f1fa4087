"""The JSON Schema of each kind of YAML file, for editors: graph, node, policy, people, toolset.

It is made from the models that `interlock check` reads the files with.  What those models leave to the
readers is put together here: a step is one of several forms, told apart by one key, and so is a card.
It speaks of one file: names in other files, and every proof, are left to the check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel

from interlock.graphs.arrows import ARROW
from interlock.graphs.bind import PATH
from interlock.graphs.cards import KIND, ActCard, ReasonCard, RouteCard, Schema
from interlock.graphs.fields import (
    BINDING,
    ActFields,
    ApproveFields,
    CallFields,
    CompensateFields,
    EdgeFields,
    ForkFields,
    GraphFields,
    JoinFields,
    MapFields,
    NestedFields,
    PythonFields,
    ReasonFields,
    RouteFields,
    WaitEvent,
    WaitFields,
    WaitUntil,
)
from interlock.graphs.spec import END, OUTCOMES, START
from interlock.policies.declared import ACTION_PATTERN, NAME, SPAN, Declared
from interlock.policies.language import People, Policy
from interlock.source.schema import (
    DRAFT,
    Node,
    by_key,
    definition_name,
    definitions,
    offering,
    reached,
    ref,
    references,
)
from interlock.tools.toolsets.browser import BrowserFields
from interlock.tools.toolsets.mcp import McpFields
from interlock.tools.toolsets.openapi import OpenApiFields
from interlock.tools.toolsets.sql import SqlFields

Kind = Literal["graph", "node", "policy", "people", "toolset"]
KINDS: tuple[Kind, ...] = get_args(Kind)

STEPS: dict[str, tuple[type[Declared], ...]] = {
    "node": (ReasonFields, ActFields, RouteFields, PythonFields),
    "call": (CallFields,),
    "approve": (ApproveFields,),
    "wait": (WaitFields,),
    "graph": (NestedFields,),
    "map": (MapFields,),
    "fork": (ForkFields,),
    "join": (JoinFields,),
    "compensate": (CompensateFields,),
}
"""What a step may hold, by the key that says its kind; a `node` by the kind of its card, which another file tells."""

CARDS: dict[str, type[Declared]] = {"reason": ReasonCard, "act": ActCard, "route": RouteCard}

TOOLSETS: dict[str, type[BaseModel]] = {
    "mcp": McpFields,
    "openapi": OpenApiFields,
    "browser": BrowserFields,
    "sql": SqlFields,
}
"""What a toolset may hold, by the key that says where its tools come from."""


SENTENCES = {
    NAME: "a name is small letters, digits and _",
    PATH: "write $.key or $.key.field",
    BINDING: "a text that begins with $ is a path: write $.key or $.key.field",
    ACTION_PATTERN: "write family.action, or family.* for all of a family",
    f"^{SPAN}$": "write a duration such as 500ms, 30s, 15m, 24h or 7d",
}
"""What an editor says of a text that does not fit its pattern."""

_ARROW = {
    "type": "string",
    "pattern": f"^{re.sub('[?]P<[a-z]+>', '', ARROW)}$",
    "errorMessage": "an edge is written `A -> B`, or as a mapping with `from` and `to`",
}


def file_name(kind: Kind) -> str:
    """The file that holds the schema of a kind."""
    return f"{kind}.schema.json"


@dataclass(frozen=True)
class Names:
    """The names that a project declares, for an editor to offer; a name that is not among them is no fault here."""

    graphs: Iterable[str] = ()
    nodes: Iterable[str] = ()
    actions: Iterable[str] = ()
    approvals: Iterable[str] = ()
    roles: Iterable[str] = ()


def schema(kind: Kind, names: Names | None = None) -> Node:
    """The JSON Schema of one kind of file.

    Args:
        names: what is declared in the project that the file stands in.
    """
    known = _definitions(names or Names())
    match kind:
        case "graph":
            title, top = "Interlock graph", _graph(known)
        case "node":
            title, top = "Interlock node card", _card(known)
        case "policy":
            title, top = "Interlock policy", known[definition_name(Policy)]
        case "people":
            title, top = "Interlock people", known[definition_name(People)]
        case "toolset":
            title, top = "Interlock toolset", _toolset(known)
    about = {"$schema": DRAFT, "$id": file_name(kind), "title": title}
    used = reached(references(top), known)
    return {**top, **about, **({"definitions": used} if used else {})}


def _definitions(names: Names) -> dict[str, Node]:
    steps = [form for forms in STEPS.values() for form in forms]
    known = definitions(
        [*steps, *CARDS.values(), *TOOLSETS.values(), EdgeFields, GraphFields, Schema, Policy, People], SENTENCES
    )
    _offer(known, names)
    known["wait"]["properties"]["wait"] = _wait(known["wait"]["properties"]["wait"], known)
    for key, forms in STEPS.items():
        known[f"step_{key}"] = _merged([known[definition_name(form)] for form in forms])
    known["step_node"]["description"] = "A step that does what a card, or a function, of `nodes/` says."
    known["step"] = _step(known)
    return known


def _offer(known: dict[str, Node], names: Names) -> None:
    """Say which words an editor offers where a name is expected."""

    def offer(definition: str, key: str, words: Iterable[str]) -> None:
        properties = known[definition]["properties"]
        if properties[key].get("type") == "array":
            properties[key] |= {"items": offering(properties[key]["items"], words)}
        else:
            properties[key] = offering(properties[key], words)

    for form in STEPS["node"]:
        offer(definition_name(form), "node", names.nodes)
    families = dict.fromkeys(f"{name.partition('.')[0]}.*" for name in names.actions)
    outcomes = dict.fromkeys(word for words in OUTCOMES.values() for word in words)
    offer("call", "call", names.actions)
    offer("nested", "graph", names.graphs)
    offer("map_over", "graph", names.graphs)
    offer("approve", "requires", names.approvals)
    offer("edge", "from", [START])
    offer("edge", "to", [END])
    offer("edge", "on", outcomes)
    offer("edge", "approval", names.approvals)
    for card in ("reason", "act"):
        offer(definition_name(CARDS[card]), "actions", names.actions)
    offer("policy", "applies_to", [*families, *names.actions])
    offer("then_approve", "approve", names.approvals)
    offer("requirement", "role", names.roles)
    on = known["edge"]["properties"]["on"]["then"]
    on |= {"minItems": 1, "items": offering(on["items"], outcomes)}
    people = known["people"]["properties"]["people"]["additionalProperties"]
    people |= {"items": offering(people["items"], names.roles)}


def _merged(options: list[Node]) -> Node:
    """The keys of all options, each with what the options agree on: which is meant, this file cannot tell."""
    properties: dict[str, Node] = {}
    for option in options:
        for name, found in option["properties"].items():
            before = properties.get(name, found)
            properties[name] = {key: value for key, value in found.items() if before.get(key) == value}
    first, *others = [option.get("required", []) for option in options]
    needed = [name for name in first if all(name in other for other in others)]
    return {**options[0], "title": "step", "properties": properties, "required": needed}


def _step(known: dict[str, Node]) -> Node:
    """One step: what it may hold follows from the key that says its kind."""
    kinds = {key: known[f"step_{key}"]["properties"][key] for key in STEPS}
    words = ", ".join(f"`{key}`" for key in STEPS)
    unknown = {
        "title": "step",
        "type": "object",
        "properties": kinds,
        "required": [next(iter(STEPS))],
        "errorMessage": f"a step is a mapping with exactly one of {words}",
    }
    return by_key({key: ref(f"step_{key}") for key in STEPS}, unknown)


def _wait(field: Node, known: dict[str, Node]) -> Node:
    """How long a step waits: a mapping of one of two forms, or a span of time."""
    [span] = [option for option in field["oneOf"] if "$ref" not in option]
    forms: dict[str, type[Declared]] = {"until": WaitUntil, "event": WaitEvent}
    unknown = {
        "properties": {key: known[definition_name(form)]["properties"][key] for key, form in forms.items()},
        "required": ["until"],
        "errorMessage": "wait `until` a moment, or for an `event`",
    }
    mapping = by_key({key: ref(definition_name(form)) for key, form in forms.items()}, unknown)
    return {
        "description": field["description"],
        "anyOf": [span, {"type": "object"}],
        "if": {"type": "object"},
        "then": mapping,
    }


def _graph(known: dict[str, Node]) -> Node:
    """The top of a graph file, with its inputs, steps and edges, which the check reads one by one."""
    top = known[definition_name(GraphFields)]
    parts = {
        "input": {"propertyNames": _NAME, "additionalProperties": ref("schema")},
        "steps": {"propertyNames": _NAME, "additionalProperties": ref("step")},
        "edges": {"items": {"if": {"type": "object"}, "then": ref("edge"), "else": _ARROW}},
    }
    properties = {name: found | parts.get(name, {}) for name, found in top["properties"].items()}
    return {**top, "description": "One workflow: its input, steps and edges.", "properties": properties}


_NAME = {"pattern": NAME, "errorMessage": SENTENCES[NAME]}


def _card(known: dict[str, Node]) -> Node:
    """A card: what else it may hold follows from its `kind`."""
    found: Node = {}
    for kind, form in reversed(CARDS.items()):
        meant = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
        found = {"if": meant, "then": ref(definition_name(form)), **({"else": found} if found else {})}
    about = known[definition_name(ReasonCard)]["properties"]["node"]
    return {
        "description": "What a step does when it runs.",
        "type": "object",
        "properties": {"node": about, "kind": {"description": KIND, "enum": list(CARDS)}},
        "required": ["kind"],
        **found,
    }


def _toolset(known: dict[str, Node]) -> Node:
    """A toolset: what it may hold follows from the key that says where its tools come from."""
    kinds = {key: known[definition_name(form)]["properties"][key] for key, form in TOOLSETS.items()}
    words = ", ".join(f"`{key}`" for key in TOOLSETS)
    unknown = {
        "type": "object",
        "properties": kinds,
        "required": [next(iter(TOOLSETS))],
        "errorMessage": f"a toolset says where its tools come from: one of {words}",
    }
    forms = by_key({key: ref(definition_name(form)) for key, form in TOOLSETS.items()}, unknown)
    return {"description": "Actions made of tools that somebody else wrote.", "type": "object", **forms}
