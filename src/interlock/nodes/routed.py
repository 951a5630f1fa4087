"""Who proposes the action of a step whose card says `model: auto`.

1. The action model, where its call is complete and as sure as the threshold certified for the action's risk class.
2. Else the chat model, which calls one of the step's actions, or none of them.
3. Else a person: what the action model was not sure of is put before one, also where the chat model finds that none
   fits; where neither has a call, the step abstains.

Whoever proposes, the same gate judges, and no chat model's word lets a change pass without a person.  For an
irreversible action, where a person always decides, the threshold of reversible ones says who proposes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models.chat_models import BaseChatModel
from pydantic import ValidationError

from interlock.errors import ModelError, StepLimitExceeded, StepTimeout
from interlock.graphs.calls import PROPOSING
from interlock.graphs.cards import ActCard, ReasonCard, Schema
from interlock.graphs.spec import ActStep
from interlock.lam.protocol import Action as ProposedAction
from interlock.lam.protocol import ActionModel, ActionSchema, Decision
from interlock.nodes.act import Abstained, Asked, asked, consult, from_chat, from_decision, record
from interlock.nodes.agent import Answer, react
from interlock.nodes.certainty import CHAT, in_force
from interlock.nodes.metered import RunMeter, provider_of
from interlock.nodes.models import Meter
from interlock.nodes.reason import briefing, fill
from interlock.nodes.services import Place, Services
from interlock.nodes.trace import trace
from interlock.nodes.wrote import by_model
from interlock.store.tables import Effect

RiskClass = Literal["read", "reversible", "irreversible"]

Fault = Callable[[str, dict[str, Any]], str | None]


@dataclass(frozen=True)
class Routed:
    """Who proposed, and why: kept with the proposal."""

    by: Literal["lam", "model", "person"]
    because: str
    confidence: float | None = None
    """The action model's, where it had a call."""
    threshold: float | None = None
    """What was needed; None where none is certified."""


@dataclass(frozen=True)
class Heard:
    """What the chat model came to: a call, or None and whether it said itself that none fits."""

    call: ProposedAction | None
    none_fits: bool
    because: str


def propose_routed(
    step: ActStep, place: Place, values: Mapping[str, Any], services: Services
) -> Effect | Abstained:  # fmt: skip
    """The step's action as an unplaced ledger row that tells who proposed it, or an abstention.

    Raises:
        LimitExceeded: the run has used its calls or its money.
        ProjectError: an action of the step is no longer declared.
    """
    question = asked(step, place, values, services)
    model, decision, standing = _first(question)
    if decision is not None and standing.by == "lam":
        return _marked(from_decision(question, model, decision), standing)
    if decision is not None and len(decision.actions) > 1:  # a step makes one call, whoever proposes it
        return _marked(from_decision(question, model, decision), standing)
    heard = _second(question, values)
    provider = provider_of("default", services)
    both = f"{standing.because}; {heard.because}"
    if heard.call is not None:
        said = Decision(kind="act", actions=[heard.call], p_null=0, backend=CHAT, model_id=provider)
        record(question, said)
        source = by_model(place, trace(place, values, services).read([f"$.{key}" for key in step.reads]))
        return _marked(
            from_chat(question, said, source), Routed("model", both, standing.confidence, standing.threshold)
        )
    if decision is None:
        decision = Decision(kind="abstain", p_null=1, backend=CHAT, model_id=provider)
        record(question, decision)
    row = from_decision(question, model, decision)
    if isinstance(row, Abstained):
        return Abstained(both)
    return _marked(row, Routed("person", both, standing.confidence, standing.threshold))


def _marked(row: Effect | Abstained, routed: Routed) -> Effect | Abstained:
    if not isinstance(row, Abstained):
        row.model = {**row.model, "routed": asdict(routed)}
    return row


def _first(question: Asked) -> tuple[ActionModel | None, Decision | None, Routed]:
    """The action model, what it decided, and whether that counts; by `lam` where it does."""
    try:
        model = question.services.action_model()
        decision = consult(question, model)
    except ModelError as error:
        return None, None, Routed("person", f"the action model gave no answer: {error.message}")
    classes = {action.name: action.risk_class for action in question.space}
    home = question.services.settings.home
    return model, decision, standing_of(model, decision, classes, question.schemas, home)


def standing_of(
    model: ActionModel, decision: Decision, classes: Mapping[str, RiskClass], space: Sequence[ActionSchema],
    home: Path | None = None,
) -> Routed:  # fmt: skip
    """Whether the action model's decision is sure enough to be the proposal.

    Args:
        classes: the risk class of each action that is offered.
        space: these actions.
        home: where suspended certificates stand.
    """
    if decision.kind == "abstain" or not decision.actions:
        return Routed("person", f"the action model abstained (p_null {decision.p_null:.2f})")
    chosen = decision.actions[0]
    schema = next((action for action in space if action.name == chosen.name), None)
    if schema is None or chosen.name not in classes:
        return Routed("person", "the action model chose what is not offered")
    risk = "reversible" if classes[chosen.name] == "irreversible" else classes[chosen.name]
    grant, sure = in_force(model, decision.model_id, schema, risk, home), chosen.confidence
    needed = grant.certificate.threshold if grant.certificate else None
    if len(decision.actions) > 1:
        return Routed("person", f"the action model found {len(decision.actions)} calls", sure, needed)
    if decision.kind == "ask":
        return Routed("person", f"the action model lacks {', '.join(decision.missing)} for {chosen.name}", sure, needed)
    if needed is None:
        return Routed("person", f"the action model does not count: {grant.because}", sure)
    if not sure >= needed:
        why = f"the action model is {sure:.2f} sure of {chosen.name}, {needed:.2f} is needed"
        return Routed("person", why, sure, needed)
    why = f"{decision.model_id} is {sure:.2f} sure of {chosen.name}, {needed:.2f} is needed"
    return Routed("lam", why, sure, needed)


def _second(question: Asked, values: Mapping[str, Any]) -> Heard:
    """One call of the chat model, of the step's actions and without what the graph binds."""
    step, services, bound = question.step, question.services, question.bound.values
    provider = provider_of("default", services)
    meter = RunMeter(question.place, provider, services)

    def fault(name: str, arguments: dict[str, Any]) -> str | None:
        action = services.action(name)
        given = {key: value for key, value in bound.items() if key in action.arguments.model_fields}
        try:
            action.validate({**arguments, **given})
        except ValidationError as error:
            first = error.errors()[0]
            return f"{'.'.join(map(str, first['loc'])) or 'arguments'}: {first['msg']}"
        return None

    try:
        model = services.chat_model(provider)
        tools = [without(schema, bound) for schema in question.schemas]
        read = {key: values.get(key) for key in step.reads}
        heard = call_of_chat(step.card, read, tools, fault, model, meter)
    except (ModelError, StepTimeout, StepLimitExceeded) as error:
        return Heard(None, False, f"{provider} gave no answer: {error.message}")
    if heard.call is None:
        return replace(heard, because=f"{provider} {heard.because}")
    own = {name: value for name, value in heard.call.arguments.items() if name not in bound}
    because = f"{provider} {heard.because}"
    return replace(heard, call=heard.call.model_copy(update={"arguments": own}), because=because)


def call_of_chat(
    card: ActCard, read: Mapping[str, Any], tools: list[ActionSchema], fault: Fault, model: BaseChatModel,
    meter: Meter | None = None,
) -> Heard:  # fmt: skip
    """What a chat model calls for a card; a call with a fault is sent back once.

    Args:
        read: the values that it is shown, as data.
        fault: says what is wrong with a call of these tools; None where nothing is.

    Raises:
        LimitExceeded, StepLimitExceeded: `meter` allows no further call.
        ModelUnavailable: the provider cannot be reached now.
        ModelError: the provider refuses, or the model cannot call tools.
    """
    tags, request = fill(_as_question(card, list(read)), read)
    instructions = (
        f"{briefing(_as_question(card, list(read)), tags)}\n\nCall exactly one tool, with values that stand there. "
        "Where none of the tools does what is wanted, or a value is missing, say so in one sentence without a call."
    )
    taken: list[ProposedAction] = []

    def take(name: str, arguments: dict[str, Any]) -> Answer:
        wrong = fault(name, arguments)
        if wrong is not None:
            return Answer("invalid", wrong)
        taken.append(ProposedAction(name=name, arguments=arguments, confidence=0))
        return Answer("waiting", "the call is proposed")

    heard = react(model, request, tools, take, max_turns=PROPOSING, instructions=instructions, meter=meter)
    if taken:
        return Heard(taken[0], False, f"called {taken[0].name}, and does not say how sure it is")
    if heard.ended == "answered" and not heard.turns:
        return Heard(None, True, "found that none fits")
    return Heard(None, False, f"made no call that fits: {heard.text}")


def without(schema: ActionSchema, bound: Mapping[str, Any]) -> ActionSchema:
    """An action as it is offered where the graph binds some of its arguments."""
    known = schema.parameters
    properties = {name: part for name, part in known.get("properties", {}).items() if name not in bound}
    required = [name for name in known.get("required", []) if name not in bound]
    return schema.model_copy(update={"parameters": {**known, "properties": properties, "required": required}})


def _as_question(card: ActCard, reads: list[str]) -> ReasonCard:
    """The card as a question; each value stands in a tag of its own name."""
    blocks = "\n\n".join(f"<{key}>\n${key}\n</{key}>" for key in reads)
    prompt = f"Which of the tools does what is wanted, and with which values?\n\n{blocks}".strip()
    return ReasonCard(node=card.node, kind="reason", goal=card.goal, prompt=prompt, output={"call": Schema(type="any")})
