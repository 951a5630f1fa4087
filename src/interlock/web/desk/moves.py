"""What a person can do with a run now, and why not where they cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interlock.engine.retrying import retry_of
from interlock.store.tables import Run
from interlock.web.desk.timeline import ENDED
from interlock.web.parts import Parts
from interlock.web.rights import Right, Visitor

RIGHTS: dict[str, Right] = {
    "resume": "runs.resume",
    "retry": "runs.retry",
    "fork": "runs.fork",
    "cancel": "runs.cancel",
}


@dataclass(frozen=True)
class Move:
    """One thing that can be done."""

    name: Literal["resume", "retry", "fork", "cancel"]
    label: str
    about: str
    """What it does, or why it cannot be done."""
    possible: bool
    asks: bool = False
    """Whether a page of its own comes first."""


def moves_of(parts: Parts, who: Visitor, run: Run) -> list[Move]:
    """The moves that this person has the right to, possible or not; those that make no sense for it are left out."""
    found = [_resume(run), _retry(parts, run), _fork(run), _cancel(run)]
    return [move for move in found if move is not None and who.may(RIGHTS[move.name])]


def _part_of(run: Run) -> str:
    return f"it is part of {run.parent_id}; do it there"


def _resume(run: Run) -> Move | None:
    if run.status in ENDED:
        return None
    if run.parent_id:
        return Move("resume", "Resume", _part_of(run), possible=False)
    about = "It goes on from its last checkpoint; what waits for people goes on waiting."
    return Move("resume", "Resume", about, possible=True)


def _retry(parts: Parts, run: Run) -> Move | None:
    if run.status != "failed":
        return None
    found = retry_of(parts.engine.project, run.id)
    if found.at is None:
        return Move("retry", "Try again", f"It cannot be tried again: {found.reason}.", possible=False)
    about = (
        f"A new run {found.reason}, with what this one had by then. What was done stays done: before any of it is done "
        "again a person is asked, and what was approved is asked again."
    )
    return Move("retry", "Try again", about, possible=True)


def _fork(run: Run) -> Move:
    if run.parent_id:
        return Move("fork", "Fork", _part_of(run), possible=False)
    about = "A new run begins where this one was, with values that you edit. This one stays as it is."
    return Move("fork", "Fork …", about, possible=True, asks=True)


def _cancel(run: Run) -> Move | None:
    if run.status in ENDED:
        return None
    if run.parent_id:
        return Move("cancel", "Cancel", _part_of(run), possible=False)
    return Move("cancel", "Cancel …", "You are shown what that stops and what stays, and asked again.", True, asks=True)
