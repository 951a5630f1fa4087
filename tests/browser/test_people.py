"""Signing in and giving access, in a browser: without scripts, and through a provider that is another site."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from interlock.web.oidc import Provider
from tests.browser.served import Served
from tests.web.issuer import CLIENT, SECRET, Issuer

SignIn = Callable[..., Page]
GOOD = "seven green kettles"


def test_a_person_is_let_in_without_scripts(shop: Served, sign_in: SignIn) -> None:
    """An admin adds them and copies the link; they choose a password, sign out, and come in with it."""
    shop.engine.services.users.give("stella", ("admin",), by="owner")
    admin = sign_in("stella", java_script_enabled=False)
    admin.goto("/people")
    admin.get_by_label("Name").fill("gus")
    admin.get_by_label("reviewer").check()
    admin.get_by_role("button", name="Give access and make a link").click()
    link = admin.get_by_role("status").locator("pre").inner_text()
    guest = sign_in(None, java_script_enabled=False)
    guest.goto(link)
    guest.get_by_label("New password").fill(GOOD)
    guest.get_by_label("The same again").fill(GOOD)
    guest.get_by_role("button", name="Set the password and sign in").click()
    guest.get_by_role("button", name="Sign out").click()
    guest.get_by_label("Name").fill("gus")
    guest.get_by_label("Password").fill(GOOD)
    guest.get_by_role("button", name="Sign in").click()
    expect(guest.get_by_role("link", name="gus")).to_be_visible()


def test_pages_of_people_are_accessible(shop: Served, sign_in: SignIn, accessible: Callable[[Page], None]) -> None:
    """The list, one person, and the change of a password: axe finds nothing, in light and in dark."""
    shop.engine.services.users.give("stella", ("admin",), by="owner")
    page = sign_in("stella")
    for path in ("/people", "/people/fay", "/password"):
        page.goto(path)
        accessible(page)


def test_the_way_back_from_another_site_is_signed_in(shop: Served, sign_in: SignIn) -> None:
    """The first page after the provider is asked for with the cookie, although that is for this site alone."""
    issuer = Issuer(lambda: shop.clock().timestamp())
    issuer.url = issuer.url.replace("127.0.0.1", "localhost")  # another site than the server's 127.0.0.1
    issuer.claims = {"email": "fred", "email_verified": True, "sub": "1"}
    door = shop.web.routes.state.door
    door.provider = Provider(issuer.url, CLIENT, SECRET, "email", shop.clock)
    page = sign_in(None)
    page.goto("/runs")
    page.get_by_role("link", name="Sign in at localhost").click()
    expect(page.get_by_role("link", name="fred")).to_be_visible()
    assert page.url == f"{shop.base}/runs"
    door.provider = None
    issuer.close()
