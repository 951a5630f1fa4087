"""What changes: as a list for programs that ask, and as a stream over a real socket, until the server ends."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from interlock.web import feed
from interlock.web.origins import loopback
from interlock.web.server import server_of
from tests.web.api.conftest import EVERYBODY
from tests.web.site import Site

STREAM = {"accept": "text/event-stream"}


@pytest.fixture
def base(place: Site) -> Iterator[str]:
    """The address of a server that answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    place.web.driving.close()
    place.serve(loopback(listener.getsockname()[1]))
    server = server_of(place.web)
    ready = threading.Event()
    startup = server.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = started  # type: ignore[method-assign]
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    serving.start()
    assert ready.wait(30)
    place.end = lambda: setattr(server, "should_exit", True)  # type: ignore[attr-defined]
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    serving.join(30)
    assert not serving.is_alive()
    listener.close()


def client(place: Site, base: str, person: str = EVERYBODY) -> httpx.Client:
    return httpx.Client(base_url=base, headers={"authorization": f"Bearer {place.tokens[person]}"}, timeout=20)


def changes(lines: Iterator[str], until: str) -> list[dict[str, Any]]:
    """The changes of a stream, up to the first of that event."""
    found = []
    for line in lines:
        if line.startswith("data: "):
            found.append(json.loads(line.removeprefix("data: ")))
            if found[-1]["event"] == until:
                return found
    raise AssertionError(f"the stream ended without {until}")


def test_a_list_goes_on_where_it_ended(place: Site, zoe: TestClient) -> None:
    """Ids and kinds only, in order, from any position; of one run, or of some kinds."""
    first, second = place.asked(), place.asked()
    told = zoe.get("/api/events", params={"limit": 500}).json()
    assert {change["run"] for change in told["changes"]} == {first.id, second.id}
    assert {key for change in told["changes"] for key in change} == {"seq", "at", "event", "subject", "run"}
    assert "anna" not in json.dumps(told)
    seen: list[int] = []
    position = 0
    while page := (answer := zoe.get("/api/events", params={"limit": 2, "after": position}).json())["changes"]:
        seen += [change["seq"] for change in page]
        position = answer["position"]
    assert seen == [change["seq"] for change in told["changes"]]
    assert position == told["position"]
    mine = zoe.get(f"/api/runs/{first.id}/events").json()["changes"]
    assert {change["run"] for change in mine} == {first.id}
    asked = zoe.get("/api/events", params={"kind": "approval"}).json()["changes"]
    assert [change["subject"] for change in asked] == [first.asked.id, second.asked.id]
    assert zoe.get("/api/events", params={"kind": "session"}).status_code == 422
    assert zoe.get("/api/runs/run-none/events").status_code == 404


def test_a_stream_tells_what_other_processes_change(place: Site, base: str) -> None:
    """A run begun by another engine over the same database; what came while nobody listened is told on return."""
    with client(place, base) as program, program.stream("GET", "/api/events", headers=STREAM) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-content-type-options"] == "nosniff"
        lines = stream.iter_lines()
        next(lines)  # it listens
        place.house.begun("pay")
        told = changes(lines, "approval.requested")
    assert told[0]["event"] == "run.created"
    run = place.house.begun("pay")
    headers = STREAM | {"last-event-id": str(told[-1]["seq"])}
    with client(place, base) as program, program.stream("GET", "/api/events", headers=headers) as stream:
        missed = changes(stream.iter_lines(), "approval.requested")
    assert [change["seq"] for change in missed] == sorted(change["seq"] for change in missed)
    assert missed[0]["seq"] > told[-1]["seq"]
    assert run.id in {change["run"] for change in missed}


def test_streams_end_with_the_server(place: Site, base: str) -> None:
    """Whoever listens keeps no server from ending."""
    with client(place, base) as program, program.stream("GET", "/api/events", headers=STREAM) as stream:
        lines = stream.iter_lines()
        next(lines)
        place.end()  # type: ignore[attr-defined]
        assert [line for line in lines if line.startswith("data")] == []


def test_listeners_are_bounded(place: Site, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one person and of all; whoever leaves makes room."""
    monkeypatch.setattr(feed, "SEATS_EACH", 1)
    monkeypatch.setattr(feed, "SEATS", 2)
    first, second, third = client(place, base), client(place, base, "otto"), client(place, base, "fay")
    with first, second, third, first.stream("GET", "/api/events", headers=STREAM) as stream:
        heard = stream.iter_lines()
        next(heard)
        refused = first.get("/api/events", headers=STREAM)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
        assert refused.headers["content-type"] == "application/problem+json"
        with second.stream("GET", "/api/events", headers=STREAM) as other:
            listens = other.iter_lines()
            next(listens)
            assert third.get("/api/events", headers=STREAM).status_code == 503
            assert third.get("/api/events").status_code == 200  # as a list it needs no place
