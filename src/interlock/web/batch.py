"""The addresses where several requests of low risk that are alike are approved at once: read together, then each
decided by itself."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.engine.batches import MOST, Seen, approve_batch
from interlock.errors import DecisionRefused, NotFound
from interlock.store.tables import Approval
from interlock.web.decisions import read_form
from interlock.web.fields import differences
from interlock.web.forms import refuse_named, whole
from interlock.web.legible import text_of
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

PICKED = "ap-"
"""What the ids of requests begin with, and so the names of the fields that pick them."""

DECIDES = needs("approvals.decide")


def routes(parts: Parts) -> APIRouter:
    """Read what was selected, and approve it."""
    router, engine = APIRouter(), parts.engine

    @router.get("/batch")
    def read(request: Request, who: Annotated[Visitor, DECIDES]) -> Response:
        """Every request that was selected, with what it would do."""
        return HTMLResponse(page(who, picked(dict(request.query_params))))

    @router.post("/batch/decision")
    def decide(request: Request, body: Body, who: Annotated[Visitor, DECIDES]) -> Response:
        """Approve each in a transaction of its own, on the revision that was read."""
        form = read_form(request.headers.get("content-type", ""), body)
        refuse_named(form)
        items = picked(form)
        try:
            taken = approve_batch(engine, items, who.name, comment=form.get("comment", ""))
        except DecisionRefused as error:
            return HTMLResponse(page(who, items, error.message), 409)
        for run_id in dict.fromkeys(each.approval.run_id for each in taken if each.refused is None):
            parts.driving.go_on(run_id)
        refused = [each for each in taken if each.refused is not None]
        if not refused:
            return RedirectResponse(f"/?done={taken[-1].approval.id}", 303)
        told = parts.templates.page("batch_done.html", who, here="/", taken=taken)
        return HTMLResponse(told, 409)

    def page(who: Visitor, items: list[Seen], said: str = "") -> str:
        rows = [(found(item.id), item.revision) for item in items]
        first = rows[0][0].request.get("arguments")
        return parts.templates.page(
            "batch.html",
            who,
            here="/",
            said=said,
            rows=[
                {
                    "row": row,
                    "seen": seen,
                    "stale": row.revision != seen or row.state != "waiting",
                    "arguments": [
                        (name, text_of(value)) for name, value in (row.request.get("arguments") or {}).items()
                    ],
                    "unlike": {each.name for each in differences(first, row.request.get("arguments"))},
                }
                for row, seen in rows
            ],
        )

    def found(approval_id: str) -> Approval:
        try:
            return engine.services.approvals.get(approval_id)
        except NotFound as error:
            raise Problem(404, error.message) from None

    return router


def picked(said: dict[str, str]) -> list[Seen]:
    """The requests that were selected, each on the revision that was read.

    Raises:
        Problem: none was, too many were, or one has no revision.
    """
    items = []
    for name, value in said.items():
        if name.startswith(PICKED):
            if (revision := whole(value)) is None:
                raise Problem(428)
            items.append(Seen(name, revision))
    if not items:
        raise Problem(400, "Nothing is selected: tick requests of low risk in the queue first.")
    if len(items) > MOST:
        raise Problem(400, f"At most {MOST} requests are read at once; select fewer.")
    return items
