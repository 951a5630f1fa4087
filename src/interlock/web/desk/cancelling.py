"""What cancelling a run would stop, what would go on or stay, and that nothing is undone by it."""

from __future__ import annotations

from interlock.graphs.spec import CompensateStep, Spec
from interlock.store.effects import OPEN, STANDING
from interlock.store.spend import ENDED
from interlock.web.desk.runs import TONES
from interlock.web.desk.story import effect_row
from interlock.web.parts import Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor

SHOWN = 50
"""So many child runs and effects are named; of more the number is told."""


def cancel_page(parts: Parts, who: Visitor, run_id: str) -> str:
    """The page that asks once more.

    Raises:
        NotFound: there is no such run.
        Problem: it cannot be cancelled.
    """
    services = parts.services
    run = services.runs.get(run_id)
    if run.parent_id:
        raise Problem(409, f"{run_id} is part of {services.runs.root(run_id).id}; cancel that.")
    if run.status in ENDED:
        raise Problem(409, f"{run_id} is {run.status} already; there is nothing to cancel.")
    family = services.runs.family(run_id)
    living = [each for each in family if each.status not in ENDED and each.id != run_id]
    effects = [row for each in family for row in services.ledger.of_run(each.id)]
    known = {name for name, action in services.actions.items() if not action.consequential}
    spec = Spec.model_validate_json(services.runs.spec_body(run.spec_digest))
    stays = [row for row in effects if row.state in STANDING and row.action not in known]
    unsure = [row for row in effects if row.state in ("intent", "in_doubt", "compensating")]
    return parts.templates.page(
        "desk/cancel.html",
        who,
        here="/runs",
        run=run,
        tones=TONES,
        children=living[:SHOWN],
        more_children=max(len(living) - SHOWN, 0),
        asked=services.approvals.waiting_in([each.id for each in family]),
        withdrawn=[effect_row(row) for row in effects if row.state in OPEN],
        stays=[effect_row(row) for row in stays[:SHOWN]],
        more_stays=max(len(stays) - SHOWN, 0),
        unsure=[effect_row(row) for row in unsure],
        undoing=[name for name, step in spec.steps.items() if isinstance(step, CompensateStep)],
    )
