"""What models wrote in a run before it stopped: their own words, beside the rules that stopped it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from interlock.digest import fingerprint
from interlock.engine.outlook import config_of
from interlock.engine.project import Project
from interlock.errors import InterlockError
from interlock.graphs.spec import ReasonStep

MOST = 3
"""Steps whose words are shown, the newest first."""


@dataclass(frozen=True)
class Said:
    """What one step's model wrote last."""

    step: str
    goal: str
    values: Mapping[str, Any]
    """By field of its answer."""


def said(project: Project, run_id: str) -> list[Said]:
    """What the reason steps of a run wrote, newest first.

    A value that is not the one whose digest the step left behind was changed from outside, and is not shown.
    """
    services = project.services
    run = services.runs.get(run_id)
    try:
        spec = project.pinned(run.spec_digest).spec
    except InterlockError:  # the project no longer has what the run needs
        return []
    visits = sorted(services.runs.visits(run_id), key=lambda visit: -visit.position)
    steps = dict.fromkeys(visit.step for visit in visits if visit.outcome is not None)
    wrote = {name: step for name in steps if isinstance(step := spec.steps.get(name), ReasonStep) and step.writes}
    if not wrote:
        return []
    values, known = (
        _values(project, run_id),
        services.runs.written(run_id, [str(each.writes) for each in wrote.values()]),
    )
    found = []
    for name, step in list(wrote.items())[:MOST]:
        key = str(step.writes)
        value = values.get(key)
        if value is None or key not in known or known[key].digest != fingerprint(value):
            continue
        told = value if isinstance(value, Mapping) else {key: value}
        found.append(Said(name, " ".join(step.card.goal.split()), told))
    return found


def _values(project: Project, run_id: str) -> Mapping[str, Any]:
    """The newest state that is kept of a run."""
    saver = project.checkpoints
    saved = saver.get_tuple(config_of(run_id)) if isinstance(saver, BaseCheckpointSaver) else None
    found: Mapping[str, Any] = saved.checkpoint["channel_values"] if saved is not None else {}
    return found
