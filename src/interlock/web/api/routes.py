"""All addresses under /api/."""

from fastapi import APIRouter

from interlock.web.api import ag_ui, approvals, documents, events, graphs, records, run_parts, runs
from interlock.web.parts import Parts

FAMILIES = (approvals.routes, runs.routes, run_parts.routes, events.routes, graphs.routes, records.routes, ag_ui.routes)


def routes(parts: Parts) -> APIRouter:
    """Every family, and the document that describes them."""
    router = APIRouter()
    for family in FAMILIES:
        router.routes.extend(family(parts).routes)
    router.routes.extend(documents.routes(list(router.routes)).routes)
    return router
