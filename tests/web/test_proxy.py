"""A proxy that signs people in: believed of its own address and with its secret alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from interlock.engine.service import Engine
from interlock.errors import SettingsError
from interlock.settings import load_settings
from interlock.web.proxy import read_proxy
from tests.attacks.house import House
from tests.web.site import BASE, FROM_HERE, Site

SECRET = "a shared secret of the two servers"
INSIDE = "10.1.2.3"
RIGHT = {"x-forwarded-user": "Fay", "x-interlock-proxy-secret": SECRET}


class Proxied(Site):
    """A site behind a proxy."""

    def __init__(self, house: House, **settings: Any) -> None:
        self.settings = {
            "proxy_header": "X-Forwarded-User", "proxy_addresses": ["10.1.0.0/16"], "proxy_secret": SECRET
        } | settings  # fmt: skip
        super().__init__(house)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.engine.services.database.engine.dispose()
        self.engine = Engine(self.house.project(**self.settings))
        self.web.driving.close()
        self.serve(self.origins)

    def at(self, address: str, **headers: str) -> TestClient:
        """A client that connects from an address."""
        return TestClient(
            self.web.app, base_url=BASE, headers=headers, raise_server_exceptions=False, follow_redirects=False,
            client=(address, 50000),
        )  # fmt: skip


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    """A site behind a proxy with a secret."""
    site = Proxied(House(tmp_path / "shop").build())
    yield site
    site.close()


def test_whom_the_proxy_names_is_signed_in(proxied: Proxied) -> None:
    """With the roles that they hold here; without a name they are a stranger."""
    page = proxied.at(INSIDE, **RIGHT).get("/")
    assert (page.status_code, "fay" in page.text) == (200, True)
    assert proxied.at(INSIDE, **RIGHT).get("/people").status_code == 403
    assert proxied.at(INSIDE, **(RIGHT | {"x-forwarded-user": "ada"})).get("/people").status_code == 200
    assert proxied.at(INSIDE).get("/").headers["location"] == "/sign-in"
    assert "signed in by the server in front" in proxied.at(INSIDE).get("/sign-in").text


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.2.0.1", RIGHT), ("127.0.0.1", RIGHT), ("::ffff:10.1.2.3", RIGHT), ("not an address", RIGHT),
        (INSIDE, {"x-forwarded-user": "fay"}),
        (INSIDE, RIGHT | {"x-interlock-proxy-secret": SECRET[:-1]}),
        (INSIDE, RIGHT | {"x-interlock-proxy-secret": ""}),
        ("203.0.113.9", RIGHT | {"x-forwarded-for": INSIDE}),
    ],
)  # fmt: skip
def test_nobody_else_names_anybody(proxied: Proxied, address: str, headers: dict[str, str]) -> None:
    """From another address, or without the secret, the header is refused; what claims to be forwarded counts not."""
    for path in ("/", "/api/approvals"):
        answer = proxied.at(address, **headers).get(path)
        assert (answer.status_code, "is believed of the proxy alone" in answer.text) == (403, True)


def test_a_header_that_stands_twice_is_refused(proxied: Proxied) -> None:
    """A client's own header beside the proxy's."""
    twice = [*RIGHT.items(), ("X-Forwarded-User", "ada")]
    assert proxied.at(INSIDE).get("/", headers=twice).status_code == 403


def test_behind_the_proxy_cookies_and_passwords_count_for_nothing(proxied: Proxied) -> None:
    """One way in alone; programs still come with their token."""
    proxied.engine.services.passwords.set("fay", "seven green kettles", by="fay")
    user = proxied.engine.services.passwords.check("fay", "seven green kettles")
    browser = proxied.at(INSIDE)
    browser.cookies.set("interlock", proxied.web.routes.state.door.sessions.begin(user, "password"), domain="127.0.0.1")
    assert browser.get("/").headers["location"] == "/sign-in"
    typed = {"name": "fay", "password": "seven green kettles"}
    assert browser.post("/sign-in", data=typed, headers=FROM_HERE).status_code == 403
    link = f"/welcome/{proxied.engine.services.invitations.issue('otto', by='ada')}"
    assert browser.get(link).status_code == 403
    assert proxied.program("fay").get("/api/approvals").status_code == 200


def test_who_has_no_access_is_refused(proxied: Proxied) -> None:
    """Unknown, shut out, no name at all."""
    proxied.engine.services.users.disable("finn", by="ada")
    for name in ("gus", "finn", "a b", "x" * 70):
        answer = proxied.at(INSIDE, **(RIGHT | {"x-forwarded-user": name})).get("/")
        assert answer.status_code == 403, name
    assert len(proxied.engine.services.users.all()) == 5


def test_who_is_not_known_may_be_let_in_without_roles(tmp_path: Path) -> None:
    """Where the setting says so, once; then an admin gives them roles."""
    site = Proxied(House(tmp_path / "shop").build(), unknown_people="create")
    gus = site.at(INSIDE, **(RIGHT | {"x-forwarded-user": "gus"}))
    assert [gus.get("/").status_code, gus.get("/").status_code] == [403, 403]
    site.engine.services.users.give("gus", ("reviewer",), by="ada")
    assert gus.get("/").status_code == 200
    site.close()


def test_another_site_writes_with_nobodys_name(proxied: Proxied) -> None:
    """The proxy signs in whatever the browser sends, so where a write comes from counts as ever."""
    run = proxied.asked()
    browser = proxied.at(INSIDE, **RIGHT)
    data = {"decision": "approve", "revision": "0"}
    where = f"/approvals/{run.asked.id}/decision"
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {}):
        assert browser.post(where, data=data, headers=headers).status_code == 403
    assert run.asked.state == "waiting"
    assert browser.post(where, data=data, headers=FROM_HERE).status_code == 303


def test_failures_count_by_the_address_that_the_proxy_tells(tmp_path: Path) -> None:
    """Without its header for names too; what a client writes in front of that counts not."""
    site = Proxied(House(tmp_path / "shop").build(), proxy_header=None, proxy_secret=None)
    wrong = {"name": "fay", "password": "wrong wrong wrong"}

    def tried(address: str, told: str, name: str = "fay") -> int:
        headers = FROM_HERE | {"x-forwarded-for": told}
        return site.at(address).post("/sign-in", data=wrong | {"name": name}, headers=headers).status_code

    said = [tried(INSIDE, f"203.0.113.{number}, 198.51.100.7", f"who{number}") for number in range(7)]
    assert said == [401] * 6 + [429]
    assert tried(INSIDE, "198.51.100.8", "who9") == 401
    assert tried("192.0.2.1", "198.51.100.7", "who10") == 401
    site.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"proxy_header": "X-Forwarded-User"}, "needs INTERLOCK_PROXY_ADDRESSES"),
        ({"proxy_header": "X-Forwarded-User", "proxy_addresses": ["127.0.0.1"]}, "set INTERLOCK_PROXY_SECRET"),
        ({"proxy_header": "X-Forwarded-User", "proxy_addresses": ["::1"]}, "set INTERLOCK_PROXY_SECRET"),
        ({"proxy_header": "X-Forwarded-User", "proxy_addresses": ["0.0.0.0/0"]}, "is everybody"),
        ({"proxy_header": "X-Forwarded-User", "proxy_addresses": ["proxy.example"]}, "is no address and no network"),
        ({"proxy_header": "Authorization", "proxy_addresses": ["10.0.0.1"]}, "is no name of such a header"),
        ({"proxy_header": "X User", "proxy_addresses": ["10.0.0.1"]}, "is no name of such a header"),
        ({"proxy_addresses": ["10.0.0.1"], "proxy_secret": "short"}, "fewer than 24 characters"),
    ],
)
def test_settings_that_would_believe_others_are_refused(settings: dict[str, Any], said: str) -> None:
    """At the start, with what to do."""
    with pytest.raises(SettingsError, match=said):
        read_proxy(load_settings(**settings))
