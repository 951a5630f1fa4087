"""Rights: every route names its own, and who lacks it is refused before anything happens."""

from typing import Annotated

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.staticfiles import StaticFiles

from interlock.store.users import ROLES, Role
from interlock.web.rights import RIGHTS, Needs, OpenToAll, SignedIn, Visitor, declared, needs
from tests.web.site import FROM_HERE, Site
from tests.web.test_routes import OPEN, ask, table, untouched


def test_every_route_names_what_it_needs(shared: Site) -> None:
    """All that the application serves, and only the ways in are open."""
    said = declared(shared.web.routes)
    assert sorted(said) == table(shared)
    assert {route for route, asks in said.items() if asks is None} == OPEN


def test_a_route_that_names_nothing_or_two_things_is_not_served() -> None:
    """Nor is a folder of files, which could name nothing."""

    def silent() -> None: ...

    def torn(_: OpenToAll, __: SignedIn) -> None: ...

    def fine(_: Annotated[Visitor, needs("runs.read")]) -> None: ...

    for endpoint in (silent, torn):
        app = FastAPI(openapi_url=None)
        app.add_api_route("/x", endpoint)
        with pytest.raises(TypeError, match="/x must name what it needs"):
            declared(app)
    app = FastAPI(openapi_url=None)
    app.add_api_route("/fine", fine)
    assert declared(app) == {("GET", "/fine"): Needs(("runs.read",))}
    app.mount("/files", StaticFiles(directory="."))
    with pytest.raises(TypeError, match="/files"):
        declared(app)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_who_lacks_the_right_is_refused_on_every_route(
    shared: Site, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    """403 with the roles that have it, in each role, on each route that asks for another; nothing happens."""
    visitor, run, refused = Visitor("olga", frozenset({role})), shared.only, 0

    def visited(request: Request) -> Visitor:
        return visitor

    monkeypatch.setattr(shared.web.routes.state.door, "visitor", visited)
    for (method, path), asks in declared(shared.web.routes).items():
        if asks is None or not asks.rights or visitor.may(*asks.rights):
            continue
        answer = ask(shared.stranger(), method, path, run, FROM_HERE)
        assert (answer.status_code, f"olga holds {role}" in answer.text) == (403, True), (method, path)
        refused += 1
    assert refused or role in ("operator", "reviewer")
    assert untouched(shared, run)


def test_a_person_without_any_role_may_only_leave(shared: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing in alone gives nothing but a description of what there is."""
    nobody, run = Visitor("fay", frozenset()), shared.only

    def visited(request: Request) -> Visitor:
        return nobody

    monkeypatch.setattr(shared.web.routes.state.door, "visitor", visited)
    said = declared(shared.web.routes)
    asked = {
        key: ask(shared.stranger(), *key, run, FROM_HERE).status_code for key, asks in said.items() if asks is not None
    }
    own = {("POST", "/sign-out"), ("GET", "/password"), ("POST", "/password"), ("GET", "/api/openapi.json")}
    assert {key for key, status in asked.items() if status != 403} <= own


def test_each_right_has_a_role_and_an_admin_decides_nothing() -> None:
    """Whoever gives roles needs one more to decide, so that it is written down."""
    assert all(RIGHTS[right] for right in RIGHTS)
    admin = Visitor("ada", frozenset({"admin"}))
    assert [right for right in RIGHTS if admin.may(right)] == [
        "approvals.read", "runs.read", "graphs.read", "audit.read", "health.read", "people.manage"
    ]  # fmt: skip


def test_an_operator_settles_doubts_and_decides_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of a decision is one; what is asked there decides which right counts."""
    operator = Visitor("otto", frozenset({"operator"}))
    run = site.asked()

    def visited(request: Request) -> Visitor:
        return operator

    monkeypatch.setattr(site.web.routes.state.door, "visitor", visited)
    where = f"/api/approvals/{run.asked.id}/decision"
    refused = site.stranger().post(where, json={"decision": "approve", "revision": 0}, headers=FROM_HERE)
    assert (refused.status_code, untouched(site, run)) == (403, True)
    monkeypatch.undo()
    site.house.trouble("lost")
    doubted = site.asked("edged")
    site.program("fay").post(f"/api/approvals/{doubted.asked.id}/decision", json={"decision": "approve", "revision": 0})
    site.settled()
    assert doubted.asked.kind == "doubt"
    monkeypatch.setattr(site.web.routes.state.door, "visitor", visited)
    answer = site.stranger().post(
        f"/api/approvals/{doubted.asked.id}/decision",
        json={"decision": "respond", "happened": True, "revision": doubted.asked.revision},
        headers=FROM_HERE,
    )
    assert answer.status_code == 200
