"""The addresses of what changes: as a stream that a browser listens to, or as a list for programs that ask."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from interlock.digest import plain
from interlock.store.changes import Change, Kind, changes
from interlock.web.api.reading import Limit, RunId
from interlock.web.api.shapes.record import ChangeList
from interlock.web.api.streams import STREAM, Stream, seated
from interlock.web.api.taking import describes
from interlock.web.feed import told_to
from interlock.web.parts import Parts, json_answer
from interlock.web.pulse import BEAT
from interlock.web.rights import Visitor, needs

SURE = 60.0
"""Seconds after which a stream looks whether whoever listens is still signed in."""

READ = 5_000
"""Entries that are read for one list, told or not."""

Reader = Annotated[Visitor, needs("runs.read")]
From = Annotated[int | None, Query(ge=0, le=2**53 - 1, description="The position after which to begin.")]
Only = Annotated[list[Kind], Query(description="Only changes of these kinds.")]
LastId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern="^[0-9]{1,15}$",
        description="Where a stream that broke had come to; browsers send it.",
    ),
]

STREAMED = {
    "content": {
        STREAM: {
            "schema": {"type": "string", "description": "`id` is the position, `event` is `changed`, `data` a Change."},
            "example": 'id: 812\nevent: changed\ndata: {"seq": 812, "event": "approval.requested", …}\n\n',
        }
    }
}


def routes(parts: Parts) -> APIRouter:
    """What changes."""
    router = APIRouter(tags=["events"])
    told = describes(ChangeList, 404)
    told["responses"][200] = STREAMED

    @router.get("/api/events", operation_id="listEvents", **told)
    async def events(
        request: Request,
        who: Reader,
        after: From = None,
        kind: Only = [],  # noqa: B006  FastAPI copies it
        limit: Limit = 100,
        last_event_id: LastId = None,
    ) -> Response:
        """What changed, ids and kinds only: a stream where the header Accept asks for one, else a list."""
        return await answered(request, who, after, kind, limit, None)

    @router.get("/api/runs/{run_id}/events", operation_id="listRunEvents", **told)
    async def run_events(
        run_id: RunId,
        request: Request,
        who: Reader,
        after: From = None,
        kind: Only = [],  # noqa: B006  FastAPI copies it
        limit: Limit = 100,
        last_event_id: LastId = None,
    ) -> Response:
        """What changed of a run and the runs below it: a stream where the header Accept asks for one, else a list."""
        await asyncio.to_thread(parts.services.runs.get, run_id)
        return await answered(request, who, after, kind, limit, run_id)

    async def answered(
        request: Request, who: Visitor, after: int | None, kinds: Sequence[str], limit: int, run_id: str | None
    ) -> Response:
        if STREAM not in request.headers.get("accept", ""):
            return json_answer(await asyncio.to_thread(listed, parts, after or 0, kinds, limit, run_id))
        begun = request.headers.get("last-event-id", "")
        here = int(begun) if re.fullmatch("[0-9]{1,15}", begun) else after
        return Stream(heard(request, here, kinds, run_id), seated(parts.feed.seat(who.name)))

    async def heard(
        request: Request, here: int | None, kinds: Sequence[str], run_id: str | None
    ) -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        loop = asyncio.get_running_loop()
        sure, said = loop.time() + SURE, 0.0
        async for read in parts.feed.follow(here):
            now = loop.time()
            if now >= sure:
                if await asyncio.to_thread(parts.door.visitor, request) is None:
                    return
                sure = now + SURE
            if found := told_to(read.found, run_id, kinds):
                yield written(found)
            elif now >= said + BEAT:
                yield f"id: {read.position}\n\n".encode()  # without data it is no event, and still says where we are
            else:
                continue
            said = now

    return router


def listed(parts: Parts, after: int, kinds: Sequence[str], limit: int, run_id: str | None) -> dict[str, Any]:
    """At most so many changes after a position, and the position to go on from."""
    found: list[Change] = []
    here, read = after, 0
    while len(found) < limit and read < READ:
        some = changes(parts.services.database, here, 500)
        if some.position == here:
            break
        found += told_to(some.found, run_id, kinds)
        read += some.position - here
        here = some.position
    if len(found) > limit:
        found = found[:limit]
        here = found[-1].seq
    return {"changes": [change_object(change) for change in found], "position": here}


def change_object(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    return {
        "seq": change.seq, "at": change.at, "event": change.event, "subject": change.subject, "run": change.run
    }  # fmt: skip


def written(found: Sequence[Change]) -> bytes:
    """Changes as a stream carries them."""
    lines = [
        f"id: {change.seq}\nevent: changed\ndata: {json.dumps(plain(change_object(change)), ensure_ascii=False)}\n\n"
        for change in found
    ]
    return "".join(lines).encode()
