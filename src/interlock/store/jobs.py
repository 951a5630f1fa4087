"""Jobs: that a run has something to do, written in the transaction that gives it something to do.

The queue is DBOS's, in the same database as our rows, so a job is there exactly when its cause is: that a run was
accepted, that people decided, that a moment came.  A job names a run and nothing else, and any number of jobs for a run
do no harm: whoever takes one reads from the rows what is to be done.  Where no worker ever served there are no jobs.

Runs of a graph that may only be begun at a rate pass a queue of their own first, which nothing else waits in: a
decision about a run that has begun is never kept waiting by those that have not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event
from sqlmodel import Session

from interlock.errors import SettingsError
from interlock.store.chain import Link
from interlock.store.database import Database, call
from interlock.store.queues import rated
from interlock.store.spend import lineage
from interlock.store.tables import Approval, Meta, Pause, Run

if TYPE_CHECKING:
    import sqlite3

    from dbos import DBOSClient, WorkflowStatus

ADVANCE = "advance"
"""The workflow that every job starts, with the id of a run."""
BEGIN = "begin"
"""The workflow that lets a run begin where its graph has a rate: it writes the job that advances the run."""
APPLICATION = "interlock"
"""Name and version of the application: fixed, so that a new release goes on with the jobs of the last one."""
SERVED = "workers"
"""Name of the row that tells that workers serve this database."""
WAKING = frozenset(
    {"run.created", "run.cancelling", "approval.approved", "approval.rejected", "approval.expired",
     "approval.superseded", "approval.answered", "pause.done", "pause.expired"}
)  # fmt: skip
"""What gives a run something to do."""
LIVE = ["PENDING", "ENQUEUED", "DELAYED"]
"""States of a job, in the queue's words, that somebody does or will do."""
COUNTED = 500
"""Jobs that a look at the queue counts at most."""
FORGOTTEN_AT_ONCE = 500
"""Finished jobs that are deleted in one go."""


@dataclass(frozen=True)
class Taken:
    """A job that a worker took and has not finished."""

    id: str
    queue: str | None
    worker: str


@dataclass(frozen=True)
class Depth:
    """How many jobs wait or are under way, and how long the oldest has been there."""

    waiting: int
    under_way: int
    oldest: datetime | None
    more: bool
    """Whether there are more than were counted."""


class Jobs:
    """The jobs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._served = False

    # -- writing ----------------------------------------------------------------------------------------

    def heard(self, session: Session, entry: Link) -> None:
        """Write the job of an audit entry, in its transaction."""
        if entry.event not in WAKING or not self.served(session):
            return
        run_id = _run_of(session, entry)
        if run_id is not None:
            self.wake(session, run_id, str(entry.seq))

    def wake(self, session: Session, run_id: str, cause: str, *, admitted: bool = False) -> None:
        """Write the job that advances a run; the same cause is the same job.

        For a run that nobody has begun, where its graph has a rate, it is the job that lets it begin first.

        Args:
            run_id: the run, or a run below it.
            admitted: it may begin by now.

        Raises:
            SettingsError: this program cannot write jobs, so nothing of the transaction is kept.
        """
        found = session.get(Run, run_id)
        if found is None:
            return
        *_, root = lineage(session, found)
        begins = root.status == "created" and not admitted and root.cancelled_by is None and rated(session, root.graph)
        client = self._client
        from dbos import EnqueueOptions, WorkflowSerializationFormat

        job: EnqueueOptions = {
            "workflow_name": BEGIN if begins else ADVANCE,
            "queue_name": starts_of(root.graph) if begins else queue_of(root.graph),
            "workflow_id": _id(root.id, cause),
            "app_version": APPLICATION,
            "serialization_type": WorkflowSerializationFormat.PORTABLE,
        }
        if not begins:
            job["queue_partition_key"] = root.id
        client.enqueue_in_transaction(session, job, root.id)

    def admit(self, run_id: str) -> None:
        """Let a run begin: write the job that advances it, however often this is asked."""
        with self._database.write() as session:
            self.wake(session, run_id, "begun", admitted=True)

    def served(self, session: Session) -> bool:
        """Whether workers serve this database; once they do, it stays so."""
        self._served = self._served or session.get(Meta, SERVED) is not None
        return self._served

    @property
    def wanted(self) -> bool:
        """Whether workers serve this database."""
        with self._database.read() as session:
            return self.served(session)

    def serve(self) -> None:
        """From here on jobs are written; the tables of the queue are there."""
        with self._database.write() as session:
            if session.get(Meta, SERVED) is None:
                session.add(Meta(name=SERVED, value=APPLICATION))

    # -- reading and handing on ---------------------------------------------------------------------------

    def hand_on(self, worker_id: str) -> int:
        """Give the jobs that a worker took and did not finish to others; how many there were.

        Whatever that worker still records of them counts no more.

        Raises:
            StoreUnavailable: as for all that asks the queue, the database cannot be used now.
        """
        left = [job for job in self.taken() if job.worker == worker_id]
        for job in left:
            self.give_back(job)
        return len(left)

    def taken(self) -> Sequence[Taken]:
        """The jobs that workers have taken and not finished."""
        found = self._jobs(status="PENDING", workflow_id_prefix=f"{ADVANCE}/")
        return [Taken(job.workflow_id, job.queue_name, job.executor_id or "") for job in found]

    def give_back(self, job: Taken) -> None:
        """Give one such job to others, whoever has it."""
        with self._database.explained():
            self._client.resume_workflow(job.id, queue_name=job.queue)

    def idle(self, run_id: str, since: datetime) -> bool:
        """Whether a run that no other run started has no job, and has had none since a moment."""
        jobs = _id(run_id, "")
        return not (
            self._jobs(status=LIVE, workflow_id_prefix=jobs, limit=1)
            or self._jobs(workflow_id_prefix=jobs, start_time=since.isoformat(), limit=1)
        )

    def count(self, run_id: str, since: datetime) -> int:
        """How many jobs were written for a run, that no other run started, since a moment."""
        return len(self._jobs(workflow_id_prefix=_id(run_id, ""), start_time=since.isoformat()))

    def depth(self, at_most: int = COUNTED) -> Depth:
        """How deep the queue is, counted up to `at_most` jobs, the oldest first."""
        found = self._client.list_workflows(status=LIVE, limit=at_most + 1, load_input=False, load_output=False)
        under_way = sum(job.status == "PENDING" for job in found)
        first = next((job.created_at for job in found if job.created_at is not None), None)
        oldest = datetime.fromtimestamp(first / 1000, UTC) if first is not None else None
        return Depth(len(found) - under_way, under_way, oldest, len(found) > at_most)

    def forget(self, before: datetime) -> int:
        """Delete jobs that were finished before a moment, some at a time; how many were deleted."""
        old = self._jobs(completed_before=before.isoformat(), limit=FORGOTTEN_AT_ONCE)
        if old:
            with self._database.explained():
                self._client.delete_workflows([job.workflow_id for job in old])
        return len(old)

    def _jobs(self, **which: Any) -> Sequence[WorkflowStatus]:
        with self._database.explained():
            return self._client.list_workflows(**which, load_input=False, load_output=False)

    # -- the queue --------------------------------------------------------------------------------------

    def call_connections(self, name: str) -> None:
        """Let the server know the connections of the queue by a name, as `Database.call_connections` does."""
        if self._database.shared:
            call(self.engine, name)

    @cached_property
    def engine(self) -> Engine:
        """Connections of the queue: it opens its transactions by itself, so they are not those of our rows."""
        made = create_engine(
            self._database.url,
            pool_pre_ping=self._database.shared,
            connect_args={} if self._database.shared else {"timeout": 30.0},
        )
        if not self._database.shared:
            event.listen(made, "connect", _configure)
        return made

    @cached_property
    def _client(self) -> DBOSClient:
        """What speaks to the queue from outside it; it connects when first used, not inside somebody's transaction."""
        try:
            from dbos import DBOSClient
        except ImportError:
            raise SettingsError(
                "workers serve this database, so what they are to do must be written with every decision, and dbos is "
                "not installed; nothing was done. Install it: pip install 'interlock[work]'."
            ) from None
        return DBOSClient(
            system_database_engine=self.engine, application_name=APPLICATION, lazy=True, retry_connection_errors=False
        )


def _id(run_id: str, cause: str) -> str:
    return f"{ADVANCE}/{run_id}/{cause}"


def queue_of(graph: str) -> str:
    """The queue of a graph's runs."""
    return f"graph-{re.sub(r'[^a-z0-9_-]', '-', graph.lower())}"


def starts_of(graph: str) -> str:
    """The queue of a graph's runs that may only be begun at a rate."""
    return queue_of(graph).replace("graph-", "starts-", 1)


def _run_of(session: Session, entry: Link) -> str | None:
    """The run that an audit entry gives something to do."""
    match entry.event.partition(".")[0]:
        case "run":
            return None if "parent" in (entry.data or {}) else entry.subject
        case "approval":
            approval = session.get(Approval, entry.subject)
            return approval.run_id if approval else None
        case _:
            pause = session.get(Pause, entry.subject)
            return pause.run_id if pause else None


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # a job that a loss of power takes is written again by the sweep
