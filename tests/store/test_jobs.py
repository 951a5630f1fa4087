"""Jobs are there exactly when what they are for is, and only where workers serve."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy import inspect, text

from interlock.errors import NotFound, SettingsError
from interlock.nodes.wait import fits
from interlock.policies.language import Requirement
from interlock.store.audit import Audit
from interlock.store.database import Database
from interlock.store.forks import Branching, Forks
from interlock.store.jobs import ADVANCE, APPLICATION, BEGIN, Jobs, queue_of, starts_of
from interlock.store.pauses import Pauses
from interlock.store.queues import Queues
from interlock.store.runs import Child
from interlock.store.stranded import stranded
from interlock.store.tables import Approval
from tests.store.stores import SPEC, Stores


class Heard(Stores):
    """Stores whose audit is heard by jobs."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.jobs = Jobs(database)
        self.audit = Audit(b"key", self.clock, self.jobs.heard)
        for store in (self.ledger, self.approvals, self.runs):
            store._audit = self.audit
        self.pauses = Pauses(database, self.audit, self.clock, fits)

    def serve(self) -> None:
        """Make the tables of the queue, and say that workers serve."""
        config: DBOSConfig = {
            "name": APPLICATION, "system_database_engine": self.jobs.engine, "log_level": "ERROR",
            "use_listen_notify": False, "application_version": APPLICATION,
        }  # fmt: skip
        DBOS(config=config)
        try:
            DBOS.launch()
        finally:
            DBOS.destroy(destroy_registry=True)
        self.jobs.serve()

    def take(self, worker_id: str) -> None:
        """Let a worker have taken every job."""
        with self.jobs.engine.begin() as connection:
            schema = "" if connection.dialect.name == "sqlite" else "dbos."
            connection.execute(
                text(f"UPDATE {schema}workflow_status SET status = 'PENDING', executor_id = :id"), {"id": worker_id}
            )

    def waiting(self) -> list[tuple[str, str]]:
        """The jobs that nobody has taken: the run that each names, and its cause."""
        client = DBOSClient(system_database_engine=self.jobs.engine, application_name=APPLICATION)
        found = client.list_workflows(status="ENQUEUED")
        for job in found:
            assert job.input is not None
            assert job.workflow_id.split("/")[:2] == [ADVANCE, job.input["args"][0]]
            assert job.queue_name == (starts_of("shop") if job.name == BEGIN else queue_of("shop"))
        return [(job.workflow_id.split("/")[1], job.workflow_id.split("/")[2]) for job in found]

    def queued(self) -> dict[str, list[str]]:
        """The runs that the jobs which nobody has taken name, by what each job does."""
        client = DBOSClient(system_database_engine=self.jobs.engine, application_name=APPLICATION)
        found: dict[str, list[str]] = {}
        for job in client.list_workflows(status="ENQUEUED"):
            found.setdefault(job.name, []).append(job.workflow_id.split("/")[1])
        return found

    def woken(self) -> list[str]:
        """The runs that jobs name."""
        return [run for run, _ in self.waiting()]

    def park(self, run_id: str) -> None:
        """Let the run have come to its question, as far as its rows tell."""
        self.runs.enter(run_id, "pay", 1, entered_by=0, first=True)
        self.runs.status(run_id, "waiting")


@pytest.fixture
def stores(url: str) -> Iterator[Heard]:
    """Stores of a fresh database that no worker has served yet."""
    made = Heard(Database(url))
    yield made
    made.jobs.engine.dispose()
    made.database.engine.dispose()


@pytest.fixture
def served(stores: Heard) -> Heard:
    """Stores of a database that workers serve."""
    stores.serve()
    return stores


def test_where_no_worker_ever_served_there_are_no_jobs_and_no_tables_of_the_queue(stores: Heard) -> None:
    """A run is accepted and decided, and nothing but our own tables is there."""
    before = set(inspect(stores.database.engine).get_table_names())
    run = stores.run()
    stores.approvals.approve(stores.asked(run).id, "fay")
    assert not stores.jobs.wanted
    assert set(inspect(stores.database.engine).get_table_names()) == before
    assert "dbos" not in inspect(stores.database.engine).get_schema_names()


def test_a_run_that_is_accepted_has_a_job(served: Heard) -> None:
    """From the first worker on, every accepted run is one job."""
    assert served.jobs.wanted
    runs = [served.run(), served.run()]
    assert sorted(served.woken()) == sorted(runs)


def test_a_fork_has_a_job(served: Heard) -> None:
    """It is written with the fork, in the transaction that accepts it."""
    run = served.runs.get(served.run())
    plan = Branching(run.id, run.spec_digest, "0", run.input, seen=[])
    made = Forks(served.database, served.audit, served.clock, None).make(plan, "fay")
    assert sorted(served.woken()) == sorted([run.id, made.id])


def test_a_job_is_not_there_when_its_cause_is_rolled_back(served: Heard) -> None:
    """A transaction that fails after the entry leaves neither the entry nor the job."""
    run = served.run()
    before = served.waiting(), served.head()

    def fail_after_the_entry() -> None:
        with served.database.write() as session:
            served.audit.append(session, "me", "run.created", run, {})
            raise RuntimeError("no power")

    with pytest.raises(RuntimeError, match="no power"):
        fail_after_the_entry()
    assert (served.waiting(), served.head()) == before


def test_the_same_cause_is_the_same_job(served: Heard) -> None:
    """Written twice, in one transaction or two, it is one job; another cause is another."""
    run = served.run()
    with served.database.write() as session:
        served.jobs.wake(session, run, "moment")
        served.jobs.wake(session, run, "moment")
    with served.database.write() as session:
        served.jobs.wake(session, run, "moment")
        served.jobs.wake(session, run, "other")
    causes = [cause for _, cause in served.waiting()]
    assert sorted(causes)[1:] == ["moment", "other"]


def test_a_job_that_was_taken_is_not_written_again_by_its_cause(served: Heard) -> None:
    """It stays with the worker that has it."""
    run = served.run()
    with served.database.write() as session:
        served.jobs.wake(session, run, "moment")
    served.take("one")
    with served.database.write() as session:
        served.jobs.wake(session, run, "moment")
    assert served.waiting() == []


def test_a_child_run_wakes_the_run_above_it(served: Heard) -> None:
    """Its creation is no job, and what is decided for it is one of its root."""
    root = served.run()
    served.runs.enter(root, "pay", 1, entered_by=0, first=True)
    [child] = served.runs.create_children(
        served.runs.get(root), "pay", 1, [Child(f"{root}.pay.1", SPEC, served.runs.get(root).spec_digest, {})], "me"
    )
    assert served.woken() == [root]
    served.approvals.approve(served.asked(child.id).id, "fay")
    assert served.woken() == [root, root]


def test_what_people_decide_wakes_one_run(served: Heard) -> None:
    """Asking is no job; approving, rejecting and letting a request run out is one each, of the run that asked."""
    runs = [served.run() for _ in range(4)]
    approvals = [served.asked(run) for run in runs]
    served.take("one")
    assert served.woken() == []
    served.approvals.approve(approvals[0].id, "fay")
    assert served.woken() == [runs[0]]
    served.approvals.reject(approvals[1].id, "fay", comment="no")
    assert sorted(served.woken()) == sorted(runs[:2])
    served.clock.advance(timedelta(hours=2))
    served.approvals.expire()
    assert sorted(served.woken()) == sorted(runs)


def test_a_vote_that_is_not_enough_wakes_nobody(served: Heard) -> None:
    """Of two people who must agree, the first alone gives the run nothing to do."""
    run = served.run()
    approval = served.asked(run, Requirement(count=2, within=timedelta(hours=1)))
    served.take("one")
    served.approvals.approve(approval.id, "fay")
    assert served.woken() == []
    served.approvals.approve(approval.id, "bob")
    assert served.woken() == [run]


def test_a_moment_and_an_event_wake_the_run(served: Heard) -> None:
    """A timer that is over and an event that was sent are one job each."""
    first, second = served.run(), served.run()
    due = served.clock() + timedelta(minutes=1)
    served.pauses.open(first, "pay", 1, due)
    served.pauses.open(second, "pay", 1, due + timedelta(days=1), event="paid")
    served.take("one")
    served.clock.advance(timedelta(minutes=2))
    assert served.pauses.settle_due() == 1
    assert served.woken() == [first]
    served.pauses.send(second, [second], "paid", {}, "bank")
    assert sorted(served.woken()) == sorted([first, second])


def test_the_jobs_of_a_dead_worker_are_handed_on(served: Heard) -> None:
    """Those that it took are there again, once, in the same queue; those of others are not touched."""
    run = served.run()
    served.take("one")
    assert served.jobs.hand_on("two") == 0
    assert served.woken() == []
    assert served.jobs.hand_on("one") == 1
    assert served.woken() == [run]
    assert served.jobs.hand_on("one") == 0


def test_a_run_without_a_job_is_told_apart_from_one_that_has_or_had_one(served: Heard) -> None:
    """A job that waits, is done now, or was written since a moment counts, whatever became of it."""
    run = served.run()
    now = datetime.now(UTC)
    before, after = now - timedelta(hours=1), now + timedelta(hours=1)
    assert not served.jobs.idle(run, after)
    served.take("one")
    assert not served.jobs.idle(run, after)
    _finish(served, now)
    assert not served.jobs.idle(run, before)
    assert served.jobs.idle(run, after)
    assert served.jobs.idle("run-other", before)
    assert (served.jobs.count(run, before), served.jobs.count(run, after)) == (1, 0)


def test_finished_jobs_are_forgotten(served: Heard) -> None:
    """Those that were finished before a moment are deleted; those that wait stay."""
    done, now = served.run(), datetime.now(UTC)
    _finish(served, now)
    waits = served.run()
    assert served.jobs.forget(now - timedelta(days=1)) == 0
    assert served.jobs.forget(now + timedelta(days=1)) == 1
    assert served.woken() == [waits]
    assert served.jobs.idle(done, now - timedelta(days=1))


def _finish(stores: Heard, now: datetime) -> None:
    with stores.jobs.engine.begin() as connection:
        schema = "" if connection.dialect.name == "sqlite" else "dbos."
        connection.execute(
            text(f"UPDATE {schema}workflow_status SET status = 'SUCCESS', completed_at = :now"),
            {"now": int(now.timestamp() * 1000)},
        )


def test_a_program_that_cannot_write_jobs_decides_nothing(served: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library of the queue a decision is refused with what to install, and is not kept."""
    approval = served.asked(served.run())
    bare = Heard(served.database)
    monkeypatch.setitem(sys.modules, "dbos", None)
    with pytest.raises(SettingsError, match=r"interlock\[work\]"):
        bare.approvals.approve(approval.id, "fay")
    assert served.approvals.get(approval.id).state == "waiting"


# What the sweep looks for --------------------------------------------------------------------------


def _stranded(stores: Heard, after: timedelta = timedelta(0)) -> list[str]:
    return list(stranded(stores.database, stores.clock() - after))


def test_a_run_that_should_be_going_is_stranded_after_a_while(stores: Heard) -> None:
    """One that was accepted or left running, once it has not changed for so long."""
    run = stores.run()
    assert _stranded(stores, timedelta(seconds=10)) == []
    stores.clock.advance(timedelta(seconds=11))
    assert _stranded(stores, timedelta(seconds=10)) == [run]
    stores.runs.status(run, "running")
    assert _stranded(stores, timedelta(seconds=10)) == []


def test_a_run_that_waits_for_people_is_not_stranded(stores: Heard) -> None:
    """However long the question is open."""
    run = stores.run()
    stores.park(run)
    stores.asked(run)
    stores.clock.advance(timedelta(minutes=30))
    assert _stranded(stores) == []


def test_a_decision_that_the_run_was_parked_after_is_found(stores: Heard) -> None:
    """Whoever parked the run a moment later had not seen it, and no moment is compared with the run's."""
    run = stores.run()
    stores.runs.enter(run, "pay", 1, entered_by=0, first=True)
    stores.approvals.approve(stores.asked(run, kind="form").id, "fay")
    stores.clock.advance(timedelta(seconds=1))
    stores.runs.status(run, "waiting")
    stores.clock.advance(timedelta(seconds=11))
    assert _stranded(stores, timedelta(seconds=10)) == [run]
    stores.runs.leave(run, "pay", 1, outcome="approved", left_by=0)
    assert _stranded(stores, timedelta(seconds=10)) == []


def test_a_question_that_was_asked_again_is_waited_for(stores: Heard) -> None:
    """An earlier request of the same visit that is decided gives the run nothing to do."""
    run = stores.run()
    stores.park(run)
    first = stores.asked(run)
    stores.approvals.reject(first.id, "fay", comment="no")
    stores.clock.advance(timedelta(seconds=1))
    assert _stranded(stores) == [run]
    with stores.database.write() as session:
        session.add(Approval(**first.model_dump() | {"id": "ap-second", "ordinal": 2}))
    assert _stranded(stores) == []


def test_a_moment_that_has_come_is_found(stores: Heard) -> None:
    """A timer that is over while its run waits, but not one that still runs."""
    run = stores.run()
    stores.park(run)
    stores.pauses.open(run, "pay", 1, stores.clock() + timedelta(minutes=1))
    stores.clock.advance(timedelta(seconds=30))
    assert _stranded(stores) == []
    stores.clock.advance(timedelta(seconds=31))
    stores.pauses.settle_due()
    stores.clock.advance(timedelta(seconds=1))
    assert _stranded(stores) == [run]


def test_a_run_of_a_graph_with_a_rate_waits_to_begin_where_no_decision_waits(served: Heard) -> None:
    """Accepted, it is in the queue of those that have not begun; a decision about one that has begun is not."""
    begun = served.run()
    served.park(begun)
    approval = served.asked(begun)
    Queues(served.database, served.audit).set("shop", "boss", rate=1, period=60.0)
    accepted = [served.run(), served.run()]
    assert {name: sorted(runs) for name, runs in served.queued().items()} == {ADVANCE: [begun], BEGIN: sorted(accepted)}
    served.approvals.approve(approval.id, "fay")
    assert served.queued()[ADVANCE] == [begun, begun]


def test_a_run_that_may_begin_is_one_job_however_often_it_is_let(served: Heard) -> None:
    """Delivered twice, the job that lets it begin writes one job that advances it."""
    Queues(served.database, served.audit).set("shop", "boss", rate=1, period=60.0)
    run = served.run()
    served.jobs.admit(run)
    served.jobs.admit(run)
    assert served.queued() == {BEGIN: [run], ADVANCE: [run]}


def test_a_cancelled_run_is_a_job_that_no_rate_keeps_waiting(served: Heard) -> None:
    """Also where it has not begun: it only has to end."""
    Queues(served.database, served.audit).set("shop", "boss", rate=1, period=60.0)
    run = served.run()
    served.runs.cancel(run, "boss")
    assert served.queued() == {BEGIN: [run], ADVANCE: [run]}


def test_settings_are_kept_one_by_one_and_taken_back_whole(stores: Heard) -> None:
    """What is not named stays; every change is in the audit; the highest priority is that of the run's own graph."""
    queues = Queues(stores.database, stores.audit)
    run = stores.run()
    assert queues.priority(run) == 0
    queues.set("shop", "boss", at_once=3)
    queues.set("shop", "boss", priority=7)
    [row] = queues.list()
    assert (row.graph, row.at_once, row.rate, row.priority, queues.priority(run)) == ("shop", 3, None, 7, 7)
    assert not queues.applied(queues.list())
    queues.apply(queues.list())
    assert queues.applied(queues.list())
    queues.clear("shop", "boss")
    assert not queues.applied(queues.list())
    with pytest.raises(NotFound, match="nothing is set for shop"):
        queues.clear("shop", "boss")
    assert stores.whole()
