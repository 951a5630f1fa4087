"""The server as it runs: a socket on loopback, a browser's requests written by hand, a decision, an end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from interlock.web.origins import loopback
from interlock.web.server import server_of
from tests.web.site import Site, say


@pytest.fixture
def base(site: Site) -> Iterator[str]:
    """The address of a server that answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    site.web.driving.close()
    site.serve(loopback(port))
    server = server_of(site.web)
    ready = threading.Event()
    startup = server.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = started  # type: ignore[method-assign]
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    serving.start()
    assert ready.wait(30)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    serving.join(30)
    assert not serving.is_alive()
    listener.close()


def test_a_decision_over_a_real_socket(site: Site, base: str) -> None:
    """Sign in, read, approve; ending the server lets the run come to its rest first."""
    run = site.asked()
    here = {"sec-fetch-site": "same-origin", "origin": base}
    with httpx.Client(base_url=base) as browser:
        assert browser.post("/sign-in", data={"token": site.tokens["fay"]}, headers=here).status_code == 303
        page = browser.get(f"/approvals/{run.asked.id}")
        assert (page.status_code, "10 to anna" in page.text, "server" in page.headers) == (200, True, False)
        foreign = browser.post("/sign-out", headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403
        decided = browser.post(
            f"/approvals/{run.asked.id}/decision", data={"decision": "approve", "revision": "0"}, headers=here
        )
        assert decided.status_code == 303
    with httpx.Client(base_url=base, headers={"authorization": f"Bearer {site.tokens['finn']}"}) as program:
        assert program.get("/api/approvals", headers={"host": "evil.example"}).status_code == 421
        other = site.asked()
        assert say(program, other).status_code == 200
    site.settled()
    assert sorted(site.house.effects) == ["pay 10 anna", "pay 10 anna"]


REQUESTS = [
    "GET /api/approvals HTTP/1.1\r\n\r\n",
    "GET /api/approvals HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
    "GET http://evil.example/api/approvals HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET /api/approvals HTTP/1.0\r\n\r\n",
    "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "nonsense\r\n\r\n",
]


def test_a_request_that_no_browser_makes_is_refused(base: str) -> None:
    """No host, two hosts, two lengths, or no HTTP at all: a 4xx, and the server lives on."""
    host = base.removeprefix("http://")
    for text in REQUESTS:
        with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=30) as raw:
            raw.sendall(text.format(host=host).encode())
            status = raw.recv(4096).split(b" ")[1]
        assert status in (b"400", b"403", b"421"), text
    assert httpx.get(f"{base}/sign-in").status_code == 200
