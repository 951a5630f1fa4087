"""The addresses of the way in and out."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.web.decisions import read_form
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import OpenToAll, SignedIn


def routes(parts: Parts) -> APIRouter:
    """Sign in with a token, and sign out."""
    router, services = APIRouter(), parts.services

    def page(said: str = "") -> str:
        """The form; it says so where there is no token yet that it could take."""
        return parts.templates.page("sign_in.html", None, said=said, nobody=not services.credentials.issued())

    @router.get("/sign-in")
    def sign_in_form(_: OpenToAll) -> Response:
        """The form that takes a token."""
        return HTMLResponse(page())

    @router.post("/sign-in")
    def sign_in(request: Request, body: Body, _: OpenToAll) -> Response:
        """Sign in with a token."""
        form = read_form(request.headers.get("content-type", ""), body)
        response = RedirectResponse("/", 303)
        try:
            parts.door.sign_in(request, response, form.get("token", "").strip())
        except Problem as problem:
            return HTMLResponse(page(problem.sentence), problem.status, headers=problem.headers)
        return response

    @router.post("/sign-out")
    def sign_out(request: Request, _: SignedIn) -> Response:
        """End the sign-in that the browser brought."""
        response = RedirectResponse("/sign-in", 303)
        parts.door.sign_out(request, response)
        return response

    return router
