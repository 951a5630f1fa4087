"""The addresses of requests: the queue, one request, claims, and decisions in every dialect."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from interlock.engine.objects import approval_object, claim_object, vote_object, waiting_objects
from interlock.nodes.dialects.answer import DIALECTS, Dialect
from interlock.nodes.dialects.emit import shown
from interlock.store.queue import Sought
from interlock.store.tables import Approval
from interlock.web.api.keys import Done, Key, once
from interlock.web.api.reading import WORD, After, ApprovalId, Limit, Word, read
from interlock.web.api.records import entry_objects
from interlock.web.api.shapes.approvals import (
    ApprovalInFull,
    ApprovalList,
    ClaimAsked,
    Claimed,
    Decided,
    Kind,
    State,
)
from interlock.web.api.shapes.runs import ApprovalHistory
from interlock.web.api.taking import describes, takes
from interlock.web.decisions import decide, read_json
from interlock.web.forms import whole
from interlock.web.parts import Body, Parts, json_answer
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

Reader = Annotated[Visitor, needs("approvals.read")]
Claimer = Annotated[Visitor, needs("approvals.claim")]
Decider = Annotated[Visitor, needs("approvals.decide", "doubts.settle")]

States = Annotated[list[State], Query(description="Of these states; by default, what waits.")]
Kinds = Annotated[list[Kind], Query(description="Of these kinds.")]
Person = Annotated[
    str | None,
    Query(pattern=r"^[\w.@+-]{1,64}$", description="Only what this person may decide now; a page may then be short."),
]
Order = Annotated[
    Literal["oldest", "newest", "due"],
    Query(description="The oldest, the newest, or those with the least time left first."),
]
Revision = Annotated[
    str | None,
    Query(pattern="^[0-9]{1,9}$", description="The revision that was read, where the dialect has no place for it."),
]


def routes(parts: Parts) -> APIRouter:
    """Requests, and decisions on them."""
    router = APIRouter(tags=["approvals"])

    @router.get("/api/approvals", operation_id="listApprovals", **describes(ApprovalList, 400))
    def approvals(
        _: Reader,
        state: States = ["waiting"],  # noqa: B006  FastAPI copies it
        kind: Kinds = [],  # noqa: B006
        risk: Word = None,
        graph: Word = None,
        action: Word = None,
        run: Word = None,
        text: Word = None,
        decidable_by: Person = None,
        order: Order = "oldest",
        limit: Limit = 50,
        after: After = None,
    ) -> Response:
        """What waits, oldest first, or what else is sought; a page at a time."""
        sought = Sought(
            states=state, kinds=kind, risk=risk, graph=graph, action=action, run=run, text=text,
            newest=order == "newest", due=order == "due",
        )  # fmt: skip
        found = parts.services.approvals
        page = found.page(sought, after=after, limit=limit, decided_by=decidable_by)
        return json_answer({"approvals": waiting_objects(page.rows, found), "next": page.next})

    @router.get("/api/approvals/{approval_id}", operation_id="showApproval", **describes(ApprovalInFull, 400, 404))
    def approval(
        approval_id: ApprovalId,
        _: Reader,
        dialect: Annotated[
            str | None, Query(pattern=WORD, description=f"As a client of that dialect reads it: {', '.join(DIALECTS)}.")
        ] = None,
    ) -> Response:
        """One request, and the votes on it; or the request as a client of a dialect reads it."""
        found = parts.services.approvals
        found.expire()
        row = found.get(approval_id)
        if dialect is not None:
            return json_answer(shown(row, known_dialect(dialect)))
        (told,) = waiting_objects([row], found)
        votes = [vote_object(vote) for vote in found.votes(approval_id)]
        return json_answer(told | {"votes": votes, "may_decide": found.may_decide(row)})

    @router.get(
        "/api/approvals/{approval_id}/history", operation_id="showApprovalHistory", **describes(ApprovalHistory, 404)
    )
    def history(approval_id: ApprovalId, _: Reader) -> Response:
        """Everything that was written down of a request."""
        parts.services.approvals.get(approval_id)
        return json_answer({"approval": approval_id, "entries": entry_objects(parts.engine.audit_of(approval_id))})

    @router.post(
        "/api/approvals/{approval_id}/claim",
        operation_id="claimApproval",
        **describes(Claimed, 404, 409, writes=True, body=takes(ClaimAsked, required=False)),
    )
    def claim(approval_id: ApprovalId, request: Request, body: Body, who: Claimer, key: Key = None) -> Response:
        """Be at work on a request: nobody else decides it for a while."""
        asked = read(ClaimAsked, request, body)

        def work() -> Done:
            lease = timedelta(minutes=asked.minutes)
            taken = parts.services.approvals.claim(approval_id, who.name, lease=lease, take_over=asked.take_over)
            return Done(200, {"claim": claim_object(taken)})

        return once(parts, request, who, body, work, lambda _: Done(200, _claim(parts, approval_id)))

    @router.post(
        "/api/approvals/{approval_id}/release",
        operation_id="releaseApproval",
        **describes(Claimed, 404, 409, writes=True),
    )
    def release(approval_id: ApprovalId, request: Request, body: Body, who: Claimer, key: Key = None) -> Response:
        """Be at work on a request no more."""

        def work() -> Done:
            parts.services.approvals.release(approval_id, who.name)
            return Done(200, _claim(parts, approval_id))

        return once(parts, request, who, body, work, lambda _: Done(200, _claim(parts, approval_id)))

    @router.post(
        "/api/approvals/{approval_id}/decision",
        operation_id="decideApproval",
        **describes(Decided, 404, 409, 428, writes=True, body="decision"),
    )
    def decision(
        approval_id: ApprovalId,
        request: Request,
        body: Body,
        who: Decider,
        revision: Revision = None,
        key: Key = None,
    ) -> Response:
        """Decide; the run goes on beside the answer."""
        answer = read_json(request.headers.get("content-type", ""), body)

        def told(row: Approval) -> Done:
            parts.driving.go_on(row.run_id)
            return Done(200, {"approval": approval_object(row)})

        def work() -> Done:
            return told(decide(parts.engine, approval_id, who, answer, whole(revision)))

        return once(parts, request, who, body, work, lambda _: told(parts.services.approvals.get(approval_id)))

    return router


def known_dialect(word: str) -> Dialect:
    """The dialect of that name.

    Raises:
        Problem: there is none.
    """
    for known in DIALECTS:
        if known == word:
            return known
    raise Problem(400, f"There is no such dialect; there are {', '.join(DIALECTS)}.")


def _claim(parts: Parts, approval_id: str) -> dict[str, object]:
    approvals = parts.services.approvals
    held = approvals.claimed([approvals.get(approval_id)]).get(approval_id)
    return {"claim": claim_object(held) if held is not None else None}
