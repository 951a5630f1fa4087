"""The web application: which families of addresses there are, and how problems are told at them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from interlock.engine.service import Engine
from interlock.errors import InterlockError
from interlock.store.sessions import Sessions
from interlock.web import (
    account,
    batch,
    counted,
    delegating,
    elsewhere,
    entrance,
    people,
    pictures,
    review,
    simulating,
    static,
)
from interlock.web.api import routes as api
from interlock.web.api.reading import misfit
from interlock.web.desk import addresses as desk
from interlock.web.driving import Driving
from interlock.web.feed import Feed
from interlock.web.floor import Floor
from interlock.web.identity import Door
from interlock.web.oidc import read_provider
from interlock.web.origins import Origins
from interlock.web.parts import Parts
from interlock.web.problems import Problem, problem_of
from interlock.web.proxy import read_proxy
from interlock.web.pulse import Pulse
from interlock.web.rights import declared
from interlock.web.rounds import Rounds
from interlock.web.templating import Templates
from interlock.web.throttle import Throttle


@dataclass(frozen=True)
class Web:
    """The application, what drives runs on after decisions, and what tells open pages of changes."""

    app: ASGIApp
    routes: FastAPI
    driving: Driving
    pulse: Pulse


def make_web(engine: Engine, origins: Origins) -> Web:
    """The page and API of one project, reached under `origins` only."""
    services = engine.services
    sessions = Sessions(services.database, services.audit, services.clock)
    proxy, provider = read_proxy(services.settings), read_provider(services.settings, services.clock)
    door = Door(services, sessions, Throttle(services.clock), origins, proxy, provider)
    pulse = Pulse(services)
    templates = Templates(lambda: many(services.approvals.waiting_at_most(MANY + 1)))
    parts = Parts(engine, door, Driving(engine), templates, pulse, Feed(services.database, pulse))
    rounds = Rounds(engine, parts.driving)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        rounds.start()
        parts.pulse.start()
        yield
        parts.pulse.close()
        rounds.close()
        parts.driving.close()

    def answer(problem: Problem, path: str) -> tuple[str, bytes]:
        """A problem as it is told at a path."""
        if path == "/api" or path.startswith("/api/"):
            return "application/problem+json", bytes(JSONResponse(problem.json()).body)
        page = parts.templates.page("problem.html", None, problem=problem)
        return "text/html; charset=utf-8", page.encode()

    async def told(request: Request, error: Exception) -> Response:
        problem = _problem(error)
        if problem.status == 401 and (way := way_in(request)):
            return RedirectResponse(way, 303)
        kind, body = answer(problem, request.url.path)
        return Response(body, problem.status, headers=problem.headers | {"content-type": kind})

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys(
            (Problem, InterlockError, RequestValidationError, HTTPException, Exception), told
        ),
    )
    for family in (
        api.routes(parts),
        counted.routes(parts),
        review.routes(parts),
        batch.routes(parts),
        delegating.routes(parts),
        simulating.routes(parts),
        *desk.routes(parts),
        pictures.routes(parts),
        entrance.routes(parts),
        elsewhere.routes(parts),
        account.routes(parts),
        people.routes(parts),
        static.routes(),
    ):
        app.router.routes.extend(family.routes)
    app.state.door = door
    parts.templates.lead_to(declared(app))
    return Web(Floor(app, origins=origins, answer=answer), app, parts.driving, parts.pulse)


MANY = 99
"""More requests than this are not counted where the navigation says how many wait."""


def many(count: int) -> str:
    """A count as the navigation says it."""
    return "" if count == 0 else f"{MANY}+" if count > MANY else str(count)


def way_in(request: Request) -> str | None:
    """Where a stranger who asked for a page is sent to; None where it was a program, or a page asked for a part."""
    path, headers = request.url.path, request.headers
    part = "hx-request" in headers or "text/event-stream" in headers.get("accept", "")
    if request.method != "GET" or path.startswith("/api/") or "authorization" in headers or part:
        return None
    asked = path + (f"?{request.url.query}" if request.url.query else "")
    return "/sign-in" if asked == "/" else f"/sign-in?next={quote(asked)}"


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case InterlockError():
            return problem_of(error)
        case RequestValidationError():
            return misfit(error.errors(), leave=1)
        case HTTPException():
            return Problem(error.status_code, headers=error.headers)
    return Problem(500)
