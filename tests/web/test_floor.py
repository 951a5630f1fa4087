"""What holds for every answer and every request, errors included."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest

from interlock.web import floor
from interlock.web.floor import HEADERS, MAX_BODY
from tests.web.site import FROM_HERE, Site

PAGES = ["/", "/sign-in", "/static/style.css", "/nothing", "/static/nothing", "/approvals/ap-nothing", "/api/approvals",
         "/api/nothing", "/sign-out", "/approvals/%00", "/static/..%2f..%2fsettings.py", "//evil.example/", "/docs",
         "/openapi.json"]  # fmt: skip


def safe(headers: Any) -> bool:
    return all(headers.get_list(name) == [value] for name, value in HEADERS.items())


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_headers(shared: Site, path: str) -> None:
    """For strangers and for people, found or not, allowed or not; once each, and no inline script or style."""
    for client in (shared.stranger(), shared.browser("fay"), shared.program("fay")):
        for answer in (client.get(path), client.post(path), client.post(path, headers=FROM_HERE)):
            assert safe(answer.headers), path
            assert "server" not in answer.headers
            for inline in (r"<script(?! src=\"/static/)", "<style", r"\sstyle=", r"\son\w+=", "javascript:"):
                assert not re.search(inline, answer.text), inline


def test_the_policy_lets_nothing_in() -> None:
    """Nothing from elsewhere, nothing inline, no frame around it, forms to this server only."""
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert "unsafe" not in HEADERS["content-security-policy"]
    assert HEADERS["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_name_is_refused_before_anything_else(shared: Site, host: str) -> None:
    """DNS rebinding: the name that a browser was tricked with is not this server's, token or not."""
    answer = shared.program("fay").get("/api/approvals", headers={"host": host})
    assert (answer.status_code, safe(answer.headers)) == (421, True)
    assert "approvals" not in answer.text
    forwarded = shared.program("fay").get(
        "/api/approvals", headers={"host": host, "x-forwarded-host": "127.0.0.1:8642"}
    )
    assert forwarded.status_code == 421


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_not_read(shared: Site, chunked: bool) -> None:
    """Told in advance or sent in pieces, it ends at the bound."""
    sent: list[int] = []

    def pieces() -> Any:
        for _ in range(100):
            sent.append(1)
            yield b"x" * (MAX_BODY // 10)

    body = pieces() if chunked else b"x" * (MAX_BODY + 1)
    answer = shared.program("fay").post("/api/approvals/ap-1/decision", content=body)
    assert (answer.status_code, safe(answer.headers)) == (413, True)


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "999999999999999999999"])
def test_a_length_that_is_none_is_refused(shared: Site, length: str) -> None:
    """Nothing is guessed of a length that cannot be read."""
    answer = shared.program("fay").post("/sign-in", content=b"", headers={"content-length": length})
    assert answer.status_code in (400, 413)


def test_a_body_that_never_comes_is_given_up(shared: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends a byte an hour holds no place for ever."""
    monkeypatch.setattr(floor, "BODY_SECONDS", 0.01)
    answers: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/sign-in", "raw_path": b"/sign-in", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8642"), (b"sec-fetch-site", b"same-origin")], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(shared.web.app(scope, receive, send))
    assert answers[0]["status"] == 408


TRAVERSALS = [
    "/static/../templates/base.html", "/static/..%2ftemplates%2fbase.html", "/static/%2e%2e/floor.py",
    "/static/..%5c..%5csettings.py", "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/style.css%00.html",
    "/static/.", "/static/style.css/..", "/static/STYLE.CSS",
]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_the_static_files(shared: Site, path: str) -> None:
    """A path is never made of what a request says."""
    answer = shared.browser("fay").get(path)
    assert answer.status_code == 404
    assert "There is nothing here." in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(("path", "kind"), [("/nothing", "text/html"), ("/api/nothing", "application/problem+json")])
def test_errors_tell_nothing_of_the_inside(
    shared: Site, path: str, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """404, 405 and 500 are one sentence, in the form that the address speaks; the log has the rest."""
    browser = shared.browser("fay")
    assert browser.get(path).status_code == 404
    assert browser.get(path).headers["content-type"].startswith(kind)
    known = "/api/approvals" if path.startswith("/api") else "/"
    assert browser.delete(known, headers=FROM_HERE).status_code == 405

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret of the inside at /home/somebody")

    for name in ("waiting", "page", "counts"):
        monkeypatch.setattr(shared.engine.services.approvals, name, broken)
    with caplog.at_level(logging.ERROR):
        answer = browser.get(known)
    assert (answer.status_code, safe(answer.headers)) == (500, True)
    assert answer.headers["content-type"].startswith(kind)
    assert "went wrong here" in answer.text
    for inside in ("secret", "somebody", "Traceback", "RuntimeError", ".py"):
        assert inside not in answer.text
    assert "RuntimeError" in caplog.text


def test_a_database_that_is_gone_tells_no_path(shared: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 without the name of the file."""
    from interlock.errors import StoreUnavailable

    def gone(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the database sqlite:////home/somebody/interlock.db cannot be used")

    browser = shared.browser("fay")
    monkeypatch.setattr(shared.engine.services.approvals, "page", gone)
    answer = browser.get("/api/approvals")
    assert (answer.status_code, "somebody" in answer.text) == (503, False)


def test_a_line_in_the_log_stays_one_line(shared: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A path with line breaks forges no second entry."""
    caplog.set_level(logging.WARNING)
    shared.browser("fay").post("/x%0aERROR%20forged", headers={"origin": "https://evil.example"})
    assert "\nERROR forged" not in caplog.text
    assert "evil" not in caplog.text
