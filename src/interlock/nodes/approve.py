"""Asking people, and reading their answers from the store.

A resumed interrupt is only a wake-up: whatever value it carries, the answer is the one recorded on
the request.  So a replayed, forged or second answer decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from interlock.digest import plain
from interlock.errors import ProjectError, Refused
from interlock.graphs.cards import object_schema
from interlock.graphs.spec import ActStep, ApproveStep, CallStep
from interlock.nodes.act import bindings, normal_arguments
from interlock.nodes.binding import binding
from interlock.nodes.dialects.emit import payload
from interlock.nodes.forked import repeats
from interlock.nodes.gate import AHEAD, judge, seal
from interlock.nodes.given import shown
from interlock.nodes.moves import Leave, Move, Onward
from interlock.nodes.services import Place, Services
from interlock.nodes.trace import trace
from interlock.policies.decide import Verdict
from interlock.policies.language import Requirement
from interlock.store.tables import Effect


def gate(place: Place, entered_by: int, services: Services) -> Move:
    """Decide on the newest proposal of the visit: perform, ask, or leave as denied."""
    effect = services.ledger.latest(place.run, place.step, place.visit)
    if effect is None:
        raise Refused(f"run {place.run} has proposed nothing at {place.step}.")
    if effect.state == "proposed":
        effect = seal(effect, place, judge(effect, place, entered_by, services), services)
    verdict = Verdict.model_validate(effect.verdict)
    if effect.state != "gated":
        return answered(place, services)
    if verdict.effect == "auto":
        return Onward("perform")
    assert verdict.requirement is not None
    if not effect.missing and services.approvals.adopt(effect, verdict.requirement):
        return Onward("perform")
    if effect.approval_id is None:
        services.approvals.file(
            run_id=place.run,
            step=place.step,
            visit=place.visit,
            kind="question" if effect.missing else "action",
            request=_action_request(effect, verdict, services),
            requirement=verdict.requirement,
            excluded=effect.proposed_by,
            effect=effect,
            digest=effect.digest,
        )
    return waiting(place, services)


def answered(place: Place, services: Services) -> Move:
    """Where the newest proposal stands now, as people and clocks have left it."""
    services.approvals.expire()
    effect = services.ledger.latest(place.run, place.step, place.visit)
    if effect is None:
        raise Refused(f"run {place.run} has proposed nothing at {place.step}.")
    match effect.state:
        case "proposed":
            return Onward("gate")
        case "gated" if Verdict.model_validate(effect.verdict).effect == "auto":
            return Onward("perform")
        case "gated" | "in_doubt":
            return waiting(place, services)
        case "approved" | "intent" | "executed" | "verified" | "failed":
            return Onward("perform")
        case "rejected" | "expired" | "denied":
            return Leave(effect.state, writes=_review(place, effect, services), note=effect.error or _because(effect))
    raise Refused(f"effect {effect.id} is {effect.state}; the run cannot go on from it.")


def ask_doubt(place: Place, effect: Effect, because: str, services: Services) -> Move:
    """Ask a person whether an effect in doubt happened."""
    known = services.approvals.of_place(place.run, place.step, place.visit)
    if known is None or known.kind != "doubt" or known.state != "waiting" or known.effect_id != effect.id:
        verdict = Verdict.model_validate(effect.verdict)
        request = _action_request(effect, verdict, services)
        request |= {"question": "Did it happen? Nobody can know from here.", "because": because}
        services.approvals.file(
            run_id=place.run,
            step=place.step,
            visit=place.visit,
            kind="doubt",
            request=request,
            requirement=Requirement(role=verdict.requirement.role if verdict.requirement else None),
            excluded=[],
            effect=effect,
            digest=effect.digest,
        )
    return waiting(place, services)


def ask(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """File the question of an approve step; with `covers`, about the exact action of that later step."""
    step = place.spec.steps[place.step]
    assert isinstance(step, ApproveStep)
    known = services.approvals.of_place(place.run, place.step, place.visit)
    if known is None or known.state == "superseded":  # an upgrade of the run withdrew it
        request: dict[str, Any] = {
            "title": step.approve,
            "shown": {key: plain(values.get(key)) for key in step.reads},
            "form": object_schema(step.form),
            "question": step.approve,
        }
        requirement, digest = step.requires, None
        if step.covers is not None:
            effect, verdict, digest = _ahead(step.covers, place, values, services)
            if verdict.effect == "deny":
                because = verdict.reasons[0].because
                told = {"decision": "denied", "comment": because, "by": verdict.reasons[0].rule}
                return Leave("rejected", writes={step.writes: told} if step.writes else {}, note=because)
            requirement = step.requires.stricter(verdict.requirement) if verdict.requirement else step.requires
            request |= _action_request(effect, verdict, services)
        services.approvals.file(
            run_id=place.run,
            step=place.step,
            visit=place.visit,
            kind="form" if step.covers is None else "action",
            request=request,
            requirement=requirement,
            excluded=services.runs.requesters(place.run),
            digest=digest,
        )
    return waiting(place, services)


def form_answered(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """The answer to an approve step."""
    step = place.spec.steps[place.step]
    assert isinstance(step, ApproveStep)
    services.approvals.expire()
    approval = services.approvals.of_place(place.run, place.step, place.visit)
    if approval is None:
        raise Refused(f"run {place.run} has asked nothing at {place.step}.")
    if approval.state == "waiting":
        return waiting(place, services)
    if approval.state not in ("approved", "consumed", "rejected", "expired"):
        raise Refused(f"request {approval.id} is {approval.state}; the run cannot go on from it.")
    outcome = "approved" if approval.state == "consumed" else approval.state
    writes = {step.writes: approval.answer} if step.writes else {}
    return Leave(outcome, writes=writes, note=(approval.answer or {}).get("comment") or None)


def waiting(place: Place, services: Services) -> Onward:
    """Wait for the visit's open request."""
    approval = services.approvals.of_place(place.run, place.step, place.visit)
    if approval is None:
        raise Refused(f"run {place.run} has asked nothing at {place.step}.")
    return Onward("approve", request=payload(approval))


def _action_request(effect: Effect, verdict: Verdict, services: Services) -> dict[str, Any]:
    action = services.action(effect.action)
    return {
        "title": action.headline(effect.arguments),
        "action": effect.action,
        "arguments": effect.arguments,
        "risk": action.risk,
        "missing": effect.missing,
        "reasons": [reason.model_dump() for reason in verdict.reasons],
        "provenance": effect.labels,
        "origins": shown(effect),
        "evidence": effect.evidence,
        "model": effect.model,
    } | repeats(effect, action, services)


def _ahead(covered: str, place: Place, values: Mapping[str, Any], services: Services) -> tuple[Effect, Verdict, str]:
    """The action that step `covered` will take on its next visit, judged now."""
    step = place.spec.steps[covered]
    if not isinstance(step, ActStep | CallStep) or len(step.actions) != 1:
        raise ProjectError(f"step {place.step} covers {covered}, which does not take exactly one action.")
    visits = [visit for visit in services.runs.visits(place.run) if visit.step == covered]
    there = Place(place.run, place.spec, place.spec_digest, covered, len(visits) + 1)
    known = trace(place, values, services)
    found = bindings(step, there, known, services)
    bound = found.values
    action = services.action(step.actions[0])
    effect = Effect(id="", run_id=place.run, step=covered, visit=there.visit, slot=0, state="proposed",
                    action=action.name, arguments=bound, missing=[], labels=found.labels, origins=found.origins,
                    evidence={}, model={}, proposed_by=[])  # fmt: skip
    try:
        effect.arguments = normal_arguments(action, bound)
    except ValidationError:
        effect.arguments = {name: plain(value) for name, value in bound.items()}
    return (
        effect,
        judge(effect, there, AHEAD, services).verdict,
        binding(action.name, effect.arguments, there, services),
    )


def _review(place: Place, effect: Effect, services: Services) -> dict[str, Any]:
    """The reviewer's answer, under the key that the approval edges into the step name."""
    approval = services.approvals.get(effect.approval_id) if effect.approval_id else None
    told = (approval.answer if approval else None) or {"decision": effect.state, "comment": _because(effect), "by": ""}
    return {edge.writes: told for edge in place.spec.entering(place.step) if edge.writes}


def _because(effect: Effect) -> str:
    reasons = (effect.verdict or {}).get("reasons", [])
    return str(reasons[0]["because"]) if reasons else ""
