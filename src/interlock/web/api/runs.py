"""The addresses by which runs are started, found and moved on."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from interlock.engine.objects import effect_object, run_object
from interlock.engine.shown import run_shown, standing_effects
from interlock.errors import Refused
from interlock.store.run_lists import RunFilter, RunLists
from interlock.store.spend import ENDED
from interlock.store.tables import Run
from interlock.web.api.graphs import workflow_of
from interlock.web.api.keys import Done, Key, once
from interlock.web.api.reading import After, Limit, RunId, Word, read
from interlock.web.api.shapes.runs import (
    EventAsked,
    EventSent,
    ForkAsked,
    RunAsked,
    RunCancelled,
    RunInFull,
    RunList,
    RunResumed,
    RunShape,
    Status,
)
from interlock.web.api.taking import describes, takes
from interlock.web.parts import Body, Parts, json_answer
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

Reader = Annotated[Visitor, needs("runs.read")]
Moment = Annotated[AwareDatetime | None, Query(description="With its time zone: 2026-01-05T09:00:00Z.")]
Waits = Annotated[
    Literal["person", "doubt", "event", "moment"] | None,
    Query(description="Runs that wait for something of that kind."),
]


def routes(parts: Parts) -> APIRouter:
    """Runs."""
    router = APIRouter(tags=["runs"])

    @router.get("/api/runs", operation_id="listRuns", **describes(RunList))
    def runs(
        _: Reader,
        status: Status | None = None,
        graph: Word = None,
        spec: Word = None,
        requester: Word = None,
        text: Word = None,
        waits: Waits = None,
        since: Moment = None,
        before: Moment = None,
        parent: Word = None,
        limit: Limit = 50,
        after: After = None,
    ) -> Response:
        """The runs there are, newest first, a page at a time; child runs only where their parent is named."""
        if after is not None and parts.services.runs.find(after) is None:
            raise Problem(400, f"No page begins after {after}; begin anew, without `after`.")
        wanted = RunFilter(
            status=status, graph=graph, specs=[spec] if spec else None, requester=requester, text=text, since=since,
            before=before, waits=waits, parent=parent,
        )  # fmt: skip
        page = RunLists(parts.services.database).page(wanted, after=after, limit=limit)
        return json_answer({"runs": [run_object(run) for run in page.runs], "next": page.older})

    @router.post(
        "/api/runs",
        operation_id="startRun",
        **describes(RunShape, 404, writes=True, status=201, body=takes(RunAsked)),
    )
    def start(request: Request, body: Body, who: Annotated[Visitor, needs("runs.start")], key: Key = None) -> Response:
        """Start a run; it goes on beside the answer."""
        asked = read(RunAsked, request, body)

        def work() -> Done:
            return begun(parts.engine.start(workflow_of(parts, asked.graph), asked.input, who.name))

        return once(parts, request, who, body, work, lambda run_id: begun(parts.services.runs.get(run_id)))

    @router.get("/api/runs/{run_id}", operation_id="showRun", **describes(RunInFull, 404))
    def run(run_id: RunId, _: Reader) -> Response:
        """One run with its steps, effects and requests."""
        return json_answer(run_shown(parts.engine, run_id))

    @router.post(
        "/api/runs/{run_id}/resume",
        operation_id="resumeRun",
        **describes(RunResumed, 404, writes=True, status=202),
    )
    def resume(
        run_id: RunId, request: Request, body: Body, who: Annotated[Visitor, needs("runs.resume")], key: Key = None
    ) -> Response:
        """Go on with a run from its last checkpoint, beside the answer."""

        def work() -> Done:
            root = parts.services.runs.root(run_id)
            if root.status in ENDED:
                raise Refused(f"run {root.id} is {root.status}; there is nothing to go on with.")
            parts.driving.go_on(root.id)
            return Done(202, {"run": run_object(root)})

        return once(parts, request, who, body, work, lambda _: work())

    @router.post(
        "/api/runs/{run_id}/cancel", operation_id="cancelRun", **describes(RunCancelled, 404, writes=True, also=202)
    )
    def cancel(
        run_id: RunId, request: Request, body: Body, who: Annotated[Visitor, needs("runs.cancel")], key: Key = None
    ) -> Response:
        """Cancel a run: no further step begins, what was done stays done; 202 where a step comes to its end first."""

        def told(ended: Run) -> Done:
            effects = [effect_object(row) for row in standing_effects(parts.engine, ended.id)]
            return Done(200 if ended.status in ENDED else 202, run_object(ended) | {"effects": effects})

        return once(
            parts, request, who, body, lambda: told(parts.engine.cancel(run_id, who.name)),
            lambda _: told(parts.services.runs.get(run_id)),
        )  # fmt: skip

    @router.post(
        "/api/runs/{run_id}/send",
        operation_id="sendEvent",
        **describes(EventSent, 404, writes=True, body=takes(EventAsked)),
    )
    def send(
        run_id: RunId, request: Request, body: Body, who: Annotated[Visitor, needs("runs.event")], key: Key = None
    ) -> Response:
        """Send a run an event that it waits for; one that comes early is kept."""
        asked = read(EventAsked, request, body)

        def told(taken: dict[str, str] | None) -> Done:
            if taken is not None:
                parts.driving.go_on(run_id)
            return Done(200, {"run": run_id, "event": asked.event, "taken": taken, "kept": taken is None})

        def work() -> Done:
            pause = parts.engine.send(run_id, asked.event, asked.data, who.name)
            return told({"step": pause.step, "run": pause.run_id} if pause is not None else None)

        def again(subject: str) -> Done:
            """What was noted is the pause that took it, `run/step/visit`, or the run that keeps it."""
            run, *place = subject.split("/")
            return told({"step": place[0], "run": run} if place else None)

        return once(parts, request, who, body, work, again)

    @router.post(
        "/api/runs/{run_id}/fork",
        operation_id="forkRun",
        **describes(RunShape, 404, writes=True, status=201, body=takes(ForkAsked)),
    )
    def fork(
        run_id: RunId, request: Request, body: Body, who: Annotated[Visitor, needs("runs.fork")], key: Key = None
    ) -> Response:
        """Begin a new run where this one was; what was done before is not done again unless a person agrees."""
        asked = read(ForkAsked, request, body)
        return once(
            parts, request, who, body, lambda: begun(parts.engine.fork(run_id, asked.at, asked.set, who.name)),
            lambda made: begun(parts.services.runs.get(made)),
        )  # fmt: skip

    @router.post(
        "/api/runs/{run_id}/retry", operation_id="retryRun", **describes(RunShape, 404, writes=True, status=201)
    )
    def retry(
        run_id: RunId, request: Request, body: Body, who: Annotated[Visitor, needs("runs.retry")], key: Key = None
    ) -> Response:
        """Begin a new run right before the step at which this one failed."""
        return once(
            parts, request, who, body, lambda: begun(parts.engine.retry(run_id, who.name)),
            lambda made: begun(parts.services.runs.get(made)),
        )  # fmt: skip

    def begun(run: Run) -> Done:
        parts.driving.go_on(run.id)
        return Done(201, run_object(run), f"/api/runs/{run.id}")

    return router
