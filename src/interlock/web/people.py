"""The pages of admins: who has access, in which roles, with which sign-ins and tokens."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.engine.identity import new_name
from interlock.errors import Conflict, DecisionRefused, NotFound
from interlock.store.people import Roster
from interlock.store.sessions import SHORT
from interlock.store.tables import User
from interlock.store.users import ROLES, Role
from interlock.web.decisions import read_form
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

Admin = Annotated[Visitor, needs("people.manage")]

MEANING: dict[Role, str] = {
    "author": "starts runs, simulates policies",
    "operator": "starts, resumes, cancels and forks runs, settles doubts",
    "reviewer": "decides requests, as far as policies let them",
    "admin": "gives access",
}
"""What each role is for, in the order in which they are shown."""


def routes(parts: Parts) -> APIRouter:
    """The list, one person, and the changes there are."""
    router, services = APIRouter(), parts.services

    def list_page(who: Visitor, said: str = "", status: int = 200) -> Response:
        roster = Roster(services.policies.people.people)
        rows = services.users.all()
        outside = sorted(set(services.policies.people.people) - {row.name for row in rows})
        page = parts.templates.page(
            "people.html", who, here="/people", said=said, meaning=MEANING, outside=outside,
            rows=[{"user": row, "groups": sorted(roster.roles(row.name))} for row in rows],
        )  # fmt: skip
        return HTMLResponse(page, status)

    def person_page(who: Visitor, user: User, *, link: str = "", said: str = "", status: int = 200) -> Response:
        now = services.clock()
        signed_in = [
            {"short": row.id[:SHORT], "way": row.way, "since": row.created_at, "until": row.expires_at}
            for row in parts.door.sessions.of(user.name)
        ]
        tokens = [row for row in services.credentials.all(user.name) if row.revoked_at is None and row.expires_at > now]
        page = parts.templates.page(
            "person.html", who, here="/people", user=user, link=link, said=said, meaning=MEANING, signed_in=signed_in,
            tokens=tokens, groups=sorted(Roster(services.policies.people.people).roles(user.name)),
        )  # fmt: skip
        return HTMLResponse(page, status)

    def linked(request: Request, name: str, who: Visitor) -> str:
        """A new one-time link, under the name by which this server was asked."""
        value = services.invitations.issue(name, by=who.name)
        return f"{parts.door.origins.base(request.headers['host'])}/welcome/{value}"

    @router.get("/people")
    def everybody(who: Admin) -> Response:
        """Who has access."""
        return list_page(who)

    @router.post("/people")
    def add(request: Request, body: Body, who: Admin) -> Response:
        """Give somebody access, and show their link, once."""
        form = _form(request, body)
        try:
            name = new_name(services, form.get("name", "").strip())
            user = services.users.add(name, _roles(form), by=who.name)
        except (Conflict, DecisionRefused) as error:
            return list_page(who, error.message, 409)
        return person_page(who, user, link=linked(request, name, who), status=201)

    @router.get("/people/{name}")
    def one(name: str, who: Admin) -> Response:
        """One person."""
        return person_page(who, services.users.get(name))

    @router.post("/people/{name}/roles")
    def give(name: str, request: Request, body: Body, who: Admin) -> Response:
        """Let them hold exactly the roles that are ticked."""
        form = _form(request, body)
        try:
            user = services.users.give(name, _roles(form), by=who.name)
        except Conflict as error:
            return person_page(who, services.users.get(name), said=error.message, status=409)
        return _back(user)

    @router.post("/people/{name}/access")
    def access(name: str, request: Request, body: Body, who: Admin) -> Response:
        """Shut them out, or let them in again."""
        change = {"disable": services.users.disable, "enable": services.users.enable}.get(
            _form(request, body).get("access", "")
        )
        if change is None:
            raise Problem(400)
        try:
            user = change(name, by=who.name)
        except Conflict as error:
            return person_page(who, services.users.get(name), said=error.message, status=409)
        return _back(user)

    @router.post("/people/{name}/link")
    def link(name: str, request: Request, who: Admin) -> Response:
        """Show a link with which they choose a new password, once."""
        user = services.users.get(name)
        return person_page(who, user, link=linked(request, user.name, who))

    @router.post("/people/{name}/sign-ins")
    def end(name: str, request: Request, body: Body, who: Admin) -> Response:
        """End one of their sign-ins."""
        user = services.users.get(name)
        parts.door.sessions.end_of(user.name, _form(request, body).get("sign_in", ""), by=who.name)
        return _back(user)

    @router.post("/people/{name}/tokens")
    def revoke(name: str, request: Request, body: Body, who: Admin) -> Response:
        """Make one of their tokens worthless."""
        user, wanted = services.users.get(name), _form(request, body).get("token", "")
        if wanted not in [row.id for row in services.credentials.all(user.name)]:
            raise NotFound(f"{user.name} has no such token.")
        services.credentials.revoke(wanted, by=who.name)
        return _back(user)

    return router


def _form(request: Request, body: bytes) -> dict[str, str]:
    return read_form(request.headers.get("content-type", ""), body)


def _roles(form: dict[str, Any]) -> list[Role]:
    """The roles that are ticked."""
    return [role for role in ROLES if f"role.{role}" in form]


def _back(user: User) -> Response:
    return RedirectResponse(f"/people/{quote(user.name)}", 303)
