"""The gate: every layer speaks, the strictest wins, and no model is asked.

Layers: plan (the step's own actions), schema, policies, the approval of the edge that led here, the
action model's confidence, and what the family of a forked run has done already.  An action that nothing
decides is denied, unless it only reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from interlock.digest import Json
from interlock.graphs.spec import ApproveStep, Performing, ReasonStep, Step
from interlock.nodes.act import normal_arguments
from interlock.nodes.binding import binding
from interlock.nodes.certainty import confidence_layer
from interlock.nodes.forked import forked
from interlock.nodes.policy_inputs import facts, inputs, kept, moment
from interlock.nodes.services import Place, Services
from interlock.policies.adapters import decided
from interlock.policies.decide import Verdict, approve, auto, deny, strictest
from interlock.policies.derived import derivations, derive
from interlock.policies.language import Requirement
from interlock.store.tables import Effect
from interlock.tools.action import Action

AHEAD = -1
"""In place of an entering edge: the action is judged before its step, by an approve step that covers it."""


@dataclass(frozen=True)
class Judgement:
    """What the gate says of a proposal, and what it gave to the policies."""

    verdict: Verdict
    inputs: dict[str, Json] | None = None
    """None where the policies were not asked."""


def judge(effect: Effect, place: Place, entered_by: int, services: Services) -> Judgement:
    """The judgement on a proposal.

    Args:
        entered_by: index of the edge by which the run came into the step, or `AHEAD`.
    """
    step = place.spec.steps[place.step]
    if effect.action not in _offered(step):
        return Judgement(deny("plan", f"step {place.step} does not offer {effect.action}"))
    action = services.action(effect.action)
    for name in action.secret_arguments:
        named = effect.arguments.get(name)
        if named is not None and (not isinstance(step, Performing) or step.bind.get(name) != named):
            return Judgement(deny("secrets", f"{name} names a secret, which only a constant of the graph may do"))
    if effect.missing:
        return Judgement(approve("schema", f"missing: {', '.join(effect.missing)}", Requirement()))
    try:
        read = normal_arguments(action, effect.arguments)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "arguments"
        return Judgement(deny("schema", f"{name}: {first['msg']}"))
    if read != effect.arguments:
        return Judgement(deny("schema", f"{effect.action} reads its arguments otherwise than they would be shown"))
    said, asked = _policies(effect, action, services)
    layers = [
        said,
        _edge(place, entered_by),
        _covered(place, services),
        confidence_layer(effect, action, services.settings.home),
        *forked(effect, action, place, services),
    ]
    spoken = [verdict for verdict in layers if verdict is not None]
    if layers[0] is None and layers[1] is None and layers[2] is None:
        if action.consequential:
            return Judgement(deny("default", f"no policy and no approval edge decides {effect.action}"), asked)
        spoken.append(auto("default", "it only reads"))
    return Judgement(strictest(spoken), asked)


def _offered(step: Step) -> list[str]:
    """The actions that a step may propose; those of a reason step only look things up."""
    if isinstance(step, ReasonStep):
        return step.card.actions
    return step.actions if isinstance(step, Performing) else []


def seal(effect: Effect, place: Place, judgement: Judgement, services: Services) -> Effect:
    """Record the judgement on the proposal, bound to the digest of the exact action."""
    return services.ledger.gate(
        effect,
        digest=binding(effect.action, effect.arguments, place, services),
        verdict=judgement.verdict.model_dump(mode="json"),
        denied=judgement.verdict.effect == "deny",
        inputs=judgement.inputs,
    )


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


def _policies(effect: Effect, action: Action, services: Services) -> tuple[Verdict | None, dict[str, Json]]:
    """What the policies say, and what they were given."""
    drawer, now = services.policies, services.clock()
    known, wanted = moment(now), derivations(drawer.policies, effect.action)
    if not drawer.covering(effect.action):
        return None, kept(effect, [], inputs(effect, known, {}), wanted, now)
    try:
        known |= facts(effect, action, services)
    except Exception as error:  # a fact that cannot be had must deny, whatever went wrong in the tool
        because = f"the facts of {effect.action} cannot be had: {type(error).__name__}"
        return deny("facts", because), kept(effect, drawer.policies, inputs(effect, known, {}), wanted, now)
    derived: dict[str, Json] = {}
    if wanted:
        with services.ledger.records(effect) as records:
            derived = derive(wanted, effect.action, effect.arguments, records, now)
    found = inputs(effect, known, derived)
    said = decided(drawer.policies, effect.action, found, drawer.approvals)
    return said, kept(effect, drawer.policies, found, wanted, now)


def _edge(place: Place, entered_by: int) -> Verdict | None:
    edge = place.spec.edges[entered_by] if entered_by != AHEAD else None
    if edge is None or edge.requires is None:
        return None
    return approve("edge", f"the edge {edge.source} -> {edge.target} asks for {edge.approval}", edge.requires)
