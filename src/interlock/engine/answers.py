"""Taking an answer in any dialect: read once, then decided like any other, by the person who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock.nodes.dialects.question import question_of
from interlock.nodes.dialects.read import parse, read_answer
from interlock.store.tables import Approval

if TYPE_CHECKING:
    from interlock.engine.service import Engine


def take(
    engine: Engine,
    approval_id: str,
    person: str,
    body: Any,
    *,
    revision: int | None = None,
    on_behalf_of: str | None = None,
) -> Approval:
    """Decide a request by `body`; see `Engine.answer`."""
    approvals = engine.services.approvals
    approvals.expire()
    asked = approvals.get(approval_id)
    question = question_of(asked)
    answer = read_answer(parse(body, question) if isinstance(body, bytes) else body, question)
    named = {known for known in (revision, answer.revision) if known is not None} or {asked.revision}
    if len(named) != 1:
        raise question.unclear("two revisions are named, and they differ")
    seen = named.pop()
    match answer.word:
        case "approve":
            form = answer.form or None
            return engine.approve(
                approval_id, person, comment=answer.reason, revision=seen, answer=form, on_behalf_of=on_behalf_of
            )
        case "reject":
            return approvals.reject(
                approval_id, person, comment=answer.reason, revision=seen, on_behalf_of=on_behalf_of
            )
        case "edit":
            return engine.edit(
                approval_id, person, answer.changes, comment=answer.reason, revision=seen, on_behalf_of=on_behalf_of
            )
    assert answer.happened is not None
    return approvals.respond(
        approval_id, person, happened=answer.happened, comment=answer.reason, revision=seen, on_behalf_of=on_behalf_of
    )
