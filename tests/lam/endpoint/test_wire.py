"""Requests to an endpoint over a real server: what is tried again, what is refused, and what never leaves."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from interlock.errors import ModelError, ModelUnavailable, SettingsError
from interlock.lam.endpoint.options import Options, read_options
from interlock.lam.endpoint.wire import FIRST_PAUSE, LONGEST_PAUSE, Declined, Wire, asked_wait, pause_before
from tests.servers import Server, serving

JSON = {"content-type": "application/json"}
OK = (200, JSON, b'{"fine": true}')
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


class Hand:
    """A clock that only the pauses move, and the pauses."""

    def __init__(self) -> None:
        self.time, self.slept = 0.0, list[float]()

    def clock(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def wire(server: Server, hand: Hand | None = None, **options: Any) -> Wire:
    hand = hand or Hand()
    made = Options(server.url + "/v1", **options)
    return Wire(made, clock=hand.clock, sleep=hand.sleep, now=lambda: NOW)


def ask(asked: Wire) -> dict[str, Any]:
    return asked.ask("/chat/completions", {"messages": ["é"]}, asked.deadline())


def test_a_request_is_json_and_carries_the_key(server: Server) -> None:
    """Path, type and key are what the protocol wants; nothing compressed is asked for."""
    server.replies = [OK]
    assert ask(wire(server, key=SecretStr("sk-123"))) == {"fine": True}
    (asked,) = server.asked
    assert (asked.method, asked.target, json.loads(asked.body)) == ("POST", "/v1/chat/completions", {"messages": ["é"]})
    assert asked.headers["authorization"] == "Bearer sk-123"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["content-type"] == "application/json"


def test_busy_then_free_is_an_answer(server: Server) -> None:
    """After 429 the pause is the one that was asked for; then the answer counts."""
    hand = Hand()
    server.replies = [(429, {**JSON, "retry-after": "7"}, b"{}"), (503, JSON, b"{}"), OK]
    assert ask(wire(server, hand)) == {"fine": True}
    assert hand.slept == [7.0, 2 * FIRST_PAUSE]
    assert len(server.asked) == 3


def test_a_wait_may_be_a_date(server: Server) -> None:
    """`Retry-After` as a date counts from now."""
    hand = Hand()
    server.replies = [(503, {"retry-after": "Mon, 05 Jan 2026 09:00:12 GMT"}, b""), OK]
    ask(wire(server, hand))
    assert hand.slept == [12.0]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_stays_broken_is_unavailable(server: Server, status: int) -> None:
    """So many attempts as allowed, with pauses that double; then an error that may be tried again later."""
    hand = Hand()
    server.replies = [(status, JSON, b'{"error": "overloaded"}')]
    with pytest.raises(ModelUnavailable, match=f"answered {status}.*overloaded.*asked 4 times"):
        ask(wire(server, hand, attempts=4))
    assert hand.slept == [0.5, 1.0, 2.0]
    assert len(server.asked) == 4


def test_a_wait_longer_than_there_is_time_is_not_waited(server: Server) -> None:
    """Who asks for an hour is not waited for, and not asked again too early either."""
    hand = Hand()
    server.replies = [(429, {"retry-after": "3600"}, b"")]
    with pytest.raises(ModelUnavailable, match="wait 3600 s, and there is no time"):
        ask(wire(server, hand))
    assert (hand.slept, len(server.asked)) == ([], 1)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_request_is_not_tried_again(server: Server, status: int) -> None:
    """What the server does not take, it does not take the second time either."""
    server.replies = [(status, JSON, b'{"error": "no such field"}'), OK]
    with pytest.raises(Declined, match=f"answered {status}: .*no such field") as raised:
        ask(wire(server))
    assert (raised.value.status, raised.value.retryable, len(server.asked)) == (status, False, 1)


def test_a_closed_port_is_unavailable() -> None:
    """Nobody listens: tried again, then said so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hand = Hand()
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        ask(Wire(Options(f"http://127.0.0.1:{port}/v1"), clock=hand.clock, sleep=hand.sleep))
    assert hand.slept == [0.5, 1.0]


def sends(text: bytes) -> Callable[[socket.socket], None]:
    def play(connection: socket.socket) -> None:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_RDWR)

    return play


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"cut": ',
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{"cut": ',
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_tried_again(server: Server, raw: bytes) -> None:
    """A connection that ends in the middle, or speaks something else, is a failed connection."""
    server.raw = sends(raw)
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        ask(wire(server))
    assert len(server.asked) == 3


def test_a_server_that_says_nothing_is_given_up_in_time(server: Server) -> None:
    """The time of a decision ends while the server thinks; it is not asked again."""
    over = threading.Event()
    server.raw = lambda connection: (over.wait(30), None)[1]
    try:
        with pytest.raises(ModelUnavailable, match="did not answer in"):
            ask(Wire(Options(server.url, seconds=0.2)))
        assert len(server.asked) == 1
    finally:
        over.set()


def test_a_server_that_drips_is_given_up_in_time(server: Server) -> None:
    """One byte after another keeps no connection alive: the deadline is one for the whole answer."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
        try:
            while not over.wait(0.01):
                connection.sendall(b" ")
        except OSError:
            pass

    server.raw = drip
    try:
        with pytest.raises(ModelUnavailable, match="did not answer in"):
            ask(Wire(Options(server.url, seconds=0.3)))
    finally:
        over.set()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((200, {"content-type": "text/html"}, b"<html>"), "text/html in place of plain JSON"),
        ((200, {}, b"{}"), "something in place of plain JSON"),
        ((200, {**JSON, "content-encoding": "gzip"}, gzip.compress(b"{}")), "in place of plain JSON"),
        ((200, JSON, b'{"a": 1, "a": 2}'), "'a' stands twice"),
        ((200, JSON, b'{"a": NaN}'), "no strict JSON"),
        ((200, JSON, b'{"a": '), "no strict JSON"),
        ((200, JSON, b"[1]"), "no object"),
        ((200, JSON, b'{"a": "\xff"}'), "no UTF-8"),
        ((200, JSON, b'{"a": "' + b"x" * 2000 + b'"}'), "more than 1000 bytes"),
        ((302, {"location": "http://127.0.0.1:9/"}, b""), "a redirect, which is not followed"),
        ((401, JSON, b'{"error": "bad key sk-123"}'), "check INTERLOCK_ACTION_MODEL_KEY"),
        ((403, JSON, b""), "check INTERLOCK_ACTION_MODEL_KEY"),
    ],
)
def test_an_answer_of_another_kind_is_an_error(server: Server, reply: Any, said: str) -> None:
    """Wrong type, compressed, doubled, cut, foreign, huge, elsewhere, or refused: each is said, none tried again."""
    server.replies = [reply]
    with pytest.raises(ModelError, match=said) as raised:
        ask(wire(server, most=1000, key=SecretStr("sk-123")))
    assert not raised.value.retryable
    assert "sk-123" not in str(raised.value)
    assert len(server.asked) == 1


def test_of_a_huge_answer_only_the_beginning_is_read(server: Server) -> None:
    """An endless body ends where the limit is, not where the server wants."""
    sent = 0
    stopped = threading.Event()

    def endless(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 500_000_000:
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
        except OSError:
            pass
        stopped.set()

    server.raw = endless
    with pytest.raises(ModelError, match="more than 200000 bytes"):
        ask(wire(server, most=200_000))
    assert stopped.wait(10)
    assert sent < 100_000_000


def test_a_key_that_the_server_repeats_is_not_repeated_here(server: Server) -> None:
    """What a server writes about a refusal is shown without the key."""
    server.replies = [(400, JSON, b'{"error": "Incorrect key: sk-123."}')]
    with pytest.raises(Declined, match="Incorrect key: …") as raised:
        ask(wire(server, key=SecretStr("sk-123")))
    assert "sk-123" not in repr(raised.value)
    assert "sk-123" not in repr(wire(server, key=SecretStr("sk-123")).options)


def test_half_a_character_in_a_text_is_sent_as_a_mark(server: Server) -> None:
    """A source with half a surrogate pair is no reason to fail; it has no UTF-8 of its own."""
    server.replies = [OK]
    asked = wire(server)
    asked.ask("", {"text": "a\ud83d"}, asked.deadline())
    assert json.loads(server.asked[0].body) == {"text": "a?"}


@pytest.mark.parametrize(
    ("attempt", "wait", "pause"), [(2, None, 0.5), (3, None, 1.0), (9, None, 8.0), (2, 0.0, 0.0), (5, 90.0, 90.0)]
)
def test_the_pause_is_what_was_asked_for_or_doubles(attempt: int, wait: float | None, pause: float) -> None:
    """A function of the attempt and of what the server asked for."""
    assert pause_before(attempt, wait) == pause
    assert pause <= LONGEST_PAUSE or wait is not None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), (" 5 ", 5.0), ("0", 0.0), ("Mon, 05 Jan 2026 08:00:00 GMT", 0.0), ("soon", None), ("-5", None),
     ("\u0665", None), ("1e9", None), ("99999999999", None), (None, None), ("", None)],
)  # fmt: skip
def test_a_wait_that_is_none_is_no_wait(header: str | None, seconds: float | None) -> None:
    """Only a plain number of seconds or a date counts."""
    assert asked_wait(header, NOW) == seconds


def test_options_of_a_reference_are_read_and_not_sent(server: Server) -> None:
    """What stands behind the question mark is ours."""
    options = read_options(
        f"{server.url}/v1?model=a/b%3Ac&way=tools&copy_only=1&timeout=9&attempts=1&repairs=0&max_tokens=64"
    )
    assert options == Options(f"{server.url}/v1", "a/b:c", "tools", True, 9, 1, 0, 64)
    server.replies = [OK]
    Wire(options).ask("/models", None, Wire(options).deadline())
    assert (server.asked[0].method, server.asked[0].target) == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("http://h/v1?modle=a", "no option modle. Known: model, way"),
        ("http://h/v1?model=a&model=b", "model is given twice"),
        ("http://h/v1?model", "write options as"),
        ("http://h/v1?model=", "model is empty"),
        ("http://h/v1?way=grammar", "way is one of structured_outputs, response_format, tools"),
        ("http://h/v1?copy_only=yes", "copy_only is 0 or 1"),
        ("http://h/v1?attempts=0", "attempts is a whole number from 1"),
        ("http://h/v1?timeout=-1", "timeout is a whole number"),
        ("http://user:pass@h/v1", "without user"),
        ("http://h:99999/v1", "no URL"),
        ("http:///v1", "an endpoint is http"),
        ("http://h/v1#x", "without user or fragment"),
    ],
)
def test_a_wrong_reference_says_what_to_write(reference: str, said: str) -> None:
    """Each names the option and what it takes; no password is repeated."""
    with pytest.raises(SettingsError, match=said) as raised:
        read_options(reference)
    assert "pass@" not in raised.value.message


@pytest.mark.parametrize("key", ["", "with space", "line\nbreak", "ключ"])
def test_what_is_no_key_is_refused_before_it_is_sent(key: str) -> None:
    """A key that cannot stand in a header is a setting to correct, and is not shown."""
    with pytest.raises(SettingsError, match="INTERLOCK_ACTION_MODEL_KEY") as raised:
        Options("https://h/v1", key=SecretStr(key))
    assert not key or key not in raised.value.message


def test_a_key_does_not_travel_in_clear_text() -> None:
    """Plain http with a key is for this machine only."""
    with pytest.raises(SettingsError, match="in clear text"):
        Options("http://10.0.0.5/v1", key=SecretStr("k"))
    for url in ("http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:8000/v1", "https://h/v1"):
        Options(url, key=SecretStr("k"))
