"""The addresses where people review: the queue, one request, and decisions on it."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.web.decisions import decide, read_form
from interlock.web.forms import decision_of
from interlock.web.pages import item_page, queue_page
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs


def routes(parts: Parts) -> APIRouter:
    """The queue, and requests."""
    router, services = APIRouter(), parts.services

    @router.get("/")
    def queue(who: Annotated[Visitor, needs("approvals.read")]) -> Response:
        """What waits."""
        return HTMLResponse(queue_page(parts, who))

    @router.get("/queue/changes")
    async def changes(request: Request, _: Annotated[Visitor, needs("approvals.read")]) -> Response:
        """A stream that says when a request was made, claimed, released or decided."""

        def still() -> bool:
            try:
                who = parts.door.visitor(request)
            except Problem:
                return False
            return who is not None and who.may("approvals.read")

        return parts.pulse.stream(lambda event, _: event.startswith("approval."), still)

    @router.get("/approvals/{approval_id}")
    def item(approval_id: str, who: Annotated[Visitor, needs("approvals.read")]) -> Response:
        """One request."""
        services.approvals.expire()
        return HTMLResponse(item_page(parts, who, services.approvals.get(approval_id)))

    @router.post("/approvals/{approval_id}/decision")
    def decision(
        approval_id: str,
        request: Request,
        body: Body,
        who: Annotated[Visitor, needs("approvals.decide", "doubts.settle")],
    ) -> Response:
        """Decide by a form, then show how the request stands."""
        form = read_form(request.headers.get("content-type", ""), body)
        row = decide(parts.engine, approval_id, who, decision_of(form, services.approvals.get(approval_id)))
        parts.driving.go_on(row.run_id)
        return RedirectResponse(f"/approvals/{approval_id}", 303)

    return router
