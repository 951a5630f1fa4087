"""A real browser over a real server: one server a file, a browser for all of them, and people who sign in.

The browser is the Chromium that is installed; where there is none these tests are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    sync_playwright,
)

from interlock.store import credentials
from tests.browser.served import Served, served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

LAUNCHED = {
    "executable_path": CHROMIUM,
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ],
}

PICTURES = os.environ.get("INTERLOCK_TEST_PICTURES")
"""A folder, where pictures of pages are to be written: `INTERLOCK_TEST_PICTURES=docs/pictures pytest tests/browser`."""

Scheme = Literal["light", "dark"]
SignIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if CHROMIUM is None and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="no Chromium is installed; install the package chromium"))


# The browser ends with the last test of this folder: while it lives, nothing else in its thread can run an event loop.


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """The driver of browsers."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def browser_type_launch_args() -> dict[str, Any]:
    """How the browser is started."""
    return LAUNCHED


@pytest.fixture(scope="package")
def browser_type(playwright: Playwright) -> BrowserType:
    """The kind of browser."""
    return playwright.chromium


@pytest.fixture(scope="package")
def launch_browser(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> Callable[..., Browser]:
    """Starts a browser."""
    return partial(browser_type.launch, **browser_type_launch_args)


@pytest.fixture(scope="package")
def browser(launch_browser: Callable[..., Browser]) -> Iterator[Browser]:
    """The one browser."""
    found = launch_browser()
    yield found
    found.close()


@pytest.fixture(scope="package")
def browser_context_args() -> dict[str, Any]:
    """How a window is, unless a test says otherwise."""
    return {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", "locale": "en-GB"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server of a file of tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
            patch.delenv(name)
        cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(credentials, "PasswordHasher", cheap)
        with served(tmp_path_factory.mktemp("browser")) as found:
            yield found


@pytest.fixture
def sign_in(shop: Served, browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[SignIn]:
    """A window in which somebody has signed in: `sign_in("fay", color_scheme="dark")`; None is a stranger.

    A page that says anything in its console fails the test, but for what the browser says of answers with the
    statuses that the test names: `sign_in("fay", expect=[409])`.
    """
    said: list[str] = []
    windows: list[BrowserContext] = []

    def opened(person: str | None, *, expect: Collection[int] = (), **window: Any) -> Page:
        windows.append(browser.new_context(**browser_context_args | {"base_url": shop.base} | window))
        page = windows[-1].new_page()

        def heard(message: ConsoleMessage) -> None:
            foreseen = any(f"status of {status}" in message.text for status in expect)
            if message.type in ("error", "warning") and not foreseen:
                said.append(f"{message.location.get('url', '')}: {message.text}")

        page.on("console", heard)
        page.on("pageerror", lambda error: said.append(str(error)))
        if person is not None:
            page.goto("/sign-in")
            page.get_by_label("Your token").fill(shop.tokens[person])
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Sign out").wait_for()
        return page

    yield opened
    for each in windows:
        each.close()
    assert said == []


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """Fails on any violation that axe finds on a page, in light and in dark."""

    def check(page: Page) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{scheme} {page.url}:\n{found.generate_report()}"
        page.emulate_media(color_scheme="light")

    return check


@pytest.fixture
def picture() -> Callable[[Page | Locator, str], None]:
    """Writes a picture of a page, or of a part of it, where pictures are asked for, and nothing otherwise."""

    def take(part: Page | Locator, name: str) -> None:
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            part.screenshot(path=Path(PICTURES, f"{name}.png"), caret="initial")

    return take
