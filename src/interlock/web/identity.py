"""Who is at the other end: a token in a header, or the cookie of a sign-in; never a field of what they send."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from interlock.errors import NotAuthenticated
from interlock.nodes.services import Services
from interlock.store.credentials import TOKEN
from interlock.store.sessions import LASTING, Sessions
from interlock.store.tables import Credential
from interlock.store.users import ROLES
from interlock.web.floor import bearer
from interlock.web.origins import Origins
from interlock.web.problems import Problem
from interlock.web.rights import Visitor
from interlock.web.throttle import Throttle

WRONG = "This token is not valid here."
"""Said of every token that is refused, whatever is wrong with it."""

COOKIE = "interlock"
SECURE_COOKIE = "__Host-interlock"
"""The cookie's name by https: browsers keep one of this prefix only if it is Secure, of this host, and of the root."""


@dataclass
class Door:
    """Lets people in: checks tokens, slowly where many were wrong, and keeps sign-ins."""

    services: Services
    sessions: Sessions
    throttle: Throttle
    origins: Origins

    def visitor(self, request: Request) -> Visitor | None:
        """The person who makes a request; None for a stranger.

        A request with a token is judged by it alone: its cookie does not count, right or wrong.

        Raises:
            Problem: the token is refused, or there were too many wrong ones.
        """
        headers = request.headers.getlist("authorization")
        if headers:
            token = bearer(headers)
            if token is None:
                raise Problem(401, WRONG, {"www-authenticate": "Bearer"})
            return Visitor(self.check(request, token).person, ROLES)
        value = self.brought(request)
        name = self.sessions.person(value) if value else None
        return Visitor(name, ROLES) if name else None

    def check(self, request: Request, token: str) -> Credential:
        """The credential of a token.

        Raises:
            Problem: 401, or 429 with the seconds to wait, where its person or this address failed too often.
        """
        who = self._counted(request, token)
        if wait := self.throttle.wait(*who):
            seconds = str(math.ceil(wait.total_seconds()))
            raise Problem(429, f"Too many failed tries; wait {seconds} s.", {"retry-after": seconds})
        try:
            credential = self.services.credentials.check(token)
        except NotAuthenticated:
            self.throttle.failed(*who)
            raise Problem(401, WRONG, {"www-authenticate": "Bearer"}) from None
        self.throttle.succeeded(*who)
        return credential

    def sign_in(self, request: Request, response: Response, token: str) -> None:
        """Begin a sign-in under a fresh value; one that the browser brought along ends.

        Raises:
            Problem: see `check`.
        """
        value = self.sessions.begin(self.check(request, token), instead_of=self.brought(request))
        name, secure = self._cookie(request)
        response.set_cookie(
            name, value, max_age=int(LASTING.total_seconds()), path="/", secure=secure, httponly=True, samesite="strict"
        )

    def sign_out(self, request: Request, response: Response) -> None:
        """End the sign-in here, and take the cookie back."""
        if value := self.brought(request):
            self.sessions.end(value)
        name, secure = self._cookie(request)
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")

    def brought(self, request: Request) -> str | None:
        """The value of the cookie that came with a request."""
        return _sole(request.cookies, self._cookie(request)[0])

    def _cookie(self, request: Request) -> tuple[str, bool]:
        secure = request.headers["host"].lower() in self.origins.secure
        return (SECURE_COOKIE if secure else COOKIE), secure

    def _counted(self, request: Request, token: str) -> list[str]:
        """Whose failures count: those from this address, and those on this person's tokens, known or not."""
        who = [f"address {request.client.host if request.client else 'unknown'}"]
        if found := TOKEN.fullmatch(token):
            who.append(f"person {self.services.credentials.person(found[1]) or found[1]}")
        return who


def _sole(cookies: Mapping[str, str], name: str) -> str | None:
    value = cookies.get(name, "")
    return value if len(value) == 64 else None
