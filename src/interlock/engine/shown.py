"""One run in full as programs are shown it, at the command line and by the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interlock.engine.objects import approval_object, effect_object, run_object, visit_object
from interlock.engine.settling import forks_of

if TYPE_CHECKING:
    from interlock.engine.service import Engine
    from interlock.store.tables import Effect


def run_shown(engine: Engine, run_id: str) -> dict[str, Any]:
    """A run as JSON, with its steps, its effects, its requests, and the runs that belong to it or came from it.

    Raises:
        NotFound: there is no such run.
    """
    services = engine.services
    run, forks = services.runs.get(run_id), forks_of(services)
    fork = forks.of_run(run_id)
    return run_object(run) | {
        "input": run.input,
        "visits": [visit_object(visit) for visit in services.runs.visits(run_id)],
        "effects": [effect_object(effect) for effect in services.ledger.of_run(run_id)],
        "approvals": [approval_object(row) for row in services.approvals.of_run(run_id)],
        "children": [run_object(child) for child in services.runs.children(run_id)],
        "forked_from": {"run": fork.origin, "at": fork.named, "by": fork.actor} if fork is not None else None,
        "forks": [each.run_id for each in forks.made_from(run_id)],
        "inherited": [effect_object(effect) for _, effect in services.ledger.inherited(run_id)],
    }


def standing_effects(engine: Engine, run_id: str) -> Sequence[Effect]:
    """What a run and those below it did, or may have done, and what stays done when it is cancelled."""
    services = engine.services
    rows = [row for each in services.runs.family(run_id) for row in services.ledger.of_run(each.id)]
    return [row for row in rows if row.state in ("executed", "verified", "in_doubt", "compensating")]
