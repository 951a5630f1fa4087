"""Failed runs that are tried again: where the new run begins, and which runs are not."""

from __future__ import annotations

import pytest

from interlock.engine.project import Project
from interlock.engine.retrying import retry_of
from interlock.errors import Refused
from tests.engine.conftest import start


def broken(house: Project, run: str) -> None:
    """End a run as if its last step had failed."""
    house.services.runs.end(run, "failed", outcome="failed", error="the till is broken")


def test_it_begins_before_the_step_that_failed(house: Project) -> None:
    """What was done before stays done: nothing of it is repeated by the new run, which ends by itself."""
    engine, run = start(house, "add", amount=50)
    broken(house, run)
    found = retry_of(house, run)
    assert (found.at and found.at.name, found.step, found.reason) == ("1", "add", "begins before add")
    made = engine.retry(run, "zoe")
    assert [(row.position, row.step) for row in engine.services.runs.visits(made.id)] == [(1, "think")]
    assert engine.services.runs.get(run).status == "failed"
    [asked] = engine.drive(made.id).waiting
    assert asked.excluded == ["requester", "zoe"]


def test_it_begins_before_branches_whose_meeting_failed(house: Project) -> None:
    """Where no run can begin right before the step that failed, the nearest position before it is taken."""
    _, run = start(house, "branches", amount=50)
    broken(house, run)
    found = retry_of(house, run)
    assert (found.at and found.at.name, found.step) == ("0", "both")


def test_not_every_run_is_tried_again(house: Project) -> None:
    """Not one that goes on, nor one that has used what it may; the refusal says why."""
    engine, run = start(house, "add", amount=50)
    assert retry_of(house, run).reason == "it is waiting; only a run that failed is tried again"
    engine.services.runs.end(run, "failed", outcome="limit", error="4 steps are used")
    with pytest.raises(Refused, match="it has used what it may"):
        engine.retry(run, "zoe")
