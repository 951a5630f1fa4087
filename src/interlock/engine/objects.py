"""Requests as programs and pages are shown them: one form for the command line, the API and the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.store.approvals import Approvals
    from interlock.store.tables import Approval, Claim, Delegation, Vote


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


def left(until: datetime, now: datetime) -> str:
    """The time left in words: `23 h 59 min`."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "no time"
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{max(minutes, 1)} min"
