"""The rows of `interlock lam propose --batch`: JSONL in, one decision a line out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError
from interlock.lam.functions import read_functions
from interlock.lam.protocol import ActionSchema, Decision, Observation


@dataclass(frozen=True)
class Row:
    """One request and the action space it meets."""

    id: Any
    observation: Observation
    space: list[ActionSchema]


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = [part.get("text", "") for part in content or [] if isinstance(part, dict)]
    return "\n".join(part for part in parts if isinstance(part, str))


def sources_of_messages(messages: Any, where: str) -> dict[str, str]:
    """Messages as sources: the last user message is `request`, earlier ones `user_1`, `assistant_2`, ….

    Raises:
        InputError: they are no messages, or none is the user's.
    """
    if isinstance(messages, list) and messages and isinstance(messages[0], list):
        messages = messages[-1]  # a benchmark's list of turns
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise InputError(f'{where}: "messages" must be a list of objects with role and content.')
    users = [place for place, message in enumerate(messages) if message.get("role") == "user"]
    if not users:
        raise InputError(f'{where}: "messages" holds no message of the role user.')
    last = users[-1]
    found = {"request": _text_of(messages[last].get("content"))}
    for number, message in enumerate(messages, 1):
        text = _text_of(message.get("content"))
        if number - 1 != last and text.strip() and message.get("role") in {"user", "assistant", "tool"}:
            found[f"{message['role']}_{number}"] = text
    return found


def read_row(document: Any, where: str, space: list[ActionSchema] | None, today: str | None) -> Row:
    """One row.

    Args:
        space: the tools of a row that brings none.
        today: the date of a row that names none.

    Raises:
        InputError: text or tools are missing or malformed; the message begins with `where`.
    """
    if not isinstance(document, dict):
        raise InputError(f"{where}: a row is a JSON object with id, text (or messages) and tools.")
    if isinstance(document.get("text"), str):
        sources = {"request": document["text"]}
    elif "messages" in document:
        sources = sources_of_messages(document["messages"], where)
    else:
        raise InputError(f'{where}: the row needs "text" or "messages".')
    extra, bound = document.get("sources") or {}, document.get("bound") or {}
    if not isinstance(extra, dict) or not all(isinstance(text, str) for text in extra.values()):
        raise InputError(f'{where}: "sources" must map names to texts.')
    if not isinstance(bound, dict):
        raise InputError(f'{where}: "bound" must map argument names to values.')
    if "tools" in document:
        space = read_functions(document["tools"], where)
    if not space:
        raise InputError(f'{where}: the row needs "tools", or give a file with --tools.')
    observation = Observation(sources=sources | extra, bound=bound, today=document.get("today") or today)
    return Row(document.get("id"), observation, space)


def read_rows(path: Path, space: list[ActionSchema] | None, today: str | None) -> Iterator[Row]:
    """The rows of a JSONL file; blank lines are skipped.

    Raises:
        UsageError: there is no such file.
        InputError: a line is wrong; the message names file and line.
    """
    if not path.is_file():
        raise UsageError(f"There is no batch file {path}; give the path of a JSONL file.")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{path}, line {number}"
            if not line.strip():
                continue
            try:
                document = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{where}: not JSON ({error.msg}, column {error.colno}).") from error
            yield read_row(document, where, space, today)


def result_object(id: Any, decision: Decision) -> dict[str, Any]:
    """A decision as the contract writes it; `calls` is empty for abstain and incomplete for ask."""
    actions = decision.actions
    return {
        "id": id,
        "kind": decision.kind,
        "calls": [{"name": action.name, "arguments": action.arguments} for action in actions],
        "confidence": round(actions[0].confidence if actions else decision.p_null, 4),
        "missing": decision.missing,
        "evidence": {name: e.model_dump() for action in actions for name, e in action.evidence.items()},
        "p_null": round(decision.p_null, 4),
        "backend": decision.backend,
        "model_id": decision.model_id,
    }
