"""Requests as programs and pages are shown them: one form for the command line, the API and the page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.store.tables import Approval


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
        "origins": request.get("origins", {}),
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


def left(until: datetime, now: datetime) -> str:
    """The time left in words: `23 h 59 min`."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "no time"
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{max(minutes, 1)} min"
