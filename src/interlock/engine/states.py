"""The positions of a run, and the state at each: from the rows, with values found by their digests.

The rows say of every key which digest it had at a position, and keep it for good.  The value itself is looked for
where values are kept: the input, what actions gave back, answers, events, and the checkpoints that are still there.
So nothing that somebody changed in a checkpoint is taken for what the run wrote, and what was forgotten is known to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from interlock.digest import Json, fingerprint
from interlock.engine.compiler import INTERNAL, VISITS
from interlock.engine.outlook import config_of
from interlock.engine.project import Project
from interlock.engine.settling import forks_of, upgrades_of
from interlock.errors import NotFound, Refused
from interlock.policies.origins import Origin, Traced, from_json, traced
from interlock.store.tables import Run, Visit, Written

START = "START"


@dataclass(frozen=True)
class Position:
    """A moment at which a run stood still: it had left a visit, or waited in one."""

    name: str
    """`3` once the third visit was left, `3.1` when it first waited in it; `0` before the first."""
    visits: int
    """How many visits it had left."""
    step: str
    visit: int
    outcome: str | None
    """None while the visit is open, or of a wait."""
    moment: datetime
    changed: tuple[str, ...] = ()
    """The keys that have another value than before."""
    waits: str | None = None
    """What it waited for."""


@dataclass(frozen=True)
class State:
    """The state of a run at one position."""

    position: Position
    values: Mapping[str, Json]
    forgotten: Mapping[str, Written] = field(default_factory=dict)
    """What the rows still tell of the keys whose values are kept nowhere any more."""
    sources: Mapping[str, Traced] = field(default_factory=dict)
    """Where each value came from."""


@dataclass(frozen=True)
class Difference:
    """One key that is not the same in two states."""

    key: str
    before: Json
    after: Json
    known: bool
    """Whether both values are; where one was forgotten, the rows tell only that they differ."""


class States:
    """The states of one project's runs; reads only."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.services = project.services
        self._forks = forks_of(project.services)

    def positions(self, run_id: str) -> list[Position]:
        """Every position of a run, in order.

        Raises:
            NotFound: there is no such run.
        """
        run = self.services.runs.get(run_id)
        rows = self._rows(run)
        known: dict[str, str] = {}
        found = [Position("0", 0, START, 0, "", run.created_at, self._changed(rows.get(0, {}), known))]
        waits = self._waits(run_id)
        for row in self.services.runs.visits(run_id):
            before = row.position - 1
            for number, (moment, what) in enumerate(waits.get((row.step, row.visit), ()), 1):
                name = f"{row.position}.{number}"
                found.append(Position(name, before, row.step, row.visit, None, moment, waits=what))
            changed = self._changed(rows.get(row.position, {}), known)
            there = row.position if row.outcome is not None else before
            moment = row.left_at or row.entered_at
            found.append(Position(str(row.position), there, row.step, row.visit, row.outcome, moment, changed))
        return found

    def position(self, run_id: str, name: str) -> Position:
        """The position of that name.

        Raises:
            NotFound: the run was never there.
        """
        found = self.positions(run_id)
        for position in found:
            if position.name == name:
                return position
        raise NotFound(f"run {run_id} has no position {name}; it has {found[0].name} to {found[-1].name}. "
                       f"See them: interlock runs states {run_id}")  # fmt: skip

    def at(self, run_id: str, name: str) -> State:
        """The state of a run at a position; in a visit that is open, the one that it found.

        Raises:
            NotFound: there is no such run, or it was never there.
            Refused: no record was kept of what its visits wrote.
        """
        run, position = self.services.runs.get(run_id), self.position(run_id, name)
        if not run.traced and position.visits:
            raise Refused(
                f"run {run_id} was begun under an earlier release, which kept no record of what visits wrote; "
                "its positions are known, their states are not."
            )
        rows: dict[str, Written] = {}
        for number, written in self._written(run).items():
            if number <= position.visits:
                rows |= written
        wanted = {row.digest for row in rows.values()}
        values = self._values(run, wanted)
        state: dict[str, Json] = {key: value for key, value in run.input.items() if key not in rows}
        state |= {key: values[row.digest] for key, row in rows.items() if row.digest in values}
        forgotten = {key: row for key, row in rows.items() if row.digest not in values}
        return State(position, state, forgotten, {**self._inputs(run, rows), **_sources(rows)})

    def changes(self, run_id: str, since: int = 0) -> dict[str, list[Difference]]:
        """What each visit changed, by the name of the position after it; values are looked for once for all of them.

        Args:
            since: only visits from this position on.

        Raises:
            NotFound: there is no such run.
        """
        run = self.services.runs.get(run_id)
        moves: list[tuple[str, str, str | None, str]] = []
        known: dict[str, str] = {}
        for position, digests in sorted(self._rows(run).items()):
            for key, digest in digests.items():
                if known.get(key) != digest and position >= since:
                    moves.append((str(position), key, known.get(key), digest))
                known[key] = digest
        values = self._values(run, {digest for _, _, *both in moves for digest in both if digest is not None})
        found: dict[str, list[Difference]] = {}
        for name, key, before, after in moves:
            there = after in values and (before is None or before in values)
            difference = Difference(key, values.get(before or ""), values.get(after), there)
            found.setdefault(name, []).append(difference)
        return found

    def written_at(self, run: Run, position: int) -> dict[str, int]:
        """Where each key got the value that it had at a position: the visit that wrote it last."""
        return {key: at for at, rows in sorted(self._written(run).items()) if at <= position for key in rows}

    def known_from(self, run_id: str) -> int:
        """The first position at which the run went by the spec that it goes by now."""
        moves = upgrades_of(self.services).of_run(run_id)
        return sum(moves[-1].state.get(VISITS, {}).values()) if moves else 0

    # Rows ---------------------------------------------------------------------------------------

    def _written(self, run: Run) -> dict[int, dict[str, Written]]:
        found: dict[int, dict[str, Written]] = {}
        for row in self._forks.written(run.id):
            found.setdefault(row.position, {})[row.key] = row
        return found

    def _rows(self, run: Run) -> dict[int, dict[str, str]]:
        """The digest of each value by the position that wrote it; the input stands at 0."""
        found = {number: {key: row.digest for key, row in rows.items()} for number, rows in self._written(run).items()}
        given = {key: fingerprint(value) for key, value in run.input.items()}
        return found | {0: given | found.get(0, {})}

    @staticmethod
    def _changed(digests: Mapping[str, str], known: dict[str, str]) -> tuple[str, ...]:
        changed = tuple(key for key, digest in digests.items() if known.get(key) != digest)
        known.update(digests)
        return changed

    def _inputs(self, run: Run, rows: Mapping[str, Written]) -> dict[str, Traced]:
        spec = self.project.pinned(run.spec_digest).spec
        return {
            key: traced(spec.input[key].provenance, Origin(kind="input", of=f"$.{key}"))
            for key in run.input
            if key in spec.input and key not in rows
        }

    def _waits(self, run_id: str) -> dict[tuple[str, int], list[tuple[datetime, str]]]:
        """What each visit waited for, in the order in which that began."""
        found: dict[tuple[str, int], list[tuple[datetime, str]]] = {}
        for row in self.services.approvals.of_run(run_id):
            found.setdefault((row.step, row.visit), []).append((row.created_at, f"{row.kind} {row.id}"))
        for pause in self.services.pauses.of_run(run_id):
            if pause.settled_at != pause.created_at:  # an event that came early was not waited for
                what = f"event {pause.event}" if pause.event else f"until {pause.due_at.isoformat()}"
                found.setdefault((pause.step, pause.visit), []).append((pause.created_at, what))
        return found

    # Values -------------------------------------------------------------------------------------

    def _values(self, run: Run, wanted: set[str]) -> dict[str, Json]:
        """The values that have these digests, where they are kept anywhere."""
        found: dict[str, Json] = {}
        left = set(wanted)
        for value in self._kept(run):
            if not left:
                break
            digest = fingerprint(value)
            if digest in left:
                found[digest] = value
                left.discard(digest)
        return found

    def _kept(self, run: Run) -> Iterator[Any]:
        """Every value that is kept of a run and of those it came from: rows first, then checkpoints, newest first."""
        yield None
        runs = [run, *(self.services.runs.get(each.run_id) for each in self.services.runs.ancestry(run.id))]
        for each in runs:
            yield from each.input.values()
            yield from each.output.values()
            yield from (row.result for row in self.services.ledger.of_run(each.id) if row.result is not None)
            yield from (row.answer for row in self.services.approvals.of_run(each.id) if row.answer is not None)
            yield from (row.payload for row in self.services.pauses.of_run(each.id) if row.payload is not None)
            for move in upgrades_of(self.services).of_run(each.id):
                yield from move.state.values()
            fork = self._forks.of_run(each.id)
            yield from self._forks.state(fork).values() if fork is not None else ()
        for each in runs:
            yield from self._in_checkpoints(each.id)

    def _in_checkpoints(self, run_id: str) -> Iterator[Any]:
        saver = self.project.checkpoints
        seen: set[tuple[str, str]] = set()
        for saved in saver.list(config_of(run_id)) if isinstance(saver, BaseCheckpointSaver) else ():
            versions = saved.checkpoint["channel_versions"]
            for key, value in saved.checkpoint["channel_values"].items():
                version = (key, str(versions.get(key)))
                if key not in INTERNAL and version not in seen:
                    seen.add(version)
                    yield value


def difference(before: State, after: State) -> list[Difference]:
    """The keys whose values are not the same, by name."""
    found = []
    for key in sorted({*before.values, *before.forgotten, *after.values, *after.forgotten}):
        known = key not in before.forgotten and key not in after.forgotten
        if _digest(before, key) != _digest(after, key):
            found.append(Difference(key, before.values.get(key), after.values.get(key), known))
    return found


def _digest(state: State, key: str) -> str:
    row = state.forgotten.get(key)
    return row.digest if row is not None else fingerprint(state.values.get(key))


def _sources(rows: Mapping[str, Written]) -> dict[str, Traced]:
    return {key: from_json(row.marks) for key, row in rows.items()}


def seen(visits: Sequence[Visit]) -> list[tuple[int, str, int, str | None, int | None]]:
    """What of visits must still be so when a fork of them is made."""
    return [(row.position, row.step, row.visit, row.outcome, row.left_by) for row in visits]
