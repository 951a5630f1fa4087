"""What a form says, as a program would say it."""

from __future__ import annotations

import re
from typing import Any

from interlock.store.tables import Approval
from interlock.web.decisions import NAMES_SOMEBODY
from interlock.web.legible import changed
from interlock.web.problems import Problem


def decision_of(form: dict[str, str], asked: Approval) -> dict[str, Any]:
    """The decision that a form holds.

    Raises:
        Problem: a field names who decides.
    """
    if named := NAMES_SOMEBODY.intersection(form):
        raise Problem(400, f"`{sorted(named)[0]}` says who decides; that comes from your sign-in alone.")
    body: dict[str, Any] = {}
    prefixed: dict[str, dict[str, str]] = {"answer.": {}, "change.": {}}
    for name, value in form.items():
        for prefix, found in prefixed.items():
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] = value
                break
        else:
            body[name] = value
    if body.get("decision") == "edit":
        body["changes"] = changed(asked.request.get("arguments") or {}, prefixed["change."])
    if answers := {name: value for name, value in prefixed["answer."].items() if value}:
        body["answer"] = answers
    body["revision"] = whole(form.get("revision"))
    if body.get("happened") in ("true", "false"):
        body["happened"] = body["happened"] == "true"
    return body


def whole(text: str | None) -> int | None:
    """The whole number that a text is; None where it is none."""
    return int(text) if text is not None and re.fullmatch("[0-9]{1,9}", text) else None
