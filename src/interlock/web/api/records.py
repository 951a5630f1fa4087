"""The addresses of the record: its entries, its head, and whether it is whole."""

from collections.abc import Sequence
from threading import Lock
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from interlock.store.tables import Entry
from interlock.web.api.reading import Limit
from interlock.web.api.shapes.record import AuditHead, AuditList, AuditVerified
from interlock.web.api.taking import describes
from interlock.web.parts import Parts, json_answer
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

Reader = Annotated[Visitor, needs("audit.read")]
Number = Annotated[int, Query(ge=0, le=2**53 - 1, description="The number that the page before named.")]
Kept = Annotated[
    str | None, Query(pattern="^[0-9a-f]{64}$", description="With `entries`: a head that was kept elsewhere.")
]


def routes(parts: Parts) -> APIRouter:
    """The record."""
    router, verifying = APIRouter(tags=["audit"]), Lock()

    @router.get("/api/audit", operation_id="listAudit", **describes(AuditList))
    def audit(
        _: Reader, order: Literal["oldest", "newest"] = "newest", limit: Limit = 50, after: Number = 0
    ) -> Response:
        """The entries of the audit, a page at a time."""
        rows = parts.engine.audit_page(after, limit + 1, newest=order == "newest")
        told = [
            known | {"previous": row.previous, "mac": row.mac}
            for known, row in zip(entry_objects(rows), rows, strict=True)
        ]
        return json_answer({"entries": told[:limit], "next": rows[limit - 1].seq if len(rows) > limit else None})

    @router.get("/api/audit/head", operation_id="showAuditHead", **describes(AuditHead))
    def head(_: Reader) -> Response:
        """How long the record is, and its last seal: kept elsewhere, it shows a record that was cut."""
        return json_answer(_head(parts))

    @router.get("/api/audit/verify", operation_id="verifyAudit", **describes(AuditVerified, 400))
    def verify(
        _: Reader,
        entries: Annotated[int | None, Query(ge=1, le=2**53 - 1, description="How long the record was then.")] = None,
        mac: Kept = None,
    ) -> Response:
        """Read all of the record and check each seal, and that it holds a head that was kept elsewhere."""
        if (entries is None) != (mac is None):
            raise Problem(400, "A head is `entries` and `mac` together.")
        if not verifying.acquire(blocking=False):
            raise Problem(503, "The record is being verified already; try again in a moment.", {"retry-after": "5"})
        try:
            kept = (entries, mac) if entries is not None and mac is not None else None
            fault = parts.engine.audit_fault(kept)
        finally:
            verifying.release()
        told = {"seq": fault.seq, "because": fault.because} if fault is not None else None
        return json_answer({"ok": fault is None, "fault": told, "head": _head(parts)})

    return router


def entry_objects(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Entries as JSON."""
    return [
        {"seq": row.seq, "at": row.at, "actor": row.actor, "event": row.event, "subject": row.subject, "data": row.data}
        for row in entries
    ]


def _head(parts: Parts) -> dict[str, Any]:
    found = parts.engine.audit_head()
    return {"entries": found.entries, "mac": found.mac}
