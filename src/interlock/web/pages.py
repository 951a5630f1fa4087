"""The pages of reviewers: the queue, and one request with the forms that decide it; they need no script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.engine.objects import left
from interlock.store.tables import Approval
from interlock.web.legible import text_of
from interlock.web.parts import Parts
from interlock.web.rights import Visitor

UNTRUSTED = ("model", "untrusted")
"""Labels of values that nobody vouches for."""

SHOWN = ("action", "because", "evidence", "model", "question", "reasons", "risk", "shortage", "shown", "title")
"""What a request may hold and a page shows; the kinds of requests hold some of it each."""

KINDS = {"action": "action", "question": "something is missing", "doubt": "in doubt", "form": "question"}

STATES = {
    "approved": "approved: it happens when the run goes on",
    "rejected": "rejected",
    "expired": "expired: nobody decided in time, so it is refused",
    "superseded": "no longer asked: it was edited or withdrawn",
    "answered": "answered",
    "consumed": "approved, and used up by the action",
}


def queue_page(parts: Parts, who: Visitor) -> str:
    """What waits, oldest first."""
    services = parts.services
    now = services.clock()
    rows = [
        {
            "id": row.id,
            "title": row.request.get("title"),
            "risk": row.request.get("risk"),
            "kind": KINDS[row.kind],
            "left": left(row.decide_before, now),
            "clocked": row.kind != "doubt",
            "run": row.run_id,
        }
        for row in services.approvals.waiting()
    ]
    return parts.templates.page("queue.html", who, here="/", rows=rows)


def item_page(parts: Parts, who: Visitor, row: Approval) -> str:
    """One request: what would happen, why it stopped, where each value came from, and the decisions there are."""
    services = parts.services
    request = dict.fromkeys(SHOWN) | row.request
    arguments = request.get("arguments") or {}
    labels, origins = request.get("provenance") or {}, request.get("origins") or {}
    people = services.approvals.may_decide(row) if row.state == "waiting" else None
    return parts.templates.page(
        "item.html",
        who,
        here="/",
        row=row,
        request=request,
        kind=KINDS[row.kind],
        state=STATES.get(row.state, row.state),
        left=left(row.decide_before, services.clock()),
        arguments=[
            _argument(name, value, labels.get(name, "default"), origins.get(name) or {})
            for name, value in arguments.items()
        ],
        missing=[name for name in request.get("missing") or [] if name not in arguments],
        fields=_fields(row),
        people=people,
        votes=services.approvals.votes(row.id),
        needed=row.requirement.get("count", 1),
        others=[each for each in services.approvals.waiting(row.run_id) if each.id != row.id],
    )


def _argument(name: str, value: Any, label: str, origin: Mapping[str, Any]) -> dict[str, Any]:
    told = {"name": name, "value": value, "text": text_of(value), "label": label, "untrusted": label in UNTRUSTED}
    return told | {"words": origin.get("words", "")}


def _fields(row: Approval) -> list[dict[str, Any]]:
    """The fields of a form's answer, with the choices that each has."""
    form: Mapping[str, Any] = (row.request.get("form") or {}) if row.kind == "form" else {}
    fields = []
    for name, schema in form.get("properties", {}).items():
        choices = schema.get("enum") or (["true", "false"] if schema.get("type") == "boolean" else None)
        fields.append(
            {
                "name": name,
                "about": schema.get("description", ""),
                "type": schema.get("format") or schema.get("type", "text"),
                "choices": choices,
                "required": name in form.get("required", []),
            }
        )
    return fields
