"""The gate: every layer speaks, the strictest wins, and no model is asked.

Layers: plan (the step's own actions), schema, policies, the approval of the edge that led here, the
action model's confidence.  An action that nothing decides is denied, unless it only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from interlock.graphs.spec import ApproveStep, Performing, ReasonStep, Step
from interlock.nodes.act import normal_arguments
from interlock.nodes.binding import binding
from interlock.nodes.perform import context_of
from interlock.nodes.services import Place, Services
from interlock.policies.decide import Verdict, approve, auto, decide, deny, strictest
from interlock.policies.language import WEEKDAYS, Requirement
from interlock.store.tables import Effect
from interlock.tools.action import Action

AHEAD = -1
"""In place of an entering edge: the action is judged before its step, by an approve step that covers it."""


def judge(effect: Effect, place: Place, entered_by: int, services: Services) -> Verdict:
    """The verdict on a proposal.

    Args:
        entered_by: index of the edge by which the run came into the step, or `AHEAD`.
    """
    step = place.spec.steps[place.step]
    if effect.action not in _offered(step):
        return deny("plan", f"step {place.step} does not offer {effect.action}")
    action = services.action(effect.action)
    for name in action.secret_arguments:
        named = effect.arguments.get(name)
        if named is not None and (not isinstance(step, Performing) or step.bind.get(name) != named):
            return deny("secrets", f"{name} names a secret, which only a constant of the graph may do")
    if effect.missing:
        return approve("schema", f"missing: {', '.join(effect.missing)}", Requirement())
    try:
        read = normal_arguments(action, effect.arguments)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "arguments"
        return deny("schema", f"{name}: {first['msg']}")
    if read != effect.arguments:
        return deny("schema", f"{effect.action} reads its arguments otherwise than they would be shown")
    layers = [
        _policies(effect, action, place, services),
        _edge(place, entered_by),
        _covered(place, services),
        _confidence(effect, action, services),
    ]
    spoken = [verdict for verdict in layers if verdict is not None]
    if layers[0] is None and layers[1] is None and layers[2] is None:
        if action.consequential:
            return deny("default", f"no policy and no approval edge decides {effect.action}")
        spoken.append(auto("default", "it only reads"))
    return strictest(spoken)


def _offered(step: Step) -> list[str]:
    """The actions that a step may propose; those of a reason step only look things up."""
    if isinstance(step, ReasonStep):
        return step.card.actions
    return step.actions if isinstance(step, Performing) else []


def seal(effect: Effect, place: Place, verdict: Verdict, services: Services) -> Effect:
    """Record the verdict on the proposal, bound to the digest of the exact action."""
    return services.ledger.gate(
        effect,
        digest=binding(effect.action, effect.arguments, place, services),
        verdict=verdict.model_dump(mode="json"),
        denied=verdict.effect == "deny",
    )


def inputs(effect: Effect, action: Action, place: Place, services: Services) -> dict[str, Any]:
    """What policies may compare: arguments, where each came from, hour and weekday, and the action's facts."""
    known: dict[str, Any] = dict(effect.arguments)
    known |= {f"{name}_from": label for name, label in effect.labels.items()}
    local = services.clock().astimezone()
    known |= {"action": effect.action, "hour": local.hour, "weekday": WEEKDAYS[local.weekday()]}
    if action.facts is not None:
        facts = action.facts(action.validate(effect.arguments), context_of(effect, services))
        known |= {name: value for name, value in facts.items() if name in action.fact_names}
    return known


def _covered(place: Place, services: Services) -> Verdict | None:
    """What the approve step asks for by which the run came, when it covers this visit's action.

    Its answer authorises that exact action alone, so an action that has changed since is asked about
    again, of the same people, even where the policies would let it pass.
    """
    for visit in reversed(services.runs.visits(place.run)):
        if (visit.step, visit.visit) == (place.step, place.visit):
            continue
        if visit.step == place.step:
            return None  # an approval before that visit was for its action
        step = place.spec.steps.get(visit.step)  # an upgrade of the run may have done away with it
        if isinstance(step, ApproveStep) and step.covers == place.step:
            return approve("covered", f"{place.step} acts only as approved at {visit.step}", step.requires)
    return None


def _policies(effect: Effect, action: Action, place: Place, services: Services) -> Verdict | None:
    if not services.policies.covering(effect.action):
        return None
    try:
        known: Mapping[str, Any] = inputs(effect, action, place, services)
    except Exception as error:  # a fact that cannot be had must deny, whatever went wrong in the tool
        return deny("facts", f"the facts of {effect.action} cannot be had: {type(error).__name__}")
    return decide(services.policies.policies, effect.action, known, services.policies.approvals)


def _edge(place: Place, entered_by: int) -> Verdict | None:
    edge = place.spec.edges[entered_by] if entered_by != AHEAD else None
    if edge is None or edge.requires is None:
        return None
    return approve("edge", f"the edge {edge.source} -> {edge.target} asks for {edge.approval}", edge.requires)


def _confidence(effect: Effect, action: Action, services: Services) -> Verdict | None:
    """A model that chose an action or its arguments needs a certified confidence to go on alone."""
    if effect.model.get("abstained"):
        return approve("confidence", "the action model abstained, so a person decides", Requirement())
    if not effect.model.get("chose_arguments"):
        return None
    if action.risk_class == "irreversible":
        return approve("confidence", "an irreversible action that a model chose always asks", Requirement())
    threshold = effect.model.get("thresholds", {}).get(action.risk_class)
    confidence = effect.model.get("confidence", 0.0)
    if threshold is None:
        if action.risk_class == "read":
            return None
        return approve("confidence", "this action model has no measured threshold for such actions", Requirement())
    if confidence < threshold:
        return approve("confidence", f"the model is {confidence:.2f} sure, {threshold:.2f} is needed", Requirement())
    return auto("confidence", f"the model is {confidence:.2f} sure")
