"""Requests to people, and the decisions on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from interlock.web.api.shapes.shape import Asked, JsonObject, Shape

State = Literal["waiting", "approved", "rejected", "expired", "superseded", "answered", "consumed"]
Kind = Literal["action", "question", "doubt", "form"]

EXAMPLE: JsonObject = {
    "id": "ap-a989819e21",
    "kind": "action",
    "state": "waiting",
    "revision": 0,
    "title": "payments.transfer: 480.00 EUR to Northwind Supplies, invoice 2026-118",
    "risk": "high",
    "run": "run-b945d8cb02",
    "step": "pay",
    "visit": 1,
    "action": "payments.transfer",
    "arguments": {"payee": "Northwind Supplies", "amount": "480.00", "currency": "EUR", "reference": "2026-118"},
    "missing": [],
    "reasons": [{"rule": "payments/usual", "effect": "approve", "because": "money leaves the house"}],
    "provenance": {"payee": "user", "amount": "user"},
    "origins": {"payee": "from the request: $.payee"},
    "evidence": {},
    "shown": {},
    "form": None,
    "requirement": {"count": 1, "role": "finance"},
    "excluded": ["clerk"],
    "digest": None,
    "answer": None,
    "decide_before": "2026-01-06T09:00:00+00:00",
    "execute_before": None,
    "created_at": "2026-01-05T09:00:00+00:00",
}


class ApprovalShape(Shape):
    """A question to people: may this happen, what is missing, did it happen, or a form to fill in."""

    model_config = ConfigDict(title="Approval", extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    id: str
    kind: Kind
    state: State
    revision: int = Field(description="Named by a decision, so that nobody decides what they have not read.")
    title: str | None = Field(description="The effect in a few words.")
    risk: str | None
    run: str
    step: str
    visit: int
    action: str | None
    arguments: JsonObject | None
    missing: list[str] = Field(description="Arguments that nobody has given yet.")
    reasons: list[Any] = Field(description="The rules that stopped it: rule, effect, because.")
    provenance: dict[str, str] = Field(description="Who vouches for each argument.")
    origins: dict[str, str] = Field(description="Where each argument came from, in words.")
    evidence: JsonObject
    shown: JsonObject
    form: JsonObject | None = Field(description="The JSON Schema of a form's answer.")
    requirement: JsonObject = Field(description="How many of which role must agree, and until when.")
    excluded: list[str] = Field(description="Who may not decide: who asked for it or edited it.")
    digest: str | None
    answer: JsonObject | None
    decide_before: datetime
    execute_before: datetime | None
    created_at: datetime


class ClaimShape(Shape):
    """Who is at work on a request, and until when nobody else decides it."""

    model_config = ConfigDict(title="Claim", extra="allow")

    approval: str
    person: str
    until: datetime


class ListedApproval(ApprovalShape):
    """A request as it stands in a list."""

    model_config = ConfigDict(title="ListedApproval", extra="allow", json_schema_extra={"examples": []})

    claim: ClaimShape | None
    escalated_at: datetime | None
    shortage: str | None = Field(description="Why too few people are left to decide it.")


class ApprovalList(Shape):
    """A page of requests."""

    approvals: list[ListedApproval]
    next: str | None = Field(description="What `after` takes for the page that follows; null where this is the last.")


class VoteShape(Shape):
    """One person's word."""

    model_config = ConfigDict(title="Vote", extra="allow")

    person: str
    on_behalf_of: str | None
    verdict: str
    comment: str
    at: datetime


class ApprovalInFull(ListedApproval):
    """A request, what was said of it, and who may still decide it."""

    votes: list[VoteShape]
    may_decide: list[str] | None = Field(description="Null where any person but those excluded may.")


class Decided(Shape):
    """A request after a decision."""

    approval: ApprovalShape


class Claimed(Shape):
    """A request that somebody is at work on, or no more."""

    claim: ClaimShape | None


class ClaimAsked(Asked):
    """To be at work on a request."""

    model_config = ConfigDict(title="ClaimRequest", extra="forbid", strict=True)

    minutes: int = Field(default=30, ge=1, le=480, description="For how long.")
    take_over: bool = Field(default=False, description="Take it over from whoever is at work on it.")


class OwnDecision(Asked):
    """A decision in our own form."""

    model_config = ConfigDict(
        title="Decision",
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"decision": "approve", "revision": 0},
                {"decision": "edit", "revision": 0, "changes": {"amount": "90.00"}},
                {"decision": "reject", "revision": 0, "comment": "It was paid last week."},
            ]
        },
    )

    decision: Literal["approve", "edit", "reject", "respond"]
    revision: int | None = Field(default=None, ge=0, description="Of the request that was read; here or in the query.")
    id: str | None = Field(default=None, description="Of the request that was read.")
    comment: str | None = Field(default=None, description="Why; required to reject.")
    answer: JsonObject | None = Field(default=None, description="To approve a form: its fields.")
    changes: JsonObject | None = Field(default=None, description="To edit: the arguments that change.")
    happened: bool | None = Field(default=None, description="To respond: whether the action happened.")
