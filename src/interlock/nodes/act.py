"""Proposing one action: bound by the graph, or chosen by an action model, never performed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from interlock.digest import Json, digest, plain
from interlock.errors import ModelError
from interlock.graphs.spec import ActStep, CallStep, Performing, RouteStep
from interlock.lam.candidates import reproduce
from interlock.lam.parameters import read_parameters
from interlock.lam.protocol import Action as ProposedAction
from interlock.lam.protocol import ActionModel, ActionSchema, Decision, Observation
from interlock.nodes.certainty import model_facts
from interlock.nodes.given import Given, shapes_of, source_of, value_of
from interlock.nodes.services import Place, Services
from interlock.nodes.spans import decided
from interlock.nodes.trace import Trace, trace
from interlock.policies.origins import Origin, Traced, traced
from interlock.policies.provenance import Label
from interlock.store.consultations import Consulted
from interlock.store.tables import Effect
from interlock.tools.action import Action

PROPOSAL_RISK = 0.5
"""How wrong a proposal may be before the model must ask or abstain: it only proposes.

Going on without a person takes more: the gate compares with the certified threshold of the action.
"""


@dataclass(frozen=True)
class Abstained:
    """The action model found that none of the step's actions fits."""

    because: str


@dataclass(frozen=True)
class Asked:
    """What a visit of an act step puts to whoever proposes."""

    step: ActStep
    place: Place
    services: Services
    known: Trace
    bound: Given
    space: list[Action]
    observation: Observation

    @property
    def schemas(self) -> list[ActionSchema]:
        return [schema_of(action) for action in self.space]


def asked(step: ActStep, place: Place, values: Mapping[str, Any], services: Services) -> Asked:
    """The question of a visit.

    Raises:
        ProjectError: an action of the step is no longer declared.
    """
    known = trace(place, values, services)
    bound = bindings(step, place, known, services)
    space = [services.action(name) for name in step.actions]
    return Asked(step, place, services, known, bound, space, observe(step, values, bound.values, services))


def propose(
    step: ActStep | CallStep, place: Place, values: Mapping[str, Any], services: Services
) -> Effect | Abstained:
    """The step's action as an unplaced ledger row, or an abstention.

    Raises:
        ModelError: the action model gave no usable answer.
        ProjectError: an action of the step is no longer declared.
    """
    if isinstance(step, CallStep):
        bound = bindings(step, place, trace(place, values, services), services)
        return _row(place, services, services.action(step.call), bound)
    question = asked(step, place, values, services)
    model = services.action_model()
    return from_decision(question, model, consult(question, model))


def consult(question: Asked, model: ActionModel) -> Decision:
    """The model's decision, kept on record with all that it was shown, before anything follows from it."""
    decision = decided(lambda: model.decide(question.observation, question.schemas, risk=PROPOSAL_RISK))
    record(question, decision)
    return decision


def record(question: Asked, decision: Decision) -> None:
    """Keep what a proposal is made from; a later record of the same proposal takes its place."""
    place, services = question.place, question.services
    before = services.ledger.latest(place.run, place.step, place.visit)
    consulted = Consulted(
        step=place.step,
        visit=place.visit,
        slot=before.slot + 1 if before is not None else 0,
        observation=question.observation.model_dump(mode="json"),
        tools=[schema.model_dump(mode="json") for schema in question.schemas],
        risk=PROPOSAL_RISK,
        decision=decision.model_dump(mode="json"),
    )
    services.consultations.record(place.run, consulted)


def from_decision(question: Asked, model: ActionModel | None, decision: Decision) -> Effect | Abstained:
    """The proposal that a model's decision makes, or its abstention.

    Args:
        model: the action model that decided, whose certificates the gate goes by.

    Raises:
        ModelError: what it chose is not of the step's actions.
    """
    step, place, services, bound = question.step, question.place, question.services, question.bound
    if decision.kind == "abstain" or len(decision.actions) != 1:  # one of several calls would leave the rest undone
        if step.card.on_abstain == "edge" or len(question.space) != 1:
            return Abstained(_why_not(step, decision))
        row = _row(place, services, question.space[0], bound)
        row.model = {"backend": decision.backend, "model_id": decision.model_id, "abstained": True}
        return row
    chosen = decision.actions[0]
    if chosen.name not in step.actions:
        raise ModelError(f"the action model proposed {chosen.name}, which step {place.step} does not offer.")
    action = services.action(chosen.name)
    taken = {name: value for name, value in bound.values.items() if name in action.arguments.model_fields}
    arguments = {**chosen.arguments, **taken}
    observation, known = question.observation, question.known
    found = {name: _source_of(name, chosen, action, observation, known, step) for name in chosen.arguments} | {
        name: bound.sources[name] for name in taken
    }
    row = _row(place, services, action, Given(arguments, found))
    row.evidence = {name: item.model_dump() for name, item in chosen.evidence.items() if name not in taken}
    fully_bound = len(question.space) == 1 and set(arguments) == set(taken)
    row.model = model_facts(model, decision, chosen, schema_of(action), action.risk_class, fully_bound=fully_bound)
    return row


def _why_not(step: ActStep, decision: Decision) -> str:
    if decision.kind == "abstain" or not decision.actions:
        return f"none of {', '.join(step.actions)} fits (p_null {decision.p_null:.2f})"
    return (
        f"the request asks for {len(decision.actions)} calls and this step makes one; give each call a run of its own"
    )


def from_chat(question: Asked, decision: Decision, source: Traced) -> Effect:
    """The proposal of a chat model: every argument that the graph does not bind is the model's own.

    Args:
        source: where what it wrote came from: the model, and what it read.
    """
    place, services, bound = question.place, question.services, question.bound
    chosen = decision.actions[0]
    action = services.action(chosen.name)
    taken = {name: value for name, value in bound.values.items() if name in action.arguments.model_fields}
    found = dict.fromkeys(chosen.arguments, source) | {name: bound.sources[name] for name in taken}
    row = _row(place, services, action, Given({**chosen.arguments, **taken}, found))
    row.model = {"backend": decision.backend, "model_id": decision.model_id, "chose_arguments": True}
    return row


def bindings(step: Performing, place: Place, known: Trace, services: Services) -> Given:
    """The arguments the graph fixes, and where each comes from; a constant comes from the author."""
    found = Given({}, {})
    for name, bound in step.bind.items():
        value = value_of(bound, place, known.values)
        if value is not None:
            found.values[name] = value
            found.sources[name] = source_of(name, bound, place, known, shapes_of(step, name, services))
    return found


def observe(
    step: ActStep | RouteStep, values: Mapping[str, Any], bound: dict[str, Any], services: Services
) -> Observation:
    """What the model reads: the request first (else the card's goal), then every text of the state it declared."""
    sources: dict[str, str] = {}
    for key in step.reads:
        sources |= _texts(key, values.get(key))
    request = sources.pop("request", step.card.goal)
    return Observation(sources={"request": request, **sources}, bound=bound, today=services.clock().date().isoformat())


def _texts(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {name: value}
    if isinstance(value, Mapping):
        return {key: text for field, item in value.items() for key, text in _texts(f"{name}.{field}", item).items()}
    return {} if value is None else {name: str(plain(value))}


def schema_of(action: Action) -> ActionSchema:
    """The action as an action model sees it."""
    return ActionSchema(name=action.name, description=action.description, parameters=action.parameters())


def required(action: Action) -> list[str]:
    """The arguments that cannot be left out."""
    return [name for name, field in action.arguments.model_fields.items() if field.is_required()]


def normal_arguments(action: Action, arguments: Mapping[str, Any]) -> dict[str, Json]:
    """`arguments` as the action's model writes them: amounts with two decimals, defaults filled in.

    Raises:
        ValidationError: pydantic's, when they do not fit.
    """
    written = plain(action.validate(arguments).model_dump())
    assert isinstance(written, dict)
    return written


def _row(place: Place, services: Services, action: Action, given: Given) -> Effect:
    taken = {name: value for name, value in given.values.items() if name in action.arguments.model_fields}
    try:
        written: dict[str, Any] = normal_arguments(action, taken)
    except ValidationError:
        written = {name: plain(value) for name, value in taken.items()}  # the gate says what is wrong
    return Effect(
        id="",
        run_id=place.run,
        step=place.step,
        visit=place.visit,
        slot=0,
        state="proposed",
        action=action.name,
        arguments=written,
        missing=[name for name in required(action) if taken.get(name) is None],
        labels=given.labels,
        origins=given.origins,
        evidence={},
        model={},
        proposed_by=services.runs.requesters(place.run),
    )


def _source_of(
    name: str,
    chosen: ProposedAction,
    action: Action,
    observation: Observation,
    known: Trace,
    step: ActStep,
) -> Traced:
    """A value that its span gives, read again by the named rule, is as trusted as the span's source.

    Anything else is the model's: its word that a value comes from somewhere proves nothing.
    """
    own = traced("model", Origin(kind="model", of=step.card.node))
    evidence = chosen.evidence.get(name)
    if evidence is None or evidence.source not in observation.sources:
        return own
    text = observation.sources[evidence.source][evidence.start : evidence.end]
    if not text or text != evidence.text:
        return own
    if evidence.normaliser in (None, "verbatim"):
        found: Any = evidence.text
    else:
        parameter = {item.name: item for item in read_parameters(schema_of(action))}.get(name)
        found = reproduce(parameter, evidence, observation.sources, observation.today) if parameter else None
    if found is None or digest(found) != digest(chosen.arguments[name]):
        return own
    path = f"$.{evidence.source}"
    read = evidence.source.split(".")[0] in step.reads  # else it is the card's goal
    label: Label = known.path(path).at()[0] if read else "user"
    return traced(label, Origin(kind="copied", of=path))
