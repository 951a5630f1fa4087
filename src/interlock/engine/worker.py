"""A worker: takes jobs, advances the runs they name, and takes over from workers that died.

The queue delivers each job at least once, and one job of a run at a time, nearly; the run's lock and the fence of its
checkpoints make "nearly" enough.  A worker says every few seconds that it lives.  Whoever finds one that does not ends
its connections, so that its locks are free however it hangs, and gives its jobs to others.  A sweep gives back jobs
that somebody took and nobody works at, and writes jobs for runs that should go on and have none: where a process died
that was no worker, or a job failed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Any, Literal

from dbos import DBOS, DBOSConfig

from interlock.engine.places import Places
from interlock.engine.service import Engine
from interlock.errors import DrivenElsewhere, InterlockError, RunBusy, StoreUnavailable
from interlock.store.jobs import ADVANCE, APPLICATION, BEGIN, queue_of, starts_of
from interlock.store.locks import held
from interlock.store.stranded import stranded
from interlock.store.tables import QueueSettings
from interlock.store.tables import Worker as Row
from interlock.store.workers import Workers

LOG = logging.getLogger("interlock.worker")
LAUNCH = 60.0
"""Seconds to wait for another worker that makes the tables of the queue."""
BUSY = "another worker makes the tables of the queue; start this one again when it has."
PATIENCE = 1.0
"""Seconds that a job waits for another process that drives its run, before it is put at the end of the queue."""
BEGUN_AT_ONCE = 32
"""Runs of a graph with a rate that a worker lets begin at a time, which is a short transaction each."""
DOUBLINGS = 8
"""So often the pause doubles between two jobs of a run that does not get on: up to about 43 minutes."""
KEPT = timedelta(days=1)
"""How long finished jobs, and workers that are gone, are kept to be looked at."""
TIDY = 60.0
"""Seconds between two deletions of those."""


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


@dataclass(frozen=True)
class Ended:
    """How a worker ended."""

    given_up: bool
    """Others took over from it, since it was not heard of."""
    left: Sequence[str]
    """Runs that it was still advancing; their threads end with the process, and others go on with them."""


class Worker:
    """One worker of a project's database.  There is one in a process."""

    def __init__(self, engine: Engine, pace: Pace = Pace()) -> None:
        self.engine, self.pace = engine, pace
        self.jobs, self.queues = engine.project.jobs, engine.project.queues
        self.workers = Workers(engine.services.database)
        self._ending, self._stop = Event(), Event()
        self._given_up = False
        self._busy: set[str] = set()
        self._jobs: set[str] = set()
        """The jobs that the queue has handed over and that are not done."""
        self._dropped: set[str] = set()
        """The jobs that it had not, at the last sweep, although this worker took them."""
        self._overdue: set[str] = set()
        self._lock, self._places = Lock(), Places(pace.at_once)
        self._heard: dict[str, tuple[datetime, float]] = {}
        """The last sign of life of each worker, and since when it is known, by a clock that nobody sets."""
        self._tidied = time.monotonic()

    # -- its life ---------------------------------------------------------------------------------------

    def serve(self, stop: Event, ready: Callable[[Row], None] = lambda _: None) -> Ended:
        """Work until `stop` is set or others gave it up, then let what is being advanced come to its next rest.

        Raises:
            StoreUnavailable: the database cannot be used at the start; later it is waited for.
        """
        self._stop = stop
        me = self.workers.enter(self.pace.at_once)
        self.engine.services.database.call_connections(me.id)
        self.jobs.call_connections(me.id)
        beating = Thread(target=self._beat, args=(me,), name="interlock-beat", daemon=True)
        beating.start()
        try:
            with self._queue(me):
                ready(me)
                while not stop.wait(self.pace.sweep):
                    self.sweep(me)
                self._try(lambda: self.workers.leave(me.id, "draining"), "say that it drains")
        finally:
            handed = self._given_up or self._try(lambda: self._hand_on(me), "give its jobs to others")
            self._ending.set()
            beating.join()
            if handed:  # else others find it not to beat, and do so
                self._try(lambda: self.workers.leave(me.id, "gone"), "say that it is gone")
        with self._lock:
            return Ended(self._given_up, sorted(self._busy))

    @contextmanager
    def _queue(self, me: Row) -> Iterator[None]:
        """The queue's own threads, which call `_advance`; they end with the block: at rest, or after the grace."""
        config: DBOSConfig = {
            "name": APPLICATION, "system_database_engine": self.jobs.engine, "executor_id": me.id,
            "application_version": APPLICATION, "log_level": "ERROR", "use_listen_notify": False,
        }  # fmt: skip
        DBOS(config=config)

        @DBOS.workflow(name=ADVANCE)
        def advance(run_id: str) -> None:
            with self._at(DBOS.workflow_id):
                self._advance(run_id)

        @DBOS.workflow(name=BEGIN)
        def begin(run_id: str) -> None:
            with self._at(DBOS.workflow_id):
                self._try(lambda: self.jobs.admit(run_id), f"let run {run_id} begin")  # else the sweep finds it

        try:
            with self.engine.services.database.explained():
                self._launch()
                self.jobs.serve()
                self.open_queues(anew=True)
            yield
        finally:
            grace = 0 if self._given_up else round(self.pace.grace)  # what it does counts no more
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=grace)

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

    def _beat(self, me: Row) -> None:
        while not self._ending.wait(self.pace.beat):
            try:
                if not self.workers.beat(me.id):
                    LOG.error("worker %s was given up by others; it ends", me.id)
                    self._given_up = True
                    self._stop.set()
                    return
            except StoreUnavailable as error:
                LOG.warning("worker %s cannot reach the database: %s", me.id, error.message)
            except Exception:
                LOG.exception("worker %s cannot say that it lives", me.id)

    def _hand_on(self, me: Row) -> None:
        if self.jobs.wanted:
            self.jobs.hand_on(me.id)

    def _try(self, act: Callable[[], Any], what: str) -> bool:
        """Do something that is done again later where it fails; whether it was done."""
        try:
            act()
        except InterlockError as error:
            LOG.warning("could not %s: %s", what, error.message)
        except Exception:
            LOG.exception("could not %s", what)
        else:
            return True
        return False

    @contextmanager
    def _at(self, job: str | None) -> Iterator[None]:
        with self._lock:
            self._jobs.add(job or "")
        try:
            yield
        finally:
            with self._lock:
                self._jobs.discard(job or "")

    # -- its work ---------------------------------------------------------------------------------------

    def _advance(self, run_id: str) -> None:
        with self._places.take(self._priority(run_id)):
            if self._stop.is_set():
                self._again(run_id)
                return
            with self._lock:
                self._busy.add(run_id)
            begun = time.monotonic()
            try:
                standing = self.engine.drive(run_id, patience=PATIENCE)
                LOG.info("run %s is %s after %.2f s", run_id, standing.run.status, time.monotonic() - begun)
            except RunBusy:
                LOG.info("run %s is driven by another process", run_id)
                self._again(run_id)  # that one may have parked it before it could see what this job is for
            except DrivenElsewhere:
                LOG.info("run %s goes on elsewhere", run_id)
            except InterlockError as error:
                LOG.error("run %s stopped: %s", run_id, error.message)
            except Exception:
                LOG.exception("run %s stopped", run_id)
            finally:
                with self._lock:
                    self._busy.discard(run_id)

    def _priority(self, run_id: str) -> int:
        try:
            return self.queues.priority(run_id)
        except StoreUnavailable:  # whatever goes wrong with the run itself is told where it is driven
            return 0

    def _again(self, run_id: str) -> None:
        """Put a run that this job could not advance at the end of the queue; where that fails, the sweep finds it."""
        self._try(lambda: self._wake(run_id, "again", admitted=True), f"put run {run_id} back into the queue")

    def _wake(self, run_id: str, why: str, *, admitted: bool = False) -> None:
        with self.engine.services.database.write() as session:
            self.jobs.wake(session, run_id, f"{why}-{time.time_ns()}", admitted=admitted)

    def open_queues(self, *, anew: bool = False) -> None:
        """A queue for each graph of the project, and of the runs there are, as they are set; two where it has a rate.

        Args:
            anew: those that are there take over how this worker works.
        """
        settings = self.queues.list()
        stale = anew or not self.queues.applied(settings)
        if stale:
            self.queues.apply(None)  # whoever dies before all of them are told leaves that on record
        known = {queue.name for queue in DBOS.list_queues()}
        graphs = {path.stem for path in (self.engine.project.root / "graphs").glob("*.yaml")}
        told = {row.graph: row for row in settings}
        for graph in sorted({*graphs, *self.engine.services.runs.graphs(), *told}):
            if stale or queue_of(graph) not in known:
                self._open(graph, told.get(graph), starts=starts_of(graph) in known, anew=stale)
        if stale:
            self.queues.apply(settings)

    def _open(self, graph: str, told: QueueSettings | None, *, starts: bool, anew: bool) -> None:
        """Open the queues of a graph.

        Args:
            starts: runs of it may wait to begin, for it had a rate.
        """
        most = told.at_once if told else None
        conflict: Literal["always_update", "never_update"] = "always_update" if anew else "never_update"
        DBOS.register_queue(
            queue_of(graph), partition_concurrency=1, global_concurrency=most,
            worker_concurrency=min(self.pace.at_once, most or self.pace.at_once),
            polling_interval_sec=self.pace.poll, on_conflict=conflict,
        )  # fmt: skip
        rate = told.rate if told else None
        if starts or rate is not None:
            DBOS.register_queue(
                starts_of(graph), worker_concurrency=BEGUN_AT_ONCE,
                limiter={"limit": rate, "period": told.period} if told and rate and told.period else None,
                polling_interval_sec=self.pace.poll, on_conflict=conflict,
            )  # fmt: skip

    # -- its watch over the others ------------------------------------------------------------------------

    def sweep(self, me: Row) -> None:
        """Take over from the dead, start what is scheduled, end what is overdue, write jobs for runs that lack one.

        The first is done by whoever comes, for a worker may hang while it sweeps; all else by one worker at a time.
        """
        self._try(lambda: self._take_over(me), "take over from the dead")
        self._try(lambda: self._give_back(me), "give back jobs that nobody works at")
        self._try(self._tend, "sweep")

    def _take_over(self, me: Row) -> None:
        for worker in self.workers.bury(self.pace.dead_after, by=me.id, silent=self._silent()):
            LOG.warning("worker %s was last heard of at %s; others go on with its runs", worker.id, worker.beat_at)
            self.jobs.hand_on(worker.id)
            self.workers.buried(worker.id)

    def _silent(self) -> dict[str, datetime]:
        """The last signs of life that have not changed for too long by a clock that nobody sets."""
        now, known = time.monotonic(), self._heard
        self._heard = {
            worker_id: known[worker_id] if known.get(worker_id, (None,))[0] == beat else (beat, now)
            for worker_id, beat in self.workers.living().items()
        }
        return {id_: beat for id_, (beat, since) in self._heard.items() if now - since > self.pace.dead_after}

    def _give_back(self, me: Row) -> None:
        """Give to others the jobs that somebody took and nobody works at.

        A worker that was given up may take one before it learns that it was.  And where a connection breaks after the
        queue has taken a job and before it has read it, the queue drops it, and the worker lives on.
        """
        taken, living = self.jobs.taken(), self.workers.living()  # in this order: whoever took one had come before
        with self._lock:
            dropped = {job.id for job in taken if job.worker == me.id} - self._jobs
        for job in taken:
            if job.worker not in living or job.id in dropped & self._dropped:
                LOG.warning("nobody works at the job %s, which %s took; others do it", job.id, job.worker)
                self.jobs.give_back(job)
        self._dropped = dropped

    def _tend(self) -> None:
        engine, services = self.engine, self.engine.services
        try:
            with held(services.database, engine.project.home, "sweep", busy="another worker sweeps"):
                self._try(self.open_queues, "open queues")
                self._try(services.approvals.expire, "close requests that nobody decided in time")
                self._try(services.pauses.settle_due, "end what was waited for")
                self._try(engine.start_due, "start what is scheduled")
                self._try(self._wake_overdue, "wake runs that are to end")
                self._try(self._wake_stranded, "wake stranded runs")
                if time.monotonic() - self._tidied > TIDY:
                    self._tidied = time.monotonic()
                    self._try(self._tidy, "delete finished jobs")
                if engine.project.notices.wanted:
                    self._try(engine.notify, "deliver notices")
        except RunBusy:
            return

    def _wake_overdue(self) -> None:
        """Write a job, once, for each run that is to end, begun or not; where that was in vain it is found stranded."""
        found = set(self.engine.services.runs.overdue())
        for run_id in sorted(found - self._overdue):
            with self.engine.services.database.write() as session:
                self.jobs.wake(session, run_id, f"over-{run_id}", admitted=True)
        self._overdue = found

    def _wake_stranded(self) -> None:
        """Write a job for each run that should go on, has not changed for a while, and has none.

        Where it stops again each time without a change, the pauses double.
        """
        services = self.engine.services
        now, pause = services.clock(), timedelta(seconds=self.pace.stranded_after)
        found = [services.runs.root(run_id) for run_id in stranded(services.database, now - pause)]
        for run in {run.id: run for run in found}.values():
            vain = max(0, self.jobs.count(run.id, run.updated_at) - 1)
            if self.jobs.idle(run.id, now - pause * 2 ** min(vain, DOUBLINGS)):
                LOG.warning("run %s should go on and has no job; it gets one", run.id)
                self._wake(run.id, "sweep")

    def _tidy(self) -> None:
        before = self.engine.services.clock() - KEPT
        self.jobs.forget(before)
        self.workers.forget(before)
