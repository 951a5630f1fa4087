"""The addresses where people let others vote for them, for a time."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.errors import DecisionRefused
from interlock.policies.language import Requirement
from interlock.web.decisions import read_form
from interlock.web.forms import refuse_named
from interlock.web.parts import Body, Parts
from interlock.web.rights import Visitor, needs

READS, DELEGATES = needs("approvals.read"), needs("approvals.delegate")

SHOWN = 200
"""Delegations that are listed."""


def routes(parts: Parts) -> APIRouter:
    """Who votes for whom; give such a right, and end it."""
    router, approvals = APIRouter(), parts.services.approvals
    delegations = approvals.delegations

    def page(who: Visitor, said: str = "", typed: dict[str, str] | None = None) -> str:
        now = parts.services.clock()
        rows = delegations.standing(SHOWN)
        return parts.templates.page(
            "delegations.html",
            who,
            here="/",
            said=said,
            typed=typed or {},
            known=[name for name in approvals.eligible(Requirement()) if name != who.name],
            rows=[
                {"row": row, "holds": row.begins_at <= now, "own": who.name in (row.delegator, row.delegate)}
                for row in rows
            ],
            today=now.date().isoformat(),
            may=who.may("approvals.delegate"),
        )

    @router.get("/delegations")
    def listed(who: Annotated[Visitor, READS]) -> Response:
        """Those that hold, and those to come."""
        return HTMLResponse(page(who))

    @router.post("/delegations")
    def give(request: Request, body: Body, who: Annotated[Visitor, DELEGATES]) -> Response:
        """Let somebody vote for the one who signed in."""
        form = read_form(request.headers.get("content-type", ""), body)
        refuse_named(form)
        try:
            begins, ends = times(form, parts.services.clock())
            role = form.get("role", "").strip() or None
            delegations.give(who.name, form.get("delegate", ""), begins_at=begins, ends_at=ends, role=role)
        except DecisionRefused as error:
            return HTMLResponse(page(who, error.message, form), 409)
        return RedirectResponse("/delegations", 303)

    @router.post("/delegations/{delegation_id}/revoke")
    def revoke(delegation_id: str, who: Annotated[Visitor, DELEGATES]) -> Response:
        """End one now."""
        try:
            delegations.revoke(delegation_id, who.name)
        except DecisionRefused as error:
            return HTMLResponse(page(who, error.message), 409)
        return RedirectResponse("/delegations", 303)

    return router


def times(form: dict[str, str], now: datetime) -> tuple[datetime, datetime]:
    """From when until when, by days in UTC: from the beginning of the first, or now, to the end of the last.

    Raises:
        DecisionRefused: one of them is no day.
    """
    try:
        first = form.get("from", "")
        begins = datetime.fromisoformat(first).replace(tzinfo=UTC) if first else now
        last = datetime.fromisoformat(form.get("until", "")).replace(tzinfo=UTC)
        return max(begins, now), last + timedelta(days=1, seconds=-1)
    except (ValueError, OverflowError):
        raise DecisionRefused("a delegation needs the day on which it ends; nothing was given.") from None
