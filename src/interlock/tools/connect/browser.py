"""A real browser for tools: it opens, fills and submits pages by the labels on them, and goes nowhere else.

Nothing is kept between calls: each starts a browser with an empty profile, does again what was done before, and
ends it.  Until something is submitted, every request that is no GET or HEAD is stopped, so what came before only
read.  An element is named by its label, exactly and alone; no selector and no script ever comes from outside.

Needs the extra `interlock[browser]` and a Chromium.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.connect.apart import apart
from interlock.tools.connect.browser_page import Seen, see
from interlock.tools.connect.browser_way import Way, way
from interlock.tools.connect.http import AnswerUnknown
from interlock.tools.connect.place import Place

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request, Response, Route, WebSocketRoute

READS = ("GET", "HEAD")
_SWITCHES = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
_FOUND = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

Role = Literal[
    "button", "checkbox", "combobox", "link", "listbox", "menuitem", "radio", "searchbox", "spinbutton", "switch",
    "tab", "textbox",
]  # fmt: skip
Verb = Literal["open", "click", "fill", "select"]
T = TypeVar("T")


@dataclass(frozen=True)
class Move:
    """One thing that is done on the way: `open` an address, `fill` a field, `select` an option, `click` an element."""

    do: Verb
    on: str
    value: str = ""


@dataclass(frozen=True)
class Shown:
    """A page after all that was done."""

    url: str
    title: str
    seen: Seen
    picture: bytes


@dataclass(frozen=True)
class Browser:
    """Which pages may be opened, and for how long."""

    name: str
    places: tuple[Place, ...]
    seconds: float = 30.0
    most: int = 20_000_000
    volatile: tuple[str, ...] = ()
    program: Path | None = None

    def show(self, moves: Sequence[Move]) -> Shown:
        """The page after these moves, none of which sends anything.

        Raises:
            EffectNotDone: the browser or the page cannot be had now.
            EffectFailed: a move is not possible on the page, or would send something.
        """

        def work(visit: _Visit) -> Shown:
            visit.play(moves)
            return visit.shown()

        return self._with(work)

    def submit(self, moves: Sequence[Move], button: str, form: str) -> tuple[Shown, int]:
        """Press the button after these moves, if the page is the one that was looked at.

        Returns:
            The page after it, and the status of the answer.

        Raises:
            EffectNotDone: the browser or the page cannot be had now; nothing was sent.
            EffectFailed: the page is another one by now, or nothing was sent, or the server refused.
            AnswerUnknown: it was sent, and what became of it is not known.
        """

        def work(visit: _Visit) -> tuple[Shown, int]:
            visit.play(moves)
            now = see(visit.page, self.volatile)
            if now.form != form:
                raise EffectFailed(
                    f"the page {visit.page.url} is not the one that was looked at (its texts, fields or form changed); "
                    "nothing was sent. Look at it anew."
                )
            return visit.press(button)

        return self._with(work)

    def _with(self, work: Callable[[_Visit], T]) -> T:
        return apart(lambda: self._visited(work), "browser")

    def _visited(self, work: Callable[[_Visit], T]) -> T:
        try:
            from playwright.sync_api import Error, sync_playwright
        except ImportError:
            raise EffectFailed("no browser is installed: pip install 'interlock[browser]'. Nothing was done.") from None
        with way(self.places, self.most) as out:
            visit: _Visit | None = None
            try:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(
                        executable_path=program(self.program),
                        args=list(_SWITCHES),
                        chromium_sandbox=os.geteuid() != 0,
                        proxy={"server": out.url},
                        timeout=self.seconds * 1000,
                    )
                    try:
                        context = browser.new_context(
                            service_workers="block", accept_downloads=False, locale="en-GB", timezone_id="UTC"
                        )
                        context.set_default_timeout(self.seconds * 1000)
                        visit = _Visit(self, context.new_page(), out)
                        return work(visit)
                    finally:
                        with suppress(Error):
                            browser.close()
            except Error as error:
                said = " ".join(error.message.split())[:200]
                if visit is not None and visit.sent:
                    raise AnswerUnknown(f"{self.name}: {said}; whether it was carried out is not known.") from None
                raise EffectNotDone(f"{self.name}: {said}; nothing was sent.") from None


def program(named: Path | None) -> str | None:
    """The Chromium to start: the one that is named, else one of the system; None leaves it to Playwright."""
    if named is not None:
        return str(named)
    return next((found for name in _FOUND if (found := shutil.which(name))), None)


@dataclass
class _Visit:
    """One page of one browser."""

    browser: Browser
    page: Page
    out: Way
    sending: bool = False
    """Whether requests that may change something pass."""
    sent: bool = False
    stopped: list[str] = field(default_factory=list)
    """Where the page wanted to send something too early; what its scripts send on the side is stopped and not told."""
    away: str = ""
    """Where else the page wanted to lead to."""
    answers: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        context = self.page.context
        context.route("**/*", self._decide)
        context.route_web_socket("**/*", self._no_socket)
        self.page.on("dialog", lambda dialog: dialog.dismiss())
        self.page.on("response", self._answered)
        self.page.on("requestfailed", self._failed)
        context.on("page", lambda other: other.close() if other is not self.page else None)

    def play(self, moves: Sequence[Move]) -> None:
        """Do what was done before."""
        if not moves or moves[0].do != "open":
            raise EffectFailed("the first thing to do on a page is to open it; nothing was done.")
        for move in moves:
            self._one(move)
            self._at_home()
            if self.stopped:
                raise EffectFailed(
                    f"{move.do} {move.on!r} would send something ({self.stopped[0]}), which only "
                    f"{self.browser.name}.submit may; nothing was sent."
                )

    def _at_home(self) -> None:
        away = self.away or ("" if self._allowed(self.page.url) else self.page.url)
        if away:
            raise EffectFailed(f"the page leads to {away[:100]}, which nobody declared; nothing was sent.")

    def shown(self) -> Shown:
        """The page as it is now."""
        self._settled()
        picture = self.page.screenshot(full_page=False, type="png", animations="disabled", caret="hide")
        return Shown(self.page.url, self.page.title(), see(self.page, self.browser.volatile), picture)

    def press(self, button: str) -> tuple[Shown, int]:
        """Press a button that sends something."""
        found = self._only(self.page.get_by_role("button", name=button, exact=True), "button", button)
        self.answers.clear()
        self.sending = True
        found.click()
        self._settled()
        if not self.sent:
            raise EffectFailed(
                f"pressing {button!r} sent nothing; the page wants something else first: "
                f"{see(self.page, self.browser.volatile).text[:200]}"
            )
        self.page.wait_for_timeout(0)  # what was answered while the page settled is told now
        self.sending = False
        status = self._status()
        return self.shown(), status

    def _status(self) -> int:
        answers = [answer for answer in self.answers if answer.request.method not in READS] or self.answers
        if not answers:
            raise AnswerUnknown(f"{self.browser.name}: the form was sent, and no answer came.")
        status = answers[0].status
        if status in range(400, 500):
            raise EffectFailed(f"{self.browser.name}: the server answered {status}; it did not happen.")
        if status >= 500:
            raise AnswerUnknown(f"{self.browser.name}: the server answered {status}; whether it happened is not known.")
        return status

    def _one(self, move: Move) -> None:
        match move.do:
            case "open":
                self._open(move.on)
            case "fill":
                found = self._field(move.on)
                kind = (found.get_attribute("type") or "text").lower()
                if kind in ("password", "file", "hidden"):
                    raise EffectFailed(f"the field {move.on!r} takes a {kind}, which is not filled from here.")
                found.fill(move.value)
            case "select":
                self._select(move)
            case "click":
                self._only(self._named(move.on, ("link", "button", "tab", "menuitem")), "element", move.on).click()
                self._settled()

    def _open(self, url: str) -> None:
        from playwright.sync_api import Error

        try:
            answer = self.page.goto(url, wait_until="load")
        except Error:
            self._at_home()
            raise
        self._at_home()
        if answer is not None and answer.status >= 400:
            kind = EffectFailed if answer.status < 500 and answer.status not in (408, 425, 429) else EffectNotDone
            raise kind(f"{url} answered {answer.status}; nothing was sent.")
        self._settled()

    def _select(self, move: Move) -> None:
        found = self._field(move.on)
        if found.get_attribute("type") in ("checkbox", "radio"):
            if move.value not in ("checked", "unchecked"):
                raise EffectFailed(f"{move.on!r} is `checked` or `unchecked`, not {move.value!r}; nothing was sent.")
            found.set_checked(move.value == "checked")
            return
        options = found.locator("option").all_inner_texts()
        if move.value not in [option.strip() for option in options]:
            known = ", ".join(option.strip() for option in options[:20]) or "none"
            raise EffectFailed(f"{move.on!r} has no option {move.value!r}; it has {known}. Nothing was sent.")
        found.select_option(label=move.value)

    def _field(self, label: str) -> Locator:
        """The field of that label; those for dates have no role, and are found by the label alone."""
        found = self._named(
            label, ("textbox", "searchbox", "spinbutton", "combobox", "listbox", "checkbox", "radio", "switch")
        )
        return self._only(found if found.count() else self.page.get_by_label(label, exact=True), "field", label)

    def _named(self, name: str, roles: Sequence[Role]) -> Locator:
        first, *others = roles
        found = self.page.get_by_role(first, name=name, exact=True)
        for role in others:
            found = found.or_(self.page.get_by_role(role, name=name, exact=True))
        return found

    def _only(self, found: Locator, kind: str, name: str) -> Locator:
        """The one element that is meant: none, or a second of the same name, is refused."""
        count = found.count()
        if count != 1:
            here = see(self.page, self.browser.volatile).elements
            known = ", ".join(f"{one.role} {one.name!r}" for one in here[:20]) or "none that has a label"
            how = "no" if count == 0 else f"{count} times the"
            raise EffectFailed(f"the page {self.page.url} has {how} {kind} {name!r}; it has {known}. Nothing was sent.")
        return found

    def _settled(self) -> None:
        """Wait until nothing more is on its way; a page that never rests is taken as it is."""
        from playwright.sync_api import TimeoutError as Late

        with suppress(Late):
            self.page.wait_for_load_state("load")
            self.page.wait_for_load_state("networkidle", timeout=min(5.0, self.browser.seconds) * 1000)

    def _decide(self, route: Route, request: Request) -> None:
        if not self._allowed(request.url):
            route.abort("blockedbyclient")
        elif request.method in READS:
            self.sent = self.sent or (self.sending and request.is_navigation_request())
            route.continue_()
        elif self.sending:
            self.sent = True
            route.continue_()
        else:
            if request.is_navigation_request():
                self.stopped.append(f"{request.method} {request.url[:100]}")
            route.abort("blockedbyclient")

    def _allowed(self, url: str) -> bool:
        if url.startswith(("data:", "blob:", "about:")):
            return True
        return any(url == origin or url.startswith(f"{origin}/") for origin in map(origin_of, self.browser.places))

    def _no_socket(self, socket: WebSocketRoute) -> None:
        socket.close()

    def _failed(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame == self.page.main_frame and not self._allowed(request.url):
            self.away = request.url

    def _answered(self, response: Response) -> None:
        if self.sending and (response.request.method not in READS or response.request.is_navigation_request()):
            self.answers.append(response)


def origin_of(place: Place) -> str:
    """`https://host[:port]`, as browsers write it."""
    return f"{place.scheme}://{place.authority}"
