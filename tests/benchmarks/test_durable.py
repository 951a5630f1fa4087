"""The benchmarks of durable runs, each made small: that they measure what they tell, and draw it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from benchmarks import growth, overhead, queues, runs
from benchmarks.waiting import copied


def test_growth_is_told_in_windows_and_drawn(tmp_path: Path) -> None:
    """Ten windows of each run, and a picture with a line for each."""
    found = growth.measure(100, tmp_path)
    assert [steps for steps, _ in found["ours"]] == list(range(10, 101, 10))
    assert [steps for steps, _ in found["stock"]] == list(range(2, 21, 2))
    assert all(speed > 0 for _, speed in [*found["ours"], *found["stock"], *found["without_checkpoints"]])
    drawn = ElementTree.parse(tmp_path / growth.SVG).getroot()
    assert len(drawn.findall("{*}polyline")) == 3


def test_both_sides_of_the_overhead_do_the_work() -> None:
    """Each asks the model and writes its line; the ratio is told of pairs that took turns."""
    found = overhead.measure((0,), pairs=1)["model_milliseconds"]["0"]
    assert found["compiled_ms"] > 0
    assert found["by_hand_ms"] > 0
    assert found["ratio"] > 0


def test_copies_wait_as_the_original_does(tmp_path: Path) -> None:
    """A copied run is found waiting for a request of its own."""
    from tests.crash.fleet import Fleet

    fleet = Fleet(tmp_path, None)
    run = fleet.start()
    fleet.engine.drive(run)
    copied(fleet.engine.services.database, run, 3)
    other = fleet.engine.standing("run-w000000002")
    assert other.run.status == "waiting"
    assert [approval.id for approval in other.waiting] == ["ap-000000002"]
    assert [approval.run_id for approval in other.waiting] == ["run-w000000002"]
    fleet.close()


@pytest.mark.slow  # workers are processes that load the program and the queue
def test_waiting_runs_wake_nobody() -> None:
    """Of 200 runs that wait one decision wakes one, by one job."""
    with runs.house("sqlite") as fleet:
        found = runs.waiting(fleet, 200, 0.1)
    assert (found["woken_by_one_decision"], found["advanced"]) == (1, 1)


@pytest.mark.slow  # two workers, and one of the queue alone
def test_queues_do_the_same_jobs() -> None:
    """Each wrote all lines; Celery, which is not installed here, is told as not measured."""
    found = queues.measure(3)
    assert found["interlock_per_second"] > 0
    assert found["dbos_per_second"] > 0
    assert "not measured" in found["celery"]
