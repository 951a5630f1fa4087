"""What every page has: a way in, navigation, a skip link, and nothing that keeps anybody out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.served import Served


def test_somebody_signs_in_and_out(sign_in: Callable[..., Page]) -> None:
    """The name stands at the top; after signing out the queue is closed again."""
    page = sign_in("fay")
    assert page.get_by_role("banner").get_by_text("fay").is_visible()
    assert page.get_by_role("link", name="Queue").get_attribute("aria-current") == "page"
    page.get_by_role("button", name="Sign out").click()
    page.goto("/")
    assert page.url.endswith("/sign-in")


def test_the_first_key_skips_to_the_content(sign_in: Callable[..., Page]) -> None:
    """One press of Tab and Enter leaves the navigation behind."""
    page = sign_in("fay")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize(
    "path", ["/sign-in", "/", "/?risk=low&who=mine&state=rejected", "/approvals/{id}", "/batch?{id}=0"]
)
def test_pages_are_accessible(
    shop: Served, sign_in: Callable[..., Page], accessible: Callable[[Page], None], path: str
) -> None:
    """axe finds nothing, in light and in dark."""
    page = sign_in(None if path == "/sign-in" else "fay")
    asked = next(iter(shop.engine.services.approvals.waiting()), None) or shop.refund()
    page.goto(path.format(id=asked.id))
    accessible(page)


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/people", 403), ("/delegations", 200)])
def test_pages_that_refuse_are_accessible_too(
    sign_in: Callable[..., Page], accessible: Callable[[Page], None], path: str, status: int
) -> None:
    """What is not there, what a role may not open, and what needs no request: axe finds nothing, light and dark."""
    page = sign_in("fay", expect=[status])
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status
    accessible(page)
