"""Who may do what at the page and the API: one table, of which every route names its line.

A route says `who: Annotated[Visitor, needs("runs.cancel")]`, and is answered 401 or 403 before anything of it runs.
`declared` refuses an application in which some route says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute

from interlock.store.users import ROLES, Role
from interlock.web.problems import Problem

Right = Literal[
    "approvals.read",
    "approvals.decide",
    "approvals.claim",
    "approvals.delegate",
    "doubts.settle",
    "runs.read",
    "runs.start",
    "runs.resume",
    "runs.cancel",
    "runs.fork",
    "runs.retry",
    "runs.upgrade",
    "runs.event",
    "graphs.read",
    "policies.simulate",
    "audit.read",
    "health.read",
    "people.manage",
]
"""What can be done here."""


def _of(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


RIGHTS: Mapping[Right, frozenset[Role]] = {
    "approvals.read": ROLES,
    "approvals.decide": _of("reviewer"),
    "approvals.claim": _of("reviewer"),
    "approvals.delegate": _of("reviewer"),
    "doubts.settle": _of("operator", "reviewer"),
    "runs.read": ROLES,
    "runs.start": _of("author", "operator"),
    "runs.resume": _of("operator"),
    "runs.cancel": _of("operator"),
    "runs.fork": _of("operator"),
    "runs.retry": _of("operator"),
    "runs.upgrade": _of("operator"),
    "runs.event": _of("operator"),
    "graphs.read": ROLES,
    "policies.simulate": _of("author"),
    "audit.read": _of("operator", "reviewer", "admin"),
    "health.read": _of("operator", "admin"),
    "people.manage": _of("admin"),
}
"""Which roles have a right.  An admin gives roles, and decides nothing without one: that too is written down."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who signed in, or brought a token."""

    name: str
    roles: frozenset[Role]

    def may(self, *rights: Right) -> bool:
        """Whether they have one of these rights."""
        return any(RIGHTS[right] & self.roles for right in rights)

    def require(self, *rights: Right) -> None:
        """Go on only for who has one of these rights.

        Raises:
            Problem: 403, with the roles that have it.
        """
        if not self.may(*rights):
            wanted = " or ".join(sorted({role for right in rights for role in RIGHTS[right]}))
            held = ", ".join(sorted(self.roles)) or "none"
            raise Problem(403, f"This needs the role {wanted}; {self.name} holds {held}. An admin gives roles.")


@dataclass(frozen=True)
class Needs:
    """What a route asks of who calls it: one of these rights; without any, to be signed in."""

    rights: tuple[Right, ...]

    def __call__(self, request: Request) -> Visitor:
        """Who makes the request.

        Raises:
            Problem: 401 for a stranger, 403 for who lacks the right.
        """
        visitor: Visitor | None = request.app.state.door.visitor(request)
        if visitor is None:
            raise Problem(401, headers={"www-authenticate": "Bearer"})
        if not self.serves(visitor):
            visitor.require(*self.rights)
        return visitor

    def serves(self, visitor: Visitor) -> bool:
        """Whether this visitor may call the route."""
        return not self.rights or visitor.may(*self.rights)


class Anybody:
    """What a route says that strangers may call: the ways in, and the files that pages are made of."""

    def __call__(self) -> None:
        return None


def needs(*rights: Right) -> Any:
    """The dependency of a route that asks for one of these rights."""
    return Depends(Needs(rights))


SignedIn = Annotated[Visitor, Depends(Needs(()))]
"""Whoever signed in, in whatever roles: what is about themselves alone."""

OpenToAll = Annotated[None, Depends(Anybody())]


def declared(app: FastAPI) -> Mapping[tuple[str, str], Needs | None]:
    """What each route asks, by method and path; None where strangers may call it.

    Raises:
        TypeError: a route says nothing, says two things, or is of a kind that cannot say it.
    """
    found: dict[tuple[str, str], Needs | None] = {}
    for route in app.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"{getattr(route, 'path', route)!r} is no route that can name a right of web/rights.py.")
        said = [each.call for each in route.dependant.dependencies if isinstance(each.call, Needs | Anybody)]
        if len(said) != 1:
            raise TypeError(f"the route {route.path} must name what it needs, once: see web/rights.py.")
        asks = said[0] if isinstance(said[0], Needs) else None
        found |= {(method, route.path): asks for method in route.methods or ()}
    return found
