"""Every write of the API and every role: refused or let through exactly as one table says, written out here anew."""

from __future__ import annotations

import pytest

from interlock.store.users import Role
from interlock.web.rights import RIGHTS, declared
from tests.web.api.conftest import EVERYBODY
from tests.web.site import FROM_HERE, Site

HOLDERS: dict[str, str] = {"author": "arthur", "operator": "otto", "reviewer": "fay", "admin": "ada"}
"""Who holds one role alone."""

ALLOWED: dict[str, set[Role]] = {
    "/api/ag-ui": {"author", "operator", "reviewer"},
    "/api/approvals/{approval_id}/claim": {"reviewer"},
    "/api/approvals/{approval_id}/decision": {"operator", "reviewer"},
    "/api/approvals/{approval_id}/release": {"reviewer"},
    "/api/runs": {"author", "operator"},
    "/api/runs/{run_id}/cancel": {"operator"},
    "/api/runs/{run_id}/fork": {"operator"},
    "/api/runs/{run_id}/resume": {"operator"},
    "/api/runs/{run_id}/retry": {"operator"},
    "/api/runs/{run_id}/send": {"operator"},
}

BODIES: dict[str, dict[str, object]] = {
    "/api/ag-ui": {
        "threadId": "t", "runId": "r", "messages": [], "resume": [{"interruptId": "ap-none", "status": "cancelled"}]
    },
    "/api/approvals/{approval_id}/decision": {"decision": "approve", "revision": 0},
    "/api/runs": {"graph": "none"},
    "/api/runs/{run_id}/fork": {"at": "0"},
    "/api/runs/{run_id}/send": {"event": "paid"},
}  # fmt: skip
"""What is sent, about runs and requests that there are not: whoever is let through hears that."""


def ask(site: Site, person: str, path: str, *, browser: bool = False, **headers: str) -> int:
    client = site.browser(person) if browser else site.program(person)
    where = path.format(approval_id="ap-none", run_id="run-none")
    return client.post(where, json=BODIES.get(path, {}), headers=headers).status_code


def test_the_table_has_every_write_of_the_api(still: Site) -> None:
    """A new one is written down here before it is served."""
    writes = {path for method, path in declared(still.web.routes) if method != "GET" and path.startswith("/api/")}
    assert writes == set(ALLOWED)


def test_the_table_is_what_the_routes_ask_for(still: Site) -> None:
    """Written out twice, so that a right which is given away by mistake shows."""
    for (method, path), asks in declared(still.web.routes).items():
        if method != "GET" and path in ALLOWED:
            assert asks is not None
            assert {role for right in asks.rights for role in RIGHTS[right]} == ALLOWED[path], path


@pytest.mark.parametrize("path", ALLOWED)
@pytest.mark.parametrize("role", HOLDERS)
def test_each_role_at_each_write(still: Site, role: Role, path: str) -> None:
    """403 for who lacks the right; for who has it, that there is no such run or request."""
    before = still.engine.audit_head()
    status = ask(still, HOLDERS[role], path)
    assert status == (404 if role in ALLOWED[path] else 403)
    assert still.engine.audit_head() == before


@pytest.mark.parametrize("path", ALLOWED)
def test_no_other_site_and_no_stranger(still: Site, path: str) -> None:
    """A cookie of somebody who may do everything, sent by another page, is refused; without a sign-in, 401."""
    before = still.engine.audit_head()
    browser, where = still.browser(EVERYBODY), path.format(approval_id="ap-none", run_id="run-none")
    for sender in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {}):
        assert browser.post(where, json=BODIES.get(path, {}), headers=sender).status_code == 403
    assert browser.post(where, json=BODIES.get(path, {}), headers=FROM_HERE).status_code == 404
    assert still.stranger().post(where, json=BODIES.get(path, {}), headers=FROM_HERE).status_code == 401
    assert still.engine.audit_head().entries == before.entries + 1  # that zoe signed in
