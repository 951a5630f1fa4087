"""The page of one run: where it is, what it did, what it caused, and what can be done with it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from interlock.engine.progress import progress
from interlock.engine.settling import forks_of
from interlock.engine.states import States
from interlock.graphs.spec import Spec
from interlock.store.run_lists import RunFilter, RunLists
from interlock.store.tables import Approval, Run
from interlock.web.desk.doubts import doubt_of
from interlock.web.desk.moves import moves_of
from interlock.web.desk.runs import TONES
from interlock.web.desk.story import effect_row, story
from interlock.web.desk.timeline import ENDED, ROWS, Past, timeline
from interlock.web.desk.words import ago, span, until, usd
from interlock.web.drawings import picture
from interlock.web.parts import Parts
from interlock.web.rights import Visitor

CHILDREN, EFFECTS, ENTRIES = 20, 100, 100
"""So many child runs, effects and audit entries stand on the page; the download has all of them."""

FEW = 100
"""Of a run with more child runs the picture shows the steps of the run itself alone."""


def run_page(parts: Parts, who: Visitor, run_id: str) -> str:
    """The page.

    Raises:
        NotFound: there is no such run.
    """
    services, now = parts.services, parts.services.clock()
    standing = parts.engine.standing(run_id)
    run, lists = standing.run, RunLists(services.database)
    children = lists.counts(RunFilter(parent=run_id))
    many = sum(children.values())
    spec, marks = progress(services.runs, run_id, below=many <= FEW)
    past = _past(parts, run)
    shown = max(len(past.visits) - ROWS, 0)
    changes = States(parts.engine.project).changes(run_id, since=past.visits[shown].position if shown else 0)
    forks, effects = forks_of(services), services.ledger.of_run(run_id)
    fork = forks.of_run(run_id)
    return parts.templates.page(
        "desk/run.html",
        who,
        here="/runs",
        run=run,
        spec=spec,
        tone=TONES[run.status],
        facts=_facts(run, spec, now),
        moves=moves_of(parts, who, run),
        operates=who.may("runs.resume", "runs.cancel", "runs.fork"),
        doubts=[doubt_of(parts, who, row) for row in standing.waiting if row.kind == "doubt"],
        asked=[_asked(row, now) for row in standing.waiting if row.kind != "doubt"],
        pauses=[{"row": row, "until": until(row.due_at, now)} for row in standing.pauses],
        timeline=Markup(timeline(past)),  # which escapes every text itself
        left_out=shown,
        picture=picture(spec, marks, prefix="run-graph"),
        story=story(past, spec, changes, ROWS),
        effects=[effect_row(row) for row in effects[:EFFECTS]],
        more_effects=max(len(effects) - EFFECTS, 0),
        inherited=[effect_row(row) for _, row in services.ledger.inherited(run_id)],
        fork=fork,
        forks=forks.made_from(run_id),
        children=lists.page(RunFilter(parent=run_id), limit=CHILDREN).runs if many else [],
        child_counts={status: count for status, count in children.items() if count},
        tones=TONES,
        many=many,
        record=parts.engine.history(run_id, ENTRIES) if who.may("audit.read") else None,
        record_at_most=ENTRIES,
    )


def _past(parts: Parts, run: Run) -> Past:
    services = parts.services
    return Past(
        run,
        services.runs.visits(run.id),
        services.approvals.of_run(run.id),
        services.pauses.of_run(run.id),
        services.ledger.of_run(run.id),
        services.clock(),
    )


def _facts(run: Run, spec: Spec, now: Any) -> list[tuple[str, str]]:
    """What is known of a run at a glance."""
    end = run.updated_at if run.status in ENDED else now
    limits = run.limits or {}

    def of(used: str, name: str, limit: str | None = None) -> str:
        return f"{used} of {limit or format(limits[name], ',')}" if name in limits else used

    money = usd(limits["micro_usd"]) if "micro_usd" in limits else None
    return [
        ("graph", f"{spec.graph}, version {spec.version}"),
        ("started", f"{ago(run.created_at, now)} by {run.requester}"),
        ("took" if run.status in ENDED else "since then", span(end - run.created_at)),
        ("steps", of(f"{run.steps:,}", "steps")),
        ("model calls", of(f"{run.model_calls:,}", "model_calls")),
        ("tokens", of(f"{run.tokens:,}", "tokens")),
        ("cost", of(usd(run.cost_micro_usd), "micro_usd", money)),
    ]


def _asked(row: Approval, now: Any) -> dict[str, Any]:
    return {"row": row, "title": row.request.get("title") or row.step, "left": until(row.decide_before, now)}
