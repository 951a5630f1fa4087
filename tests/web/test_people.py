"""The pages of admins: giving access, roles, links; ending sign-ins and tokens; each told in the audit."""

from __future__ import annotations

import re

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from interlock.store.tables import Entry
from tests.web.site import FROM_HERE, Site


def told(site: Site) -> list[tuple[str, str, str]]:
    with site.engine.services.database.read() as session:
        rows = session.exec(select(Entry).where(Entry.actor == "ada")).all()
    return [(row.actor, row.event, row.subject) for row in rows if not row.event.startswith("session.begun")]


def post(browser: TestClient, path: str, **form: str) -> int:
    return browser.post(path, data=form | {"sent": "1"}, headers=FROM_HERE).status_code


def test_an_admin_gives_access_and_the_person_comes_in(site: Site) -> None:
    """The link is shown once, on the answer, and lets its person choose a password."""
    admin, guest = site.browser("ada"), site.stranger()
    form = {"name": "Gus", "role.reviewer": "on", "role.author": "on"}
    page = admin.post("/people", data=form, headers=FROM_HERE)
    (link,) = re.findall(r"http://127\.0\.0\.1:8642(/welcome/[0-9a-f]{64})", page.text)
    assert page.status_code == 201
    assert link not in admin.get("/people/gus").text
    password = {"password": "seven green kettles", "again": "seven green kettles"}
    assert guest.post(link, data=password, headers=FROM_HERE).status_code == 303
    assert guest.get("/").status_code == 200
    assert site.engine.services.users.get("gus").roles == ["author", "reviewer"]
    assert told(site) == [("ada", "user.added", "gus"), ("ada", "invitation.issued", "gus")]


def test_the_list_shows_access_and_policy_roles_side_by_side(site: Site) -> None:
    """Who stands on one side only is seen; names lead to their pages."""
    site.house.change("policies/people.yaml", "people:\n", "people:\n  walter: [finance]\n")
    fresh = Site(site.house, tokens=site.tokens)
    page = fresh.browser("ada").get("/people").text
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
    assert "fay reviewer finance" in text
    assert "otto operator no group" in text
    assert "walter stands in policies/people.yaml , but has no access" in text
    assert fresh.browser("ada").get("/people/fay").status_code == 200
    fresh.close()


def test_roles_are_exactly_those_that_are_ticked(site: Site) -> None:
    """From the next request on, in sign-ins that stand."""
    admin, operator = site.browser("ada"), site.browser("otto")
    assert operator.get("/people").status_code == 403
    assert post(admin, "/people/otto/roles", **{"role.admin": "on"}) == 303
    assert operator.get("/people").status_code == 200
    assert post(admin, "/people/otto/roles") == 303
    assert operator.get("/people").status_code == 403
    assert told(site) == [("ada", "user.roles", "otto")] * 2


def test_the_last_admin_stays_one(site: Site) -> None:
    """The page says why, and nothing is changed."""
    admin = site.browser("ada")
    for path, form in (("/people/ada/roles", {"role.author": "on"}), ("/people/ada/access", {"access": "disable"})):
        answer = admin.post(path, data=form, headers=FROM_HERE)
        assert (answer.status_code, "ada is the last admin" in answer.text) == (409, True)
    assert site.engine.services.users.get("ada").roles == ["admin"]


def test_somebody_is_shut_out_and_let_in(site: Site) -> None:
    """Their sign-in ends at once and does not come back."""
    admin, reviewer = site.browser("ada"), site.browser("fay")
    assert post(admin, "/people/fay/access", access="disable") == 303
    assert reviewer.get("/").headers["location"] == "/sign-in"
    assert "shut out" in admin.get("/people/fay").text
    assert post(admin, "/people/fay/access", access="enable") == 303
    assert reviewer.get("/").headers["location"] == "/sign-in"
    assert post(admin, "/people/fay/access", access="crown") == 400
    assert site.browser("fay").get("/").status_code == 200


def test_one_sign_in_or_token_is_ended(site: Site) -> None:
    """Of this person alone: another's is not theirs to end by this address."""
    admin, here, there = site.browser("ada"), site.browser("fay"), site.browser("finn")
    page = admin.get("/people/fay").text
    (sign_in,) = re.findall(r'name="sign_in" value="([0-9a-f]{12})"', page)
    (token,) = re.findall(r'name="token" value="([0-9a-f]{12})"', page)
    assert post(admin, "/people/finn/sign-ins", sign_in=sign_in) == 404
    assert post(admin, "/people/finn/tokens", token=token) == 404
    assert post(admin, "/people/fay/sign-ins", sign_in=sign_in) == 303
    assert here.get("/").headers["location"] == "/sign-in"
    again = site.browser("fay")
    assert post(admin, "/people/fay/tokens", token=token) == 303
    assert again.get("/").headers["location"] == "/sign-in"
    assert there.get("/").status_code == 200
    assert told(site) == [("ada", "session.ended", "fay"), ("ada", "credential.revoked", token)]


@pytest.mark.parametrize(
    ("name", "said"),
    [("fay", "fay has access already"), ("f\u0430y", "looks like fay"), ("a b", "is no person"), ("", "is no person")],
)
def test_a_name_that_is_taken_or_none_is_refused(site: Site, name: str, said: str) -> None:
    """The list says why."""
    answer = site.browser("ada").post("/people", data={"name": name, "x": "1"}, headers=FROM_HERE)
    assert (answer.status_code, said in answer.text.replace("&#39;", "'")) == (409, True)
    assert len(site.engine.services.users.all()) == 5


def test_nobody_else_sees_or_changes_people(site: Site) -> None:
    """Every route of these pages, in every other role; and names of people who are not there are 404."""
    paths = [
        "/people/fay/roles",
        "/people/fay/access",
        "/people/fay/link",
        "/people/fay/sign-ins",
        "/people/fay/tokens",
    ]
    for person in ("fay", "anna", "otto"):
        browser = site.browser(person)
        assert [browser.get(path).status_code for path in ("/people", "/people/fay")] == [403, 403]
        assert {post(browser, path, access="disable") for path in ["/people", *paths]} == {403}
    admin = site.browser("ada")
    assert [admin.get("/people/nobody").status_code, post(admin, "/people/nobody/link")] == [404, 404]
    assert told(site) == []
