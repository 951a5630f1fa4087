"""A worker: takes jobs, advances the runs they name, and takes over from workers that died.

The queue delivers each job at least once, and one job of a run at a time, nearly; the run's lock and the fence of its
checkpoints make "nearly" enough.  A worker says every few seconds that it lives.  Whoever finds one that does not ends
its connections, so that its locks are free however it hangs, and gives its jobs to others.  A sweep writes jobs for
runs that should go on and have none: where a process died that was no worker, or a job failed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

from dbos import DBOS, DBOSConfig

from interlock.engine.service import Engine
from interlock.errors import DrivenElsewhere, InterlockError, RunBusy, StoreUnavailable
from interlock.store.jobs import ADVANCE, APPLICATION, queue_of
from interlock.store.locks import held
from interlock.store.tables import Worker as Row
from interlock.store.workers import Workers

LOG = logging.getLogger("interlock.worker")
LAUNCH = 60.0
"""Seconds to wait for another worker that makes the tables of the queue."""
BUSY = "another worker makes the tables of the queue; start this one again when it has."


@dataclass(frozen=True)
class Pace:
    """How a worker works; seconds, unless it says otherwise."""

    at_once: int = 4
    """Runs that it advances at a time."""
    poll: float = 0.2
    """Between two looks into a queue: how long a job may lie there."""
    beat: float = 1.0
    """Between two signs of life."""
    dead_after: float = 6.0
    """Without a sign of life, after which others take over."""
    sweep: float = 2.0
    """Between two searches for what is due, stranded or dead."""
    stranded_after: float = 10.0
    """Without a change, after which a run that should be going and has no job gets one."""
    grace: float = 30.0
    """For runs to come to their next rest when the worker is told to end."""


class Worker:
    """One worker of a project's database.  There is one in a process."""

    def __init__(self, engine: Engine, pace: Pace = Pace()) -> None:
        self.engine, self.pace = engine, pace
        self.jobs, self.workers = engine.project.jobs, Workers(engine.services.database)
        self._ending = Event()
        self._busy: set[str] = set()
        self._lock = Lock()

    # -- its life ---------------------------------------------------------------------------------------

    def serve(self, stop: Event, ready: Callable[[Row], None] = lambda _: None) -> None:
        """Work until `stop` is set, then let what is being advanced come to its next rest.

        Raises:
            StoreUnavailable: the database cannot be used at the start; later it is waited for.
        """
        me = self.workers.enter(self.pace.at_once)
        self.engine.services.database.call_connections(me.id)
        with self._queue(me):
            beating = Thread(target=self._beat, args=(me, stop), name="interlock-beat", daemon=True)
            beating.start()
            ready(me)
            while not stop.wait(self.pace.sweep):
                self._try(self.sweep, "sweep")
            self._try(lambda: self.workers.leave(me.id, "draining"), "say that it drains")
        self._ending.set()
        beating.join()
        self._try(lambda: self.workers.leave(me.id, "gone"), "say that it is gone")

    @contextmanager
    def _queue(self, me: Row) -> Iterator[None]:
        """The queue's own threads, which call `_advance`; they end with the block, when all is at rest or after the grace."""
        config: DBOSConfig = {
            "name": APPLICATION, "system_database_engine": self.jobs.engine, "executor_id": me.id,
            "application_version": APPLICATION, "log_level": "ERROR", "use_listen_notify": False,
        }  # fmt: skip
        DBOS(config=config)

        @DBOS.workflow(name=ADVANCE)
        def advance(run_id: str) -> None:
            self._advance(run_id)

        self._launch()
        try:
            self.jobs.serve()
            self.open_queues()
            yield
        finally:
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=round(self.pace.grace))

    def _launch(self) -> None:
        """Make or bring up to date the queue's tables, one process at a time, and begin to take jobs."""
        deadline = time.monotonic() + LAUNCH
        while True:
            try:
                # No waiting inside the server: making an index waits for every statement that goes on there.
                with held(self.engine.services.database, self.engine.project.home, "queue tables", busy=BUSY):
                    DBOS.launch()
                    return
            except RunBusy:
                if time.monotonic() > deadline:
                    raise StoreUnavailable(BUSY) from None
                time.sleep(self.pace.poll)

    def _beat(self, me: Row, stop: Event) -> None:
        while not self._ending.wait(self.pace.beat):
            try:
                if not self.workers.beat(me.id):
                    LOG.error("worker %s was given up by others; it ends", me.id)
                    stop.set()
                    return
            except StoreUnavailable as error:
                LOG.warning("worker %s cannot reach the database: %s", me.id, error.message)

    def _try(self, act: Callable[[], Any], what: str) -> None:
        try:
            act()
        except StoreUnavailable as error:
            LOG.warning("could not %s: %s", what, error.message)

    # -- its work ---------------------------------------------------------------------------------------

    def _advance(self, run_id: str) -> None:
        with self._lock:
            self._busy.add(run_id)
        begun = time.monotonic()
        try:
            standing = self.engine.drive(run_id)
            LOG.info("run %s is %s after %.2f s", run_id, standing.run.status, time.monotonic() - begun)
        except (RunBusy, DrivenElsewhere):
            LOG.info("run %s goes on elsewhere", run_id)
        except InterlockError as error:
            LOG.error("run %s stopped: %s", run_id, error.message)
        except Exception:
            LOG.exception("run %s stopped", run_id)
        finally:
            with self._lock:
                self._busy.discard(run_id)

    def open_queues(self) -> None:
        """A queue for each graph of the project, and of the runs there are."""
        known = {queue.name for queue in DBOS.list_queues()}
        graphs = {path.stem for path in (self.engine.project.root / "graphs").glob("*.yaml")}
        for name in sorted({queue_of(graph) for graph in {*graphs, *self.engine.services.runs.graphs()}} - known):
            DBOS.register_queue(
                name, partition_concurrency=1, worker_concurrency=self.pace.at_once,
                polling_interval_sec=self.pace.poll, on_conflict="never_update",
            )  # fmt: skip

    # -- its watch over the others ------------------------------------------------------------------------

    def sweep(self) -> None:
        """Take over from the dead, end what is overdue, and write jobs for runs that lack one; one worker at a time."""
        try:
            with held(self.engine.services.database, self.engine.project.home, "sweep", busy="another worker sweeps"):
                self._take_over()
                self.open_queues()
                self.engine.notify() if self.engine.project.notices.wanted else self.engine.services.approvals.expire()
                self.engine.services.pauses.settle_due()
                self._wake_stranded()
        except RunBusy:
            return

    def _take_over(self) -> None:
        for worker in self.workers.bury(self.pace.dead_after):
            LOG.warning("worker %s was last heard of at %s; others go on with its runs", worker.id, worker.beat_at)
            self.workers.disconnect(worker.id)
            left = DBOS.list_workflows(status="PENDING", executor_id=worker.id, load_input=False, load_output=False)
            for job in left:
                DBOS.resume_workflow(job.workflow_id, queue_name=job.queue_name)
            self.workers.buried(worker.id)

    def _wake_stranded(self) -> None:
        """Write a job for each run that should go on, has not changed for a while, and has none."""
        for run_id in self.engine.services.runs.stranded(self.pace.stranded_after):
            if not DBOS.list_workflows(
                status=["PENDING", "ENQUEUED"], workflow_id_prefix=f"{ADVANCE}/{run_id}/", limit=1,
                load_input=False, load_output=False,
            ):  # fmt: skip
                with self.engine.services.database.write() as session:
                    self.jobs.wake(session, run_id, f"sweep-{time.time_ns()}")
