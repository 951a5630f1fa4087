"""Our own form.

`{"decision": "approve" | "edit" | "reject" | "respond"}`, with `reason` (or `message`, or `comment`), `changes` of an
edit, `answer` of a form, `happened` of a doubt, and where wanted the `id` and `revision` that were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.nodes.dialects import fields
from interlock.nodes.dialects.answer import Answer
from interlock.nodes.dialects.question import Question

KEYS = {
    "approve": "decision id revision reason message comment answer",
    "edit": "decision id revision reason message comment changes",
    "reject": "decision id revision reason message comment",
    "respond": "decision id revision reason message comment happened",
}


def read(body: Mapping[str, Any], question: Question) -> Answer:
    """The answer that our own form holds.

    Raises:
        DecisionRefused: it has not one plain meaning.
    """
    word = body.get("decision")
    if not isinstance(word, str) or word not in KEYS:
        raise question.unclear(f"the decision is one of {', '.join(KEYS)}, not {word!r:.60}")
    fields.closed(body, question, f"a decision {word}", KEYS[word])
    if body.get("id", question.id) != question.id:
        raise question.unclear(f"it answers {body['id']!r:.60}, not {question.id}")
    revision = body.get("revision")
    if revision is not None and (not isinstance(revision, int) or isinstance(revision, bool)):
        raise question.unclear("revision is a whole number")
    because = fields.reason(body, question, "reason", "message", "comment")
    match word:
        case "approve":
            answers = fields.mapping(body.get("answer", {}), question, "answer")
            if answers and question.form is None:
                raise question.unclear("this question has no form to answer; change an action by an edit")
            return fields.approval(question, "interlock", reason=because, form=answers, revision=revision)
        case "edit":
            changes = body.get("changes")
            return fields.edited(question, "interlock", changes, because=because, revision=revision)
        case "respond":
            return fields.settled(question, "interlock", body.get("happened"), reason=because, revision=revision)
    if not because:
        raise question.unclear("a rejection needs a reason")
    return fields.rejection(question, "interlock", because, revision=revision)
