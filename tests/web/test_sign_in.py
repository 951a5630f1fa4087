"""Signing in: with a token, under a fresh cookie that scripts, other sites and thieves cannot use."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlmodel import select

from interlock.store.sessions import LASTING
from interlock.store.tables import Entry, WebSession
from interlock.web.origins import Origins
from tests.attacks.house import House
from tests.web.site import FROM_HERE, Site


def entries(site: Site, event: str) -> list[Entry]:
    with site.engine.services.database.read() as session:
        return list(session.exec(select(Entry).where(Entry.event == event)))


def test_a_token_opens_the_queue(site: Site) -> None:
    """The whole way: a stranger is sent to the form, the token lets them in, signing out shuts the door again."""
    browser = site.stranger()
    assert browser.get("/").headers["location"] == "/sign-in"
    answer = browser.post("/sign-in", data={"token": f" {site.tokens['fay']}\n"}, headers=FROM_HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "fay" in browser.get("/").text
    cookie = dict(browser.cookies)
    assert browser.post("/sign-out", headers=FROM_HERE).status_code == 303
    assert browser.get("/").headers["location"] == "/sign-in"
    kept = site.stranger()
    kept.cookies.update(cookie)
    assert kept.get("/").headers["location"] == "/sign-in"
    assert [entry.actor for entry in entries(site, "session.begun") + entries(site, "session.ended")] == ["fay", "fay"]


def test_the_cookie_is_for_this_host_and_no_script(site: Site) -> None:
    """HttpOnly, SameSite=Strict, no Domain, a lifetime; and 256 bits that the database does not hold."""
    answer = site.stranger().post("/sign-in", data={"token": site.tokens["fay"]}, headers=FROM_HERE)
    (cookie,) = answer.headers.get_list("set-cookie")
    value = re.match(r"interlock=([0-9a-f]{64});", cookie)
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert value is not None
    assert attributes == {"httponly", "max-age=28800", "path=/", "samesite=strict"}
    with site.engine.services.database.read() as session:
        stored = [row.model_dump_json() for row in session.exec(select(WebSession))]
        told = [json.dumps(row.model_dump(mode="json")) for row in session.exec(select(Entry))]
    assert len(stored) == 1
    assert value[1] not in "".join(stored + told)


def test_by_https_the_cookie_never_travels_in_clear(site: Site) -> None:
    """Secure, and under the prefix that browsers hold to this host."""
    public = "https://approvals.example.org"
    behind = Site(site.house, Origins(frozenset({public})), site.tokens)
    answer = behind.stranger(public).post(
        "/sign-in", data={"token": site.tokens["fay"]}, headers={"origin": public, "sec-fetch-site": "same-origin"}
    )
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-interlock=")
    assert "; Secure" in cookie
    behind.web.driving.close()


def test_a_cookie_that_was_planted_is_not_taken_over(site: Site) -> None:
    """Session fixation: whatever value a browser brings, signing in gives a new one, and the old one is dead."""
    planted = "a" * 64
    browser = site.stranger()
    browser.cookies.set("interlock", planted, domain="127.0.0.1")
    browser.post("/sign-in", data={"token": site.tokens["fay"]}, headers=FROM_HERE)
    first = site.browser("fay")
    before = first.cookies["interlock"]
    first.post("/sign-in", data={"token": site.tokens["finn"]}, headers=FROM_HERE)
    after = first.cookies["interlock"]
    assert len({planted, before, after}) == 3
    for dead in (planted, before):
        thief = site.stranger()
        thief.cookies.set("interlock", dead, domain="127.0.0.1")
        assert thief.get("/api/approvals").status_code == 401
    assert "finn" in first.get("/").text


def test_a_sign_in_ends_with_its_time_or_its_token(site: Site) -> None:
    """After eight hours, when the token is revoked, and when the token expires."""
    by_time, by_revocation = site.browser("fay"), site.browser("finn")
    site.tokens["short"] = site.issue("short", timedelta(hours=1))
    by_expiry = site.browser("short")
    site.engine.services.credentials.revoke(site.tokens["finn"].split("_")[1], by="owner")
    assert by_revocation.get("/api/approvals").status_code == 401
    site.clock.advance(timedelta(hours=1))
    assert by_expiry.get("/api/approvals").status_code == 401
    assert by_time.get("/api/approvals").status_code == 200
    site.clock.advance(LASTING - timedelta(hours=1))
    assert by_time.get("/api/approvals").status_code == 401


@pytest.mark.parametrize("token", ["fay", "ilk_x", "ilk_000000000000_" + "0" * 64, "'; --", "\u202e", "x" * 5000])
def test_every_wrong_token_is_answered_alike(shared: Site, token: str) -> None:
    """One sentence, 401, no cookie, and nothing of what was typed comes back."""
    answer = shared.stranger().post("/sign-in", data={"token": token}, headers=FROM_HERE)
    assert (answer.status_code, answer.headers.get("set-cookie")) == (401, None)
    assert "This token is not valid here." in answer.text
    assert len(token) < 5 or token not in answer.text
    assert 'value="' not in answer.text


def test_expired_and_revoked_tokens_look_like_wrong_ones(site: Site) -> None:
    """At the door nobody is told which tokens there once were."""
    revoked = site.issue("fay")
    site.engine.services.credentials.revoke(revoked.split("_")[1], by="owner")
    expired = site.issue("fay", timedelta(seconds=1))
    site.clock.advance(timedelta(seconds=2))
    wrong = [site.stranger().post("/sign-in", data={"token": each}, headers=FROM_HERE) for each in (revoked, expired)]
    assert len({answer.text for answer in wrong}) == 1
    for token in (revoked, expired):
        answer = site.stranger(authorization=f"Bearer {token}").get("/api/approvals")
        assert (answer.status_code, answer.json()["detail"]) == (401, "This token is not valid here.")


def test_who_tries_on_has_to_wait(site: Site) -> None:
    """After five failures even the right token waits, twice as long each time, and is then let in."""
    browser = site.stranger()
    wrong = site.tokens["fay"][:-1] + ("0" if site.tokens["fay"][-1] != "0" else "1")
    for _ in range(6):
        assert browser.post("/sign-in", data={"token": wrong}, headers=FROM_HERE).status_code == 401
    early = browser.post("/sign-in", data={"token": site.tokens["fay"]}, headers=FROM_HERE)
    assert (early.status_code, early.headers["retry-after"]) == (429, "1")
    assert site.program("fay").get("/api/approvals").status_code == 429
    site.clock.advance(timedelta(seconds=1))
    assert browser.post("/sign-in", data={"token": site.tokens["fay"]}, headers=FROM_HERE).status_code == 303


def test_a_person_who_signed_in_before_is_not_shut_out(site: Site) -> None:
    """Failures on a person's tokens slow down new sign-ins, not the ones that stand."""
    inside = site.browser("fay")
    wrong = f"{site.tokens['fay'].rpartition('_')[0]}_{'0' * 64}"
    for _ in range(9):
        site.stranger(authorization=f"Bearer {wrong}").get("/api/approvals")
    assert site.program("fay").get("/api/approvals").status_code == 429
    assert inside.get("/api/approvals").status_code == 200


def test_in_a_home_without_tokens_nobody_gets_in(site: Site) -> None:
    """A name is not taken at its word through a socket, which other logins of the machine reach too."""
    fresh = Site(House(site.house.root.parent / "fresh").build(), tokens={"nobody": "ilk_000000000000_" + "0" * 64})
    browser = fresh.stranger()
    assert "Nobody can sign in yet" in browser.get("/sign-in").text
    assert browser.get("/api/approvals").status_code == 401
    assert browser.post("/sign-in", data={"token": "fay"}, headers=FROM_HERE).status_code == 401
    fresh.close()


def test_nothing_secret_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Neither tokens nor cookies stand in the log, whatever goes right or wrong."""
    caplog.set_level(0)
    browser = site.browser("fay")
    site.program("finn").get("/api/approvals")
    browser.post("/sign-in", data={"token": site.tokens["anna"]}, headers={"origin": "https://evil.example"})
    site.stranger().post("/sign-in", data={"token": site.tokens["anna"] + "x"}, headers=FROM_HERE)
    written = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)
    for secret in [*site.tokens.values(), browser.cookies["interlock"]]:
        assert secret.rpartition("_")[2] not in written
    assert "refused" in written
