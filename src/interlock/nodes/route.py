"""A route step: a model chooses one of closed labels, and that label is the step's outcome.

Two kinds of model can choose.  The action model sees the labels as actions without arguments; its choice
counts only above the threshold that was certified for it, and otherwise it has abstained.  The chat model
answers with one of the labels or `none`.  Nothing else can be chosen: a word outside the list is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from interlock.errors import ModelError
from interlock.graphs.cards import ReasonCard, RouteCard, Schema
from interlock.graphs.spec import RouteStep
from interlock.lam.protocol import ActionModel, ActionSchema, Observation
from interlock.nodes.act import PROPOSAL_RISK, observe
from interlock.nodes.attempts import attempted
from interlock.nodes.certainty import in_force
from interlock.nodes.metered import RunMeter, provider_of
from interlock.nodes.moves import Leave, Move
from interlock.nodes.reason import NoUsableAnswer, reason
from interlock.nodes.services import Place, Services
from interlock.nodes.timeout import NEVER, Deadline

NONE = "none"
"""What the chat model answers when no label fits; no label may be called so."""


@dataclass(frozen=True)
class Choice:
    """A label, or None; who chose it, and a sentence that says how sure they were."""

    label: str | None
    by: Literal["lam", "model"]
    because: str


def route(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """Choose a label of the card; where no model chooses one, the step leaves by `abstained`.

    Raises:
        LimitExceeded: the run has used its calls or its money.
    """
    step = place.spec.steps[place.step]
    assert isinstance(step, RouteStep)
    lam = _action_model(services) if step.card.model in ("auto", "lam") else None

    def work(deadline: Deadline) -> Leave:
        tried: list[Choice] = []
        if lam is not None:
            seen = observe(step, values, {}, services)
            tried.append(by_action_model(step.card, seen, lam, deadline, services.settings.home))
        if step.card.model != "lam" and (not tried or tried[-1].label is None):
            tried.append(_by_chat_model(step, place, values, services, deadline))
        return _left(step, tried)

    return attempted(step, place, services, work)


def _left(step: RouteStep, tried: list[Choice]) -> Leave:
    chosen = tried[-1]
    note = "; ".join(choice.because for choice in tried)
    if chosen.label is None:
        return Leave("abstained", note=note)
    written = {step.writes: {"label": chosen.label, "by": chosen.by}} if step.writes else {}
    return Leave(chosen.label, writes=written, note=note)


def _action_model(services: Services) -> ActionModel | ModelError:
    """The action model, read from disk before any attempt begins; or why there is none."""
    try:
        return services.action_model()
    except ModelError as error:
        return error


def by_action_model(
    card: RouteCard, observation: Observation, model: ActionModel | ModelError, deadline: Deadline = NEVER,
    home: Path | None = None,
) -> Choice:  # fmt: skip
    """The action model's choice; one that is not certified to be sure enough is an abstention.

    Args:
        home: where suspended certificates stand.

    Raises:
        StepTimeout: `deadline` came first.
        ModelError: the model gave no answer, and the card has no other.
    """
    space = [ActionSchema(name=label, description=sentence) for label, sentence in card.labels.items()]
    try:
        if isinstance(model, ModelError):
            raise model
        decide = partial(model.decide, observation, space, risk=PROPOSAL_RISK)
        decision = deadline.within(decide)
    except ModelError as error:
        if card.model == "lam":
            raise
        return Choice(None, "lam", f"the action model gave no answer: {error.message}")
    if decision.kind != "act" or not decision.actions:
        return Choice(None, "lam", f"the action model abstained (p_null {decision.p_null:.2f})")
    first = decision.actions[0]
    if first.name not in card.labels:
        return Choice(None, "lam", "the action model chose what is no label")
    label = next(schema for schema in space if schema.name == first.name)
    grant = in_force(model, decision.model_id, label, "read", home)  # what a label costs
    if grant.certificate is None:
        return Choice(None, "lam", f"the action model's choice does not count: {grant.because}")
    needed = grant.certificate.threshold
    if not first.confidence >= needed:
        sure = f"{first.confidence:.2f} sure of {first.name}, {needed:.2f} is certified"
        return Choice(None, "lam", f"the action model was only {sure}")
    return Choice(first.name, "lam", f"{first.name}, by {decision.model_id}, {first.confidence:.2f} sure")


def _by_chat_model(
    step: RouteStep, place: Place, values: Mapping[str, Any], services: Services, deadline: Deadline
) -> Choice:
    """The chat model's choice; an answer that no repair made usable is an abstention."""
    provider = provider_of(step.card.model, services)
    meter = RunMeter(place, provider, services)
    model = services.chat_model(provider)
    read = {key: values.get(key) for key in step.reads}
    try:
        answer = reason(as_question(step.card, step.reads), read, model, meter, deadline=deadline)
    except NoUsableAnswer as error:
        return Choice(None, "model", error.message)
    label = answer["label"]
    if label not in step.card.labels:
        return Choice(None, "model", f"{provider} found that no label fits")
    return Choice(label, "model", f"{label}, by {provider}, which does not say how sure it is")


def as_question(card: RouteCard, reads: list[str]) -> ReasonCard:
    """The choice as a question with one closed field; each value stands in a tag of its own name."""
    listed = "\n".join(f"- {label}: {sentence}" for label, sentence in card.labels.items())
    blocks = "\n\n".join(f"<{key}>\n${key}\n</{key}>" for key in reads)
    return ReasonCard(
        node=card.node,
        kind="reason",
        goal=f"{card.goal}\n\nChoose the label that fits best:\n{listed}\n- {NONE}: none of these fits.",
        prompt=f"Which label fits?\n\n{blocks}",
        output={"label": Schema(type="string", enum=[*card.labels, NONE])},
        repairs=card.repairs,
    )
