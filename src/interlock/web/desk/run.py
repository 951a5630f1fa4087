"""The addresses of one run: its page, its record as JSON, and what can be done with it."""

import json
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.digest import plain
from interlock.engine.shown import run_shown
from interlock.errors import Refused
from interlock.web.desk.cancelling import cancel_page
from interlock.web.desk.run_page import run_page
from interlock.web.parts import Body, Parts
from interlock.web.rights import Visitor, needs


def routes(parts: Parts) -> APIRouter:
    """One run."""
    router, engine = APIRouter(), parts.engine

    @router.get("/runs/{run_id}")
    def run(run_id: str, who: Annotated[Visitor, needs("runs.read")]) -> Response:
        """Where it is and what it did."""
        return HTMLResponse(run_page(parts, who, run_id))

    @router.get("/runs/{run_id}/download")
    def download(run_id: str, who: Annotated[Visitor, needs("runs.read")]) -> Response:
        """All that is kept of it as one JSON object, with its audit entries for who may read them."""
        told = run_shown(engine, run_id)
        told["graph_spec"] = json.loads(parts.services.runs.spec_body(str(told["spec"])))
        if who.may("audit.read"):
            told["entries"] = engine.history(run_id)
        text = json.dumps(plain(told), ensure_ascii=False, indent=2) + "\n"
        name = f'attachment; filename="{run_id}.json"'
        return Response(text, headers={"content-type": "application/json", "content-disposition": name})

    @router.post("/runs/{run_id}/resume")
    def resume(run_id: str, _: Annotated[Visitor, needs("runs.resume")]) -> Response:
        """Go on with it beside the answer."""
        found = parts.services.runs.root(run_id)
        if found.status in ("done", "failed", "cancelled"):
            raise Refused(f"run {found.id} is {found.status}; it does not go on.")
        parts.driving.go_on(found.id)
        return RedirectResponse(f"/runs/{run_id}", 303)

    @router.get("/runs/{run_id}/cancel")
    def ask_cancel(run_id: str, who: Annotated[Visitor, needs("runs.cancel")]) -> Response:
        """What cancelling would stop, and what would stay."""
        return HTMLResponse(cancel_page(parts, who, run_id))

    @router.post("/runs/{run_id}/cancel")
    def cancel(run_id: str, _: Body, who: Annotated[Visitor, needs("runs.cancel")]) -> Response:
        """Cancel it."""
        engine.cancel(run_id, who.name)
        return RedirectResponse(f"/runs/{run_id}", 303)

    @router.post("/runs/{run_id}/retry")
    def retry(run_id: str, who: Annotated[Visitor, needs("runs.retry")]) -> Response:
        """Begin a new run right before the step at which it failed."""
        made = engine.retry(run_id, who.name)
        parts.driving.go_on(made.id)
        return RedirectResponse(f"/runs/{made.id}", 303)

    return router
