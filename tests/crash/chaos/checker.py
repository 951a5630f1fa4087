"""What is left after chaos, read from the ledger, the audit, the providers' records and a person's memory.

The four are kept by four parties that do not correct each other: what is wrong in one shows against the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.store.tables import Approval, Run
from tests.crash.chaos.person import MANY, Memory
from tests.crash.chaos.project import Outside, fate, mark_of, sum_of
from tests.crash.record import off_the_record
from tests.drawn import off_the_drawing

BLIND = "provider.send"
OUTCOMES = {"whole": "whole", "refused": "not_paid"}
"""How the runs of an order end by its fate; those of the others wait."""


@dataclass
class Found:
    """What is wrong, a sentence each; nothing where all is as it should be."""

    runs: int = 0
    """Runs that there are, child runs not counted."""
    effects: int = 0
    """How often something happened outside."""
    in_doubt: int = 0
    """Effects that a person had to be asked about."""
    lost_runs: list[str] = field(default_factory=list)
    duplicate_effects: list[str] = field(default_factory=list)
    lost_decisions: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    """What is missing outside, doubts about what is not blind, and faults of the audit."""


def misplaced(engine: Engine, run: Run) -> str | None:
    """Why a run is not where its order belongs; None where it is."""
    wanted = fate(run.input["order"])
    if wanted in OUTCOMES:
        stands = (run.status, run.outcome)
        return None if stands == ("done", OUTCOMES[wanted]) else f"{run.id} is {stands} ({run.error}), not {wanted}"
    standing = engine.standing(run.id)
    asked = [row.kind for row in standing.waiting]
    awaited = [pause.event for pause in standing.pauses]
    rests = (["form"], []) if wanted == "unanswered" else ([], ["arrived"])
    if run.status == "waiting" and (asked, awaited) == rests:
        return None
    return f"{run.id} is {run.status} and waits for {asked} and {awaited}, not as {wanted}"


def check(project: Project, outside: Outside, memory: Memory) -> Found:
    """Read everything, and compare."""
    engine, found = Engine(project), Found()
    runs = {run.id: run for run in engine.services.runs.list(limit=MANY)}
    found.runs = len(runs)
    found.lost_runs += [f"{run_id} was accepted and is not there" for run_id in memory.runs if run_id not in runs]
    found.lost_runs += filter(None, (misplaced(engine, run) for run in runs.values()))
    if fault := engine.audit_fault():
        found.other.append(f"the audit is broken: {fault}")
    _compare_outside(found, runs.values(), outside)
    asked: dict[str, Approval] = {}
    for run in runs.values():
        family = [each.id for each in engine.services.runs.family(run.id)]
        effects = [effect for each in family for effect in engine.services.ledger.of_run(each)]
        found.other += off_the_record(effects, engine.history(run.id))
        found.other += off_the_drawing(project, run)
        actions = {effect.id: effect.action for effect in effects}
        for approval in (row for each in family for row in engine.services.approvals.of_run(each)):
            asked[approval.id] = approval
            if approval.kind == "doubt":
                found.in_doubt += 1
                action = actions.get(approval.effect_id or "")
                if action != BLIND:
                    found.other.append(f"{approval.run_id}: a person was asked whether {action} happened")
    found.lost_decisions += _lost_decisions(engine, asked, memory)
    found.lost_decisions += _lost_answers(runs, memory)
    return found


def _compare_outside(found: Found, runs: Iterable[Run], outside: Outside) -> None:
    wanted: dict[str, dict[str, list[object]]] = {"payments": {}, "bookings": {}, "letters": {}, "notes": {}}
    for run in runs:
        order = run.input["order"]
        what = fate(order)
        if what in ("whole", "uninformed"):
            wanted["payments"][order], wanted["bookings"][order] = [sum_of(order)], [1]
        if what == "whole":
            wanted["letters"][order], wanted["notes"][order] = [mark_of(order)], [0]
    had: dict[str, dict[str, list[object]]] = {
        "payments": {order: list(sums) for order, sums in outside.payments("payment").items()},
        "bookings": {order: [1] * times for order, times in outside.booked().items()},
        "letters": {order: list(marks) for order, marks in outside.letters().items()},
        "notes": {order: list(sums) for order, sums in outside.payments("note").items()},
    }
    for kind, orders in had.items():
        found.effects += sum(map(len, orders.values()))
        for order in sorted(orders.keys() | wanted[kind].keys()):
            there, should = orders.get(order, []), wanted[kind].get(order, [])
            if len(there) > len(should):
                extra = f"{order} has {len(there)} {kind}, not {len(should)}"
                found.duplicate_effects += [extra] * (len(there) - len(should))
            elif there != should:
                found.other.append(f"{order} has {kind} {there}, not {should}")


def _lost_decisions(engine: Engine, asked: dict[str, Approval], memory: Memory) -> Iterator[str]:
    """What was acknowledged and did not count."""
    for approval_id, (run_id, word) in memory.decided.items():
        approval = asked.get(approval_id)
        votes = [vote.verdict for vote in engine.services.approvals.votes(approval_id)] if approval else []
        if approval is None or votes != [word]:
            yield f"{run_id}: of {approval_id} somebody was told {word}, but there is {votes}"
        elif approval.state not in ENDS[word]:
            yield f"{run_id}: {approval_id} was decided by {word}, but it is {approval.state}"
        elif word == "approve" and approval.kind == "action" and approval.state != "consumed":
            yield f"{run_id}: {approval_id} was approved, but nothing came of it"


ENDS = {
    "approve": ("approved", "consumed"),
    "reject": ("rejected",),
    "happened": ("answered",),
    "did_not_happen": ("answered",),
}
"""The states that a request may be in after each decision."""


def _lost_answers(runs: dict[str, Run], memory: Memory) -> Iterator[str]:
    """Forms and events whose content did not come into the run."""
    for run_id in memory.sent:
        run = runs.get(run_id)
        if run is None or run.status != "done":
            continue  # told as lost
        order, output = run.input["order"], run.output
        if (output.get("news") or {}).get("mark") != mark_of(order):
            yield f"{run_id} was told {mark_of(order)!r}, but has {output.get('news')}"
        if (output.get("agreed") or {}).get("sum") != sum_of(order):
            yield f"{run_id} was answered {sum_of(order)}, but has {output.get('agreed')}"
