"""`interlock upgrade`: which waiting runs could go on under another spec, tried on copies of them, and the move.

A plan changes nothing.  Each run that could be moved is moved in a copy of the store and its checkpoint,
and driven there to its next wait, where nothing can be called.  What the copy does not survive is not
done to the run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from langgraph.errors import GraphRecursionError, InvalidUpdateError

from interlock.engine.compiler import BEGIN, EDGE, NEXT, REQUEST, VISITS, WROTE
from interlock.engine.dry import WouldCall, copied
from interlock.engine.outlook import Looker, Outlook, as_json, config_of
from interlock.engine.position import agrees
from interlock.engine.project import Project, Workflow
from interlock.engine.settling import settle, upgrades_of
from interlock.errors import InterlockError, RunBusy
from interlock.graphs.labels import labels
from interlock.graphs.spec import START, Spec, keys_of
from interlock.graphs.upgrades.mapping import SpecMapping
from interlock.graphs.upgrades.standing import Judged, Position
from interlock.nodes.kinds import nodes_of
from interlock.nodes.services import Services
from interlock.nodes.trace import recorded
from interlock.policies.origins import Origin, Traced, traced
from interlock.store.fencing import alone
from interlock.store.locks import held
from interlock.store.people import known_as
from interlock.store.spend import ENDED
from interlock.store.tables import Run, Visit
from interlock.store.upgrades import Change
from interlock.store.written import Value


@dataclass(frozen=True)
class Moved:
    """What became of one run."""

    run: str
    moved: bool
    reason: str
    voided: tuple[str, ...] = ()


class Upgrading:
    """The runs of one spec that have not ended, and another spec for them."""

    def __init__(self, old: Workflow, new: Workflow, mapping: SpecMapping) -> None:
        self.project: Project = new.project
        self.services: Services = new.project.services
        self.old, self.new, self.mapping = old, new, mapping
        self.old_digest = old.pinned_as or old.spec.digest()
        self.new_digest = new.pinned_as or new.spec.digest()
        self._looker = Looker(old, new.spec, mapping)

    def plan(self, at_most: int | None = None) -> list[Outlook]:
        """What would become of every run of the old spec that has not ended.  Nothing is changed.

        Args:
            at_most: of so many of the oldest of them.
        """
        found = [self._looker.of(run) for run in self.services.runs.living(self.old_digest, at_most)]
        return self._tried(found)

    def apply(self, actor: str, *, runs: Sequence[str] | None = None, voiding: bool = False) -> list[Moved]:
        """Move the runs that can be moved, each in one transaction, tried on a copy before.

        Args:
            runs: only these.
            voiding: whether approvals that wait, or were given and not used, may be withdrawn and asked for again.

        Raises:
            DecisionRefused: `actor` is no person's name.
        """
        name = known_as(actor)
        wanted = None if runs is None else set(runs)
        for run in self.services.runs.living(self.new_digest):
            if upgrades_of(self.services).unsettled(run.id) is not None:
                self._settled(run.id)
        moved = []
        for run in self.services.runs.living(self.old_digest):
            if wanted is None or run.id in wanted:
                moved.append(self._move(run.id, name, voiding))
        known = {each.run for each in moved}
        moved += [Moved(run, False, self._why_not(run)) for run in runs or () if run not in known]
        return moved

    def _why_not(self, run_id: str) -> str:
        run = self.services.runs.get(run_id)
        if run.spec_digest == self.new_digest:
            return "it goes by the new spec already"
        return f"it is {run.status}" if run.status in ENDED else "it was started under another spec"

    def _move(self, run_id: str, actor: str, voiding: bool) -> Moved:
        try:
            with self._lease(run_id):
                [outlook] = self._tried([self._looker.of(self.services.runs.get(run_id))])
                if not outlook.movable:
                    return Moved(run_id, False, outlook.reason)
                if outlook.voids and not voiding:
                    why = f"{', '.join(outlook.voids)} would be void; add --void-approvals to have it asked for again"
                    return Moved(run_id, False, why)
                upgrades_of(self.services).move(self._change(outlook), actor, voiding=voiding)
                self._write_checkpoint(run_id)
                return Moved(run_id, True, outlook.reason, outlook.voids)
        except RunBusy as busy:
            return Moved(run_id, False, busy.message)

    def _settled(self, run_id: str) -> None:
        """Finish a move whose process died; where the run is being driven, its driver does so."""
        try:
            with self._lease(run_id):
                self._write_checkpoint(run_id)
        except RunBusy:
            return

    def _write_checkpoint(self, run_id: str) -> None:
        with alone(self.project.checkpoints, run_id):
            settle(self.new.compile(self.project.checkpoints), run_id, self.services)

    def _lease(self, run_id: str) -> Any:
        busy = f"run {run_id} is being driven by another process; wait until it has parked."
        return held(self.services.database, self.project.home, f"run {run_id}", busy=busy)

    # The move -----------------------------------------------------------------------------------

    @property
    def _body(self) -> dict[str, Any]:
        """The new spec as it is pinned."""
        if self.new.pinned_as is None:
            return self.new.spec.model_dump(mode="json", by_alias=True)
        return dict(json.loads(self.services.runs.spec_body(self.new.pinned_as)))

    def _change(self, outlook: Outlook) -> Change:
        judged, run, new = outlook.judged, outlook.run, self.new.spec
        assert judged is not None
        visits = self.services.runs.visits(run.id)
        last = visits[-1] if visits else None
        names = {visit.step: self.mapping.step(visit.step, new) or visit.step for visit in visits}
        names |= {child.parent_step: names.get(child.parent_step, child.parent_step)
                  for child in self.services.runs.children(run.id) if child.parent_step}  # fmt: skip
        source, state = "", {}
        if judged.position is not None:
            source = _entry_after(new, judged.position)
            snapshot = self._looker.snapshot(run.id)
            wrote = (snapshot.values.get(WROTE) or []) if snapshot is not None else []
            state = _state(new, judged, names, visits, [self.mapping.key(key, new) for key in wrote])
        return Change(
            run_id=run.id,
            old=self.old_digest,
            new=self.new_digest,
            spec=self._body,
            mapping=as_json(self.mapping.model_dump(mode="json")),
            input=dict(judged.input),
            steps={old: name for old, name in names.items() if old != name},
            keys={key: self.mapping.key(key, new) for key in keys_of(self.old.spec)},
            given=self._given(run, judged),
            edges=judged.edges,
            at=None if last is None else (last.step, last.visit, last.outcome),
            source=source,
            state=state,
        )

    def _given(self, run: Run, judged: Judged) -> dict[str, Value]:
        """Where those values came from that stand in the new state and that no visit wrote: the old input, the mapping.

        What the checkpoint holds beyond that was changed from outside, and gets no record.
        """
        if not run.traced:
            return {}
        old, new = self.old.spec, self.new.spec
        names = {self.mapping.key(key, new): key for key in keys_of(old)}
        known = self.services.runs.written(run.id, keys_of(old))
        static = labels(new, self.services.actions)
        found: dict[str, Value] = {}
        for key, value in judged.values.items():
            before = names.get(key)
            if before in known or (key in new.input and judged.input.get(key) == value):
                continue
            if before in old.input and run.input.get(before) == value:
                source = traced(old.input[before].provenance, Origin(kind="input", of=f"$.{before}"))
            elif self.mapping.values.get(key) == value:
                source = Traced(static[key], {(): Origin(kind="upgrade", of=key)})
            else:
                continue
            found[key] = recorded(value, source)
        return found

    def _tried(self, found: list[Outlook]) -> list[Outlook]:
        """Move each run that could be moved in a copy, and drive it there to its next wait."""
        able = [outlook.run.id for outlook in found if outlook.movable]
        if not able:
            return found
        with copied(self.project, able) as dry:
            return [self._try(outlook, dry) if outlook.movable else outlook for outlook in found]

    def _try(self, outlook: Outlook, dry: Project) -> Outlook:
        run, services = outlook.run, dry.services
        try:
            upgrades_of(services).move(self._change(outlook), "interlock", voiding=True)
            graph, spec = dry.driver.graph(self.new_digest)
            settle(graph, run.id, services)
            visits = services.runs.visits(run.id)
            snapshot = graph.get_state(config_of(run.id))
            if snapshot.created_at is not None and not agrees(snapshot, spec, visits):
                return replace(outlook, word="impossible", reason="in the copy, its new checkpoint was not where it is")
            dry.driver.drive(run.id)
        except WouldCall as stopped:
            return replace(outlook, then=stopped.what)
        except (InterlockError, InvalidUpdateError, GraphRecursionError) as error:
            return replace(outlook, word="impossible", reason=f"in the copy it could not go on: {error}")
        after = services.runs.get(run.id)
        if after.status == "failed":
            return replace(outlook, word="impossible", reason=f"in the copy it failed: {after.error}")
        if after.status in ENDED:
            return replace(outlook, then=f"ends: {after.outcome}")
        with services.database.read() as session:
            asked = [row.request.get("title") for row in services.approvals.unused(session, run.id)]
        return replace(outlook, then=f"asks: {asked[-1]}" if asked else "waits")


def _entry_after(new: Spec, position: Position) -> str:
    """The node after which a run that comes into the position stands."""
    source = new.edges[position.edge].source
    return BEGIN if source == START else nodes_of(new, source)[0].of(source)


def _state(
    new: Spec, judged: Judged, names: dict[str, str], visits: Sequence[Visit], wrote: Sequence[str | None]
) -> dict[str, Any]:
    """The whole state of the new checkpoint: each key of the new spec, empty where nothing is known."""
    position = judged.position
    assert position is not None
    counts: dict[str, int] = {}
    for visit in visits:
        counts[names[visit.step]] = counts.get(names[visit.step], 0) + 1
    if position.open:
        counts[position.step] -= 1
    return {
        **{key: judged.values.get(key) for key in keys_of(new)},
        VISITS: counts,
        EDGE: position.edge,
        NEXT: nodes_of(new, position.step)[0].of(position.step),
        REQUEST: None,
        WROTE: sorted({key for key in wrote if key}),
    }
