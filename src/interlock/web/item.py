"""The page of one request: what would happen, why it stopped, where each value came from, and how to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from interlock.engine.objects import left
from interlock.engine.progress import progress
from interlock.engine.said import said
from interlock.errors import NotFound
from interlock.policies.language import Requirement
from interlock.store.people import roles_text
from interlock.store.tables import Approval
from interlock.web.drafts import NOTHING, Draft, Proposal, proposal
from interlock.web.drawings import picture
from interlock.web.fields import differences
from interlock.web.legible import text_of
from interlock.web.parts import Parts
from interlock.web.queue import KINDS, Looking, chosen, found
from interlock.web.rights import Visitor
from interlock.web.so_far import so_far

UNTRUSTED = ("model", "untrusted")
"""Labels of values that nobody vouches for."""

SHOWN = (
    "action", "arguments", "because", "evidence", "form", "missing", "model", "question", "reasons", "risk", "shortage",
    "shown", "title",
)  # fmt: skip
"""What a request may hold and a page shows; the kinds of requests hold some of it each."""

ENDS = {
    "approved": "Approved: it happens when the run goes on.",
    "rejected": "Rejected.",
    "expired": "Expired: nobody decided in time, so it is refused.",
    "superseded": "No longer asked: it was edited or withdrawn.",
    "answered": "Answered.",
    "consumed": "Approved, and used up by the action.",
}

RULES = {"approve": "needs approval", "auto": "allowed", "deny": "denied"}
"""What a rule says, in words."""


def item_page(
    parts: Parts, who: Visitor, row: Approval, looking: Looking, draft: Draft = NOTHING, done: Any = None
) -> str:
    """One request, beside the queue.

    Args:
        draft: what was typed already.
        done: what was decided just before, as `done_of` tells it.
    """
    return parts.templates.page(
        "item.html",
        who,
        here="/",
        done=done,
        seen=str(row.revision),
        **found(parts, who, looking, row.id),
        **chosen(parts, looking),
        **_item(parts, who, row, draft),
    )


def _item(parts: Parts, who: Visitor, row: Approval, draft: Draft) -> dict[str, Any]:
    services, now = parts.services, parts.services.clock()
    request = dict.fromkeys(SHOWN) | row.request
    spec, _ = progress(services.runs, row.run_id)
    open_now = row.state == "waiting"
    claims = services.approvals.claimed([row])
    deputies = services.approvals.deputies(row) if open_now else {}
    people = services.approvals.may_decide(row) if open_now else None
    own = proposed(parts, row, draft)
    may = who.may("doubts.settle" if row.kind == "doubt" else "approvals.decide")
    editable = open_now and may and row.kind in ("action", "question") and row.effect_id is not None
    return {
        "row": row,
        "request": request,
        "kind": KINDS[row.kind],
        "open_now": open_now,
        "end": ENDS.get(row.state, row.state),
        "left": left(row.decide_before, now),
        "hurry": (row.decide_before - now).total_seconds() < 3600,
        "proposal": own,
        "changes": differences(row.request.get("arguments"), own.arguments) if own else [],
        "whence": whence(request),
        "arguments": [(name, text_of(value)) for name, value in (request["arguments"] or {}).items()],
        "answers": answers_of(row, draft),
        "rules": [each | {"said": RULES.get(each["effect"], each["effect"])} for each in request["reasons"] or []],
        "words": said(parts.engine.project, row.run_id) if row.kind != "doubt" else [],
        "people": people,
        "needed": needed(row),
        "votes": services.approvals.votes(row.id),
        "count": row.requirement.get("count", 1),
        "claim": claims.get(row.id),
        "mine": row.id in claims and claims[row.id].person == who.name,
        "voices": deputies.get(who.name, []),
        "may": may,
        "may_claim": who.may("approvals.claim"),
        "editable": editable and own is not None,
        "draft": draft,
        "lines": so_far(parts, row, spec),
        "picture": picture_of(parts, row.run_id),
        "others": [each for each in services.approvals.waiting(row.run_id) if each.id != row.id],
        "now": now,
    }


def proposed(parts: Parts, row: Approval, draft: Draft = NOTHING) -> Proposal | None:
    """The arguments of the action that is asked about, as fields; None where no declared action is."""
    action = parts.services.actions.get(str(row.request.get("action")))
    if action is None or "arguments" not in row.request:
        return None
    return proposal(action, row.request["arguments"] or {}, draft)


def whence(request: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Where each argument came from: its label, words, and whether nobody vouches for it."""
    labels, origins = request.get("provenance") or {}, request.get("origins") or {}
    found = {}
    for name in request.get("arguments") or {}:
        label = labels.get(name, "default")
        origin = origins.get(name) or {}
        found[name] = {
            "label": label,
            "words": origin.get("words", "") if label != "default" else "a default of the tool",
            "untrusted": label in UNTRUSTED,
            "parts": origin.get("parts") or {},
        }
    return found


def needed(row: Approval) -> str:
    """Who must agree, in words."""
    asked = Requirement.model_validate(row.requirement)
    who = "1 person" if asked.count == 1 else f"{asked.count} people"
    return f"{who} of {roles_text(asked.roles)}" if asked.roles else who


def answers_of(row: Approval, draft: Draft) -> list[dict[str, Any]]:
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
                "long": schema.get("maxLength", 1000) > 120 and not choices,
                "text": draft.form.get(f"answer.{name}", ""),
            }
        )
    return fields


def picture_of(parts: Parts, run_id: str) -> Markup:
    """The graph of the run, with how far it has come."""
    runs = parts.services.runs
    spec, marks = progress(runs, runs.root(run_id).id)
    return picture(spec, marks, prefix="run")


def done_of(parts: Parts, approval_id: str) -> dict[str, Any] | None:
    """What became of a request that was decided just now; None where there is none."""
    try:
        row = parts.services.approvals.get(approval_id)
    except NotFound:
        return None
    votes, count = len(parts.services.approvals.votes(row.id)), row.requirement.get("count", 1)
    tones = {"approved": "good", "consumed": "good", "rejected": "bad", "waiting": "mid"}
    words = {
        "waiting": f"{votes} of {count} agree, and it waits for others:",
        "approved": "Approved:",
        "consumed": "Approved, and done:",
        "rejected": "Rejected:",
        "answered": "Answered:",
        "superseded": "Edited, and judged anew:",
        "expired": "Expired:",
    }
    return {"id": row.id, "title": row.title, "said": words[row.state], "tone": tones.get(row.state, "")}
