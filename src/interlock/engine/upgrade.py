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

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError, InvalidUpdateError
from langgraph.types import StateSnapshot

from interlock.digest import Json, plain
from interlock.engine.compiler import BEGIN, EDGE, INTERNAL, NEXT, REQUEST, VISITS, WROTE, choose
from interlock.engine.dry import WouldCall, copied
from interlock.engine.position import agrees
from interlock.engine.project import Project, Workflow
from interlock.engine.settling import settle, upgrades_of
from interlock.errors import InputError, InterlockError, RunBusy
from interlock.graphs.mapping import SpecMapping
from interlock.graphs.spec import START, Spec, keys_of
from interlock.graphs.upgrade import Judged, Passed, Position, Standing, Upgrade, Word
from interlock.nodes.inputs import complete
from interlock.nodes.kinds import nodes_of
from interlock.nodes.services import Services
from interlock.store.approvals import known_as
from interlock.store.locks import held
from interlock.store.runs import ENDED
from interlock.store.tables import Effect, Run, Visit
from interlock.store.upgrades import UNSETTLED, Change

PENDING = ("proposed", "gated", "approved", "superseded")
"""States of the newest proposal of an open visit in which nothing has begun and nobody has refused."""

PERFORMED = ("executed", "verified")


@dataclass(frozen=True)
class Outlook:
    """What would become of one run."""

    run: Run
    word: Word
    reason: str
    step: str | None = None
    """Where it stands, in the old spec; None where it has not begun."""
    becomes: str | None = None
    """Where it would go on, in the new one."""
    voids: tuple[str, ...] = ()
    """Requests that would be withdrawn."""
    then: str = ""
    """What it did in the copy."""
    judged: Judged | None = None

    @property
    def movable(self) -> bool:
        return self.word in ("safe", "voids_approval")


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
        self.compared = Upgrade(old.spec, new.spec, mapping, self.project.actions, choose)
        self._graph: Any = None

    def plan(self) -> list[Outlook]:
        """What would become of every run of the old spec that has not ended.  Nothing is changed."""
        found = [self._outlook(run) for run in self.services.runs.living(self.old_digest)]
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
                [outlook] = self._tried([self._outlook(self.services.runs.get(run_id))])
                if not outlook.movable:
                    return Moved(run_id, False, outlook.reason)
                if outlook.voids and not voiding:
                    why = f"{', '.join(outlook.voids)} would be void; add --void-approvals to have it asked for again"
                    return Moved(run_id, False, why)
                upgrades_of(self.services).move(self._change(outlook), actor, voiding=voiding)
                settle(self.new.compile(self.project.checkpoints), run_id, self.services)
                return Moved(run_id, True, outlook.reason, outlook.voids)
        except RunBusy as busy:
            return Moved(run_id, False, busy.message)

    def _settled(self, run_id: str) -> None:
        """Finish a move whose process died; where the run is being driven, its driver does so."""
        try:
            with self._lease(run_id):
                settle(self.new.compile(self.project.checkpoints), run_id, self.services)
        except RunBusy:
            return

    def _lease(self, run_id: str) -> Any:
        busy = f"run {run_id} is being driven by another process; wait until it has parked."
        return held(self.project.home, f"run {run_id}", busy=busy)

    # One run ------------------------------------------------------------------------------------

    def _outlook(self, run: Run) -> Outlook:
        """How a run stands, and what the new spec makes of that."""
        visits = self.services.runs.visits(run.id)
        step = visits[-1].step if visits else None
        why = self._engaged(run, visits)
        if why is not None:
            return Outlook(run, "impossible", why, step)
        snapshot = self._snapshot(run.id)
        if snapshot is None or not self._between(snapshot, visits):
            return Outlook(run, "impossible", "its last step was interrupted; resume it until it waits", step)
        judged = self.compared.judge(self._standing(run, visits, snapshot))
        if judged.word == "safe" and judged.position is None:
            try:
                judged = replace(judged, input=complete(self.new.spec, judged.input))
            except InputError as error:
                judged = Judged("needs_mapping", f"its input does not fit: {error.message}")
        becomes = judged.position.step if judged.position else None
        word, reason, voids = judged.word, judged.reason, self._voids(run.id)
        if word == "safe" and voids:
            word = "voids_approval"
            reason = f"{', '.join(voids)} was asked under the old spec; {becomes} asks again"
        return Outlook(run, word, reason, step, becomes, voids, judged=judged)

    def _voids(self, run_id: str) -> tuple[str, ...]:
        with self.services.database.read() as session:
            return tuple(row.id for row in self.services.approvals.unused(session, run_id))

    def _engaged(self, run: Run, visits: Sequence[Visit]) -> str | None:
        """What the run is in the middle of, or None."""
        if run.parent_id:
            return f"it is part of {run.parent_id}; finish the step first"
        if upgrades_of(self.services).unsettled(run.id) is not None:
            return "its last move is not finished; resume it first"
        last = visits[-1] if visits else None
        children = self.services.runs.children(run.id)
        for child in children:
            here = last is not None and last.outcome is None and child.parent_step == last.step
            if child.status not in ENDED or (here and last is not None and child.parent_visit == last.visit):
                return f"step {child.parent_step} has the child run {child.id}; finish the step first"
        effects = self.services.ledger.of_run(run.id)
        for effect in effects:
            if effect.state in UNSETTLED:
                return f"effect {effect.id} is {effect.state.replace('_', ' ')}; finish it first"
        if last is not None and last.outcome is None:
            own = [effect for effect in effects if (effect.step, effect.visit) == (last.step, last.visit)]
            return self._begun(run.id, last, own)
        return None

    def _begun(self, run_id: str, last: Visit, effects: Sequence[Effect]) -> str | None:
        """What an open visit has begun, or been answered, that its step would have to take up."""
        kind = self.old.spec.steps[last.step].kind if last.step in self.old.spec.steps else None
        newest = max(effects, key=lambda effect: effect.slot, default=None)
        looked = kind == "reason" and any(effect.state != "superseded" for effect in effects)
        if looked or (newest is not None and newest.state not in PENDING):
            state = newest.state.replace("_", " ") if newest is not None else "begun"
            return f"the action of {last.step} is {state}; resume it until it waits"
        asked = self.services.approvals.of_place(run_id, last.step, last.visit)
        if asked is not None and asked.state in ("rejected", "expired"):
            return f"{asked.id} is {asked.state}; resume it until it waits"
        return None

    def _snapshot(self, run_id: str) -> StateSnapshot | None:
        """The newest checkpoint as the old spec reads it; None where it contradicts itself."""
        if self._graph is None:
            self._graph = self.old.compile(self.project.checkpoints)
        try:
            found: StateSnapshot = self._graph.get_state(_config(run_id))
        except InvalidUpdateError:
            return None
        return found

    def _between(self, snapshot: StateSnapshot, visits: Sequence[Visit]) -> bool:
        """Whether the run stands between two nodes, with all that it wrote in its newest checkpoint."""
        last = visits[-1] if visits else None
        if snapshot.created_at is None:
            return last is None
        if not agrees(snapshot, self.old.spec, visits):
            return False
        return last is None or last.outcome is None or snapshot.values.get(EDGE) == last.left_by

    def _standing(self, run: Run, visits: Sequence[Visit], snapshot: StateSnapshot) -> Standing:
        effects = self.services.ledger.of_run(run.id)
        values = {key: value for key, value in snapshot.values.items() if key not in INTERNAL}
        return Standing(
            input=run.input,
            values=_json(values),
            visits=[Passed(row.step, row.visit, row.outcome, row.entered_by, row.left_by) for row in visits],
            used={
                "steps": run.steps,
                "model_calls": run.model_calls,
                "tokens": run.tokens,
                "micro_usd": run.cost_micro_usd,
            },
            performed=[(effect.step, effect.action) for effect in effects if effect.state in PERFORMED],
            names=frozenset(effect.id.rsplit("/", 3)[1] for effect in effects),
        )

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
            snapshot = self._snapshot(run.id)
            wrote = (snapshot.values.get(WROTE) or []) if snapshot is not None else []
            state = _state(new, judged, names, visits, [self.mapping.key(key, new) for key in wrote])
        return Change(
            run_id=run.id,
            old=self.old_digest,
            new=self.new_digest,
            spec=self._body,
            mapping=_json(self.mapping.model_dump(mode="json")),
            input=dict(judged.input),
            steps={old: name for old, name in names.items() if old != name},
            edges=judged.edges,
            at=None if last is None else (last.step, last.visit, last.outcome),
            source=source,
            state=state,
        )

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
            snapshot = graph.get_state(_config(run.id))
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


def _config(run_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": run_id}}


def _json(values: dict[str, Any]) -> dict[str, Json]:
    found = plain(values)
    assert isinstance(found, dict)
    return found


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
