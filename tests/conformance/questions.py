"""The questions that the tests of dialects ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from interlock.nodes.dialects.question import Question, question_of
from interlock.store.tables import Approval
from tests.conformance.record import ARGS, CALL, INTERRUPT, NAME

MOMENT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)

FORM = {
    "type": "object",
    "properties": {"seats": {"type": "integer"}},
    "required": ["seats"],
    "additionalProperties": False,
}


def asked(kind: str = "action", **request: Any) -> Approval:
    """A request about the payment that the recorded answers are about."""
    about = {"title": "10 to anna", "action": NAME, "arguments": dict(ARGS), "missing": []}
    form = {"title": "How many?", "form": FORM, "shown": {}}
    return Approval(
        id=INTERRUPT, run_id="run-1", step="pay", visit=1, ordinal=1, kind=kind, state="waiting", revision=3,
        effect_id=None if kind == "form" else CALL, digest="sha256:0", request=(form if kind == "form" else about)
        | request, requirement={"count": 1}, excluded=[], decide_before=MOMENT, created_at=MOMENT, updated_at=MOMENT,
    )  # fmt: skip


def question(kind: str = "action", **request: Any) -> Question:
    return question_of(asked(kind, **request))
