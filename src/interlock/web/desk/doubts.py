"""Open doubts: actions of which nobody knows whether they happened, and the people who can say."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.store.tables import Approval
from interlock.web.decisions import decide, read_form
from interlock.web.desk.words import ago
from interlock.web.forms import whole
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

AT_ONCE = 50


def routes(parts: Parts) -> APIRouter:
    """The doubts that are open, and the answers to them."""
    router, services = APIRouter(), parts.services

    @router.get("/doubts")
    def doubts(who: Annotated[Visitor, needs("runs.read")]) -> Response:
        """The oldest doubts."""
        rows = services.approvals.doubts(AT_ONCE)
        found = [doubt_of(parts, who, row) for row in rows]
        return HTMLResponse(parts.templates.page("desk/doubts.html", who, here="/runs", doubts=found, at_once=AT_ONCE))

    @router.post("/doubts/{approval_id}")
    def settle(
        approval_id: str, request: Request, body: Body, who: Annotated[Visitor, needs("doubts.settle")]
    ) -> Response:
        """Say whether it happened; the run goes on beside the answer."""
        form = read_form(request.headers.get("content-type", ""), body)
        if services.approvals.get(approval_id).kind != "doubt":
            raise Problem(409, f"{approval_id} asks something else; decide it on its own page.")
        if form.get("happened") not in ("true", "false"):
            raise Problem(400, "Say whether it happened or not.")
        answer = {
            "decision": "respond",
            "happened": form["happened"] == "true",
            "comment": form.get("comment", ""),
            "revision": whole(form.get("revision")),
        }
        row = decide(parts.engine, approval_id, who, answer)
        parts.driving.go_on(row.run_id)
        then = f"/runs/{row.run_id}" if form.get("then") == "run" else "/doubts"
        return RedirectResponse(then, 303)

    return router


def doubt_of(parts: Parts, who: Visitor, row: Approval) -> dict[str, Any]:
    """A doubt as pages show it, and whether this person may settle it."""
    people = parts.services.approvals.may_decide(row)
    effect = parts.services.ledger.get(row.effect_id) if row.effect_id else None
    action = parts.services.actions.get(effect.action) if effect else None
    return {
        "row": row,
        "title": row.request.get("title") or row.step,
        "because": row.request.get("because") or "",
        "effect": effect,
        "probe": action is not None and action.probe is not None,
        "since": ago(row.created_at, parts.services.clock()),
        "mine": who.may("doubts.settle") and (people is None or who.name in people) and who.name not in row.excluded,
        "people": people,
        "excluded": who.name in row.excluded,
    }
