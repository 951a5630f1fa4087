"""The boundaries at which a process can be made to die: calls of functions that this process alone wraps."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

When = Literal["before", "after"]


@dataclass(frozen=True)
class Point:
    """The call of `function` in `module` (where it is looked up); `only` narrows it to some calls."""

    module: str
    function: str
    when: When
    only: Callable[..., bool] = lambda *args, **kwargs: True


def _parks(_runs: Any, _run: str, status: str) -> bool:
    return status == "waiting"


def _leaves_action(_runs: Any, _run: str, step: str, _visit: int, **_more: Any) -> bool:
    return step in ("send", "pay", "write")


RUNS, EFFECTS, APPROVALS = "interlock.store.runs", "interlock.store.effects", "interlock.store.approvals"
KINDS, DRIVER, CONNECT = "interlock.nodes.kinds", "interlock.engine.driver", "interlock.tools.connect"
SAVER = "langgraph.checkpoint.sqlite"

STARTING = {
    "before the run is accepted": Point(RUNS, "Runs.create", "before"),
    "after the run is accepted": Point(RUNS, "Runs.create", "after"),
    "before reasoning": Point("interlock.nodes.metered", "reason", "before"),
    "after reasoning": Point("interlock.nodes.metered", "reason", "after"),
    "before propose": Point(KINDS, "propose", "before"),
    "before the proposal is stored": Point(EFFECTS, "Ledger.propose", "before"),
    "after propose": Point(EFFECTS, "Ledger.propose", "after"),
    "before the gate": Point(KINDS, "gate", "before"),
    "after the gate": Point(EFFECTS, "Ledger.gate", "after"),
    "after the request is filed": Point(APPROVALS, "Approvals.file", "after"),
    "before parking": Point(RUNS, "Runs.status", "before", _parks),
    "after parking": Point(RUNS, "Runs.status", "after", _parks),
}
"""Boundaries on the way to the question."""

DECIDING = {
    "before the vote": Point(APPROVALS, "Approvals.approve", "before"),
    "while voting": Point(APPROVALS, "Approvals._close", "after"),
    "after approval": Point(APPROVALS, "Approvals.approve", "after"),
    "while resuming": Point(DRIVER, "Driver._feed", "after"),
    "after the answer is read": Point(KINDS, "answered", "after"),
    "before intent": Point(EFFECTS, "Ledger.intend", "before"),
    "while writing intent": Point("interlock.store.authorising", "consume", "after"),
    "after intent": Point(EFFECTS, "Ledger.intend", "after"),
    "before the tool": Point("interlock.engine.project", "read_actions", "before"),
    "after the tool": Point("interlock.engine.project", "read_actions", "after"),
    "before execution is recorded": Point(EFFECTS, "Ledger.executed", "before"),
    "after execution": Point(EFFECTS, "Ledger.executed", "after"),
    "after verification": Point(EFFECTS, "Ledger.verified", "after"),
    "before leaving the step": Point(RUNS, "Runs.leave", "before", _leaves_action),
    "after leaving the step": Point(RUNS, "Runs.leave", "after", _leaves_action),
    "before the end": Point(RUNS, "Runs.end", "before"),
    "after the end": Point(RUNS, "Runs.end", "after"),
}
"""Boundaries from the decision to the end."""

MAILDIR = {
    "before the rename": Point(f"{CONNECT}.files", "publish", "before"),
    "after the rename": Point(f"{CONNECT}.files", "publish", "after"),
}
SMTP = {
    "before the connection": Point(f"{CONNECT}.smtp", "session", "before"),
    "before the handover": Point(f"{CONNECT}.smtp", "hand_over", "before"),
    "after the handover": Point(f"{CONNECT}.smtp", "hand_over", "after"),
    "after the copy is kept": Point(f"{CONNECT}.maildir", "publish", "after"),
}
BANK = {"before the booking commits": Point(f"{CONNECT}.bank", "_book", "after")}

RECOVERING = {
    "after the doubt": Point(EFFECTS, "Ledger.doubt", "after"),
    "after the look": Point("interlock.nodes.perform", "_probe", "after"),
    "after the look is recorded": Point(EFFECTS, "Ledger.failed", "after"),
    "after the question is filed": Point(APPROVALS, "Approvals.file", "after"),
    "while answering": Point(APPROVALS, "Approvals._close", "after"),
    "after answering": Point(APPROVALS, "Approvals.respond", "after"),
}
"""Boundaries that only a recovering process passes."""

WORKER, JOBS, PAUSES = "interlock.engine.worker", "interlock.store.jobs", "interlock.store.pauses"
CHECKPOINTS = "interlock.store.checkpoints"

WORKING = {
    "before the tables of the queue": Point(WORKER, "Worker._launch", "before"),
    "after the tables of the queue": Point(WORKER, "Worker._launch", "after"),
    "before a job": Point(WORKER, "Worker._advance", "before"),
    "after a job": Point(WORKER, "Worker._advance", "after"),
    "before a run is put back": Point(WORKER, "Worker._again", "before"),
    "after a death is noted": Point("interlock.store.workers", "Workers.bury", "after"),
    "before jobs are handed on": Point(JOBS, "Jobs.hand_on", "before"),
    "after jobs are handed on": Point(JOBS, "Jobs.hand_on", "after"),
    "while a job is written": Point(JOBS, "Jobs.wake", "after"),
    "after a wait begins": Point(PAUSES, "Pauses.open", "after"),
    "while a wait ends": Point(PAUSES, "Pauses._settle", "after"),
    "after waits ended": Point(PAUSES, "Pauses.settle_due", "after"),
    "before child runs": Point(RUNS, "Runs.create_children", "before"),
    "after child runs": Point(RUNS, "Runs.create_children", "after"),
    "before a checkpoint": Point(CHECKPOINTS, "Checkpoints.put", "before"),
    "after a checkpoint": Point(CHECKPOINTS, "Checkpoints.put", "after"),
    "before pending writes": Point(CHECKPOINTS, "Checkpoints.put_writes", "before"),
    "after pending writes": Point(CHECKPOINTS, "Checkpoints.put_writes", "after"),
}
"""Boundaries of a worker's own work: jobs, waits, child runs, checkpoints."""


def _has_started(_schedules: Any, _session: Any, _schedule: Any, _actor: Any, what: str, _data: Any) -> bool:
    return what == "started"


SCHEDULES = "interlock.store.schedules"
SCHEDULED = {
    "before the schedule starts a run": Point(SCHEDULES, "Schedules.start", "before"),
    "while the schedule starts a run": Point(SCHEDULES, "Schedules._tell", "after", _has_started),
    "after the schedule started a run": Point(SCHEDULES, "Schedules.start", "after"),
}
"""Boundaries of a moment of a schedule."""

UNACCEPTED = "before the run is accepted"
"""The only boundary before which nothing was promised."""

POINTS = STARTING | DECIDING | MAILDIR | SMTP | BANK | RECOVERING | WORKING | SCHEDULED
TOOLS = ("before the tool", "after the tool")


def at(name: str, then: Callable[[], None]) -> None:
    """Wrap the boundary's function so that `then` is called there."""
    point = POINTS[name]
    if name in TOOLS:
        around_actions(point.when, then)
        return
    owner: Any = importlib.import_module(point.module)
    *path, attribute = point.function.split(".")
    for part in path:
        owner = getattr(owner, part)
    inner = getattr(owner, attribute)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        here = point.only(*args, **kwargs)
        if here and point.when == "before":
            then()
        result = inner(*args, **kwargs)
        if here and point.when == "after":
            then()
        return result

    setattr(owner, attribute, wrapped)


def around_actions(when: When, then: Callable[[], None]) -> None:
    """Wrap what every action runs; the read-only ones stay as they are."""
    project: Any = importlib.import_module("interlock.engine.project")
    read = project.read_actions

    def wrapped(folder: Path) -> Any:
        actions = read(folder)
        for name, action in actions.items():
            if action.consequential:
                actions[name] = dataclasses.replace(action, run=_around(action.run, when, then))
        return actions

    project.read_actions = wrapped


def _around(call: Callable[..., Any], when: When, then: Callable[[], None]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        if when == "before":
            then()
        result = call(*args)
        if when == "after":
            then()
        return result

    return run
