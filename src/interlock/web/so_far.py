"""What a run did before it asked, and what people decided meanwhile, in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from interlock.graphs.pictures.figure import WORDS
from interlock.graphs.spec import Spec
from interlock.store.tables import Approval
from interlock.web.fields import Change, differences
from interlock.web.parts import Parts

MOST = 40
"""Lines that are shown; of longer runs, the newest."""

DECIDED = {
    "approved": "approved", "consumed": "approved", "rejected": "rejected", "expired": "nobody decided in time",
    "superseded": "withdrawn", "answered": "answered",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One thing that happened."""

    at: datetime
    step: str
    word: str
    said: str
    comment: str = ""
    changes: tuple[Change, ...] = ()


def so_far(parts: Parts, row: Approval, spec: Spec) -> list[Line]:
    """The lines of a run, oldest first."""
    runs, approvals = parts.services.runs, parts.services.approvals
    lines = []
    for visit in runs.visits(row.run_id):
        step = spec.steps.get(visit.step)
        word = WORDS[step.kind].lower() if step is not None else ""
        if visit.outcome is not None:
            lines.append(Line(visit.left_at or visit.entered_at, visit.step, word, visit.outcome, visit.note or ""))
        elif (visit.step, visit.visit) != (row.step, row.visit):
            lines.append(Line(visit.entered_at, visit.step, word, "entered"))
    lines += _decided(list(approvals.of_run(row.run_id)), row)
    lines.append(Line(row.created_at, row.step, "", "asked"))
    return sorted(lines, key=lambda line: line.at)[-MOST:]


def _decided(asked: list[Approval], row: Approval) -> Iterator[Line]:
    """What became of the requests of a run, but for the one that is looked at."""
    for number, each in enumerate(asked):
        if each.id == row.id or each.state == "waiting":
            continue
        answer = each.answer or {}
        said = DECIDED.get(each.state, each.state)
        changes: tuple[Change, ...] = ()
        if answer.get("decision") == "edited":
            said = "edited"
            later = next((one for one in asked[number + 1 :] if (one.step, one.visit) == (each.step, each.visit)), None)
            if later is not None:
                changes = tuple(differences(each.request.get("arguments"), later.request.get("arguments")))
        by = f" by {answer['by']}" if answer.get("by") else ""
        yield Line(each.updated_at, each.step, "", f"{said}{by}", str(answer.get("comment") or ""), changes)
