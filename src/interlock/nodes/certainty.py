"""The gate's layer of confidence: an action that a model chose goes on alone only under a certificate.

Policies can demand more, never less.  Whatever is lacking asks: no certificate, one of another model, one that is
suspended, less confidence than it needs, or anything but one complete call.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.lam.confidence.certificate import Grant, granted
from interlock.lam.confidence.suspension import why_suspended
from interlock.lam.protocol import Action as ProposedAction
from interlock.lam.protocol import ActionModel, ActionSchema, Decision
from interlock.policies.decide import Verdict, approve, auto
from interlock.policies.language import Requirement
from interlock.store.tables import Effect
from interlock.tools.action import Action

LAYER = "confidence"
CHAT = "chat"
"""Backend of what a chat model proposed."""


def model_facts(
    model: ActionModel | None, decision: Decision, chosen: ProposedAction, schema: ActionSchema, risk_class: str, *,
    fully_bound: bool,
) -> dict[str, Any]:  # fmt: skip
    """What the record keeps of the model that made a proposal: how sure it was, and the certificate it may go by."""
    grant = granted(model, decision.model_id, schema, risk_class)
    return {
        "backend": decision.backend,
        "model_id": decision.model_id,
        "confidence": chosen.confidence,
        "p_null": decision.p_null,
        "chose_arguments": not fully_bound,
        "decision": decision.kind,
        "calls": len(decision.actions),
        "certificate": grant.certificate.facts() if grant.certificate else None,
        "uncertified": grant.because or None,
    }


def confidence_layer(effect: Effect, action: Action, home: Path) -> Verdict | None:
    """What the layer says of a proposal; None where no model chose it or any of its arguments."""
    known = effect.model
    if known.get("abstained"):
        return _ask("the action model abstained, so a person decides")
    if known.get("routed", {}).get("by") == "person":
        return _ask("no model was sure enough, so a person decides")
    if not known.get("chose_arguments"):
        return None
    if action.risk_class == "irreversible":
        return _ask("an irreversible action that a model chose always asks")
    if known.get("backend") == CHAT:  # it looks things up alone, as in the loop of a reason step
        return None if action.risk_class == "read" else _ask("a chat model chose it, whose word nobody has measured")
    if known.get("decision") != "act":
        return _ask("the action model asked, so a person answers")
    if known.get("calls") != 1:
        return _ask(f"the action model reads {known.get('calls')} calls in the request, of which this is the first")
    certificate = known.get("certificate")
    if not isinstance(certificate, Mapping):
        return _ask(str(known.get("uncertified") or "nothing is certified for this action model"))
    wanted = {"model_id": known.get("model_id"), "risk_class": action.risk_class}
    if any(certificate.get(name) != value for name, value in wanted.items()):
        return _ask(f"the certificate is not one of {known.get('model_id')} for {action.risk_class} actions")
    suspended = why_suspended(home, certificate)
    if suspended is not None:
        return _ask(f"the certificate for {certificate['group']} is {suspended}")
    confidence, needed = known.get("confidence", 0.0), certificate["threshold"]
    if not confidence >= needed:
        return _ask(f"the model is {confidence:.2f} sure, {needed:.2f} is certified")
    return auto(LAYER, f"the model is {confidence:.2f} sure, {needed:.2f} is certified")


def _ask(because: str) -> Verdict:
    return approve(LAYER, because, Requirement())


def in_force(model: ActionModel, model_id: str, schema: ActionSchema, risk_class: str, home: Path | None) -> Grant:
    """The certificate by which an action, or a label of a route step, may be taken now.

    Args:
        home: where suspensions stand; None where there is no project.
    """
    grant = granted(model, model_id, schema, risk_class)
    if grant.certificate is None or home is None:
        return grant
    suspended = why_suspended(home, grant.certificate.facts())
    return Grant(None, f"its certificate is {suspended}") if suspended else grant
