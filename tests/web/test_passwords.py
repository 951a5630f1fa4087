"""Signing in with a name and a password, changing it, and links that let people choose one."""

from __future__ import annotations

import logging
import re

import pytest
from starlette.testclient import TestClient

from interlock.store.tables import User
from tests.web.site import FROM_HERE, Site

GOOD = "seven green kettles"
NEW = "eight blue saucepans"


@pytest.fixture
def known(site: Site) -> Site:
    """A site on which fay and finn have a password."""
    for name in ("fay", "finn"):
        site.engine.services.passwords.set(name, GOOD, by=name)
    return site


def sign_in(browser: TestClient, name: str, password: str, **more: str) -> int:
    data = {"name": name, "password": password} | more
    return browser.post("/sign-in", data=data, headers=FROM_HERE).status_code


def invited(site: Site, name: str = "otto") -> str:
    return f"/welcome/{site.engine.services.invitations.issue(name, by='ada')}"


def test_a_password_opens_the_queue(known: Site) -> None:
    """In whatever letters the name is written; signing out shuts the door again."""
    browser = known.stranger()
    assert sign_in(browser, " FAY ", GOOD) == 303
    assert "fay" in browser.get("/").text
    assert browser.post("/sign-out", headers=FROM_HERE).status_code == 303
    assert browser.get("/").headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    ("name", "password"),
    [("fay", "seven green kettle"), ("nobody", GOOD), ("otto", GOOD), ("fay", ""), ("", GOOD), ("a b", GOOD),
     ("\u202efay", GOOD), ("fay", GOOD * 100), ("x" * 5000, GOOD)],
)  # fmt: skip
def test_whatever_is_wrong_is_answered_alike(known: Site, name: str, password: str) -> None:
    """A wrong password, a name that nobody has, a person without a password: one sentence, and nothing comes back."""
    answer = known.stranger().post("/sign-in", data={"name": name, "password": password}, headers=FROM_HERE)
    assert (answer.status_code, answer.headers.get("set-cookie")) == (401, None)
    pages = {
        known.stranger().post("/sign-in", data={"name": "who", "password": "x"}, headers=FROM_HERE).text, answer.text
    }  # fmt: skip
    assert len(pages) == 1
    assert "This name and password are not valid here." in answer.text


def test_nothing_typed_is_no_try(known: Site) -> None:
    """The page says what it wants."""
    answer = known.stranger().post("/sign-in", data={"name": "", "password": "", "token": ""}, headers=FROM_HERE)
    assert (answer.status_code, "Give your name and password, or your token." in answer.text) == (401, True)


def test_who_guesses_at_one_person_has_to_wait_wherever_they_are(known: Site) -> None:
    """Five tries are free; then even the right password waits, from another address too, and others are let in."""
    for _ in range(6):
        assert sign_in(known.stranger(), "fay", "wrong wrong wrong") == 401
    early = known.stranger().post("/sign-in", data={"name": "Fay", "password": GOOD}, headers=FROM_HERE)
    assert (early.status_code, early.headers["retry-after"]) == (429, "1")
    assert sign_in(known.stranger(), "finn", GOOD) == 303
    for _ in range(6):
        assert sign_in(known.stranger(), "nobody", "wrong wrong wrong") == 401
    unknown = known.stranger().post("/sign-in", data={"name": "nobody", "password": GOOD}, headers=FROM_HERE)
    assert (unknown.status_code, unknown.headers["retry-after"]) == (429, "1")


def test_who_tries_one_password_on_many_people_has_to_wait(known: Site) -> None:
    """Failures count by address too, and an own password that is right makes them not good."""
    browser = known.stranger()
    for number in range(5):
        assert sign_in(browser, f"person{number}", "summer in the city") == 401
    assert sign_in(browser, "finn", GOOD) == 303
    assert sign_in(browser, "person9", "summer in the city") == 401
    assert sign_in(browser, "person10", "summer in the city") == 429
    assert sign_in(browser, "finn", GOOD) == 429


@pytest.mark.parametrize(
    "path",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil",
     "/%0d%0aset-cookie: x", "evil.example", "/\r\nset-cookie: x=1", "", "///evil.example", "/a#b", "/ /evil.example",
     "http:evil.example", "/x?y=<script>"],
)  # fmt: skip
def test_after_the_sign_in_no_other_server_is_gone_to(known: Site, path: str) -> None:
    """Whatever `next` says, in the address and in the form."""
    browser = known.stranger()
    page = browser.get("/sign-in", params={"next": path}).text
    found = re.findall(r'name="next" value="([^"]*)"', page)
    answer = browser.post("/sign-in", data={"name": "fay", "password": GOOD, "next": path}, headers=FROM_HERE)
    assert (answer.status_code, answer.headers["location"], found) == (303, "/", [])


def test_after_the_sign_in_the_page_that_was_asked_for_is_shown(known: Site) -> None:
    """A link of a notice leads there, through the sign-in."""
    run, browser = known.asked(), known.stranger()
    sent = browser.get(f"/approvals/{run.asked.id}?x=1&y=a%2Fb").headers["location"]
    page = browser.get(sent).text
    (after,) = re.findall(r'name="next" value="([^"]*)"', page)
    assert sign_in(browser, "fay", GOOD, next=after.replace("&amp;", "&")) == 303
    assert after.startswith(f"/approvals/{run.asked.id}?x=1")
    assert browser.get(after).status_code == 200


def test_a_planted_cookie_is_not_taken_over(known: Site) -> None:
    """Session fixation: the value is new after a password, too, and a sign-in that the browser brought is dead."""
    browser = known.stranger()
    browser.cookies.set("interlock", "a" * 64, domain="127.0.0.1")
    sign_in(browser, "fay", GOOD)
    first = browser.cookies["interlock"]
    sign_in(browser, "finn", GOOD)
    thief = known.stranger()
    thief.cookies.set("interlock", first, domain="127.0.0.1")
    assert "a" * 64 != first != browser.cookies["interlock"]
    assert thief.get("/api/approvals").status_code == 401


def test_another_site_signs_nobody_in(known: Site) -> None:
    """Login CSRF: an attacker's own name and password, sent from the attacker's page, set no cookie."""
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {}):
        answer = known.stranger().post("/sign-in", data={"name": "fay", "password": GOOD}, headers=headers)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)
        link = invited(known)
        answer = known.stranger().post(link, data={"password": GOOD, "again": GOOD}, headers=headers)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)


def test_roles_count_from_the_next_request_on(known: Site) -> None:
    """Taken away or given, in a sign-in that stands; and shut out is shut out."""
    browser, users = known.browser("fay"), known.engine.services.users
    assert browser.get("/").status_code == 200
    users.give("fay", (), by="ada")
    refused = browser.get("/")
    assert (refused.status_code, "fay holds none" in refused.text) == (403, True)
    users.give("fay", ("operator",), by="ada")
    assert browser.get("/").status_code == 200
    users.disable("fay", by="ada")
    assert browser.get("/").headers["location"] == "/sign-in"
    assert known.program("fay").get("/api/approvals").status_code == 401
    assert sign_in(known.stranger(), "fay", GOOD) == 401
    users.enable("fay", by="ada")
    assert browser.get("/").headers["location"] == "/sign-in"
    assert sign_in(browser, "fay", GOOD) == 303


def test_a_person_changes_their_password(known: Site) -> None:
    """Every other sign-in of theirs ends, this one goes on under a new value, and the old password is dead."""
    browser, other = known.stranger(), known.stranger()
    for each in (browser, other):
        sign_in(each, "fay", GOOD)
    before = browser.cookies["interlock"]
    answer = browser.post("/password", data={"current": GOOD, "password": NEW, "again": NEW}, headers=FROM_HERE)
    assert (answer.status_code, "Your password is changed." in answer.text) == (200, True)
    assert browser.get("/").status_code == 200
    assert other.get("/").headers["location"] == "/sign-in"
    assert browser.cookies["interlock"] != before
    assert (sign_in(other, "fay", GOOD), sign_in(other, "fay", NEW)) == (401, 303)


@pytest.mark.parametrize(
    ("current", "password", "again", "status", "said"),
    [
        ("wrong wrong", NEW, NEW, 403, "This is not your present password."),
        (GOOD, NEW, NEW + "x", 400, "The two passwords are not the same."),
        (GOOD, "short", "short", 400, "a password has 12 characters or more"),
        (GOOD, "password1234", "password1234", 400, "among the first that anybody would try"),
        (GOOD, "fayfayfayfay", "fayfayfayfay", 400, "different characters or more"),
        ("", NEW, NEW, 403, "This is not your present password."),
    ],
)
def test_a_change_that_is_refused_changes_nothing(
    known: Site, current: str, password: str, again: str, status: int, said: str
) -> None:
    """The page says why, and the old password is still the one."""
    browser = known.browser("fay")
    data = {"current": current, "password": password, "again": again}
    answer = browser.post("/password", data=data, headers=FROM_HERE)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert sign_in(known.stranger(), "fay", GOOD) == 303


def test_whoever_has_only_a_token_is_told_how_to_get_a_password(known: Site) -> None:
    """A token alone makes no password: it would outlast the token."""
    browser = known.browser("otto")
    assert "An admin gives you a link" in browser.get("/password").text
    answer = browser.post("/password", data={"current": "", "password": NEW, "again": NEW}, headers=FROM_HERE)
    assert answer.status_code == 403
    assert sign_in(known.stranger(), "otto", NEW) == 401


def test_guessing_the_present_password_is_slowed_down(known: Site) -> None:
    """Whoever finds an open browser gets no further with it."""
    browser = known.browser("fay")
    data = {"current": "wrong wrong", "password": NEW, "again": NEW}
    said = [browser.post("/password", data=data, headers=FROM_HERE).status_code for _ in range(7)]
    assert said == [403] * 6 + [429]


def test_a_link_lets_its_person_in_once(known: Site) -> None:
    """Looking at it spends nothing; a refused password neither; after its use it is nobody's."""
    link, browser = invited(known), known.stranger()
    for _ in range(2):
        page = browser.get(link)
        assert (page.status_code, "Welcome, otto" in page.text) == (200, True)
    poor = browser.post(link, data={"password": "short", "again": "short"}, headers=FROM_HERE)
    assert (poor.status_code, "12 characters" in poor.text) == (400, True)
    taken = browser.post(link, data={"password": NEW, "again": NEW}, headers=FROM_HERE)
    assert (taken.status_code, taken.headers["location"]) == (303, "/")
    assert "otto" in browser.get("/").text
    for answer in (known.stranger().get(link), known.stranger().post(link, data={"again": NEW}, headers=FROM_HERE)):
        assert (answer.status_code, "not valid here, or no longer" in answer.text) == (403, True)
    assert sign_in(known.stranger(), "otto", NEW) == 303


def test_links_are_not_guessed(known: Site) -> None:
    """Failures at links count by address, and a right one waits too."""
    browser, link = known.stranger(), invited(known)
    said = [browser.get(f"/welcome/{number:064x}").status_code for number in range(7)]
    assert said == [403] * 6 + [429]
    assert (browser.get(link).status_code, known.stranger().get(link).status_code) == (429, 200)


def test_neither_passwords_nor_links_are_logged_or_kept(known: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes right or wrong."""
    caplog.set_level(logging.DEBUG)
    link, browser = invited(known), known.stranger()
    browser.post(link, data={"password": NEW, "again": NEW}, headers={"origin": "https://evil.example"})
    browser.post(link, data={"password": NEW, "again": NEW}, headers=FROM_HERE)
    sign_in(browser, "fay", GOOD)
    sign_in(browser, "fay", "kettles green seven")
    written = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)
    for secret in (GOOD, NEW, "kettles green", browser.cookies["interlock"]):
        assert secret not in written
    with known.engine.services.database.read() as session:
        user = session.get_one(User, "otto")
    assert NEW not in user.model_dump_json()
