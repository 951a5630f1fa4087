"""Requests, runs and what belongs to them as programs are shown them: one form for the command line and the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.engine.states import Difference, Position, State
    from interlock.store.approvals import Approvals
    from interlock.store.tables import Approval, Claim, Delegation, Effect, Run, Visit, Vote


def approval_object(approval: Approval) -> dict[str, Any]:
    """A request as JSON."""
    request = approval.request
    return {
        "id": approval.id,
        "kind": approval.kind,
        "state": approval.state,
        "revision": approval.revision,
        "title": request.get("title"),
        "risk": request.get("risk"),
        "run": approval.run_id,
        "step": approval.step,
        "visit": approval.visit,
        "action": request.get("action"),
        "arguments": request.get("arguments"),
        "missing": request.get("missing", []),
        "reasons": request.get("reasons", []),
        "provenance": request.get("provenance", {}),
        "origins": {name: known["words"] for name, known in request.get("origins", {}).items()},
        "evidence": request.get("evidence", {}),
        "shown": request.get("shown", {}),
        "form": request.get("form"),
        "requirement": approval.requirement,
        "excluded": approval.excluded,
        "digest": approval.digest,
        "answer": approval.answer,
        "decide_before": approval.decide_before,
        "execute_before": approval.execute_before,
        "created_at": approval.created_at,
    }


def waiting_objects(rows: Sequence[Approval], approvals: Approvals) -> list[dict[str, Any]]:
    """Requests as JSON, with who is at work on each, and what became of asking so far."""
    claims, escalated = approvals.claimed(rows), approvals.escalated(rows)
    return [
        approval_object(row)
        | {
            "claim": claim_object(claims[row.id]) if row.id in claims else None,
            "escalated_at": escalated.get(row.id),
            "shortage": row.request.get("shortage"),
        }
        for row in rows
    ]


def vote_object(vote: Vote) -> dict[str, Any]:
    """A vote as JSON."""
    return {
        "person": vote.person,
        "on_behalf_of": vote.on_behalf_of,
        "verdict": vote.verdict,
        "comment": vote.comment,
        "at": vote.at,
    }


def claim_object(claim: Claim) -> dict[str, Any]:
    """A claim as JSON."""
    return {"approval": claim.approval_id, "person": claim.person, "until": claim.until}


def delegation_object(delegation: Delegation) -> dict[str, Any]:
    """A delegation as JSON."""
    return {
        "id": delegation.id,
        "delegator": delegation.delegator,
        "delegate": delegation.delegate,
        "role": delegation.role,
        "from": delegation.begins_at,
        "until": delegation.ends_at,
        "created_at": delegation.created_at,
        "revoked_at": delegation.revoked_at,
        "revoked_by": delegation.revoked_by,
    }


def run_object(run: Run) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "id": run.id,
        "graph": run.graph,
        "status": run.status,
        "outcome": run.outcome,
        "error": run.error,
        "output": run.output,
        "requester": run.requester,
        "parent": run.parent_id,
        "schedule": run.schedule,
        "scheduled_for": run.scheduled_for,
        "spec": run.spec_digest,
        "steps": run.steps,
        "model_calls": run.model_calls,
        "tokens": run.tokens,
        "cost_usd": run.cost_micro_usd / 1_000_000,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }


def visit_object(visit: Visit) -> dict[str, Any]:
    """One visit of a step as JSON."""
    return {
        "step": visit.step,
        "visit": visit.visit,
        "outcome": visit.outcome,
        "note": visit.note,
        "attempts": visit.attempts,
        "entered_at": visit.entered_at,
        "left_at": visit.left_at,
    }


def effect_object(effect: Effect) -> dict[str, Any]:
    """A ledger row as JSON."""
    return {
        "id": effect.id,
        "state": effect.state,
        "action": effect.action,
        "arguments": effect.arguments,
        "provenance": effect.labels,
        "digest": effect.digest,
        "routed": effect.model.get("routed"),
        "verdict": effect.verdict,
        "inputs": effect.inputs,
        "approval": effect.approval_id,
        "undoes": effect.undoes,
        "attempt": effect.attempt,
        "result": effect.result,
        "error": effect.error,
    }


def position_object(position: Position) -> dict[str, Any]:
    """A position as JSON."""
    return {
        "position": position.name,
        "step": position.step,
        "visit": position.visit,
        "outcome": position.outcome,
        "at": position.moment,
        "waits": position.waits,
        "changed": list(position.changed),
    }


def state_object(run_id: str, state: State) -> dict[str, Any]:
    """A state as JSON."""
    return {
        "run": run_id,
        **position_object(state.position),
        "values": dict(state.values),
        "sources": {
            key: {"label": source.at()[0], "origin": source.at()[1].as_json()} for key, source in state.sources.items()
        },
        "forgotten": {key: {"written_at": row.position, "digest": row.digest} for key, row in state.forgotten.items()},
    }


def difference_object(each: Difference) -> dict[str, Any]:
    """A difference as JSON."""
    return {"key": each.key, "before": each.before, "after": each.after, "known": each.known}


def left(until: datetime, now: datetime) -> str:
    """The time left in words: `23 h 59 min`."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "no time"
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{max(minutes, 1)} min"
