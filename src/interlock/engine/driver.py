"""Driving: a run is fed what it waits for, until it ends or nothing more can be done for it now.

Driving is a pure function of what is stored, so it may be repeated at any time.  Whoever drives a run
holds its lease; its child runs are driven under the same lease, some at once.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError, InvalidUpdateError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from interlock.engine.compiler import recursion_limit
from interlock.engine.position import agreed, next_node, restored, unwritten
from interlock.engine.settling import settle
from interlock.errors import Conflict, DrivenElsewhere, LimitExceeded, Refused, RunCancelled, StoreUnavailable
from interlock.graphs.spec import Spec
from interlock.nodes import spans
from interlock.store.database import Transaction
from interlock.store.fencing import alone
from interlock.store.spend import ENDED, over
from interlock.store.tables import Run
from interlock.store.trimming import trim
from interlock.telemetry import at, here

if TYPE_CHECKING:
    from interlock.engine.project import Project

Graph = CompiledStateGraph[Any, Any, Any, Any]
Listener = Callable[[dict[str, Any]], None]

STRICT_RESUME = "__pregel_strict_resume"
"""LangGraph's private switch that refuses a resume by an interrupt id that is not open."""

TRIM_EVERY = 4
"""Super-steps between two looks at the size of a run's checkpoints."""

_PARK = object()


def silent(event: dict[str, Any]) -> None:
    """Listen to nothing."""


@dataclass
class Driver:
    """Drives the runs of a project; the caller holds the lease of the run that stands above them."""

    project: Project
    listener: Listener = silent
    _graphs: dict[str, tuple[Graph, Spec]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @cached_property
    def tracers(self) -> list[BaseCallbackHandler]:
        """What LangChain tells of each step."""
        from interlock.engine.langsmith import tracers

        return tracers(self.project.settings)

    def drive(self, run_id: str) -> None:
        """Drive one run until it ends or waits.

        One that was cancelled, or whose time is over, ends instead.

        Raises:
            LimitExceeded: a run above this one has used what it may; that run has ended, and this one with it.
            RunCancelled: a run above this one was cancelled; the same.
            StoreUnavailable, ProjectError: it cannot go on now; it can be driven again.
        """
        services = self.project.services
        run = services.runs.get(run_id)
        if run.status in ENDED:
            return
        try:
            services.runs.going(run_id)
            self._advance(run)
        except RunCancelled as cancelled:
            self.end(cancelled.run, "cancelled", outcome="cancelled", actor=cancelled.person)
            if cancelled.run != run_id:
                raise
        except (LimitExceeded, GraphRecursionError) as error:
            limited = error.run if isinstance(error, LimitExceeded) and error.run else run_id
            self.end(limited, "failed", outcome="limit", error=str(error))  # at once: its other children stop here too
            if limited != run_id:
                raise
        except (Refused, Conflict):
            if services.runs.get(run_id).status not in ENDED:  # else it was ended from above while it was driven
                raise

    def drive_children(self, run_ids: Sequence[str], at_once: int) -> None:
        """Drive child runs of one visit, `at_once` of them at a time.

        What goes wrong in one does not keep the others from being driven, unless it concerns them too: a
        limit or the cancellation of a run above them, or a store that cannot be used.

        Raises:
            InterlockError: the first that a child raised, in their order.
        """
        errors: dict[int, Exception] = {}
        stop = Event()
        place = here()

        def one(number: int, run_id: str) -> None:
            if stop.is_set():
                return
            try:
                # LangGraph would take it for a subgraph of the caller
                contextvars.Context().run(at, place, partial(self.drive, run_id))
            except Exception as error:
                errors[number] = error
                if isinstance(error, LimitExceeded | RunCancelled | StoreUnavailable):
                    stop.set()
            except BaseException:
                stop.set()
                raise

        if len(run_ids) <= 1 or at_once == 1:
            for number, run_id in enumerate(run_ids):
                one(number, run_id)
        else:
            with ThreadPoolExecutor(min(at_once, len(run_ids)), thread_name_prefix="interlock-child") as pool:
                try:
                    for driven in [pool.submit(one, number, run_id) for number, run_id in enumerate(run_ids)]:
                        driven.result()
                except BaseException:  # an interrupt from the keyboard does not wait for those that have not begun
                    stop.set()
                    raise
        if errors:
            above = [number for number, error in errors.items() if isinstance(error, LimitExceeded | RunCancelled)]
            raise errors[min(above or errors)]

    def pending(self, run_id: str) -> bool:
        """Whether driving the run now would get it on."""
        run = self.project.services.runs.get(run_id)
        return run.status not in ENDED and self._moves(run)

    def _moves(self, run: Run) -> bool:
        """Whether there is anything to do for a living run: it is to go on, or to end."""
        return over(run, self.project.services.clock()) or self._feed(run) is not _PARK

    def end(self, run_id: str, status: str, *, outcome: str, error: str | None = None, actor: str = "run") -> Run:
        """End a run and all that is below it: open questions and proposals that have not begun end with it."""
        services = self.project.services

        def close(session: Transaction, ended: Sequence[str]) -> None:
            for each in ended:
                services.approvals.cancel(session, each)
                services.ledger.cancel(session, each)

        return services.runs.end(run_id, status, outcome=outcome, error=error, actor=actor, also=close)

    def graph(self, spec_digest: str) -> tuple[Graph, Spec]:
        """The graph and spec of a digest, read and compiled once."""
        with self._lock:
            if spec_digest not in self._graphs:
                workflow = self.project.pinned(spec_digest)
                self._graphs[spec_digest] = workflow.compile(self.project.checkpoints), workflow.spec
            return self._graphs[spec_digest]

    def _advance(self, run: Run) -> None:
        with alone(self.project.checkpoints, run.id):
            self._advance_alone(run)

    def _advance_alone(self, run: Run) -> None:
        graph, spec = self.graph(run.spec_digest)
        with spans.workflow(run, spec, content=self.project.settings.trace_content) as traced:
            self._go_on(run, graph, spec)
            if traced.is_recording():
                traced.set_attribute("interlock.run.status", self.project.services.runs.get(run.id).status)

    def _go_on(self, run: Run, graph: Graph, spec: Spec) -> None:
        services = self.project.services
        settle(graph, run.id, services)
        if run.status == "created" and not services.runs.visits(run.id):
            unwritten(graph, _config(run.id))
        mended = False
        for _ in range(recursion_limit(spec)):
            status = services.runs.get(run.id).status
            if status in ENDED:
                return
            services.approvals.expire()
            feed = self._feed(run)
            now = "waiting" if feed is _PARK else "running"
            if status != now:  # one of many children that wait costs no commit each time the others go on
                services.runs.status(run.id, now)
            if feed is _PARK:
                trim(self.project.checkpoints, run.id)
                return
            config = _config(run.id) | {"callbacks": self.tracers, "run_name": spec.graph}
            try:
                for number, chunk in enumerate(
                    graph.stream(feed, config, durability="sync", stream_mode="updates"), start=1
                ):
                    for node in chunk:
                        if not node.startswith("__"):
                            self.listener({"event": "node", "run": run.id, "node": node})
                    if number % TRIM_EVERY == 0:
                        trim(self.project.checkpoints, run.id)
            except (Refused, InvalidUpdateError):
                if services.runs.get(run.id).status in ENDED:
                    return
                # Somebody else may have left a forged step pending; what the store agrees with is tried once more.
                visits, refused = services.runs.visits(run.id), next_node(graph, config)
                if mended or not (
                    restored(graph, config, spec, visits, besides=refused) or restored(graph, config, spec, visits)
                ):
                    raise
                mended = True
        raise Refused(f"run {run.id} does not get on; its checkpoints were changed from outside. Start a new run.")

    def _feed(self, run: Run) -> Any:
        """What the graph is given next: the input, nothing (to go on), a wake-up, or `_PARK`."""
        services = self.project.services
        graph, spec = self.graph(run.spec_digest)
        snapshot = agreed(graph, _config(run.id), spec, services.runs.visits(run.id))
        if snapshot.created_at is None:
            if services.runs.visits(run.id):
                raise DrivenElsewhere(f"run {run.id} has begun, but its checkpoints are kept by another program.")
            return run.input
        open_interrupts = [interrupt for task in snapshot.tasks for interrupt in task.interrupts]
        if not open_interrupts:
            # `tasks`, not `next`: next is empty while a task's writes are saved and its checkpoint is not.
            return None if snapshot.tasks else _PARK
        woken = {item.id: {"woken": True} for item in open_interrupts if self._ready(run, item.value)}
        return Command(resume=woken) if woken else _PARK

    def _ready(self, run: Run, payload: Any) -> bool:
        """Whether what an interrupt waits for may have come.

        A wake-up only makes the step look at the store again, so what is not known here is woken too.
        """
        services = self.project.services
        ours = payload.get("interlock") if isinstance(payload, Mapping) else None
        wanted, kind = (ours.get("id"), ours.get("kind")) if isinstance(ours, Mapping) else (None, None)
        match kind:
            case "wait":
                return not isinstance(wanted, str) or services.pauses.ready(wanted)
            case "children":
                visit = services.runs.visits(run.id)[-1]
                found = services.runs.children(run.id, visit.step, visit.visit)
                living = [child for child in found if child.status not in ENDED]
                return not living or any(self._moves(child) for child in living)
        return wanted not in {approval.id for approval in services.approvals.waiting(run.id)}


def _config(run_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": run_id, STRICT_RESUME: True}}
