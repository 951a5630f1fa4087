"""Workers that are killed, hang, are told to end or start together: every run goes on, and nothing is done twice."""

from __future__ import annotations

import signal
import time

import pytest

from tests import postgres
from tests.crash.fleet import Fleet

pytestmark = pytest.mark.slow  # each starts one or two workers, processes that load the program and the queue

DEAD_AFTER = 1.0
"""Seconds of silence after which these workers are given up."""
TAKEOVER = 9.0
"""Seconds that may pass on top of that on a busy machine until the run goes on."""


def test_a_killed_worker_is_taken_over_from(fleet: Fleet) -> None:
    """It dies once the money is sent; another one finishes its run soon after, and pays nothing more."""
    first = fleet.work("hang after the tool")
    run = fleet.start()
    first.hear(f"run {run} is waiting")
    fleet.decide(run)
    first.hear("^hangs")
    second = fleet.work()
    first.signal(signal.SIGKILL)
    killed = time.monotonic()
    second.hear(f"run {run} is done")
    assert time.monotonic() - killed < DEAD_AFTER + TAKEOVER
    assert first.ended() == -signal.SIGKILL
    fleet.left(run).check_whole()
    assert fleet.payments() == 1
    assert fleet.row(first).state == "gone"
    fleet.end(second)


def test_a_worker_that_hangs_is_given_up_and_writes_nothing_more(on_a_server: Fleet) -> None:
    """Another one finishes its run; when the first goes on, nothing changes any more, and it ends.

    Where the database is a file, whoever is stopped while it writes stops all others, so none could take over.
    """
    fleet = on_a_server
    first = fleet.work("stop before intent")
    run = fleet.start()
    first.hear(f"run {run} is waiting")
    fleet.decide(run)
    first.stopped()
    second = fleet.work()
    second.hear(f"run {run} is done")
    before = fleet.left(run)
    before.check_whole()
    first.signal(signal.SIGCONT)
    assert first.ended() == 1
    assert "gave this worker up" in "".join(first.said)
    after = fleet.left(run)
    assert after.entries == before.entries
    assert after.effects == before.effects
    assert after.run == before.run
    assert fleet.payments() == 1
    assert fleet.row(first).state == "gone"
    fleet.end(second)


def test_a_worker_that_is_told_to_end_brings_its_runs_to_rest(fleet: Fleet) -> None:
    """In the middle of a payment it finishes it, takes nothing more, and ends with exit code 0."""
    worker = fleet.work("stop before the tool")
    run = fleet.start()
    worker.hear(f"run {run} is waiting")
    fleet.decide(run)
    worker.stopped()
    worker.signal(signal.SIGTERM)
    worker.signal(signal.SIGCONT)
    assert worker.ended() == 0, worker.said
    assert fleet.row(worker).state == "gone"
    fleet.left(run).check_whole()
    assert fleet.payments() == 1
    later = fleet.start("2")
    assert fleet.run(later).status == "created"


def test_a_run_that_does_not_come_to_rest_in_time_goes_on_elsewhere(fleet: Fleet) -> None:
    """A worker that ends over a step that hangs says so, and the next one finishes the run."""
    first = fleet.work("hang before the tool", "--dead-after", "60", "--grace", "1")
    run = fleet.start()
    first.hear(f"run {run} is waiting")
    fleet.decide(run)
    first.hear("^hangs")
    first.signal(signal.SIGTERM)
    assert first.ended() == 1
    assert run in "".join(first.said)
    assert fleet.row(first).state == "gone"
    second = fleet.work()
    second.hear(f"run {run} is done")
    fleet.left(run).check_whole()
    assert fleet.payments() == 1


def test_workers_that_start_together_make_one_set_of_tables(fleet: Fleet) -> None:
    """On an empty database both come to serve, and what is accepted is advanced once."""
    both = fleet.begin(), fleet.begin()
    assert both[0].name != both[1].name
    run = fleet.start()
    waiting = fleet.engine.services.approvals
    deadline = time.monotonic() + 60
    while not waiting.waiting(run) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(waiting.waiting(run)) == 1
    fleet.end(*both)
    assert fleet.run(run).status == "waiting"
    assert [entry["event"] for entry in fleet.left(run).entries].count("approval.requested") == 1


def test_a_decision_wakes_one_of_many_waiting_runs(fleet: Fleet) -> None:
    """Accepted runs come to their questions and have no job there; a decision is one job, and touches no other run."""
    worker = fleet.work()
    runs = [fleet.start(str(number)) for number in range(8)]
    waiting = set(runs)
    while waiting:
        waiting.discard(worker.hear(r"run (\S+) is waiting")[1])
    before = fleet.jobs()
    assert sorted(job.split("/")[0] for job in before) == sorted(runs)
    woken, *others = runs
    rows = [fleet.run(run) for run in others]
    fleet.decide(woken)
    worker.hear(f"run {woken} is done")
    [job] = set(fleet.jobs()) - set(before)
    assert job.split("/")[0] == woken
    assert [fleet.run(run) for run in others] == rows
    fleet.left(woken).check_whole()
    assert fleet.payments() == 1
    fleet.end(worker)
    assert "nothing was left half done" in worker.said[-1]


def test_a_decision_about_a_run_that_is_driven_elsewhere_is_not_lost(on_a_server: Fleet) -> None:
    """Whoever drives it may not have seen the decision any more; the job waits until that one is through."""
    fleet = on_a_server
    worker = fleet.work()
    run = fleet.start()
    worker.hear(f"run {run} is waiting")
    with fleet.engine._lease(run, 0.0):
        fleet.decide(run)
        worker.hear(f"run {run} is driven by another process")
        assert fleet.run(run).status == "waiting"
    worker.hear(f"run {run} is done")
    fleet.left(run).check_whole()


def test_a_worker_goes_on_after_the_server_has_ended_its_connections(on_a_server: Fleet) -> None:
    """As where the server is started anew: it is neither given up nor deaf afterwards, and drains as ever."""
    fleet = on_a_server
    worker = fleet.work()
    run = fleet.start()
    worker.hear(f"run {run} is waiting")
    assert fleet.url
    postgres.end_connections(fleet.url)
    fleet.decide(run)
    worker.hear(f"run {run} is done")
    fleet.left(run).check_whole()
    fleet.end(worker)


def test_what_one_worker_has_begun_counts_for_all_of_them(on_a_server: Fleet) -> None:
    """A run that a killed worker was in fills its graph's number until others take it over; no other graph waits."""
    fleet = on_a_server
    graphs = fleet.project / "graphs"
    text = (graphs / "pay_invoice.yaml").read_text()
    (graphs / "pay_other.yaml").write_text(text.replace("graph: pay_invoice", "graph: pay_other"))
    fleet.engine.project.queues.set("pay_invoice", "boss", at_once=1)
    first = fleet.work("hang before the gate", "--dead-after", "600")
    fleet.start("1")
    first.hear("^hangs")
    first.signal(signal.SIGKILL)
    first.ended()
    second = fleet.work("-", "--dead-after", "600")
    later, other = fleet.start("2"), fleet.start("3", "pay_other")
    second.hear(f"run {other} is waiting")
    assert fleet.run(later).status == "created"
    fleet.engine.project.queues.set("pay_invoice", "boss", at_once=None)
    second.hear(f"run {later} is waiting")
    fleet.end(second)


def test_a_cancelled_run_is_ended_by_the_worker_that_drives_it(on_a_server: Fleet) -> None:
    """The command marks it while the lock is held elsewhere; what waits for a person is withdrawn, nothing is paid."""
    fleet = on_a_server
    worker = fleet.work()
    run = fleet.start()
    worker.hear(f"run {run} is waiting")
    fleet.engine.services.runs.cancel(run, "boss")  # as where the command dies right after it
    worker.hear(f"run {run} is cancelled")
    assert fleet.run(run).status == "cancelled"
    assert fleet.payments() == 0
    fleet.end(worker)
