"""The addresses where people review: the queue, one request, and decisions on it."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.errors import DecisionRefused, InterlockError, NotFound
from interlock.store.tables import Approval
from interlock.web.conflict import conflict_page
from interlock.web.decisions import decide, read_form
from interlock.web.drafts import Draft
from interlock.web.forms import decision_of, refuse_named
from interlock.web.item import done_of, item_page, proposed
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem, problem_of
from interlock.web.queue import Looking, chosen, found, next_of
from interlock.web.rights import Visitor, needs

READS = needs("approvals.read")
DECIDES = needs("approvals.decide", "doubts.settle")
CLAIMS = needs("approvals.claim")


def routes(parts: Parts) -> APIRouter:
    """The queue, and requests."""
    router, approvals = APIRouter(), parts.services.approvals

    def form_of(request: Request, body: bytes) -> dict[str, str]:
        return read_form(request.headers.get("content-type", ""), body)

    @router.get("/")
    def queue(request: Request, who: Annotated[Visitor, READS]) -> Response:
        """What waits."""
        looking = Looking.of(request.query_params)
        told = found(parts, who, looking) | chosen(parts, looking) | {"seen": ""}
        done = done_of(parts, request.query_params.get("done", ""))
        return HTMLResponse(parts.templates.page("queue.html", who, here="/", done=done, **told))

    @router.get("/queue/list")
    def queue_list(request: Request, who: Annotated[Visitor, READS]) -> Response:
        """The list alone; and whether the request that is open beside it is still the one that was read."""
        looking, opened = Looking.of(request.query_params), request.query_params.get("opened", "")
        told = found(parts, who, looking, opened)
        return HTMLResponse(
            parts.templates.fragment(
                "queue_live.html", changed=changed(opened, request.query_params.get("seen")), **told
            )
        )

    def changed(opened: str, seen: str | None) -> Approval | None:
        """The request that is open, where it is not any more as it was read."""
        try:
            row = approvals.get(opened) if opened else None
        except NotFound:
            return None
        return row if row is not None and str(row.revision) != seen else None

    @router.get("/queue/changes")
    async def changes(request: Request, _: Annotated[Visitor, READS]) -> Response:
        """A stream that says when a request was made, claimed, released or decided."""

        def still() -> bool:
            try:
                who = parts.door.visitor(request)
            except Problem:
                return False
            return who is not None and who.may("approvals.read")

        return parts.pulse.stream(lambda event, _: event.startswith("approval."), still)

    @router.get("/approvals/{approval_id}")
    def item(approval_id: str, request: Request, who: Annotated[Visitor, READS]) -> Response:
        """One request."""
        approvals.expire()
        looking, done = Looking.of(request.query_params), done_of(parts, request.query_params.get("done", ""))
        return HTMLResponse(item_page(parts, who, approvals.get(approval_id), looking, done=done))

    @router.post("/approvals/{approval_id}/decision")
    def decision(approval_id: str, request: Request, body: Body, who: Annotated[Visitor, DECIDES]) -> Response:
        """Decide by a form, then show the next request that waits; what is not taken is shown again."""
        form, looking = form_of(request, body), Looking.of(request.query_params)
        asked = approvals.get(approval_id)
        refuse_named(form)
        draft = Draft(form)
        if "preview" in form or "more" in form:
            return HTMLResponse(item_page(parts, who, asked, looking, draft))
        own = proposed(parts, asked, draft)
        try:
            read = decision_of(form, dict(own.changes) if own else {})
            row = decide(parts.engine, approval_id, who, read, on_behalf_of=form.get("voice") or None)
        except (Problem, InterlockError) as error:
            problem = error if isinstance(error, Problem) else problem_of(error)
            if problem.status != 409 or not isinstance(error, Problem | DecisionRefused):
                raise
            stands = approvals.get(approval_id)
            if stands.revision != asked.revision or str(stands.revision) != form.get("revision"):
                page = conflict_page(parts, who, stands, draft, problem.sentence)
            else:
                page = item_page(parts, who, stands, looking, Draft(form, problem.sentence))
            return HTMLResponse(page, 409)
        parts.driving.go_on(row.run_id)
        following = next_of(parts, who, looking, approval_id)
        path = f"/approvals/{following}" if following else "/"
        return RedirectResponse(looking.address(path, after="", done=approval_id), 303)

    @router.post("/approvals/{approval_id}/claim")
    def claim(approval_id: str, request: Request, body: Body, who: Annotated[Visitor, CLAIMS]) -> Response:
        """Keep others from deciding for a while."""
        form = form_of(request, body)
        refuse_named(form)
        approvals.claim(approval_id, who.name, take_over=form.get("over") == "yes")
        return RedirectResponse(Looking.of(request.query_params).address(f"/approvals/{approval_id}"), 303)

    @router.post("/approvals/{approval_id}/release")
    def release(approval_id: str, request: Request, who: Annotated[Visitor, CLAIMS]) -> Response:
        """Give a claim back."""
        approvals.release(approval_id, who.name)
        return RedirectResponse(Looking.of(request.query_params).address(f"/approvals/{approval_id}"), 303)

    return router
