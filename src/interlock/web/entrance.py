"""The addresses of the ways in and out: a name and a password, a token, a one-time link."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.errors import DecisionRefused, NotAuthenticated
from interlock.store.passwords import SHORTEST
from interlock.web.decisions import read_form
from interlock.web.identity import WRONG_LINK
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import OpenToAll, SignedIn

WITHIN = re.compile(r"/(?!/)[A-Za-z0-9_.~%+/-]{0,500}(\?[A-Za-z0-9_.~%+/=&-]{0,500})?")
"""Addresses of this server as they are written after its name: no other server's, and nothing that a browser reads
as one."""

NOTHING_TYPED = "Give your name and password, or your token."
NOT_TWICE = "The two passwords are not the same. Nothing was changed."


def routes(parts: Parts) -> APIRouter:
    """Sign in, sign out, and take up a one-time link."""
    router, services, door = APIRouter(), parts.services, parts.door

    def page(after: str, said: str = "") -> str:
        """The form; it says so where nobody can use it yet."""
        nobody = not (services.users.can_sign_in() or services.credentials.issued())
        return parts.templates.page(
            "sign_in.html", None, said=said, nobody=nobody, after=after, proxied=door.proxy.header is not None,
            elsewhere=door.provider.name if door.provider else "",
        )  # fmt: skip

    @router.get("/sign-in")
    def sign_in_form(request: Request, _: OpenToAll) -> Response:
        """The form that takes a name and a password, or a token."""
        return HTMLResponse(page(within(request.query_params.get("next"))))

    @router.post("/sign-in")
    def sign_in(request: Request, body: Body, _: OpenToAll) -> Response:
        """Sign in."""
        door.require_own()
        form = read_form(request.headers.get("content-type", ""), body)
        after = within(form.get("next"))
        token, name, password = form.get("token", "").strip(), form.get("name", "").strip(), form.get("password", "")
        response = RedirectResponse(after, 303)
        try:
            if token or not (name or password):
                door.sign_in(request, response, token)
            else:
                door.begin(request, response, door.check_password(request, name, password), "password")
        except Problem as problem:
            said = problem.sentence if token or name or password else NOTHING_TYPED
            return HTMLResponse(page(after, said), problem.status, headers=problem.headers)
        return response

    @router.post("/sign-out")
    def sign_out(request: Request, _: SignedIn) -> Response:
        """End the sign-in that the browser brought."""
        response = RedirectResponse("/sign-in", 303)
        door.sign_out(request, response)
        return response

    def welcome_page(name: str, said: str = "") -> str:
        return parts.templates.page(
            "password.html", None, whose=name, said=said, current=False, shortest=SHORTEST, done=False
        )

    @router.get("/welcome/{link}")
    def welcome(link: str, request: Request, _: OpenToAll) -> Response:
        """The form in which whom a link is for chooses a password; looking at it spends nothing."""
        door.require_own()
        return HTMLResponse(welcome_page(_person(link, request)))

    @router.post("/welcome/{link}")
    def take_up(link: str, request: Request, body: Body, _: OpenToAll) -> Response:
        """Set the password of whom a link is for, and sign them in."""
        door.require_own()
        form = read_form(request.headers.get("content-type", ""), body)
        name = _person(link, request)
        try:
            user = services.invitations.use(link, twice(form))
        except DecisionRefused as error:
            return HTMLResponse(welcome_page(name, error.message), 400)
        except NotAuthenticated:
            raise Problem(403, WRONG_LINK) from None
        response = RedirectResponse("/", 303)
        door.begin(request, response, user, "invitation")
        return response

    def _person(link: str, request: Request) -> str:
        """Whom a link is for.

        Raises:
            Problem: 403, not 401: no sign-in would help.
        """
        try:
            return door.check_link(request, link)
        except Problem as problem:
            raise (Problem(403, problem.sentence) if problem.status == 401 else problem) from None

    return router


def within(path: str | None) -> str:
    """Where to go after the sign-in: a page of this server, or the first one."""
    return path if path is not None and WITHIN.fullmatch(path) else "/"


def twice(form: dict[str, str]) -> str:
    """A new password, typed twice.

    Raises:
        DecisionRefused: the two are not the same.
    """
    if form.get("password", "") != form.get("again", ""):
        raise DecisionRefused(NOT_TWICE)
    return form.get("password", "")
