"""The page of a decision that came too late: what changed while it was thought over, and what stands now."""

from __future__ import annotations

from interlock.store.tables import Approval
from interlock.web.drafts import Draft
from interlock.web.fields import differences
from interlock.web.item import ENDS
from interlock.web.parts import Parts
from interlock.web.rights import Visitor

WORDS = {"approve": "approve it", "reject": "reject it", "edit": "edit it", "respond": "say what happened"}


def conflict_page(parts: Parts, who: Visitor, row: Approval, draft: Draft, said: str) -> str:
    """Nothing was decided: who was first, what it was and what it is, and the way on.

    Args:
        row: the request as it stands now.
        said: why the decision was not taken.
    """
    newest = parts.services.approvals.of_place(row.run_id, row.step, row.visit)
    other = newest if newest is not None and newest.id != row.id else None
    return parts.templates.page(
        "conflict.html",
        who,
        here="/",
        row=row,
        said=said,
        wanted=WORDS.get(draft.form.get("decision", ""), "decide it"),
        comment=draft.comment,
        answer=row.answer or {},
        end=ENDS.get(row.state, "It waits, and is not as you read it."),
        other=other,
        votes=parts.services.approvals.votes(row.id),
        changes=differences(row.request.get("arguments"), other.request.get("arguments")) if other else [],
    )
