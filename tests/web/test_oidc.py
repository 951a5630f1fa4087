"""Signing in at an OpenID provider that runs on loopback, and everything about its answers that is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from interlock.engine.service import Engine
from interlock.errors import SettingsError
from interlock.settings import load_settings
from interlock.web.oidc import ASKED_AGAIN, LASTING, read_provider
from tests.attacks.house import House
from tests.web.issuer import CLIENT, SECRET, Issuer, by_public_key, unsigned
from tests.web.site import Site


class Elsewhere(Site):
    """A site whose people sign in at a provider."""

    issuer: Issuer

    def __init__(self, house: House, **settings: Any) -> None:
        self.issuer = Issuer(lambda: house.clock().timestamp())
        self.settings = {
            "oidc_issuer": self.issuer.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET
        } | settings  # fmt: skip
        super().__init__(house, tokens={"nobody": ""})

    def __post_init__(self) -> None:
        self.engine = Engine(self.house.project(**self.settings))
        self.serve(self.origins)
        self.engine.services.users.add("fay@example.org", ("reviewer",), by="owner")

    def close(self) -> None:
        super().close()
        self.issuer.close()


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Elsewhere]:
    """A site, and the provider of its people."""
    site = Elsewhere(House(tmp_path / "shop").build())
    yield site
    site.close()


def out(browser: TestClient, after: str = "") -> str:
    """Go to the provider, who sends the browser back to this address."""
    answer = browser.get("/sign-in/elsewhere", params={"next": after} if after else None)
    assert answer.status_code == 303, answer.text
    sent = httpx.get(answer.headers["location"], follow_redirects=False)
    return sent.headers["location"]


def there_and_back(browser: TestClient, after: str = "") -> httpx.Response:
    return browser.get(out(browser, after))


def came_in(browser: TestClient) -> bool:
    return browser.get("/").status_code == 200


def test_a_person_signs_in_at_the_provider(away: Elsewhere) -> None:
    """Out with state, nonce and PKCE, back to the page that was asked for, under a fresh cookie of ours."""
    browser = away.stranger()
    browser.cookies.set("interlock", "a" * 64, domain="127.0.0.1")
    assert "Sign in at 127.0.0.1" in browser.get("/sign-in").text
    answer = there_and_back(browser, "/approvals/ap-1?x=1")
    assert answer.status_code == 200
    assert re.findall(r'http-equiv="refresh" content="0; url=([^"]*)"', answer.text) == ["/approvals/ap-1?x=1"]
    cookies = {text.partition("=")[0]: text for text in answer.headers.get_list("set-cookie")}
    assert "samesite=strict" in cookies["interlock"].lower()
    assert 'interlock-flow=""' in cookies["interlock-flow"]
    assert came_in(browser)
    assert "fay@example.org" in browser.get("/").text
    user = away.engine.services.users.get("fay@example.org")
    assert user.account == f"{away.issuer.url} 1"


def lacks(name: str, value: Any = None) -> Callable[[Issuer], None]:
    return lambda issuer: issuer.changed.update({name: value})


def other_key(issuer: Issuer) -> None:
    """Signed by somebody else, under the name of the key that is published."""
    mallory = RSAKey.generate_key(2048)
    issuer.forge = lambda claims: jwt.encode({"alg": "RS256", "kid": issuer.key.kid}, claims, mallory)


def other_claims(issuer: Issuer) -> None:
    """Claims changed after they were signed."""

    def spoiled(claims: dict[str, Any]) -> str:
        head, _, mac = issuer.id_token(claims).split(".")
        return ".".join([head, issuer.id_token(claims | {"email": "ada@example.org"}).split(".")[1], mac])

    issuer.forge = spoiled


LIES: dict[str, Callable[[Issuer], None]] = {
    "another nonce": lacks("nonce", "another"),
    "no nonce": lacks("nonce"),
    "another audience": lacks("aud", "somebody-else"),
    "two audiences, for the other": lacks("aud", ["somebody-else", "third"]),
    "ours among others, and not for us": lambda issuer: issuer.changed.update(
        {"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"}
    ),
    "no audience": lacks("aud"),
    "another issuer": lacks("iss", "https://evil.example"),
    "no issuer": lacks("iss"),
    "expired": lambda issuer: issuer.changed.update({"exp": int(issuer.now()) - 120}),
    "no end": lacks("exp"),
    "an end that is no number": lacks("exp", "tomorrow"),
    "made tomorrow": lambda issuer: issuer.changed.update({"iat": int(issuer.now()) + 86400}),
    "no subject": lacks("sub"),
    "no email": lacks("email"),
    "an email that is not verified": lacks("email_verified", False),
    "an email of which nothing is said": lacks("email_verified"),
    "verified, as a word": lacks("email_verified", "true"),
    "another access token's": lacks("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
    "no signature": lambda issuer: setattr(issuer, "forge", unsigned),
    "the public key as a secret": lambda issuer: setattr(issuer, "forge", by_public_key(issuer)),
    "another key": other_key,
    "changed claims": other_claims,
    "no token at all": lambda issuer: setattr(issuer, "forge", lambda claims: "x"),
}


def test_whatever_is_wrong_with_an_answer_lets_nobody_in(away: Elsewhere, caplog: pytest.LogCaptureFixture) -> None:
    """Each lie about a token: 403, one sentence, no cookie of a sign-in; the log says why."""
    for name, lie in LIES.items():
        away.issuer.changed, away.issuer.forge = {}, None
        lie(away.issuer)
        browser = away.stranger()
        caplog.clear()
        answer = there_and_back(browser)
        assert (answer.status_code, "did not work" in answer.text, came_in(browser)) == (403, True, False), name
        assert "is refused" in caplog.text, name
    away.issuer.changed, away.issuer.forge = {}, None
    assert there_and_back(away.stranger()).status_code == 200


def test_an_answer_belongs_to_the_browser_that_asked(away: Elsewhere) -> None:
    """Login CSRF: an attacker's answer in a victim's browser, with or without a sign-in of the victim's under way."""
    attacker, victim = away.stranger(), away.stranger()
    planted = out(attacker)
    assert victim.get(planted).status_code == 403
    out(victim)
    assert victim.get(planted).status_code == 403
    assert not came_in(victim)
    forged = away.stranger()
    forged.cookies.set("interlock-flow", "A" * 200, domain="127.0.0.1")
    assert forged.get(planted).status_code == 403
    assert attacker.get(planted).status_code == 200


def test_an_answer_counts_once_and_not_for_long(away: Elsewhere) -> None:
    """The same address again, and one after ten minutes, let nobody in."""
    browser = away.stranger()
    back, flow = out(browser), browser.cookies["interlock-flow"]
    assert browser.get(back).status_code == 200
    again = away.stranger()
    again.cookies.set("interlock-flow", flow, domain="127.0.0.1")
    assert again.get(back).status_code == 403
    late = away.stranger()
    back = out(late)
    away.clock.advance(LASTING)
    assert late.get(back).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "code=x",
        "state=x",
        "",
        "error=access_denied&state={state}",
        "code={code}&state={state}&iss=https%3A%2F%2Fevil.example",
    ],
)
def test_an_answer_that_is_none_is_refused(away: Elsewhere, query: str) -> None:
    """No code, no state, an error, or another issuer (RFC 9207)."""
    browser = away.stranger()
    found = httpx.URL(out(browser)).params
    answer = browser.get("/sign-in/back?" + query.format(code=found["code"], state=found["state"]))
    assert (answer.status_code, came_in(browser)) == (403, False)


def test_no_other_server_is_gone_to_afterwards(away: Elsewhere) -> None:
    """Whatever `next` says on the way out."""
    answer = there_and_back(away.stranger(), "//evil.example/x")
    assert re.findall(r'content="0; url=([^"]*)"', answer.text) == ["/"]


def test_a_new_key_of_the_provider_is_fetched(away: Elsewhere) -> None:
    """When a token names it; but strangers cannot make us ask all the time."""
    assert there_and_back(away.stranger()).status_code == 200
    away.issuer.rotate()
    assert there_and_back(away.stranger()).status_code == 403
    away.clock.advance(ASKED_AGAIN)
    assert there_and_back(away.stranger()).status_code == 200
    before = away.issuer.asked.count("/keys")
    for _ in range(3):
        away.issuer.rotate()
        there_and_back(away.stranger())
    assert away.issuer.asked.count("/keys") == before


def test_who_has_no_access_does_not_come_in(away: Elsewhere) -> None:
    """Unknown, shut out, a name that looks like another's, and an account that is not the one of the name."""
    users, claims = away.engine.services.users, away.issuer.claims
    claims.update({"email": "gus@example.org", "sub": "2"})
    unknown = there_and_back(away.stranger())
    assert (unknown.status_code, "gus@example.org has no access here" in unknown.text) == (403, True)
    claims.update({"email": "fay@example.org", "sub": "1"})
    assert there_and_back(away.stranger()).status_code == 200
    claims.update({"sub": "3"})
    assert "somebody else" in there_and_back(away.stranger()).text
    claims.update({"email": "renamed@example.org", "sub": "1"})
    browser = away.stranger()
    there_and_back(browser)
    assert "fay@example.org" in browser.get("/").text
    users.disable("fay@example.org", by="owner")
    assert there_and_back(away.stranger()).status_code == 403
    assert [row.name for row in users.all()] == ["fay@example.org"]


def test_who_is_not_known_may_be_let_in_without_roles(tmp_path: Path) -> None:
    """Where the setting says so; an admin gives them roles, and a name that looks like another's is refused."""
    site = Elsewhere(House(tmp_path / "shop").build(), unknown_people="create", oidc_claim="preferred_username")
    site.issuer.claims = {"preferred_username": "Gus", "sub": "7"}
    browser = site.stranger()
    assert there_and_back(browser).status_code == 200
    refused = browser.get("/")
    assert (refused.status_code, "gus holds none" in refused.text) == (403, True)
    site.engine.services.users.give("gus", ("reviewer",), by="owner")
    assert came_in(browser)
    site.issuer.claims = {"preferred_username": "\u0261us", "sub": "8"}
    assert there_and_back(site.stranger()).status_code == 403
    site.close()


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": None},
     {"authorization_endpoint": "javascript:alert(1)"}],
)  # fmt: skip
def test_a_provider_that_describes_itself_otherwise_is_not_used(away: Elsewhere, metadata: dict[str, Any]) -> None:
    """Another name, or addresses that somebody could read on the way: nobody is sent there."""
    away.issuer.metadata = metadata
    answer = away.stranger().get("/sign-in/elsewhere")
    assert (answer.status_code, "location" in answer.headers) == (503, False)


def test_without_a_provider_there_is_no_such_way(tmp_path: Path) -> None:
    """Neither the link nor the addresses."""
    site = Site(House(tmp_path / "shop").build())
    browser = site.stranger()
    assert "/sign-in/elsewhere" not in browser.get("/sign-in").text
    assert [browser.get(path).status_code for path in ("/sign-in/elsewhere", "/sign-in/back")] == [404, 404]
    site.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"oidc_issuer": "http://login.example.org", "oidc_client_id": "x"}, "is no https URL"),
        ({"oidc_issuer": "https://", "oidc_client_id": "x"}, "is no https URL"),
        ({"oidc_issuer": "https://login.example.org"}, "needs INTERLOCK_OIDC_CLIENT_ID"),
    ],
)
def test_settings_that_cannot_be_used_are_told_at_the_start(settings: dict[str, Any], said: str) -> None:
    """Before anybody is sent anywhere."""
    with pytest.raises(SettingsError, match=said):
        read_provider(load_settings(**settings), lambda: House(Path()).clock())
    assert timedelta(seconds=1) < ASKED_AGAIN < LASTING
