"""Processes that race for a moment of a schedule, or die or hang while they start its run: it has one run."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest

from interlock.engine.schedules import Scheduling
from interlock.store.tables import Run, Schedule
from tests.crash.fleet import Fleet

pytestmark = pytest.mark.slow  # each starts several processes that load the program, and mostly the queue


def due(fleet: Fleet) -> Schedule:
    """A schedule that is due now, and then not for long."""
    project = fleet.engine.project
    row = Schedule(
        name="yearly", graph="pay_invoice", cron="0 0 1 1 *", timezone="Europe/Berlin", missed="once", overlap="allow",
        input={"payee": "Payee 1", "amount": 480, "invoice": "1"}, requester="clerk", next_at=project.clock(),
    )  # fmt: skip
    return Scheduling(project).rows.add(row)


def the_run(fleet: Fleet, schedule: Schedule) -> Run:
    """The only run there is: that of the schedule's moment, after which the schedule went on; the audit is whole."""
    [run] = fleet.engine.services.runs.list()
    assert (run.schedule, run.scheduled_for) == ("yearly", schedule.next_at)
    assert Scheduling(fleet.engine.project).rows.get("yearly").next_at > schedule.next_at + timedelta(minutes=1)
    assert fleet.engine.audit_fault(None) is None
    return run


def test_of_processes_that_start_a_run_at_once_one_does(fleet: Fleet) -> None:
    """All have found the schedule to be due and are let go together."""
    schedule = due(fleet)
    racing = [fleet.command("stop before the schedule starts a run", "runs", "resume", "--due") for _ in range(3)]
    for process in racing:
        process.stopped()
    for process in racing:
        process.signal(signal.SIGCONT)
    assert [process.ended() for process in racing] == [0] * 3, [process.said for process in racing]
    assert sum("No run is due." in "".join(process.said) for process in racing) == 2
    assert the_run(fleet, schedule).status == "waiting"


@pytest.mark.parametrize(
    ("point", "runs"), [("while the schedule starts a run", 0), ("after the schedule started a run", 1)]
)
def test_a_worker_that_is_killed_leaves_a_moment_whole(fleet: Fleet, point: str, runs: int) -> None:
    """Killed before its commit it started nothing, after it everything, the job too; another worker goes on."""
    first = fleet.work(point)
    schedule = due(fleet)
    assert first.ended() == -signal.SIGKILL
    assert len(fleet.engine.services.runs.list()) == runs
    second = fleet.work()
    waiting = second.hear(r"run (\S+) is waiting")[1]
    assert the_run(fleet, schedule).id == waiting
    fleet.end(second)


def test_a_worker_that_hangs_starts_nothing_late(on_a_server: Fleet) -> None:
    """Given up before it could, it finds the moment taken when it goes on."""
    fleet = on_a_server
    first = fleet.work("stop before the schedule starts a run")
    schedule = due(fleet)
    first.stopped()
    second = fleet.work()
    waiting = second.hear(r"run (\S+) is waiting")[1]
    first.signal(signal.SIGCONT)
    assert first.ended() == 1
    assert the_run(fleet, schedule).id == waiting
    fleet.end(second)
