"""What people do about their own sign-in: change the password."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from interlock.errors import DecisionRefused
from interlock.store.passwords import SHORTEST
from interlock.web.decisions import read_form
from interlock.web.entrance import twice
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import SignedIn, Visitor

NO_PASSWORD = "You have no password yet. An admin gives you a link with which you choose one."


def routes(parts: Parts) -> APIRouter:
    """The form of a new password."""
    router, services, door = APIRouter(), parts.services, parts.door

    def page(who: Visitor, said: str = "", done: bool = False) -> str:
        if not said and services.users.get(who.name).password is None:
            said = NO_PASSWORD
        return parts.templates.page(
            "password.html", who, whose=who.name, said=said, current=True, shortest=SHORTEST, done=done
        )

    @router.get("/password")
    def form_of(who: SignedIn) -> Response:
        """The form."""
        door.require_own()
        return HTMLResponse(page(who))

    @router.post("/password")
    def change(request: Request, body: Body, who: SignedIn) -> Response:
        """Change it: the present one is asked for, every other sign-in ends, and this one goes on under a new value."""
        door.require_own()
        form = read_form(request.headers.get("content-type", ""), body)
        try:
            door.check_password(request, who.name, form.get("current", ""))
            services.passwords.set(who.name, twice(form), by=who.name)
        except DecisionRefused as error:
            return HTMLResponse(page(who, error.message), 400)
        except Problem as problem:
            said = "This is not your present password." if problem.status == 401 else problem.sentence
            status = 403 if problem.status == 401 else problem.status
            return HTMLResponse(page(who, said), status, headers=problem.headers)
        response = HTMLResponse(page(who, done=True))
        if door.brought(request):
            door.begin(request, response, services.users.get(who.name), "password")
        return response

    return router
