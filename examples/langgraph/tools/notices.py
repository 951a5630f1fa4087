"""A notice board: a file with one notice a line."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Notice(Arguments):
    text: str = about("What the notice says.", max_length=500)
    until: date = about("The last day on which it hangs.")


class Posted(Result):
    number: int


def _board(context: ActionContext) -> tuple[Path, list[dict[str, str]]]:
    path = context.home / "board.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return path, [json.loads(line) for line in lines]


@action("notices.post", effect="keyed", risk="medium", title='"{text}" until {until}')
def post(arguments: Notice, context: ActionContext) -> Posted:
    """Put a notice on the board; one with the same key hangs there once."""
    path, notices = _board(context)
    keys = [notice["key"] for notice in notices]
    if context.key in keys:
        return Posted(number=keys.index(context.key) + 1)
    with path.open("a", encoding="utf-8") as board:
        line = {"key": context.key, "text": arguments.text, "until": arguments.until.isoformat()}
        board.write(json.dumps(line, ensure_ascii=False) + "\n")
    return Posted(number=len(notices) + 1)
