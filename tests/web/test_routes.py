"""Every address and every kind of visitor: the table of who may do what, made of the routes there are."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from tests.attacks.house import Run
from tests.web.site import BASE, FROM_HERE, Site

CROSS_SITE: dict[str, dict[str, str]] = {
    "another site, as browsers say": {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    "another port of this machine": {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:9999"},
    "an old browser on another site": {"origin": "https://evil.example"},
    "a sandboxed frame": {"origin": "null"},
    "a lie in Origin alone": {"sec-fetch-site": "cross-site", "origin": BASE},
    "a lie in Sec-Fetch-Site alone": {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
    "another name of this machine": {"origin": "http://localhost:8642"},
    "nothing but a referrer": {"referer": f"{BASE}/approvals/ap-1"},
    "nothing at all": {},
    "a login that is no token": {"authorization": "Basic ZmF5OmZheQ=="},
}
"""What a page elsewhere can make a browser send along with its cookie."""

VISITORS: dict[str, Callable[[Site], TestClient]] = {
    "stranger": lambda site: site.stranger(),
    "forged cookie": lambda site: site.stranger(cookie=f"interlock={'0' * 64}"),
    "token as cookie": lambda site: site.stranger(cookie=f"interlock={site.tokens['fay']}"),
    "wrong token": lambda site: site.stranger(authorization=f"Bearer ilk_{secrets.token_hex(6)}_{'0' * 64}"),
    "a name as token": lambda site: site.stranger(authorization="Bearer fay"),
    "a login": lambda site: site.stranger(authorization="Basic ZmF5OmZheQ=="),
    "headers of a proxy": lambda site: site.stranger(**{"x-forwarded-user": "fay", "remote-user": "fay"}),
}

OPEN = {
    ("GET", "/sign-in"),
    ("GET", "/sign-in/back"),
    ("GET", "/sign-in/elsewhere"),
    ("POST", "/sign-in"),
    ("GET", "/welcome/{link}"),
    ("POST", "/welcome/{link}"),
    ("GET", "/static/{name}"),
}
"""What a stranger may ask for: the ways in."""


NOTHING: dict[str, object] = {}

BODIES: dict[str, dict[str, object]] = {
    "/api/ag-ui": {
        "threadId": "t", "runId": "r", "messages": [], "forwardedProps": {"graph": "pay", "input": {"amount": 10}}
    },
    "/api/approvals/{approval_id}/claim": NOTHING,
    "/api/approvals/{approval_id}/release": NOTHING,
    "/api/runs": {"graph": "pay", "input": {"amount": 10}},
    "/api/runs/{run_id}/cancel": NOTHING,
    "/api/runs/{run_id}/fork": {"at": "0"},
    "/api/runs/{run_id}/resume": NOTHING,
    "/api/runs/{run_id}/retry": NOTHING,
    "/api/runs/{run_id}/send": {"event": "paid"},
}  # fmt: skip
"""What programs send with each write, but decisions."""


def table(site: Site) -> list[tuple[str, str]]:
    """Method and path of every route."""
    routes = [route for route in site.web.routes.routes if isinstance(route, APIRoute)]
    assert len(routes) == len(site.web.routes.routes), "a route that this table does not know"
    return sorted((method, route.path) for route in routes for method in route.methods)


def ask(client: TestClient, method: str, path: str, run: Run, headers: dict[str, str]) -> httpx.Response:
    """A request as it would do something, were it let through."""
    where = path.format(
        approval_id=run.asked.id,
        run_id=run.id,
        position="0",
        name="style.css",
        link="0" * 64,
        graph="pay",
        delegation_id="dg-none",
    )
    body = {"decision": "reject", "revision": run.asked.revision, "comment": "no"}
    if path.startswith("/api/"):
        sent = BODIES.get(path, body) if method == "POST" else None
        return client.request(method, where, headers=headers, json=sent)
    return client.request(method, where, headers=headers, data=body if method == "POST" else None)


def untouched(site: Site, run: Run) -> bool:
    return (run.asked.state, run.asked.revision, site.house.effects) == ("waiting", 0, [])


def test_the_table_is_the_one_that_is_known(shared: Site) -> None:
    """A new route is looked at here before it is served."""
    assert table(shared) == [
        ("GET", "/"),
        ("GET", "/api/approvals"),
        ("GET", "/api/approvals/{approval_id}"),
        ("GET", "/api/approvals/{approval_id}/history"),
        ("GET", "/api/audit"),
        ("GET", "/api/audit/head"),
        ("GET", "/api/audit/verify"),
        ("GET", "/api/events"),
        ("GET", "/api/graphs"),
        ("GET", "/api/graphs/{name}"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/runs"),
        ("GET", "/api/runs/{run_id}"),
        ("GET", "/api/runs/{run_id}/children"),
        ("GET", "/api/runs/{run_id}/effects"),
        ("GET", "/api/runs/{run_id}/events"),
        ("GET", "/api/runs/{run_id}/history"),
        ("GET", "/api/runs/{run_id}/states"),
        ("GET", "/api/runs/{run_id}/states/{position}"),
        ("GET", "/approvals/{approval_id}"),
        ("GET", "/batch"),
        ("GET", "/delegations"),
        ("GET", "/doubts"),
        ("GET", "/graphs"),
        ("GET", "/graphs/{graph}"),
        ("GET", "/graphs/{graph}/upgrade"),
        ("GET", "/health"),
        ("GET", "/metrics"),
        ("GET", "/password"),
        ("GET", "/people"),
        ("GET", "/people/{name}"),
        ("GET", "/pictures/{name}.png"),
        ("GET", "/policies/simulate"),
        ("GET", "/queue/changes"),
        ("GET", "/queue/list"),
        ("GET", "/runs"),
        ("GET", "/runs/{run_id}"),
        ("GET", "/runs/{run_id}/at/{position}"),
        ("GET", "/runs/{run_id}/cancel"),
        ("GET", "/runs/{run_id}/download"),
        ("GET", "/runs/{run_id}/fork"),
        ("GET", "/sign-in"),
        ("GET", "/sign-in/back"),
        ("GET", "/sign-in/elsewhere"),
        ("GET", "/static/{name}"),
        ("GET", "/welcome/{link}"),
        ("POST", "/api/ag-ui"),
        ("POST", "/api/approvals/{approval_id}/claim"),
        ("POST", "/api/approvals/{approval_id}/decision"),
        ("POST", "/api/approvals/{approval_id}/release"),
        ("POST", "/api/runs"),
        ("POST", "/api/runs/{run_id}/cancel"),
        ("POST", "/api/runs/{run_id}/fork"),
        ("POST", "/api/runs/{run_id}/resume"),
        ("POST", "/api/runs/{run_id}/retry"),
        ("POST", "/api/runs/{run_id}/send"),
        ("POST", "/approvals/{approval_id}/claim"),
        ("POST", "/approvals/{approval_id}/decision"),
        ("POST", "/approvals/{approval_id}/release"),
        ("POST", "/batch/decision"),
        ("POST", "/delegations"),
        ("POST", "/delegations/{delegation_id}/revoke"),
        ("POST", "/doubts/{approval_id}"),
        ("POST", "/health/audit"),
        ("POST", "/password"),
        ("POST", "/people"),
        ("POST", "/people/{name}/access"),
        ("POST", "/people/{name}/link"),
        ("POST", "/people/{name}/roles"),
        ("POST", "/people/{name}/sign-ins"),
        ("POST", "/people/{name}/tokens"),
        ("POST", "/policies/simulate"),
        ("POST", "/runs/{run_id}/cancel"),
        ("POST", "/runs/{run_id}/fork"),
        ("POST", "/runs/{run_id}/resume"),
        ("POST", "/runs/{run_id}/retry"),
        ("POST", "/sign-in"),
        ("POST", "/sign-out"),
        ("POST", "/welcome/{link}"),
    ]


@pytest.mark.parametrize("visitor", VISITORS)
def test_strangers_get_nothing_and_change_nothing(shared: Site, visitor: str) -> None:
    """Every route but the way in answers 401, or shows a browser the way in, and says nothing of what waits."""
    site, run = shared, shared.only
    for method, path in table(site):
        if (method, path) in OPEN:
            continue
        client = VISITORS[visitor](site)
        answer = ask(client, method, path, run, FROM_HERE)
        if answer.status_code == 303 and method == "GET":
            assert re.fullmatch(r"/sign-in(\?next=[%\w./-]+)?", answer.headers["location"]), path
        else:
            assert answer.status_code == 401, (method, path)
        assert run.asked.id not in answer.text
        assert "anna" not in answer.text
    assert untouched(site, run)


@pytest.mark.parametrize("sender", CROSS_SITE)
def test_no_other_site_writes_with_somebodys_cookie(shared: Site, sender: str) -> None:
    """Every write, by a browser in which fay is signed in, sent from anywhere but a page of this server."""
    site, run, browser = shared, shared.only, shared.browser("fay")
    writes = [(method, path) for method, path in table(site) if method != "GET"]
    assert len(writes) >= 14
    for method, path in writes:
        answer = ask(browser, method, path, run, CROSS_SITE[sender])
        assert answer.status_code == 403, (path, answer.status_code)
        assert answer.headers.get("set-cookie") is None
    assert untouched(site, run)
    assert browser.get("/api/approvals").status_code == 200  # nor was she signed out


def test_reading_changes_nothing(shared: Site) -> None:
    """No GET decides, signs in or signs out, however it is written; other methods are not served."""
    run, browser = shared.only, shared.browser("fay")
    before = shared.engine.audit_head()
    for path in (f"/approvals/{run.asked.id}/decision", f"/api/approvals/{run.asked.id}/decision", "/sign-out"):
        query = {"decision": "approve", "revision": "0", "_method": "POST"}
        assert browser.get(path, params=query, headers={"x-http-method-override": "POST"}).status_code == 405
        for method in ("PUT", "PATCH", "DELETE"):
            assert browser.request(method, path, headers=FROM_HERE).status_code == 405
    assert shared.engine.audit_head() == before
    assert untouched(shared, run)


def test_a_wrong_token_is_not_saved_by_a_right_cookie(shared: Site) -> None:
    """A header Authorization lifts the check of the sender, and with it the cookie counts for nothing."""
    run = shared.only
    for header in ("Bearer x", f"Bearer ilk_000000000000_{'0' * 64}", "Bearer ", "bearer"):
        browser = shared.browser("fay")
        answer = browser.post(
            f"/api/approvals/{run.asked.id}/decision",
            json={"decision": "approve", "revision": 0},
            headers={"authorization": header, "sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        )
        assert answer.status_code in (401, 403), header
    assert untouched(shared, run)


def test_a_token_in_a_header_needs_no_origin(site: Site) -> None:
    """Programs say not where they come from, and no browser sends a token by itself."""
    run = site.asked()
    body = {"decision": "approve", "revision": run.asked.revision}
    assert site.program("fay").post(f"/api/approvals/{run.asked.id}/decision", json=body).status_code == 200
