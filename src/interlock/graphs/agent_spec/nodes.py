"""Steps as nodes of an Agent Spec flow: what each kind of step becomes, and what of it is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from interlock.graphs.agent_spec.parts import (
    Component,
    Offer,
    Parts,
    Path,
    Placed,
    Want,
    Wires,
    bound,
    fields_of,
    model,
    plain_bind,
    ref,
    tool,
)
from interlock.graphs.agent_spec.vocabulary import DEFAULT, NEXT, OURS, named, simple, title_of
from interlock.graphs.bind import Bound, is_path, path_parts
from interlock.graphs.cards import Retry, StepLimits, object_schema
from interlock.graphs.spec import (
    ActStep,
    ApproveStep,
    CallStep,
    CompensateStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Step,
    WaitStep,
    plain_outcome,
)

_NAME = re.compile(r"\$(?:(\$)|([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)*))")


def template(prompt: str, fields: Callable[[Path], list[Path]]) -> tuple[str, list[Path]]:
    """A card's prompt with `{{title}}` for `$name`, and the paths it takes.

    Args:
        fields: the paths that make up the value at a path: itself, or the fields of an object.
    """
    used: list[Path] = []

    def put(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        path = tuple(match[2].split("."))
        parts = fields(path)
        used.extend(parts)
        if parts == [path]:
            return "{{" + title_of(path) + "}}"
        return "\n".join(f"{'.'.join(part[1:])}: {{{{{title_of(part)}}}}}" for part in parts)

    text = _NAME.sub(put, prompt.replace("{{", "{ {"))
    return text, list(dict.fromkeys(used))


class StepNodes:
    """Makes the nodes of the steps of one flow; ids begin with the flow's own."""

    def __init__(
        self, parts: Parts, wires: Wires, flow: str, fields: Callable[[Path], list[Path]], guarded: set[str]
    ) -> None:
        self.parts, self.wires, self.flow, self.fields, self.guarded = parts, wires, flow, fields, guarded

    def place(self, name: str, step: Step) -> Placed:
        """The nodes of one step that runs no other graph."""
        match step:
            case ReasonStep():
                placed = self._reason(name, step)
            case RouteStep():
                placed = self._route(name, step)
            case ApproveStep():
                placed = self._approve(name, step)
            case CallStep():
                placed = self._tool(name, step, step.call, step.bind)
            case ActStep() if self._exact(step):
                placed = self._tool(name, step, step.actions[0], step.bind)
            case ActStep():
                placed = self._agent(name, step)
            case PythonStep():
                placed = self._python(name, step)
            case _:
                placed = self._foreign(name, step)
        placed.offers = [
            Offer(offer.title, (step.writes, *offer.path), offer.schema) for offer in placed.offers if step.writes
        ]
        self._lost(name, step)
        return placed

    def _exact(self, step: ActStep) -> bool:
        """Whether nothing is left for a model to propose."""
        return len(step.actions) == 1 and bound(self.parts.tools.get(step.actions[0]), step.bind)

    def _id(self, *names: str) -> str:
        return ".".join([self.flow, *names])

    def _plain(self, name: str, step: Step, kind: str, **fields: Any) -> Placed:
        id_ = self.parts.add(kind, self._id(name), name, **fields, branches=[NEXT])
        outcome = plain_outcome(step)
        assert outcome is not None
        return Placed(id_, {outcome: (id_, None)}, id_)

    def _prompted(self, goal: str, prompt: str, id_: str) -> tuple[str, list[Component], list[Want]]:
        text, paths = template(f"{goal}\n\n{prompt}", self.fields)
        inputs = [{"title": title_of(path), "type": "string"} for path in paths]
        return text, inputs, [Want(id_, title_of(path), path) for path in paths]

    def _reason(self, name: str, step: ReasonStep) -> Placed:
        card = step.card
        text, inputs, wants = self._prompted(card.goal, card.prompt, self._id(name))
        offers = fields_of(object_schema(card.output), "result")
        outputs = [named(offer.title, offer.schema) for offer in offers]
        self.parts.structured |= len(outputs) > 1 or outputs[0].get("type") != "string"
        config = ref(model(self.parts, card.model, name))
        if card.actions:
            tools = [ref(tool(self.parts, action)) for action in card.actions]
            agent = self.parts.add(
                "Agent", self._id(name, "agent"), card.node, llm_config=config, system_prompt=text, tools=tools,
                inputs=inputs, outputs=outputs, description=card.goal,
            )  # fmt: skip
            placed = self._plain(name, step, "AgentNode", agent=ref(agent), inputs=inputs, outputs=outputs)
            self.parts.lose(name, "the bound on its turns, and the end after a call made before", guard=True)
        else:
            placed = self._plain(
                name, step, "LlmNode", llm_config=config, prompt_template=text, inputs=inputs, outputs=outputs,
                description=card.goal,
            )  # fmt: skip
        placed.offers, placed.wants = offers, wants
        return placed

    def _agent(self, name: str, step: ActStep) -> Placed:
        prompt = "\n\n".join(
            ["Do exactly one of your tools' actions, with values that stand below, or none."]
            + [f"<{key}>\n${key}\n</{key}>" for key in step.reads]
        )
        text, inputs, wants = self._prompted(step.card.goal, prompt, self._id(name))
        config = ref(model(self.parts, "default", name))
        tools = [ref(tool(self.parts, action, name in self.guarded)) for action in step.actions]
        outputs = [{"title": "result"}]
        self.parts.structured = True
        agent = self.parts.add(
            "Agent", self._id(name, "agent"), step.card.node, llm_config=config, system_prompt=text, tools=tools,
            inputs=inputs, outputs=outputs, description=step.card.goal,
        )  # fmt: skip
        message = "an LLM with tools takes the place of the action model: no closed space, no evidence for arguments"
        self.parts.lose(name, message, guard=True)
        if step.bind:
            self.parts.lose(
                name, f"the bindings of {', '.join(step.bind)}: the LLM chooses these arguments", guard=True
            )
        placed = self._plain(name, step, "AgentNode", agent=ref(agent), inputs=inputs, outputs=outputs)
        placed.offers, placed.wants = [Offer("result", (), {})], wants
        return placed

    def _tool(self, name: str, step: Step, action: str, bind: Mapping[str, Bound]) -> Placed:
        id_ = tool(self.parts, action, name in self.guarded)
        made = self.parts.components[id_]
        inputs, wants = self._arguments(self._id(name), made["inputs"], plain_bind(self.parts, name, bind))
        placed = self._plain(name, step, "ToolNode", tool=ref(id_), inputs=inputs, outputs=made["outputs"])
        known = self.parts.tools.get(action)
        placed.offers, placed.wants = list(known.offers) if known else [], wants
        return placed

    def _arguments(
        self, node: str, declared: Iterable[Component], bind: Mapping[str, bool | int | float | str]
    ) -> tuple[list[Component], list[Want]]:
        """The inputs of a tool's node: constants as defaults, paths as wants."""
        inputs, wants = [], []
        for property_ in declared:
            title = property_["title"]
            value = bind.get(title)
            if value is not None and is_path(value):
                wants.append(Want(node, title, path_parts(str(value))))
            elif value is not None:
                property_ = {**property_, "default": value}
            inputs.append(dict(property_))
        return inputs, wants

    def _python(self, name: str, step: PythonStep) -> Placed:
        card = step.card
        offers = fields_of(card.output, "result")
        inputs = [
            named(key, simple(schema, card.reads.get("$defs")))
            for key, schema in card.reads.get("properties", {}).items()
        ]
        made = self.parts.add(
            "ServerTool", f"tool.nodes.{card.node}", card.node, description=card.goal, inputs=inputs,
            outputs=[named(offer.title, offer.schema) for offer in offers], metadata={OURS: {"effect": "read"}},
        )  # fmt: skip
        self.parts.lose(name, f"the code of `{card.node}`: register a function of this name there")
        placed = self._plain(
            name, step, "ToolNode", tool=ref(made), inputs=inputs, outputs=self.parts.components[made]["outputs"]
        )
        placed.offers = offers
        placed.wants = [Want(placed.entry, item["title"], (item["title"],)) for item in inputs]
        return placed

    def _foreign(self, name: str, step: Step) -> Placed:
        """A step that the format has no node for: a tool that the other runtime must have, so it cannot pass by it."""
        what = _said(step)
        offers: list[Offer] = []
        inputs: list[Component] = []
        if isinstance(step, WaitStep):
            offers = fields_of(object_schema(step.payload), "result") if step.payload else []
            inputs = [{"title": title_of(path_parts(step.until)), "type": "string"}] if step.until else []
        outputs = [named(offer.title, offer.schema) for offer in offers]
        made = self.parts.add(
            "ServerTool", f"tool.{OURS}.{self._id(name)}", f"{OURS}.{step.kind}.{name}", description=what,
            inputs=inputs, outputs=outputs,
        )  # fmt: skip
        message = f"no node does this: {what} There it is the tool `{OURS}.{step.kind}.{name}`, to be written"
        self.parts.lose(name, message)
        placed = self._plain(name, step, "ToolNode", tool=ref(made), inputs=list(inputs), outputs=outputs)
        placed.offers = offers
        if isinstance(step, WaitStep) and step.until:
            path = path_parts(step.until)
            placed.wants = [Want(placed.entry, title_of(path), path)]
        return placed

    def _route(self, name: str, step: RouteStep) -> Placed:
        card = step.card
        labels = "\n".join(f"- {label}: {about}" for label, about in card.labels.items())
        asked = "\n\n".join(f"<{key}>\n${key}\n</{key}>" for key in step.reads)
        prompt = f"Answer with exactly one of these words:\n{labels.replace('$', '$$')}\n\n{asked}"
        text, inputs, wants = self._prompted(card.goal.replace("$", "$$"), prompt, self._id(name))
        output = {"title": "label", "type": "string", "enum": list(card.labels)}
        config = ref(model(self.parts, "default" if card.model in ("auto", "lam") else card.model, name))
        asks = self.parts.add(
            "LlmNode", self._id(name), name, llm_config=config, prompt_template=text, inputs=inputs, outputs=[output],
            description=card.goal, branches=[NEXT],
        )  # fmt: skip
        choice = self.choice(name, "label", {label: label for label in card.labels})
        self.parts.lose(name, "the action model's turn before the LLM, and the check of its answer")
        exits: dict[str, tuple[str, str | None]] = {label: (choice, label) for label in card.labels}
        placed = Placed(
            asks, exits | {"abstained": (choice, DEFAULT)}, asks, [Offer("label", ("label",), output)], wants
        )
        self.wires.join(asks, None, choice)
        self.wires.carry(asks, "label", choice, "label")
        return placed

    def _approve(self, name: str, step: ApproveStep) -> Placed:
        shown = "".join(f"\n\n{key}:\n${key}" for key in step.reads)
        question = step.approve.replace("$", "$$")
        text, paths = template(f"{question}{shown}\n\nAnswer `approved` or `rejected`.", self.fields)
        inputs = [{"title": title_of(path), "type": "string"} for path in paths]
        output = {"title": "decision", "type": "string"}
        asks = self.parts.add(
            "InputMessageNode", self._id(name), name, message=text, inputs=inputs, outputs=[output], branches=[NEXT]
        )
        choice = self.choice(name, "decision", {"approved": "approved"})
        message = "anybody who answers decides: no reviewer by name or role, no count, no deadline, no bound action"
        self.parts.lose(name, message, guard=True)
        if step.form:
            self.parts.lose(name, f"the fields of the form: {', '.join(step.form)}")
        exits: dict[str, tuple[str, str | None]] = {"approved": (choice, "approved"), "rejected": (choice, DEFAULT)}
        wants = [Want(asks, title_of(path), path) for path in paths]
        self.wires.join(asks, None, choice)
        self.wires.carry(asks, "decision", choice, "decision")
        return Placed(asks, exits, asks, [Offer("decision", ("decision",), output)], wants)

    def choice(self, name: str, title: str, mapping: Mapping[str, str]) -> str:
        """A branching node after `name`, on the value of its one input."""
        return self.parts.add(
            "BranchingNode", self._id(name, "choice"), f"{name}.choice", mapping=dict(mapping),
            inputs=[{"title": title, "type": "string"}], outputs=[],
            branches=sorted({*mapping.values(), DEFAULT}),
        )  # fmt: skip

    def _lost(self, name: str, step: Step) -> None:
        """What every kind of step may have and no node has."""
        if getattr(step, "visits", None) is not None:
            self.parts.lose(name, f"at most {step.visits} visits", guard=True)
        if getattr(step, "retry", Retry()) != Retry():
            self.parts.lose(name, "its retries")
        if getattr(step, "timeout", None) is not None:
            self.parts.lose(name, "its timeout")
        if getattr(step, "limits", StepLimits()) != StepLimits():
            self.parts.lose(name, "its limits", guard=True)


def _said(step: Step) -> str:
    match step:
        case WaitStep():
            shown = step.model_dump(mode="json", exclude_none=True)
            if step.event:
                return f"Wait for the event {step.event}, at most {shown.get('within', 'for ever')}."
            return f"Wait until {step.until}." if step.until else f"Wait for {shown.get('duration')}."
        case CompensateStep():
            return f"Undo what {step.compensate} did, by {', '.join(step.undoing)}."
    return f"A step of kind {step.kind}."
