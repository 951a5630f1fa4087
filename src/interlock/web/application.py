"""The web application: which address does what, and who may."""

import importlib.resources
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from interlock.digest import plain
from interlock.engine.objects import approval_object
from interlock.engine.service import Engine
from interlock.errors import InterlockError
from interlock.nodes.dialects.answer import DIALECTS
from interlock.nodes.dialects.emit import shown
from interlock.store.sessions import Sessions
from interlock.store.tables import Approval
from interlock.web.decisions import NAMES_SOMEBODY, decide, read_form, read_json
from interlock.web.driving import Driving
from interlock.web.floor import Floor
from interlock.web.identity import Door
from interlock.web.legible import changed
from interlock.web.origins import Origins
from interlock.web.pages import Pages
from interlock.web.problems import Problem, problem_of
from interlock.web.rounds import Rounds
from interlock.web.throttle import Throttle

STATIC = {"style.css": "text/css; charset=utf-8"}
"""The files there are; no path is ever made of what a request says."""


@dataclass(frozen=True)
class Web:
    """The application, and what drives runs on after decisions."""

    app: ASGIApp
    routes: FastAPI
    driving: Driving


def make_web(engine: Engine, origins: Origins) -> Web:
    """The page and API of one project, reached under `origins` only."""
    services = engine.services
    sessions = Sessions(services.database, services.audit, services.clock, services.credentials)
    door = Door(services, sessions, Throttle(services.clock), origins)
    pages, driving, rounds = Pages(), Driving(engine), Rounds(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        rounds.start()
        yield
        rounds.close()
        driving.close()

    def answer(problem: Problem, path: str) -> tuple[str, bytes]:
        """A problem as it is told at a path."""
        if path == "/api" or path.startswith("/api/"):
            return "application/problem+json", bytes(JSONResponse(problem.json()).body)
        return "text/html; charset=utf-8", pages.problem(problem).encode()

    async def told(request: Request, error: Exception) -> Response:
        problem = _problem(error)
        kind, body = answer(problem, request.url.path)
        return Response(body, problem.status, headers=problem.headers | {"content-type": kind})

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys((Problem, InterlockError, HTTPException, Exception), told),
    )
    _api(app, engine, door, driving)
    _pages(app, engine, door, driving, pages)
    return Web(Floor(app, origins=origins, answer=answer), app, driving)


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case InterlockError():
            return problem_of(error)
        case HTTPException():
            return Problem(error.status_code)
    return Problem(500)


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


def _person(door: Door) -> Callable[[Request], str]:
    def person(request: Request) -> str:
        """Who makes the request, or a refusal."""
        if (name := door.visitor(request)) is None:
            raise Problem(401, headers={"www-authenticate": "Bearer"})
        return name

    return person


def _api(app: FastAPI, engine: Engine, door: Door, driving: Driving) -> None:
    """The addresses under /api/, for programs."""
    services, person = engine.services, Depends(_person(door))

    @app.get("/api/approvals")
    def approvals(_: Annotated[str, person]) -> Response:
        """What waits, oldest first."""
        return _json({"approvals": [approval_object(row) for row in services.approvals.waiting()]})

    @app.get("/api/approvals/{approval_id}")
    def approval(approval_id: str, _: Annotated[str, person], dialect: str | None = None) -> Response:
        """One request, and the votes on it; or the request as a client of a dialect reads it."""
        services.approvals.expire()
        row = services.approvals.get(approval_id)
        if dialect is not None:
            known = next((each for each in DIALECTS if each == dialect), None)
            if known is None:
                raise Problem(400, f"There is no such dialect; there are {', '.join(DIALECTS)}.")
            return _json(shown(row, known))
        votes = [
            {"person": vote.person, "verdict": vote.verdict, "comment": vote.comment, "at": vote.at}
            for vote in services.approvals.votes(approval_id)
        ]
        return _json(approval_object(row) | {"votes": votes})

    @app.post("/api/approvals/{approval_id}/decision")
    def decision(approval_id: str, request: Request, body: Body, name: Annotated[str, person]) -> Response:
        """Decide; the run goes on beside the answer."""
        read = read_json(request.headers.get("content-type", ""), body)
        row = decide(engine, approval_id, name, read, whole(request.query_params.get("revision")))
        driving.go_on(row.run_id)
        return _json({"approval": approval_object(row)})

    @app.get("/api/audit/head")
    def head(_: Annotated[str, person]) -> Response:
        """How long the record is, and its last seal: kept elsewhere, it shows a record that was cut."""
        found = engine.audit_head()
        return _json({"entries": found.entries, "mac": found.mac})


def _pages(app: FastAPI, engine: Engine, door: Door, driving: Driving, pages: Pages) -> None:
    """The addresses for people."""
    services, person = engine.services, Depends(_person(door))

    @app.get("/")
    def queue(request: Request) -> Response:
        """What waits, or the way to the sign-in."""
        name = door.visitor(request)
        return HTMLResponse(pages.queue(name, services)) if name else RedirectResponse("/sign-in", 303)

    @app.get("/approvals/{approval_id}")
    def item(approval_id: str, name: Annotated[str, person]) -> Response:
        """One request."""
        services.approvals.expire()
        return HTMLResponse(pages.item(name, services.approvals.get(approval_id), services))

    @app.post("/approvals/{approval_id}/decision")
    def decision(approval_id: str, request: Request, body: Body, name: Annotated[str, person]) -> Response:
        """Decide by a form, then show how the request stands."""
        form = read_form(request.headers.get("content-type", ""), body)
        row = decide(engine, approval_id, name, decision_of(form, services.approvals.get(approval_id)))
        driving.go_on(row.run_id)
        return RedirectResponse(f"/approvals/{approval_id}", 303)

    @app.get("/sign-in")
    def sign_in_form() -> Response:
        """The form that takes a token."""
        return HTMLResponse(pages.sign_in(nobody=not services.credentials.issued()))

    @app.post("/sign-in")
    def sign_in(request: Request, body: Body) -> Response:
        """Sign in with a token."""
        form = read_form(request.headers.get("content-type", ""), body)
        response = RedirectResponse("/", 303)
        try:
            door.sign_in(request, response, form.get("token", "").strip())
        except Problem as problem:
            page = pages.sign_in(problem.sentence, nobody=not services.credentials.issued())
            return HTMLResponse(page, problem.status, headers=problem.headers)
        return response

    @app.post("/sign-out")
    def sign_out(request: Request, _: Annotated[str, person]) -> Response:
        """End the sign-in that the browser brought."""
        response = RedirectResponse("/sign-in", 303)
        door.sign_out(request, response)
        return response

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        """A stylesheet."""
        if name not in STATIC:
            raise Problem(404)
        text = (importlib.resources.files("interlock.web") / "static" / name).read_bytes()
        return Response(text, headers={"content-type": STATIC[name]})


def decision_of(form: dict[str, str], asked: Approval) -> dict[str, Any]:
    """What a form says, as a program would say it.

    Raises:
        Problem: a field names who decides.
    """
    if named := NAMES_SOMEBODY.intersection(form):
        raise Problem(400, f"`{sorted(named)[0]}` says who decides; that comes from your sign-in alone.")
    body: dict[str, Any] = {}
    prefixed: dict[str, dict[str, str]] = {"answer.": {}, "change.": {}}
    for name, value in form.items():
        for prefix, found in prefixed.items():
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] = value
                break
        else:
            body[name] = value
    if body.get("decision") == "edit":
        body["changes"] = changed(asked.request.get("arguments") or {}, prefixed["change."])
    if answers := {name: value for name, value in prefixed["answer."].items() if value}:
        body["answer"] = answers
    body["revision"] = whole(form.get("revision"))
    if body.get("happened") in ("true", "false"):
        body["happened"] = body["happened"] == "true"
    return body


def whole(text: str | None) -> int | None:
    """The whole number that a text is; None where it is none."""
    return int(text) if text is not None and re.fullmatch("[0-9]{1,9}", text) else None


def _json(value: Any) -> Response:
    return JSONResponse(plain(value))
