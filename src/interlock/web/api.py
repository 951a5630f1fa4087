"""The addresses under /api/, for programs."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from interlock.engine.objects import approval_object
from interlock.nodes.dialects.answer import DIALECTS
from interlock.nodes.dialects.emit import shown
from interlock.web.decisions import decide, read_json
from interlock.web.forms import whole
from interlock.web.parts import Body, Parts, json_answer
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs


def routes(parts: Parts) -> APIRouter:
    """Requests, decisions on them, and the head of the record."""
    router, services = APIRouter(), parts.services

    @router.get("/api/approvals")
    def approvals(_: Annotated[Visitor, needs("approvals.read")]) -> Response:
        """What waits, oldest first."""
        return json_answer({"approvals": [approval_object(row) for row in services.approvals.waiting()]})

    @router.get("/api/approvals/{approval_id}")
    def approval(
        approval_id: str, _: Annotated[Visitor, needs("approvals.read")], dialect: str | None = None
    ) -> Response:
        """One request, and the votes on it; or the request as a client of a dialect reads it."""
        services.approvals.expire()
        row = services.approvals.get(approval_id)
        if dialect is not None:
            known = next((each for each in DIALECTS if each == dialect), None)
            if known is None:
                raise Problem(400, f"There is no such dialect; there are {', '.join(DIALECTS)}.")
            return json_answer(shown(row, known))
        votes = [
            {"person": vote.person, "verdict": vote.verdict, "comment": vote.comment, "at": vote.at}
            for vote in services.approvals.votes(approval_id)
        ]
        return json_answer(approval_object(row) | {"votes": votes})

    @router.post("/api/approvals/{approval_id}/decision")
    def decision(
        approval_id: str,
        request: Request,
        body: Body,
        who: Annotated[Visitor, needs("approvals.decide", "doubts.settle")],
    ) -> Response:
        """Decide; the run goes on beside the answer."""
        read = read_json(request.headers.get("content-type", ""), body)
        row = decide(parts.engine, approval_id, who, read, whole(request.query_params.get("revision")))
        parts.driving.go_on(row.run_id)
        return json_answer({"approval": approval_object(row)})

    @router.get("/api/audit/head")
    def head(_: Annotated[Visitor, needs("audit.read")]) -> Response:
        """How long the record is, and its last seal: kept elsewhere, it shows a record that was cut."""
        found = parts.engine.audit_head()
        return json_answer({"entries": found.entries, "mac": found.mac})

    return router
