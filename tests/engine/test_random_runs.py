"""The worst case that is proven before a run is never passed by one, and some runs come up to it."""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import pytest
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event

from interlock.engine.project import Project, Workflow
from interlock.engine.service import Engine
from interlock.graphs.proofs.prove import bounds, prove
from interlock.graphs.spec import Spec
from interlock.store.effects import BEGUN
from interlock.testing import ScriptedChatModel
from tests.engine.conftest import Make
from tests.engine.random_workflows import Maker

RUNS = int(os.environ.get("INTERLOCK_TEST_RUNS", "150"))
"""Whole runs; 500 take some minutes."""


class Moody(ScriptedChatModel):
    """Answers at random, and sometimes uselessly."""

    def __init__(self, random: Random) -> None:
        super().__init__([], loop=True)
        self._random = random

    def _generate(self, *args: object, **kwargs: object) -> object:
        useless = self._random.random() < 0.3
        self.replies = ["no" if useless else {"verdict": self._random.choice(["go", "go", "stop"])}]
        return super()._generate(*args, **kwargs)


def hurry(project: Project) -> None:
    """Do not wait for the disk: nothing here is about a loss of power."""

    def relaxed(connection: object, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    engine: SqlEngine = project.services.database.engine
    event.listen(engine, "connect", relaxed)
    engine.dispose()
    project.checkpoints.tables.connection.execute("PRAGMA synchronous=OFF")


def used(engine: Engine, run_id: str) -> dict[str, int]:
    """What a run and all below it took, by the fields of `Bounds`."""
    services = engine.services
    run, family = services.runs.get(run_id), services.runs.family(run_id)
    effects = [effect for each in family for effect in services.ledger.of_run(each.id)]
    asked = [row for each in family for row in services.approvals.of_run(each.id)]
    return {
        "steps": run.steps,
        "model_calls": run.model_calls,
        "actions": sum(effect.state in BEGUN for effect in effects),
        "approvals": len(asked),
    }


def drive(engine: Engine, spec: Spec, random: Random) -> str:
    """Run the workflow to its end, deciding every question at random."""
    run = engine.start(Workflow(spec, engine.project), {"question": "Well?"}, "requester")
    standing = engine.drive(run.id)
    while standing.run.status == "waiting":
        for row in standing.waiting:
            if random.random() < 0.6:
                engine.approve(row.id, "fay")
            else:
                engine.services.approvals.reject(row.id, "fay", comment="no")
        standing = engine.drive(run.id)
    return run.id


@pytest.mark.slow  # whole runs, each stored as any other
@pytest.mark.timeout(900)
def test_no_run_takes_more_than_was_proven(make: Make) -> None:
    """Steps, model calls, actions and questions of random runs; each bound is reached by some of them."""
    random = Random(20)
    project = make({}, chat=Moody(random))
    engine = Engine(project)
    hurry(project)
    reached: Counter[str] = Counter()
    for number in range(RUNS):
        spec = Maker(random).spec()
        faults = prove(spec, project.actions, lambda action: action == "counter.add")
        assert [fault for fault in faults if fault.severity == "error"] == [], spec
        most = bounds(spec, project.actions)
        took = used(engine, drive(engine, spec, random))
        for name, count in took.items():
            bound = getattr(most, name)
            assert count <= bound, (number, name, count, bound, spec)
            reached[name] += count == bound > 1
    assert all(reached[name] >= RUNS // 50 for name in ("steps", "model_calls", "actions", "approvals")), reached
