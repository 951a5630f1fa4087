"""The operator's desk in a real browser: every page in both modes, by keyboard, narrow, and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from playwright.sync_api import Page

from tests.browser.operated import operated
from tests.browser.served import Served


@pytest.fixture(scope="module")
def runs(shop: Served) -> Mapping[str, str]:
    """Runs by what became of them."""
    return operated(shop)


PAGES = (
    "/runs", "/runs?parent={children}", "/runs/{waiting}", "/runs/{failed}", "/runs/{doubt}", "/runs/{children}",
    "/runs/{done}/at/3", "/runs/{done}/fork?at=2", "/runs/{children}/cancel", "/graphs", "/graphs/deliver", "/health",
    "/doubts",
)  # fmt: skip


@pytest.mark.slow  # thirteen pages, each looked through twice
def test_every_page_is_accessible_and_fits_a_narrow_window(
    runs: Mapping[str, str], sign_in: Callable[..., Page], accessible: Callable[[Page], None]
) -> None:
    """axe finds nothing in light and in dark; at 390 pixels nothing but pictures is scrolled sideways."""
    page = sign_in("otto")
    for path in PAGES:
        page.goto(path.format(**runs))
        accessible(page)
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_doubt_is_settled_by_keyboard_alone(
    shop: Served, runs: Mapping[str, str], sign_in: Callable[..., Page]
) -> None:
    """From the list to the run, to the answer; the run goes on and ends."""
    page = sign_in("otto")
    page.goto("/runs?waits=doubt")
    page.get_by_role("link", name="deliver", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_text("Did it happen?").first.wait_for()
    page.get_by_label("How you know").focus()
    page.keyboard.type("the carrier's list has it")
    page.keyboard.press("Tab")
    with page.expect_navigation(url=f"**/runs/{runs['doubt']}"):
        page.keyboard.press("Enter")
    shop.settled()
    page.reload()
    assert page.locator(".headline .status").inner_text() == "done"


def test_without_scripts_a_run_is_forked_with_an_edit(
    shop: Served, runs: Mapping[str, str], sign_in: Callable[..., Page]
) -> None:
    """What does not fit is said next to its field, with what was typed; then the new run begins."""
    page = sign_in("otto", java_script_enabled=False, expect=[422])
    page.goto(f"/runs/{runs['done']}")
    page.get_by_role("link", name="Fork …").click()
    page.get_by_label("Position").select_option("2")
    page.get_by_role("button", name="Go there").click()
    page.get_by_label("parcel").fill("{")
    page.get_by_role("button", name="Begin the new run").click()
    assert "this is no JSON" in page.locator("#fault-parcel").inner_text()
    assert page.get_by_label("parcel").input_value() == "{"
    page.get_by_label("parcel").fill("{}")
    page.get_by_label("street").fill("Norra Vägen 9, Kalmar")
    page.get_by_role("button", name="Begin the new run").click()
    assert page.get_by_text(f"Forked from {runs['done']} at position 2 with other values of street").is_visible()
    shop.settled()


def test_cancelling_asks_once_more_and_tells_what_is_stopped(
    shop: Served, runs: Mapping[str, str], sign_in: Callable[..., Page]
) -> None:
    """The way back keeps the run; the child runs end with it."""
    page = sign_in("otto")
    page.goto(f"/runs/{runs['children']}")
    page.get_by_role("link", name="Cancel …").click()
    assert page.get_by_text("its child run").count() == 3
    page.get_by_role("link", name="Keep it").click()
    page.get_by_role("link", name="Cancel …").click()
    page.get_by_role("button", name="Cancel the run").click()
    assert page.locator(".headline .status").inner_text() == "cancelled"
    assert {run.status for run in shop.engine.services.runs.family(runs["children"])} == {"cancelled"}


def test_the_list_refreshes_itself_and_keeps_where_one_is(
    shop: Served, runs: Mapping[str, str], sign_in: Callable[..., Page]
) -> None:
    """A run that is started meanwhile appears; the link that has the focus keeps it."""
    page = sign_in("otto")
    page.goto("/runs?status=waiting")
    page.locator(f"[id='{runs['waiting']}']").focus()
    begun = shop.begun("deliver", number="7201", street="Kungsgatan 1, Lund")
    page.evaluate("htmx.trigger('#runs', 'refresh')")
    page.locator(f"[id='{begun.id}']").wait_for()
    assert page.evaluate("document.activeElement.id") == runs["waiting"]


def test_pictures_of_the_desk(
    runs: Mapping[str, str], sign_in: Callable[..., Page], picture: Callable[[Page, str], None]
) -> None:
    """A run over time, in both modes, for whoever wants pictures; the picture says in words what it shows."""
    page = sign_in("otto")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(f"/runs/{runs['failed']}")
        assert "cut short" in (page.locator("svg.timeline desc").text_content() or "")
        picture(page, f"run-{scheme}")
