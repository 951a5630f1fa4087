"""The end of an attempt: what waits too long is given up on, and what comes late goes nowhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from interlock.errors import RunCancelled, StepTimeout
from interlock.nodes import timeout
from interlock.nodes.models import chat_model, patient
from interlock.nodes.reason import reason
from interlock.nodes.timeout import NEVER, Deadline, within
from interlock.settings import Settings
from interlock.testing import ScriptedChatModel

VALUES = {"request": "Polish it.", "draft": "hi anna"}
GOOD = {"subject": "Hello", "body": "Hi Anna,"}
SOON = timedelta(milliseconds=50)


def test_what_is_in_time_is_given_back() -> None:
    """The value, or the error, is the function's own."""
    assert within(60, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(60, lambda: {"something": 1}["nothing"])


def test_without_a_timeout_nothing_runs_elsewhere() -> None:
    """The function runs in the caller's thread, as if called."""
    assert NEVER.within(threading.current_thread) is threading.current_thread()
    assert within(60, threading.current_thread) is not threading.current_thread()


def test_the_callers_context_is_seen() -> None:
    """Context variables, such as those of callbacks, have the caller's values in the attempt."""
    name: ContextVar[str] = ContextVar("name")
    name.set("caller")
    assert within(60, name.get) == "caller"


def test_what_hangs_is_given_up_on() -> None:
    """The caller goes on while the function still waits; what it gives later is not taken."""
    release, left = threading.Event(), threading.Event()

    def hangs() -> str:
        release.wait()
        left.set()
        return "late"

    with pytest.raises(StepTimeout):
        within(0.01, hangs)
    release.set()
    assert left.wait(60)


def test_what_is_not_wanted_any_more_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch is asked until it raises, with a timeout or without one; that error is the caller's."""
    monkeypatch.setattr(timeout, "LOOK", 0.01)
    for seconds in (None, 60.0):
        release, looks = threading.Event(), list[int]()

        def look(looks: list[int] = looks) -> None:
            looks.append(1)
            if len(looks) == 3:
                raise RunCancelled(run="run-1", person="boss")

        with pytest.raises(RunCancelled, match="was cancelled"):
            within(seconds, release.wait, watch=look)
        release.set()
        assert len(looks) == 3


def test_a_watch_changes_neither_the_answer_nor_the_timeout() -> None:
    """What comes in time is given back, and the time is over when it is over."""
    release = threading.Event()
    assert within(60, lambda: 7, watch=lambda: None) == 7
    assert within(None, lambda: 7, watch=lambda: None) == 7
    with pytest.raises(StepTimeout):
        within(0.01, release.wait, watch=lambda: None)
    release.set()


def test_no_time_left_starts_nothing() -> None:
    """An attempt that is over does not begin another call."""
    started: list[int] = []
    with pytest.raises(StepTimeout):
        within(0, lambda: started.append(1))
    assert started == []


def test_a_deadline_counts_from_its_beginning() -> None:
    """Several calls share the time; when it is over, the message names step and timeout."""
    now = [100.0]
    deadline = Deadline(timedelta(seconds=30), "think", lambda: now[0])
    assert (deadline.remaining, deadline.over) == (30, False)
    now[0] = 110
    assert deadline.remaining == 20
    now[0] = 131
    assert (deadline.remaining, deadline.over) == (0, True)
    with pytest.raises(StepTimeout, match=r"step think took longer than its timeout of 30s"):
        deadline.within(lambda: None)
    assert (NEVER.remaining, NEVER.over) == (None, False)


class Hanging(ScriptedChatModel):
    """A model that answers when the test lets it."""

    def __init__(self, release: threading.Event) -> None:
        super().__init__([GOOD], loop=True)
        self._release = release

    def _generate(self, *arguments: Any, **named: Any) -> Any:
        self._release.wait()
        return super()._generate(*arguments, **named)


def test_a_model_that_hangs_is_given_up_on(polish_card: Any, meter: Any) -> None:
    """The question ends as a timeout after one counted call, whose use is never recorded."""
    release = threading.Event()
    with pytest.raises(StepTimeout):
        reason(polish_card, VALUES, Hanging(release), meter, deadline=Deadline(SOON, "polish"))
    release.set()
    assert (meter.calls, meter.usages) == (1, [])


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[threading.Event]]]:
    """A server that takes a request and answers nothing; each request adds an event that is set when it is given up."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    asked: list[threading.Event] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            gone = threading.Event()
            asked.append(gone)
            while self.rfile.read(1):  # until the client closes the connection
                pass
            gone.set()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_hangs_is_given_up_on(silent_server: Any, polish_card: Any, meter: Any) -> None:
    """The step's own timeout ends the wait, and the HTTP client gives its request up as well."""
    pytest.importorskip("langchain_openai")
    url, asked = silent_server
    model = chat_model(f"openai:tiny-1@{url}", Settings(model_timeout=600))
    with pytest.raises(StepTimeout):
        reason(polish_card, VALUES, model, meter, deadline=Deadline(timedelta(milliseconds=300), "polish"))
    assert meter.calls == 1
    assert len(asked) == 1
    assert asked[0].wait(60), "the client still waits, although nobody waits for it"


def test_a_client_never_waits_longer_than_it_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timeout of a request is the shorter of the remaining time and the setting; other models stay as they are."""
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    model: Any = chat_model("openai:tiny-1@http://127.0.0.1:9/v1", Settings(model_timeout=5))
    assert patient(model, 60).model_kwargs["timeout"] == 5  # type: ignore[attr-defined]
    assert patient(model, 2).model_kwargs["timeout"] == 2  # type: ignore[attr-defined]
    assert "timeout" not in model.model_kwargs
    assert patient(model, None) is model
    scripted = ScriptedChatModel([GOOD])
    assert patient(scripted, 2) is scripted
