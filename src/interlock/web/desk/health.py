"""The health of the house: who works, what waits, since when, and whether the record is whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.errors import SettingsError
from interlock.store.health import Asked, Health, health
from interlock.store.jobs import Depth
from interlock.store.schedules import Schedules
from interlock.store.stranded import stranded
from interlock.store.tables import Schedule, Worker
from interlock.store.workers import LIVING, Workers
from interlock.web.desk.verifying import NEWEST, Verifying
from interlock.web.desk.words import ago, several, size, span, until
from interlock.web.parts import Parts
from interlock.web.rights import Visitor, needs

SILENT = timedelta(seconds=30)
"""A worker that was not heard of for so long is told apart."""

STRANDED = timedelta(minutes=1)
"""A run that should be going and has not changed for so long is said to stand still."""

WORKERS = 50


def routes(parts: Parts) -> APIRouter:
    """The page, and the look through the record."""
    router, services = APIRouter(), parts.services
    verifying = Verifying(services)
    schedules = Schedules(services.database, services.audit, services.clock, services.runs)

    @router.get("/health")
    def show(who: Annotated[Visitor, needs("health.read")]) -> Response:
        """How everything stands."""
        services.approvals.expire()
        found, now = health(services.database), services.clock()
        fault, head = verifying.newest()
        workers = Workers(services.database).list(WORKERS)
        depth = _depth(parts)
        still = stranded(services.database, now - STRANDED)
        return HTMLResponse(
            parts.templates.page(
                "desk/health.html",
                who,
                here="/health",
                signs=_signs(found, workers, still, fault is not None or verifying.fault is not None, now),
                runs=[(status, found.runs.get(status)) for status in ("created", "running", "waiting")],
                asked=[_asked(each, now) for each in found.asked],
                found=found,
                workers=[_worker(row, now) for row in workers],
                depth=depth,
                stranded=still[:20],
                stranded_count=len(still),
                head=head,
                fault=fault,
                newest=min(NEWEST, head.entries),
                verifying=verifying,
                schedules=[_schedule(each, now) for each in schedules.list()],
                database=services.database.name,
                kind="PostgreSQL" if services.database.shared else "SQLite",
                bytes=size(found.bytes) if found.bytes is not None else "",
                ago=lambda moment: ago(moment, now) if moment else "",
                age=lambda moment: span(now - moment),
                oldest=min((each.waiting.oldest for each in found.asked if each.waiting.oldest), default=None),
                now=now,
            )
        )

    @router.post("/health/audit")
    def verify(who: Annotated[Visitor, needs("audit.read")]) -> Response:
        """Look through the whole record, beside the server."""
        verifying.begin(who.name)
        return RedirectResponse("/health#audit", 303)

    return router


def _depth(parts: Parts) -> Depth | None:
    """How deep the queue is; None where no worker ever served, or this program cannot read it."""
    jobs = parts.engine.project.jobs
    try:
        return jobs.depth() if jobs.wanted else None
    except SettingsError:
        return None


def _signs(
    found: Health, workers: Sequence[Worker], still: Sequence[str], broken: bool, now: datetime
) -> list[dict[str, str]]:
    """What is wrong, or may soon be, the worst first; nothing where all is well."""
    signs: list[dict[str, str]] = []
    if broken:
        signs.append({"tone": "bad", "text": "The audit is not whole: see below, and keep a copy of the database."})
    living = [row for row in workers if row.state in LIVING]
    silent = [row for row in living if now - row.beat_at > SILENT]
    if workers and not living:
        signs.append({"tone": "bad", "text": "No worker serves. Start one: interlock work"})
    for row in silent:
        signs.append({"tone": "mid", "text": f"Worker {row.id} was not heard of for {span(now - row.beat_at)}."})
    doubts = sum(each.waiting.count for each in found.asked if each.kind == "doubt")
    if doubts:
        text = f"{several(doubts, 'action')} in doubt: nobody knows what became of {'it' if doubts == 1 else 'them'}."
        signs.append({"tone": "mid", "text": text, "to": "/doubts"})
    if still:
        signs.append(
            {
                "tone": "mid",
                "text": f"{several(len(still), 'run')} should be going on, and no worker or server goes on: see below.",
            }
        )
    if found.given_up:
        text = f"{found.given_up} messages to people outside could not be delivered. See: interlock notify"
        signs.append({"tone": "mid", "text": text})
    soon = [
        each
        for each in found.asked
        if each.kind != "doubt" and each.next_due and each.next_due < now + timedelta(hours=1)
    ]
    if soon:
        first = min(each.next_due for each in soon if each.next_due)
        signs.append(
            {"tone": "mid", "text": f"A request is refused {until(first, now)} unless somebody decides.", "to": "/"}
        )
    return [{"to": ""} | sign for sign in signs]


def _asked(each: Asked, now: datetime) -> dict[str, Any]:
    return {
        "who": " and ".join(each.roles) or "anybody else",
        "kind": {"action": "actions", "question": "missing values", "doubt": "doubts", "form": "forms"}.get(
            each.kind, each.kind
        ),
        "count": each.waiting.count,
        "oldest": ago(each.waiting.oldest, now) if each.waiting.oldest else "",
        "due": until(each.next_due, now) if each.next_due and each.kind != "doubt" else "",
    }


def _schedule(row: Schedule, now: datetime) -> dict[str, Any]:
    """A schedule, and what is to be said of it: that it is paused, or could start no run the last time."""
    state, tone = (f"paused by {row.paused_by}", "mid") if row.paused_by else ("", "")
    if row.error:
        state, tone = row.error, "bad"
    return {"row": row, "next": "" if row.paused_by else until(row.next_at, now), "state": state, "tone": tone}


def _worker(row: Worker, now: datetime) -> dict[str, Any]:
    silent = row.state in LIVING and now - row.beat_at > SILENT
    tone = {"serving": "good", "draining": "mid", "dead": "bad"}.get(row.state, "")
    return {"row": row, "tone": "bad" if silent else tone, "heard": ago(row.beat_at, now), "silent": silent}
