"""Trying a failed run again: a fork that begins right before the step that failed, with nothing edited.

A run that has ended stays ended, so its record is never written over.  The new run has used what the failed one had
used by then; what was done is not done again unless a person agrees, and what was approved is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.engine.forking import fork, possible
from interlock.engine.project import Project
from interlock.engine.states import Position, States
from interlock.errors import Refused
from interlock.store.tables import Run


@dataclass(frozen=True)
class Retry:
    """Whether a run can be tried again, and where it would begin."""

    at: Position | None
    """None where it cannot."""
    step: str | None
    """The step that would be entered again."""
    reason: str


def retry_of(project: Project, run_id: str) -> Retry:
    """Whether a run can be tried again.

    Raises:
        NotFound: there is no such run.
    """
    services = project.services
    run = services.runs.get(run_id)
    if run.parent_id:
        return Retry(None, None, f"it is part of {run.parent_id}; try {services.runs.root(run_id).id} again")
    if run.status != "failed":
        return Retry(None, None, f"it is {run.status}; only a run that failed is tried again")
    if run.outcome == "limit":
        return Retry(None, None, "it has used what it may, and a new run from there would have used that too; "
                                 "fork it at an earlier position, or start it anew")  # fmt: skip
    visits = services.runs.visits(run_id)
    states, spec = States(project), project.pinned(run.spec_digest).spec
    known = {position.name: position for position in states.positions(run_id)}
    refusal = "it has no position that a run could begin at"
    for place in range(len(visits) - 1, -1, -1) if visits else (0,):
        position = known[str(place)]
        try:
            possible(run, spec, states, position, visits[:place])
        except Refused as refused:
            refusal = refused.message
            continue
        step = visits[place].step if visits else None
        return Retry(position, step, f"begins before {step}" if step else "begins from its input")
    return Retry(None, None, refusal)


def retry(project: Project, run_id: str, person: str) -> Run:
    """A new run that begins right before the step at which `run_id` failed; it is stored, not yet driven.

    Raises:
        NotFound: there is no such run.
        Refused: it cannot be tried again; the message says why.
        InputError, DecisionRefused, Conflict: see `forking.fork`; nothing was started.
    """
    found = retry_of(project, run_id)
    if found.at is None:
        raise Refused(f"run {run_id} is not tried again: {found.reason}.")
    return fork(project, run_id, found.at.name, {}, person)
