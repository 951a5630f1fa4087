"""What a run did, visit by visit: what each changed, used, asked and caused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from interlock.engine.states import Difference
from interlock.graphs.spec import FAILED, Spec
from interlock.nodes.given import shown
from interlock.store.tables import Approval, Effect, Run, Visit
from interlock.web.desk.compared import Piece, pieces, told
from interlock.web.desk.timeline import ENDED, Past
from interlock.web.desk.words import several, span, usd

LEDGER = {
    "proposed": ("", "proposed"),
    "gated": ("mid", "waits for a decision"),
    "approved": ("info", "approved, not begun"),
    "intent": ("mid", "under way"),
    "in_doubt": ("bad", "in doubt: nobody knows whether it happened"),
    "executed": ("good", "happened"),
    "verified": ("good", "happened, and was looked after"),
    "compensating": ("mid", "is being undone"),
    "compensated": ("", "undone"),
    "failed": ("bad", "did not happen"),
    "denied": ("bad", "denied by the rules"),
    "rejected": ("bad", "rejected"),
    "expired": ("", "nobody decided in time"),
    "superseded": ("", "withdrawn"),
}
"""The colour and the words of each state of the ledger."""


@dataclass(frozen=True)
class Changed:
    """One key that a visit changed."""

    key: str
    pieces: Sequence[Piece]
    known: bool


@dataclass(frozen=True)
class Chapter:
    """One visit."""

    visit: Visit
    kind: str
    outcome: str
    tone: str
    took: str
    used: str
    changes: Sequence[Changed]
    asked: Sequence[Approval]
    effects: Sequence[Mapping[str, Any]]
    waited: str = ""


@dataclass(frozen=True)
class Story:
    """The newest visits of a run, in order."""

    chapters: Sequence[Chapter]
    left_out: int = 0
    """How many came before them."""
    untraced: bool = False
    """Whether no record was kept of what visits wrote."""
    begins: Sequence[Changed] = field(default_factory=tuple)
    """The input."""


def story(past: Past, spec: Spec, changes: Mapping[str, Sequence[Difference]], shown: int) -> Story:
    """Tell a run.

    Args:
        changes: what each visit changed, by the name of the position after it; the input at `0`.
        shown: so many of the newest visits.
    """
    visits = past.visits[-shown:]
    return Story(
        [_chapter(past, spec, visit, changes.get(str(visit.position), ())) for visit in visits],
        left_out=len(past.visits) - len(visits),
        untraced=not past.run.traced,
        begins=[_changed(each) for each in changes.get("0", ())],
    )


def _chapter(past: Past, spec: Spec, visit: Visit, changes: Sequence[Difference]) -> Chapter:
    step = spec.steps.get(visit.step)
    until = visit.left_at or past.end
    waited = sum(((end - start).total_seconds() for start, end in past.waits(visit)), 0.0)
    return Chapter(
        visit,
        kind=step.kind if step is not None else "",
        outcome=outcome_of(past.run, visit),
        tone=tone_of(past.run, visit),
        took=span(until - visit.entered_at),
        used=_used(visit),
        changes=[_changed(each) for each in changes],
        asked=[row for row in past.approvals if (row.step, row.visit) == (visit.step, visit.visit)],
        effects=[effect_row(row) for row in past.effects if (row.step, row.visit) == (visit.step, visit.visit)],
        waited=span(timedelta(seconds=waited)) if waited >= 1 else "",
    )


def outcome_of(run: Run, visit: Visit) -> str:
    """How a visit ended, or that it has not."""
    return visit.outcome or ("interrupted" if run.status in ENDED else "waiting" if run.status == "waiting" else "open")


def tone_of(run: Run, visit: Visit) -> str:
    """The colour of that."""
    if visit.outcome is None:
        return "bad" if run.status in ENDED else "mid" if run.status == "waiting" else "info"
    return "bad" if visit.outcome in FAILED else "good" if visit.outcome == "done" else ""


def effect_row(effect: Effect) -> dict[str, Any]:
    """An effect as pages show it: its state in words, and where each argument came from."""
    tone, words = LEDGER.get(effect.state, ("", effect.state))
    known = shown(effect)
    arguments = [
        {
            "name": name,
            "text": told(value),
            "label": effect.labels.get(name, "default"),
            "untrusted": name in known and not known[name]["trusted"],
            "words": known[name]["words"] if name in known else "",
        }
        for name, value in effect.arguments.items()
    ]
    return {"row": effect, "tone": tone, "words": words, "arguments": arguments, "result": told(effect.result)}


def _used(visit: Visit) -> str:
    """What a visit used, in a few words; empty where that is nothing."""
    told = [several(visit.attempts, "try", "tries")] if visit.attempts > 1 else []
    told += [several(visit.model_calls, "model call")] if visit.model_calls else []
    told += [several(visit.tokens, "token")] if visit.tokens else []
    told += [usd(visit.cost_micro_usd)] if visit.cost_micro_usd else []
    return ", ".join(told)


def _changed(each: Difference) -> Changed:
    return Changed(each.key, pieces(each.before, each.after), each.known)
