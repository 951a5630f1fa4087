"""What the tests of the tools share: contexts, the declared actions, and an SMTP server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from interlock.settings import Settings
from interlock.tools.action import Action, ActionContext
from interlock.tools.drawer import read_actions

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
DRAWER = Path(__file__).parents[2] / "tools"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet, as on a first run."""
    return tmp_path / "home"


@pytest.fixture
def context(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ActionContext]:
    """Makes the context of an effect: `context("key", smtp_host=…)`; settings from outside do not count."""
    monkeypatch.chdir(home.parent)

    def make(key: str = "key", **settings: Any) -> ActionContext:
        return ActionContext(key=key, run="run", settings=Settings(**({"home": home} | settings)), now=NOW)

    return make


@pytest.fixture(scope="session")
def actions() -> dict[str, Action]:
    """The actions of the tools drawer by name."""
    return read_actions(DRAWER)


@dataclass
class Post:
    """A mail server's behaviour: what it answers, and what it has accepted; aiosmtpd calls its handlers by name."""

    answers: dict[str, str] = field(default_factory=dict)
    """Replies other than yes, by command; a recipient's by `RCPT address`, the final dot's by `.`."""
    hangs_up: bool = False
    """Take the message, then drop the connection without a reply."""
    is_silent: bool = False
    """Take the message, then never reply."""
    accepted: list[Envelope] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.seen.append("MAIL")
        if "MAIL" not in self.answers:
            envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.seen.append(f"RCPT {address}")
        if f"RCPT {address}" in self.answers:
            return self.answers[f"RCPT {address}"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.seen.append("RSET")
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.seen.append(".")
        if "." in self.answers:
            return self.answers["."]
        self.accepted.append(envelope)
        if self.hangs_up:
            server.transport.abort()
        if self.is_silent:
            await asyncio.Event().wait()
        return "250 OK"


class _Protocol(SMTP):
    async def smtp_DATA(self, arg: str) -> None:
        refusal = self.event_handler.answers.get("DATA")
        if refusal is None:
            await super().smtp_DATA(arg)
        else:
            await self.push(refusal)


class _Server(Controller):
    """A server on a port the system chose, bound before anybody asks for it."""

    def __init__(self, handler: Post, **options: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(handler, hostname="127.0.0.1", port=self.listener.getsockname()[1], **options)

    def factory(self) -> SMTP:
        return _Protocol(self.handler, **self.SMTP_kwargs)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listener, ssl=self.ssl_context)


@pytest.fixture
def post() -> Iterator[Callable[..., tuple[Post, dict[str, Any]]]]:
    """Starts mail servers: `post(answers={…})` returns the server's post and the settings that reach it."""
    running: list[_Server] = []

    def start(
        *, post: Post | None = None, options: dict[str, Any] | None = None, **behaviour: Any
    ) -> tuple[Post, dict[str, Any]]:
        post = post or Post(**behaviour)
        server = _Server(post, **(options or {}))
        running.append(server)
        server.start()
        return post, {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_timeout": 5.0}

    yield start
    for server in running:
        server.stop(no_assert=True)
