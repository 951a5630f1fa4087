"""What a form says, as a program would say it."""

from __future__ import annotations

import re
from typing import Any

from interlock.web.decisions import NAMES_SOMEBODY
from interlock.web.fields import CHANGE, DROP
from interlock.web.problems import Problem

OURS = ("more", "preview", "voice")
"""What a form says to the page alone."""


def decision_of(form: dict[str, str], changes: dict[str, Any]) -> dict[str, Any]:
    """The decision that a form holds.

    Args:
        changes: the arguments that were typed over.

    Raises:
        Problem: a field names who decides, or an approval comes with changes that it would not be of.
    """
    refuse_named(form)
    body: dict[str, Any] = {}
    answers = {}
    for name, value in form.items():
        if name.startswith("answer."):
            answers[name.removeprefix("answer.")] = value
        elif not name.startswith((CHANGE, DROP)) and name not in OURS:
            body[name] = value
    if body.get("decision") == "edit":
        body["changes"] = changes
    elif changes and body.get("decision") == "approve":
        named = ", ".join(changes)
        raise Problem(409, f"You changed {named}, and approving is of what was proposed. Propose the edited action, "
                           "or undo your changes; nothing was decided.")  # fmt: skip
    if answers := {name: value for name, value in answers.items() if value}:
        body["answer"] = answers
    body["revision"] = whole(form.get("revision"))
    if body.get("happened") in ("true", "false"):
        body["happened"] = body["happened"] == "true"
    return body


def refuse_named(form: dict[str, str]) -> None:
    """Raises:
    Problem: a field names who decides.
    """
    if named := NAMES_SOMEBODY.intersection(form):
        raise Problem(400, f"`{sorted(named)[0]}` says who decides; that comes from your sign-in alone.")


def whole(text: str | None) -> int | None:
    """The whole number that a text is; None where it is none."""
    return int(text) if text is not None and re.fullmatch("[0-9]{1,9}", text) else None
