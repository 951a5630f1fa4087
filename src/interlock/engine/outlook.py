"""How a run stands, and what another spec makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.errors import InvalidUpdateError
from langgraph.types import StateSnapshot

from interlock.digest import Json, plain
from interlock.engine.compiler import EDGE, INTERNAL, choose
from interlock.engine.position import agrees
from interlock.engine.project import Workflow
from interlock.engine.settling import upgrades_of
from interlock.errors import InputError
from interlock.graphs.spec import Spec
from interlock.graphs.upgrades.mapping import SpecMapping
from interlock.graphs.upgrades.standing import Judged, Passed, Standing, Word
from interlock.graphs.upgrades.upgrade import Upgrade
from interlock.nodes.inputs import complete
from interlock.store.spend import ENDED
from interlock.store.tables import Effect, Run, Visit
from interlock.store.upgrades import UNSETTLED

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


class Looker:
    """Looks at runs of one workflow with the eyes of another spec; reads only."""

    def __init__(self, old: Workflow, new: Spec, mapping: SpecMapping) -> None:
        self.services = old.project.services
        self.old, self.new, self.mapping = old, new, mapping
        self.compared = Upgrade(old.spec, new, mapping, old.project.actions, choose)

    @cached_property
    def _graph(self) -> Any:
        return self.old.compile(self.old.project.checkpoints)

    def of(self, run: Run) -> Outlook:
        """How a run stands, and what the new spec makes of that."""
        visits = self.services.runs.visits(run.id)
        step = visits[-1].step if visits else None
        why = self._engaged(run, visits)
        if why is not None:
            return Outlook(run, "impossible", why, step)
        snapshot = self.snapshot(run.id)
        if snapshot is None or not self._between(snapshot, visits):
            return Outlook(run, "impossible", "its last step was interrupted; resume it until it waits", step)
        judged = self.compared.judge(self._standing(run, visits, snapshot))
        if judged.word == "safe" and judged.position is None:
            try:
                judged = replace(judged, input=complete(self.new, judged.input))
            except InputError as error:
                judged = Judged("needs_mapping", f"its input does not fit: {error.message}")
        becomes = judged.position.step if judged.position else None
        word, reason, voids = judged.word, judged.reason, self._voids(run.id)
        if word == "safe" and voids:
            word = "voids_approval"
            reason = f"{', '.join(voids)} was asked under the old spec; {becomes} asks again"
        return Outlook(run, word, reason, step, becomes, voids, judged=judged)

    def _performed(self, run_id: str, visits: Sequence[Visit], effects: Sequence[Effect]) -> list[tuple[str, str]]:
        """The actions that were performed, those included that a fork stands after, each with its step."""
        names = {row.position: row.step for row in visits}
        before = [(names.get(at, row.step), row) for at, row in self.services.ledger.inherited(run_id)]
        found = [*before, *((effect.step, effect) for effect in effects)]
        return [(step, effect.action) for step, effect in found if effect.state in PERFORMED]

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
        for child in sorted(children, key=lambda child: child.status in ENDED):
            here = last is not None and last.outcome is None and child.parent_step == last.step
            if child.status not in ENDED or (here and last is not None and child.parent_visit == last.visit):
                return f"step {child.parent_step} has the child run {child.id}; finish the step first"
            if "." in child.graph and not self._same_names(run, child):
                return f"its branch {child.id} has done its steps under old names; let it end under the old spec"
        effects = self.services.ledger.of_run(run.id)
        for effect in effects:
            if effect.state in UNSETTLED:
                return f"effect {effect.id} is {effect.state.replace('_', ' ')}; finish it first"
        if last is not None and last.outcome is None:
            own = [effect for effect in effects if (effect.step, effect.visit) == (last.step, last.visit)]
            return self._begun(run.id, last, own)
        return None

    def _same_names(self, run: Run, child: Run) -> bool:
        """Whether what a branch did is found by the same names under the new spec, where it may be undone."""
        new = self.new
        steps = {visit.step for visit in self.services.runs.visits(child.id)}
        return new.graph == run.graph and all(self.mapping.step(name, new) == name for name in steps)

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

    def snapshot(self, run_id: str) -> StateSnapshot | None:
        """The newest checkpoint as the old spec reads it; None where it contradicts itself."""
        try:
            found: StateSnapshot = self._graph.get_state(config_of(run_id))
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
            values=as_json(values),
            visits=[Passed(row.step, row.visit, row.outcome, row.entered_by, row.left_by) for row in visits],
            used={
                "steps": run.steps,
                "model_calls": run.model_calls,
                "tokens": run.tokens,
                "micro_usd": run.cost_micro_usd,
                "seconds": ceil((self.services.clock() - run.created_at).total_seconds()),
            },
            performed=self._performed(run.id, visits, effects),
            names=frozenset(effect.id.rsplit("/", 3)[1] for effect in effects),
        )


def config_of(run_id: str) -> RunnableConfig:
    """Where LangGraph finds the run."""
    return {"configurable": {"thread_id": run_id}}


def as_json(values: dict[str, Any]) -> dict[str, Json]:
    """An object as JSON types."""
    found = plain(values)
    assert isinstance(found, dict)
    return found
