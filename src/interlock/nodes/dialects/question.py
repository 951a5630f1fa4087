"""What a request asks, as every dialect shows it and reads the answers to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from interlock.errors import DecisionRefused
from interlock.store.tables import Approval

Word = Literal["approve", "edit", "reject", "respond"]


@dataclass(frozen=True)
class Question:
    """One request, without who may decide it: that comes from authentication, never from an answer."""

    id: str
    kind: str
    """action, question, doubt or form; see `Approval`."""
    tool_call: str
    """The id under which clients know the action: its effect's, or the request's own where it is asked ahead."""
    title: str
    action: str | None
    arguments: dict[str, Any]
    missing: list[str]
    form: dict[str, Any] | None
    """The JSON Schema of a form's answer."""
    allowed: tuple[Word, ...]
    """The decisions that it accepts."""
    decide_before: str
    """ISO 8601."""

    def unclear(self, why: str) -> DecisionRefused:
        """The refusal of an answer that has not one plain meaning."""
        return DecisionRefused(f"{why}; nothing was decided, {self.id} is still open.")


def question_of(approval: Approval) -> Question:
    """The question of a request."""
    request = approval.request
    return Question(
        id=approval.id,
        kind=approval.kind,
        tool_call=approval.effect_id or approval.id,
        title=request.get("title") or "",
        action=request.get("action"),
        arguments=dict(request.get("arguments") or {}),
        missing=list(request.get("missing") or []),
        form=request.get("form") if approval.kind == "form" else None,
        allowed=_allowed(approval),
        decide_before=approval.decide_before.isoformat(),
    )


def _allowed(approval: Approval) -> tuple[Word, ...]:
    match approval.kind:
        case "action" if approval.effect_id:
            return ("approve", "edit", "reject")
        case "question":
            return ("edit", "reject")
        case "doubt":
            return ("respond",)
    return ("approve", "reject")  # an action that is asked ahead has not been proposed, so there is nothing to edit
