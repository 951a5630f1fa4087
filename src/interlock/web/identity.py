"""Who is at the other end: a token in a header, or the cookie of a sign-in; never a field of what they send."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from interlock.engine.identity import new_name
from interlock.errors import DecisionRefused, NotAuthenticated
from interlock.nodes.services import Services
from interlock.store.credentials import TOKEN
from interlock.store.people import known_as
from interlock.store.sessions import LASTING, Sessions, Way
from interlock.store.tables import Credential, User
from interlock.store.users import roles_of
from interlock.web.floor import bearer
from interlock.web.oidc import Provider
from interlock.web.origins import Origins
from interlock.web.problems import Problem
from interlock.web.proxy import Proxy
from interlock.web.rights import Visitor
from interlock.web.throttle import Throttle

WRONG = "This token is not valid here."
"""Said of every token that is refused, whatever is wrong with it."""

WRONG_PASSWORD = "This name and password are not valid here."
"""Said of every name and password that are refused, whatever is wrong with them."""

WRONG_LINK = "This link is not valid here, or no longer. Ask for a new one."
"""Said of every link that is refused, whatever is wrong with it."""

PROXIED = "People are signed in by the server in front of this one, not here."

COOKIE = "interlock"
SECURE_COOKIE = "__Host-interlock"
"""The cookie's name by https: browsers keep one of this prefix only if it is Secure, of this host, and of the root."""

Proven = TypeVar("Proven")


@dataclass
class Door:
    """Lets people in: checks tokens, passwords and links, slowly where many were wrong, and keeps sign-ins."""

    services: Services
    sessions: Sessions
    throttle: Throttle
    origins: Origins
    proxy: Proxy
    provider: Provider | None = None

    def visitor(self, request: Request) -> Visitor | None:
        """The person who makes a request, with the roles they hold now; None for a stranger.

        A request with a token is judged by it alone: its cookie does not count, right or wrong.  Where a proxy signs
        people in, what it says alone counts of all the others.

        Raises:
            Problem: the token is refused, or there were too many wrong ones; or somebody else speaks for the proxy, or
                the proxy names somebody who has no access.
        """
        headers = request.headers.getlist("authorization")
        if headers:
            token = bearer(headers)
            if token is None:
                raise Problem(401, WRONG, {"www-authenticate": "Bearer"})
            return _visitor(self.services.users.find(self.check(request, token).person))
        if self.proxy.header is not None:
            name = self.proxy.names(request)
            return _visitor(self._named(name)) if name else None
        value = self.brought(request)
        return _visitor(self.sessions.user(value)) if value else None

    def check(self, request: Request, token: str) -> Credential:
        """The credential of a token.

        Raises:
            Problem: 401, or 429 with the seconds to wait, where its person or this address failed too often.
        """
        found = TOKEN.fullmatch(token)
        person = (self.services.credentials.person(found[1]) or found[1]) if found else None
        credentials = self.services.credentials
        return self._slowly(request, "token", person, WRONG, lambda: credentials.check(token))

    def check_password(self, request: Request, name: str, password: str) -> User:
        """The person of a name and a password.

        Raises:
            Problem: 401, or 429 with the seconds to wait, where this name or this address failed too often.
        """
        person = unicodedata.normalize("NFKC", name).casefold()[:64]
        passwords = self.services.passwords
        return self._slowly(request, "password", person, WRONG_PASSWORD, lambda: passwords.check(name[:256], password))

    def check_link(self, request: Request, value: str) -> str:
        """Whom a link is for.

        Raises:
            Problem: 401, or 429 with the seconds to wait, where this address failed too often.
        """

        def person() -> str:
            if (found := self.services.invitations.person(value)) is None:
                raise NotAuthenticated
            return found

        return self._slowly(request, "link", None, WRONG_LINK, person)

    def arrived(self, name: str, account: str | None = None) -> User:
        """Who somebody is here whom another server signed in.

        Raises:
            NotAuthenticated: nobody, or somebody else.
            DecisionRefused: it is no person's name, or looks like another's.
        """
        create = self.services.settings.unknown_people == "create"
        if create and self.services.users.find(known_as(name)) is None:
            new_name(self.services, name)
        return self.services.users.arrive(name, account=account, create=create)

    def _named(self, name: str) -> User:
        user = self.services.users.find(unicodedata.normalize("NFKC", name).casefold())
        if user is not None and user.disabled_at is None:
            return user
        try:
            return self.arrived(name)
        except (NotAuthenticated, DecisionRefused) as error:
            raise Problem(403, error.message) from None

    def sign_in(self, request: Request, response: Response, token: str) -> None:
        """Begin a sign-in by a token.

        Raises:
            Problem: see `check`.
        """
        credential = self.check(request, token)
        user = self.services.users.get(credential.person)
        self.begin(request, response, user, "token", credential)

    def begin(
        self, request: Request, response: Response, user: User, way: Way, credential: Credential | None = None
    ) -> None:
        """Begin a sign-in under a fresh value; one that the browser brought along ends.

        Raises:
            Problem: 401, the person was shut out in the meantime.
        """
        try:
            value = self.sessions.begin(user, way, credential=credential, instead_of=self.brought(request))
        except NotAuthenticated:
            raise Problem(401) from None
        name, secure = self._cookie(request)
        response.set_cookie(
            name, value, max_age=int(LASTING.total_seconds()), path="/", secure=secure, httponly=True, samesite="strict"
        )

    def require_own(self) -> None:
        """Go on only where people are signed in here.

        Raises:
            Problem: 403, a proxy signs them in.
        """
        if self.proxy.header is not None:
            raise Problem(403, PROXIED)

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

    def _slowly(
        self, request: Request, what: str, person: str | None, wrong: str, check: Callable[[], Proven]
    ) -> Proven:
        """What a check proves; after failures of this person, known or not, or from this address, only later.

        A password that is right makes good nothing that was tried on other people from the same address.
        """
        address = f"address {self.proxy.address(request)} {what}"
        people = [f"person {person}"] if person else []
        self._wait([address, *people])
        try:
            proven = check()
        except NotAuthenticated:
            self.throttle.failed(address, *people)
            raise Problem(401, wrong, {"www-authenticate": "Bearer"}) from None
        self.throttle.succeeded(*people, *([address] if what == "token" else []))
        return proven

    def _wait(self, who: Sequence[str]) -> None:
        if wait := self.throttle.wait(*who):
            seconds = str(math.ceil(wait.total_seconds()))
            raise Problem(429, f"Too many failed tries; wait {seconds} s.", {"retry-after": seconds})


def _visitor(user: User | None) -> Visitor | None:
    return Visitor(user.name, roles_of(user)) if user is not None and user.disabled_at is None else None


def _sole(cookies: Mapping[str, str], name: str) -> str | None:
    value = cookies.get(name, "")
    return value if len(value) == 64 else None
