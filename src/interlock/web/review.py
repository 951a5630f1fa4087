"""The addresses where people review: the queue, one request, and decisions on it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.web.decisions import decide, read_form
from interlock.web.forms import decision_of
from interlock.web.pages import item_page, queue_page
from interlock.web.parts import Body, Parts


def routes(parts: Parts) -> APIRouter:
    """The queue, and requests."""
    router, services, person = APIRouter(), parts.services, Depends(parts.person)

    @router.get("/")
    def queue(request: Request) -> Response:
        """What waits, or the way to the sign-in."""
        name = parts.door.visitor(request)
        return HTMLResponse(queue_page(parts, name)) if name else RedirectResponse("/sign-in", 303)

    @router.get("/approvals/{approval_id}")
    def item(approval_id: str, name: Annotated[str, person]) -> Response:
        """One request."""
        services.approvals.expire()
        return HTMLResponse(item_page(parts, name, services.approvals.get(approval_id)))

    @router.post("/approvals/{approval_id}/decision")
    def decision(approval_id: str, request: Request, body: Body, name: Annotated[str, person]) -> Response:
        """Decide by a form, then show how the request stands."""
        form = read_form(request.headers.get("content-type", ""), body)
        row = decide(parts.engine, approval_id, name, decision_of(form, services.approvals.get(approval_id)))
        parts.driving.go_on(row.run_id)
        return RedirectResponse(f"/approvals/{approval_id}", 303)

    return router
