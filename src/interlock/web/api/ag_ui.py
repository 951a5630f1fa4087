"""The address for clients of AG-UI 1.0: start a run, watch its steps, be interrupted for a decision, and answer.

Source: docs.ag-ui.com/concepts/events and interrupts, and the package `ag-ui-protocol`.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from interlock.digest import plain
from interlock.engine.service import Standing
from interlock.errors import Refused
from interlock.nodes.dialects import ag_ui
from interlock.nodes.dialects.question import question_of
from interlock.store.answered import Kept
from interlock.store.changes import position
from interlock.store.spend import ENDED
from interlock.store.tables import Run
from interlock.web.api.graphs import workflow_of
from interlock.web.api.keys import Done, attempted, digest_of
from interlock.web.api.reading import misfit
from interlock.web.api.shapes.ag_ui import MessageShape, ResumeShape, RunAgentInput
from interlock.web.api.streams import STREAM, Stream, seated
from interlock.web.api.taking import describes, takes
from interlock.web.decisions import NAMES_SOMEBODY, deciding, read_json
from interlock.web.feed import told_to
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

Agent = Annotated[Visitor, needs("runs.start", "approvals.decide", "doubts.settle")]

LONGEST = 600.0
"""Seconds after which a stream ends although the run goes on; the same request watches it again."""

STREAMED = {
    "description": "Events of AG-UI, each as one `data:` of JSON; the last is RUN_FINISHED or RUN_ERROR.",
    "content": {STREAM: {"schema": {"type": "string"}}},
}


def routes(parts: Parts) -> APIRouter:
    """One address, which starts and resumes."""
    router = APIRouter(tags=["ag-ui"])
    told = describes(None, 404, 428, writes=True, body=takes(RunAgentInput))
    told["responses"][200] = STREAMED

    @router.post("/api/ag-ui", operation_id="runAgent", response_class=Response, **told)
    async def agent(request: Request, body: Body, who: Agent) -> Response:
        """Start a run, or answer what one waits for; its steps come as events, and its questions as interrupts."""
        asked = _read(request, body)
        with seated(parts.feed.seat(who.name)) as held:  # before anything is started, for it is there to be watched
            after = await asyncio.to_thread(position, parts.services.database)
            run = await asyncio.to_thread(_moved, parts, request, body, who, asked)
            return Stream(_events(parts, asked, run, parts.driving.go_on(run.id), after), held.pop_all())

    return router


def _read(request: Request, body: bytes) -> RunAgentInput:
    try:
        return RunAgentInput.model_validate(read_json(request.headers.get("content-type", ""), body))
    except ValidationError as error:
        raise misfit(error.errors(include_url=False, include_context=False, include_input=False)) from None


def _moved(parts: Parts, request: Request, body: bytes, who: Visitor, asked: RunAgentInput) -> Run:
    """The run that was started or answered; the same request again moves nothing, and is the same run."""
    answers = parts.engine.project.answers
    key = f"{asked.thread_id}\n{asked.run_id}"
    begun = answers.begin(who.name, "POST /api/ag-ui", key, digest_of(request, body))
    if isinstance(begun, Kept):
        return parts.services.runs.get(json.loads(begun.body)["value"])

    def work() -> Done:
        return Done(200, _resumed(parts, who, asked.resume) if asked.resume else _started(parts, who, asked))

    def again(subject: str) -> Done:
        """What was noted is the run that was started, or the request that was answered."""
        started = parts.services.runs.find(subject)
        return Done(200, started.id if started else parts.services.approvals.get(subject).run_id)

    done = attempted(parts, begun, work, again)
    answers.finish(begun, done.status, done.body)
    return parts.services.runs.root(done.value)


def _started(parts: Parts, who: Visitor, asked: RunAgentInput) -> str:
    who.require("runs.start")
    props = asked.forwarded_props or {}
    graph, values = props.get("graph"), props.get("input", {})
    if not isinstance(graph, str):
        raise misfit([{"loc": ("forwardedProps", "graph"), "msg": "the name of a graph of the project"}])
    if not isinstance(values, dict):
        raise misfit([{"loc": ("forwardedProps", "input"), "msg": "an object of inputs"}])
    workflow = workflow_of(parts, graph)
    wanted = [
        name
        for name, field in workflow.spec.input.items()
        if field.type == "string" and not field.optional and field.default is None and name not in values
    ]
    said = _last_said(asked.messages)
    if len(wanted) == 1 and said is not None:
        values = values | {wanted[0]: said}
    return parts.engine.start(workflow, values, who.name).id


def _last_said(messages: list[MessageShape]) -> str | None:
    for message in reversed(messages):
        if message.role == "user":
            return message.content if isinstance(message.content, str) else None
    return None


def _resumed(parts: Parts, who: Visitor, entries: list[ResumeShape]) -> str:
    """Take each answer; the id of an interrupt stands for one content of one request, which never changes.

    Raises:
        Problem: an answer says who decides, or this person lacks the right.
        DecisionRefused: an answer has no plain meaning, or counts no more; those before it were taken.
    """
    approvals = parts.services.approvals
    rows = [approvals.get(entry.interrupt_id) for entry in entries]
    roots = {parts.services.runs.root(row.run_id).id for row in rows}
    if len(roots) != 1:
        raise Refused("one request answers the interrupts of one run; send one for each.")
    for row, entry in zip(rows, entries, strict=True):
        who.require(deciding(row))
        if isinstance(entry.payload, dict) and (named := NAMES_SOMEBODY.intersection(entry.payload)):
            raise Problem(400, f"`{min(named)}` says who decides; that comes from your sign-in or token alone.")
    for row, entry in zip(rows, entries, strict=True):
        answer = entry.model_dump(by_alias=True, exclude_unset=True)
        parts.engine.answer(row.id, who.name, answer, revision=row.revision)
    return roots.pop()


# Events -------------------------------------------------------------------------------------------


async def _events(
    parts: Parts, asked: RunAgentInput, run: Run, driving: "Future[None]", after: int
) -> AsyncIterator[bytes]:
    thread = {"threadId": asked.thread_id, "runId": asked.run_id}
    yield _event("RUN_STARTED", **thread)
    yield _event("CUSTOM", name="interlock.run", value={"run": run.id, "graph": run.graph})
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST
    rested = asyncio.wrap_future(driving)
    async for read in parts.feed.follow(after, wake=rested):
        over = rested.done()  # asked before the rows are, so that nothing it wrote is missed
        for change in told_to(read.found, run.id, ("step",)):
            step = change.subject.partition("/")[2]
            yield _event("STEP_STARTED", stepName=step)
            yield _event("STEP_FINISHED", stepName=step)
        standing = await asyncio.to_thread(parts.engine.standing, run.id)
        behind = await asyncio.to_thread(position, parts.services.database) > read.position
        if not behind and _rests(standing, over=over):
            yield _finished(standing, thread)
            return
        if loop.time() >= until:
            break
    sentence = f"run {run.id} goes on; send the same request again to watch it."
    yield _event("RUN_ERROR", message=sentence, code="still_running")


def _rests(standing: Standing, *, over: bool) -> bool:
    """Whether a run has ended, or waits; a decision that was just taken leaves it `waiting` until it is driven on."""
    if standing.run.status in ENDED:
        return True
    return over and standing.run.status == "waiting" and bool(standing.waiting or standing.pauses)


def _finished(standing: Standing, thread: dict[str, str]) -> bytes:
    run = standing.run
    match run.status:
        case "done":
            return _event("RUN_FINISHED", **thread, result=run.output, outcome={"type": "success"})
        case "cancelled":
            return _event("RUN_FINISHED", **thread, outcome={"type": "cancelled"})
        case "failed":
            return _event("RUN_ERROR", message=run.error or f"run {run.id} failed", code=run.outcome or "failed")
    interrupts = [ag_ui.shape(question_of(row)) for row in standing.waiting]
    for pause in standing.pauses:
        interrupts.append(
            {
                "id": pause.id,
                "reason": "interlock:event" if pause.event else "interlock:timer",
                "message": f"waits for the event {pause.event}" if pause.event else "waits for a moment",
                "expiresAt": pause.due_at.isoformat(),
            }
        )
    return _event("RUN_FINISHED", **thread, outcome={"type": "interrupt", "interrupts": interrupts})


def _event(kind: str, **fields: Any) -> bytes:
    return f"data: {json.dumps(plain({'type': kind} | fields), ensure_ascii=False)}\n\n".encode()
