"""The addresses of a sign-in at an OpenID provider: the way out, and the way back."""

import logging

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.errors import DecisionRefused, NotAuthenticated
from interlock.store.tables import User
from interlock.web.entrance import within
from interlock.web.oidc import LASTING, Arrival, Flow, Seal
from interlock.web.parts import Parts
from interlock.web.problems import Problem
from interlock.web.rights import OpenToAll

LOG = logging.getLogger("interlock.web")

BACK = "/sign-in/back"
FAILED = "Signing in there did not work. Try again; the log of this server says why."


def routes(parts: Parts) -> APIRouter:
    """Out and back; where no provider is set, neither is there."""
    router, services, door = APIRouter(), parts.services, parts.door
    seal = Seal(services.audit.key_for("sign-in elsewhere"))

    def cookie(request: Request) -> tuple[str, bool]:
        secure = request.headers["host"].lower() in door.origins.secure
        return ("__Host-interlock-flow" if secure else "interlock-flow"), secure

    def back(request: Request) -> str:
        return door.origins.base(request.headers["host"]) + BACK

    @router.get("/sign-in/elsewhere")
    def out(request: Request, _: OpenToAll) -> Response:
        """To the provider; what its answer must match goes along in a cookie."""
        door.require_own()
        if door.provider is None:
            raise Problem(404)
        flow = Flow.begin(within(request.query_params.get("next")), services.clock())
        try:
            response = RedirectResponse(door.provider.way(flow, back(request)), 303)
        except NotAuthenticated as error:
            LOG.error("nobody can sign in at %s: %s", door.provider.name, error.message)
            raise Problem(503, FAILED) from None
        name, secure = cookie(request)
        response.set_cookie(
            name, seal.close(flow), max_age=int(LASTING.total_seconds()), path="/", secure=secure, httponly=True,
            samesite="lax",  # the way back is a link from another site
        )  # fmt: skip
        return response

    @router.get(BACK)
    def arrive(request: Request, _: OpenToAll) -> Response:
        """From the provider: whoever it proves is signed in.

        The answer is a page of ours that goes on, not a redirect: what a browser follows straight from another site
        it asks for without the cookie of the sign-in, which is `SameSite=Strict`.
        """
        door.require_own()
        if door.provider is None:
            raise Problem(404)
        name, secure = cookie(request)
        flow = seal.open(request.cookies.get(name, ""), services.clock())
        if flow is None:
            raise Problem(403, "This sign-in took too long, or did not begin here. Begin again.")
        try:
            arrival = door.provider.arrive(flow, dict(request.query_params), back(request))
        except NotAuthenticated as error:
            LOG.warning("a sign-in at %s is refused: %s", door.provider.name, error.message)
            raise Problem(403, FAILED) from None
        response = HTMLResponse(parts.templates.page("arrived.html", None, after=flow.after))
        door.begin(request, response, known(arrival), "account")
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
        return response

    def known(arrival: Arrival) -> User:
        """Who an account is here.

        Raises:
            Problem: 403, nobody.
        """
        try:
            return door.arrived(arrival.name, arrival.account)
        except (NotAuthenticated, DecisionRefused) as error:
            raise Problem(403, error.message) from None

    return router
