"""Recorded decisions against other policies: what would have been decided, had these been the rules.

Every layer but the policies says what it said then (the plan, the schema, an approval edge, the action model's
confidence).  The policies are asked anew with the inputs that were kept.  A derived input is

- as it was kept, where the new policies derive it in the same way: the same argument, `over`, `by`, actions,
  type or calendar;
- otherwise computed anew, as of the instant of the decision, from the actions of this history that had begun
  by then, each counted by what became of it in the end: as if what happened had happened all the same.

An input that was not kept is missing, and what is missing denies where a rule needs it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from interlock.policies.adapters import decided
from interlock.policies.calendars import WEEKDAYS
from interlock.policies.decide import Effect, Reason
from interlock.policies.declared import Declared
from interlock.policies.derived import Derivation, Listed, Past, derivations, derive, hold
from interlock.policies.language import Policy, Requirement

AT, DERIVED = "$at", "$derived"
"""Beside the inputs that are kept: the instant they are of, and what each derived one meant."""

FINAL = ("plan", "schema", "secrets", "facts")
"""Layers that decide before the policies are asked."""

OTHERS = ("edge", "covered", "confidence", "fork")
"""Layers that speak beside the policies."""


class Word(Declared):
    """What people decided."""

    decision: str
    """approved, rejected, edited, expired, or another word of the request."""
    by: str = ""
    comment: str = ""


class Recorded(Declared):
    """One decision of the gate, as a line of a history file."""

    effect: str
    """The id of the effect."""
    run: str
    at: datetime = Field(strict=False)
    action: str
    headline: str
    arguments: dict[str, Any]
    labels: dict[str, str]
    inputs: dict[str, Any] | None = None
    """What the policies were given; None of decisions that kept none."""
    decided: Effect
    reasons: list[Reason]
    state: str
    """Where the effect stands now."""
    began: datetime | None = Field(default=None, strict=False)
    """When its newest attempt began."""
    reads: bool = False
    """The action changes nothing."""
    lookup: bool = False
    """A lookup of a reason step, which asks nobody: what would ask is denied."""
    people: Word | None = None


@dataclass(frozen=True)
class Changed:
    """One recorded decision, and what it would be."""

    recorded: Recorded
    after: Effect
    reasons: list[Reason]


@dataclass
class Replay:
    """All decisions of a history under other policies."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    changed: list[Changed] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    """How many decisions lacked an input that the new policies compare, by its name."""
    as_kept: set[str] = field(default_factory=set)
    anew: set[str] = field(default_factory=set)
    """Derived inputs that were taken as kept, and that were computed anew, by name; some may be both."""

    @property
    def decisions(self) -> int:
        return self.before.total()

    def passing(self, decision: Literal["rejected", "edited"]) -> list[Changed]:
        """Actions that people had rejected, or put right, and that would now go without a person."""
        return [
            each
            for each in self.changed
            if each.after == "auto" and each.recorded.people is not None and each.recorded.people.decision == decision
        ]

    @property
    def stopped(self) -> list[Changed]:
        """Actions that went by themselves, and would now ask or be denied."""
        return [each for each in self.changed if each.recorded.decided == "auto"]

    @property
    def questions(self) -> int:
        """How many questions more, or fewer where it is negative."""
        return self.after["approve"] - self.before["approve"]


def replay(history: Iterable[Recorded], policies: Sequence[Policy], requirements: Mapping[str, Requirement]) -> Replay:
    """Every decision of a history, under these policies.

    Args:
        requirements: the named approvals of all their files.
    """
    found = Replay()
    rows = sorted(history, key=lambda row: row.at)
    happened = _Happened(rows)
    for row in rows:
        effect, reasons = _again(row, policies, requirements, happened, found)
        found.before[row.decided] += 1
        found.after[effect] += 1
        if effect != row.decided:
            found.changed.append(Changed(row, effect, reasons))
    return found


STRICTNESS = ("auto", "approve", "deny")


def _again(
    row: Recorded,
    policies: Sequence[Policy],
    requirements: Mapping[str, Requirement],
    happened: _Happened,
    found: Replay,
) -> tuple[Effect, list[Reason]]:
    """The effect by these policies, and the reasons, strictest first."""
    layers = {reason.rule for reason in row.reasons}
    if layers & set(FINAL):
        return row.decided, row.reasons
    beside = [reason for reason in row.reasons if reason.rule in OTHERS]
    known = _inputs(row, policies, happened, found)
    verdict = decided(policies, row.action, known, requirements)
    reasons = [*(verdict.reasons if verdict is not None else []), *beside]
    if verdict is None and not layers & {"edge", "covered"}:
        if row.reads:
            reasons.append(Reason(rule="default", effect="auto", because="it only reads"))
        else:
            because = f"no policy and no approval edge decides {row.action}"
            return "deny", [Reason(rule="default", effect="deny", because=because)]
    effect: Effect = max((reason.effect for reason in reasons), key=STRICTNESS.index)
    if effect == "approve" and row.lookup:
        effect = "deny"
    return effect, sorted(reasons, key=lambda reason: -STRICTNESS.index(reason.effect))


def _inputs(row: Recorded, policies: Sequence[Policy], happened: _Happened, found: Replay) -> dict[str, Any]:
    """What the policies would have been given."""
    kept = row.inputs or {}
    meant: Mapping[str, Any] = kept.get(DERIVED) or {}
    local = row.at.astimezone()
    known: dict[str, Any] = {"hour": local.hour, "weekday": WEEKDAYS[local.weekday()]}
    known |= row.arguments | {f"{name}_from": label for name, label in row.labels.items()}
    known |= {name: value for name, value in kept.items() if not name.startswith("$") and name not in meant}
    known |= {"action": row.action}
    wanted = derivations(policies, row.action)
    same = {name for name, how in wanted.items() if how is not None and meant.get(name) == how.text}
    anew: dict[str, Derivation | None] = {name: how for name, how in wanted.items() if name not in same}
    known |= {name: kept.get(name) for name in same}
    if anew:
        known |= derive(anew, row.action, row.arguments, happened.before(row, anew.values()), row.at)
    found.as_kept |= same
    found.anew |= anew.keys()
    needed = {name for policy in policies if policy.covers(row.action) for name in policy.inputs}
    found.missing.update(name for name in needed - wanted.keys() if known.get(name) is None)
    return known


class _Happened:
    """The actions of a history that began and may stand, in the order in which they began."""

    def __init__(self, rows: Iterable[Recorded]) -> None:
        self._stand: dict[str, list[tuple[datetime, str, Past]]] = {}
        self._open: list[tuple[datetime, str, Past]] = []
        for row in rows:
            held = hold(row.state)
            if row.began is None or held is None:
                continue
            item = (row.began, row.effect, Past(row.action, row.arguments, row.began, held))
            if held == "open":
                self._open.append(item)
            else:
                insort(self._stand.setdefault(_family(row.action), []), item, key=_begun)

    def before(self, row: Recorded, wanted: Iterable[Derivation | None]) -> Listed:
        """Those that had begun when a decision was made and that a derivation may look at, without its own."""
        meant = [how for how in wanted if how is not None and how.derived.over is not None]
        since = row.at - max((how.derived.over or timedelta(0) for how in meant), default=timedelta(0))
        found = [item for item in self._open if item[0] <= row.at]
        for family in {_family(action) for how in meant for action in how.of}:
            items = self._stand.get(family, [])
            found += items[bisect_left(items, since, key=_begun) : bisect_right(items, row.at, key=_begun)]
        return Listed([past for _, effect, past in found if effect != row.effect])


def _family(action: str) -> str:
    return action.partition(".")[0]


def _begun(item: tuple[datetime, str, Past]) -> datetime:
    return item[0]
