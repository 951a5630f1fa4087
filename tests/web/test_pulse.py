"""Open pages hear that something changed, and nothing of what; they hear it whoever changed it, and the server ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import httpx
import pytest

from interlock.web import pulse
from interlock.web.origins import loopback
from interlock.web.server import server_of
from tests.web.site import Site


@pytest.fixture
def left_open() -> Iterator[ExitStack]:
    """What is closed only after the server has ended."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def base(site: Site, left_open: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that looks often."""
    monkeypatch.setattr(pulse, "BEAT", 0.2)
    monkeypatch.setattr(pulse.Pulse.__init__, "__defaults__", (0.02,))
    listener = socket.create_server(("127.0.0.1", 0))
    site.web.driving.close()
    site.serve(loopback(listener.getsockname()[1]))
    server = server_of(site.web)
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    serving.join(30)
    assert not serving.is_alive()
    listener.close()


@contextmanager
def signed_in(site: Site, base: str) -> Iterator[httpx.Client]:
    here = {"sec-fetch-site": "same-origin", "origin": base}
    with httpx.Client(base_url=base, timeout=20) as browser:
        assert browser.post("/sign-in", data={"token": site.tokens["fay"]}, headers=here).status_code == 303
        yield browser


def changed(lines: Iterator[str]) -> None:
    """Read on to the next event that says so."""
    assert next(line for line in lines if line.startswith("data:")) == "data: changed"


def test_a_stream_says_only_that_something_changed(site: Site, base: str) -> None:
    """Once when it begins; then for a request, a claim of another process, and a vote; not for anything else."""
    with signed_in(site, base) as browser, browser.stream("GET", "/queue/changes") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        lines = stream.iter_lines()
        changed(lines)
        run = site.asked()
        changed(lines)
        other = site.house.engine()
        other.services.approvals.claim(run.asked.id, "fay")
        changed(lines)
        run.approve("fay")
        changed(lines)
        site.issue("bob")  # an entry of the audit that is about no request
        told = []
        for line in lines:
            told.append(line)
            if line == ": here":
                break
        assert not [line for line in told if line.startswith("data:")]
        other.services.database.engine.dispose()


def test_a_stream_ends_with_the_sign_in(site: Site, base: str) -> None:
    """Who may not read any more hears nothing more."""
    with signed_in(site, base) as browser, browser.stream("GET", "/queue/changes") as stream:
        lines = stream.iter_lines()
        changed(lines)
        site.clock.advance(timedelta(hours=9))
        assert [line for line in lines if line.startswith("data:")] == []


def test_a_server_with_open_streams_ends(site: Site, base: str, left_open: ExitStack) -> None:
    """The last lines of the server's fixture say so: nothing waits for pages that stay open."""
    browser = left_open.enter_context(signed_in(site, base))
    lines = left_open.enter_context(browser.stream("GET", "/queue/changes")).iter_lines()
    left_open.callback(lambda: list(lines))
    changed(lines)


def test_there_are_so_many_streams_and_no_more(site: Site, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is told to come back later."""
    monkeypatch.setattr(pulse, "MOST", 1)
    with signed_in(site, base) as browser, browser.stream("GET", "/queue/changes") as stream:
        lines = stream.iter_lines()  # kept, for the stream ends with it
        changed(lines)
        refused = browser.get("/queue/changes")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
