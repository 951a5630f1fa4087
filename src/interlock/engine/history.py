"""The history of a project's decisions: read from its database, or from a file of one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from interlock.errors import UsageError
from interlock.nodes.lookup import is_lookup
from interlock.nodes.services import Services
from interlock.policies.decide import Verdict
from interlock.policies.replay import AT, Recorded, Word
from interlock.store.decisions import decisions
from interlock.store.tables import Approval, Effect
from interlock.tools.action import Action


def history(services: Services, newest: int | None = None) -> Iterator[Recorded]:
    """The recorded decisions, oldest first; where `newest` says so, only so many of the newest."""
    for effect, approval in decisions(services.database, newest):
        yield recorded(effect, approval, services.actions)


def recorded(effect: Effect, approval: Approval | None, actions: Mapping[str, Action]) -> Recorded:
    """One decision; an action that is no longer declared is taken to change something."""
    verdict = Verdict.model_validate(effect.verdict)
    action = actions.get(effect.action)
    at = (effect.inputs or {}).get(AT)
    return Recorded(
        effect=effect.id,
        run=effect.run_id,
        at=datetime.fromisoformat(at) if isinstance(at, str) else effect.created_at,
        action=effect.action,
        headline=action.headline(effect.arguments) if action is not None else effect.action,
        arguments=effect.arguments,
        labels=effect.labels,
        inputs=effect.inputs,
        decided=verdict.effect,
        reasons=verdict.reasons,
        state=effect.state,
        began=effect.intent_at,
        reads=action is not None and not action.consequential,
        lookup=is_lookup(effect),
        people=_word(effect, approval),
    )


def _word(effect: Effect, approval: Approval | None) -> Word | None:
    """What people decided of the action; None where nobody did, or only whether it happened."""
    if approval is None or approval.kind not in ("action", "question") or approval.answer is None:
        return None
    answer: dict[str, Any] = approval.answer
    decision = str(answer.get("decision", approval.state))
    if effect.state == "rejected":
        decision = "rejected"
    return Word(decision=decision, by=str(answer.get("by", "")), comment=str(answer.get("comment", "")))


def read_history(path: Path) -> list[Recorded]:
    """The decisions of a file.

    Raises:
        UsageError: it cannot be read, or a line is no recorded decision; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the history {path} cannot be read: {error}") from None
    found: list[Recorded] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(Recorded.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            raise UsageError(f"{path}:{number} is no recorded decision: {place}: {first['msg']}.") from None
    return found
