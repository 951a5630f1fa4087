"""HTTP for tools over a real server: what goes over the wire, and what each answer means for the effect."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interlock.errors import EffectFailed, EffectNotDone, ProjectError
from interlock.tools.action import ActionContext
from interlock.tools.connect.http import AnswerUnknown, Api
from tests.servers import Server, serving

Make = Callable[..., ActionContext]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def api(server: Server, **more: Any) -> Api:
    return Api(server.url + "/v1", **({"methods": ["GET", "POST"], "private": True, "seconds": 5.0} | more))


def test_a_write_carries_its_key_and_its_token(server: Server, context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The effect's key is the idempotency key, and the token's value goes over the wire alone."""
    monkeypatch.setenv("INTERLOCK_SECRET_CRM", "s3cret-value")
    server.replies = [(201, {"X-Id": "7"}, b'{"id": 7}')]
    answer = api(server).post(
        context("key-1"), "/customers/{id}", path={"id": "a/../b?c"}, query={"q": "x y", "none": None},
        json={"name": "Zoë"}, bearer="secret://crm",
    )  # fmt: skip
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/v1/customers/a%2F..%2Fb%3Fc?q=x+y")
    assert asked.headers["idempotency-key"] == "key-1"
    assert asked.headers["authorization"] == "Bearer s3cret-value"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert json.loads(asked.body) == {"name": "Zoë"}
    assert (answer.status, answer.headers["x-id"], answer.json()) == (201, "7", {"id": 7})


def test_a_read_carries_no_key(server: Server, context: Make) -> None:
    """Only what may change something needs one."""
    api(server).get(context(), "/customers")
    assert "idempotency-key" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("method", "status", "error"),
    [
        ("POST", 404, EffectFailed),
        ("POST", 422, EffectFailed),
        ("POST", 429, EffectNotDone),
        ("POST", 503, EffectNotDone),
        ("POST", 500, AnswerUnknown),
        ("POST", 502, AnswerUnknown),
        ("POST", 307, EffectFailed),
        ("GET", 500, EffectNotDone),
        ("GET", 301, EffectFailed),
    ],
)
def test_each_status_says_how_certain_it_is(
    status: int, method: str, error: type[Exception], server: Server, context: Make
) -> None:
    """Refused for good, not now, or unknown; a redirect is never followed."""
    server.replies = [(status, {"Location": server.url + "/elsewhere"}, b'{"error": "no"}')]
    with pytest.raises(error, match=f"answered {status}"):
        api(server).call(context(), method, "/x")
    assert len(server.asked) == 1


def test_a_connection_that_breaks_after_the_request_leaves_a_doubt(server: Server, context: Make) -> None:
    """Nobody knows whether the server carried it out."""
    server.raw = lambda connection: connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(AnswerUnknown, match="broke after the request was sent"):
        api(server).post(context(), "/x", json={})


def test_a_server_that_is_not_there_is_certain(server: Server, context: Make) -> None:
    """Nothing was sent, so it may be tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(EffectNotDone, match="nothing was sent"):
        Api(f"http://127.0.0.1:{port}", methods=["POST"], private=True).post(context(), "/x")


def test_a_slow_answer_ends_at_the_deadline(server: Server, context: Make) -> None:
    """Bytes that trickle in do not lengthen the call; of a write nobody knows what became."""

    def trickle(connection: socket.socket) -> None:
        connection.settimeout(0.05)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        gone = False
        while not gone:  # until the client has hung up
            try:
                connection.sendall(b"x: y\r\n")
                gone = connection.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                gone = True

    server.raw = trickle
    with pytest.raises(AnswerUnknown, match="broke after the request was sent"):
        api(server, seconds=0.3).post(context(), "/x")


@pytest.mark.parametrize(("method", "error"), [("GET", EffectFailed), ("POST", AnswerUnknown)])
def test_no_more_than_the_limit_is_read(method: str, error: type[Exception], server: Server, context: Make) -> None:
    """An answer without an end fills no memory."""
    server.replies = [(200, {}, b"x" * 5000)]
    with pytest.raises(error, match="more than 1000 bytes"):
        api(server, most=1000).call(context(), method, "/x")


def test_what_is_not_json_is_not_guessed(server: Server, context: Make) -> None:
    """A page in place of an answer leaves the doubt to whoever asked."""
    server.replies = [(200, {}, b"<html>")]
    answer = api(server).get(context(), "/x")
    with pytest.raises(AnswerUnknown, match="not JSON"):
        answer.json()


@pytest.mark.parametrize(
    ("base", "more"),
    [("http://example.org", {}), ("ftp://example.org", {"private": True}), ("https://u:p@example.org", {}),
     ("https://example.org?x=1", {}), ("https://", {}), ("https://example.org:port", {}), ("example.org", {}),
     ("https://example.org", {"methods": ["FETCH"]}), ("https://example.org", {"methods": []})],
)  # fmt: skip
def test_a_declaration_is_read_strictly(base: str, more: dict[str, Any]) -> None:
    """One fixed address over https, and methods that there are."""
    with pytest.raises(ProjectError):
        Api(base, **more)
