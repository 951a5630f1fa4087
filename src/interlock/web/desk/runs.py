"""The list of runs: filtered, counted, a page at a time."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from interlock.store.run_lists import COUNTED, STATUSES, RunLists
from interlock.store.tables import Approval, Pause, PinnedSpec, Run, Visit
from interlock.web.desk.sought import AGES, WAITS, Sought
from interlock.web.desk.words import ago, counted, until, usd
from interlock.web.parts import Parts
from interlock.web.rights import Visitor, needs

AT_ONCE = 50
"""Runs on a page."""

TONES = {"waiting": "mid", "failed": "bad", "done": "good", "running": "info", "created": "info", "cancelled": ""}
"""The colour of each status, beside its word."""


def routes(parts: Parts) -> APIRouter:
    """The list."""
    router, services = APIRouter(), parts.services
    lists = RunLists(services.database)

    @router.get("/runs")
    def runs(request: Request, who: Annotated[Visitor, needs("runs.read")]) -> Response:
        """Runs that no other run started, newest first, or the child runs of one."""
        sought = Sought.read(request.query_params)
        specs, now = services.runs.specs(), services.clock()
        wanted = sought.filter(specs, now)
        after, before = request.query_params.get("after"), request.query_params.get("before")
        page = lists.page(wanted, after=after, before=before, limit=AT_ONCE)
        ids = [run.id for run in page.runs]
        return HTMLResponse(
            parts.templates.page(
                "desk/runs.html",
                who,
                here="/runs",
                sought=sought,
                tabs=_tabs(sought, lists.counts(wanted)),
                rows=_rows(page.runs, specs, lists.at(ids), lists.waits(ids), now),
                graphs=_graphs(specs),
                ages={word: told for word, (told, _, _) in AGES.items()},
                waits=WAITS,
                this=sought.address(after=after, before=before),
                older=sought.address(after=page.older) if page.older else None,
                newer=sought.address(before=page.newer) if page.newer else None,
            )
        )

    return router


def _tabs(sought: Sought, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each status with its count, and all of them together."""
    known = [
        (status, counts.get(status, 0)) for status in ("waiting", "running", "created", "failed", "done", "cancelled")
    ]
    assert len(known) == len(STATUSES)
    whole = sum(count for _, count in known)
    certain = all(count <= COUNTED for _, count in known)
    tabs: list[dict[str, Any]] = [
        {"label": "all", "count": f"{whole:,}" if certain else f"{COUNTED:,}+", "address": sought.address(status=None),
         "here": not sought["status"]}
    ]  # fmt: skip
    for status, count in known:
        address = sought.address(status=status)
        tabs.append(
            {"label": status, "count": counted(count, COUNTED), "address": address, "here": sought["status"] == status}
        )
    return tabs


def _rows(
    runs: Sequence[Run],
    specs: Sequence[PinnedSpec],
    visits: Mapping[str, Visit],
    waits: Mapping[str, Sequence[Approval | Pause]],
    now: Any,
) -> list[dict[str, Any]]:
    versions = {each.digest: each.version for each in specs}
    rows = []
    for run in runs:
        at = visits.get(run.id)
        rows.append(
            {
                "run": run,
                "tone": TONES[run.status],
                "version": versions.get(run.spec_digest, "?"),
                "step": at.step if at else "",
                "open": at is not None and at.outcome is None,
                "waits": _waits(run, waits.get(run.id, ()), now),
                "age": ago(run.created_at, now),
                "cost": usd(run.cost_micro_usd) if run.cost_micro_usd else "",
            }
        )
    return rows


def _waits(run: Run, found: Sequence[Approval | Pause], now: Any) -> dict[str, Any] | None:
    """What a run waits for, in a few words, and the page that tells more."""
    if run.status != "waiting":
        return None
    if not found:
        return {"text": "its child runs", "address": f"/runs/{run.id}", "more": 0}
    first, more = found[0], len(found) - 1
    if isinstance(first, Approval):
        title = str(first.request.get("title") or first.step)
        text = f"Did it happen? {title}" if first.kind == "doubt" else title
        return {"text": text, "address": f"/approvals/{first.id}", "more": more}
    text = f"event {first.event}" if first.event else f"a moment, {until(first.due_at, now)}"
    return {"text": text, "address": f"/runs/{run.id}", "more": more}


def _graphs(specs: Sequence[PinnedSpec]) -> dict[str, list[int]]:
    """The versions of each graph that runs were started under, the newest first."""
    found: dict[str, set[int]] = {}
    for spec in specs:
        found.setdefault(spec.graph, set()).add(spec.version)
    return {graph: sorted(versions, reverse=True) for graph, versions in sorted(found.items())}
