"""Children that are killed, a mail server that can kill, and the look at what is left."""

from __future__ import annotations

import email
import multiprocessing
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from email.message import Message
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from interlock.engine.service import Engine
from interlock.store.tables import Approval, Effect, Run, Vote
from tests.crash.points import STARTING
from tests.crash.worker import REPOSITORY, Job, open_project, work
from tests.drawn import off_the_drawing

PATIENCE = 120.0
"""Seconds to wait for anything a child does; only a hung test needs them."""

VALUES = {"request": "Polish my email and send it.", "draft": "hi anna its late", "to": "anna@example.org"}

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["interlock.engine.service", "interlock.testing", "sqlalchemy.dialects.sqlite", "_pytest.config"]
    + [f"interlock.tools.connect.{name}" for name in ("bank", "ics", "mail", "sql")]
    + ["interlock.cli.work", "interlock.engine.worker", "interlock.nodes.offline", "tests.crash.chaos.person"]
)


class Child:
    """One process at work, forked from a server that has loaded the program and opened nothing."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.wire, theirs = _context.Pipe()
        self.process = _context.Process(target=work, args=(job, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.heard: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def hear(self, word: str) -> Any:
        """What the child tells under `word`; fails when it ends without telling."""
        while word not in self.heard:
            assert self._listen(PATIENCE), f"{self.job.verb} ended ({self.process.exitcode}) without {word!r}"
        return self.heard[word]

    def told(self) -> dict[str, Any]:
        """How the child saw the run when its work was over."""
        told: dict[str, Any] = self.hear("told")
        self.process.join(PATIENCE)
        return told

    def died(self) -> None:
        """Check that the child died by SIGKILL, and where it meant to."""
        while self._listen(PATIENCE):
            pass
        self.process.join(PATIENCE)
        assert self.process.exitcode == -signal.SIGKILL, f"{self.job} ended with {self.process.exitcode}"
        if self.job.die:
            assert self.heard.get("died") == self.job.die

    def signal(self, number: int) -> None:
        """Send a signal to the living child."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """Kill the child if it still lives."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join(PATIENCE)
        self.wire.close()

    def _listen(self, seconds: float) -> bool:
        """Take one message; False once there is no more to come."""
        if not wait([self.wire], seconds):
            raise AssertionError(f"{self.job.verb} said nothing for {seconds} seconds")
        try:
            word, value = self.wire.recv()
        except (EOFError, ConnectionResetError):
            return False
        self.heard[word] = value
        return True


Spawn = Callable[[Job], Child]


# The mail server -----------------------------------------------------------------------------------


@dataclass
class Post:
    """A mail server: what it accepted, and whom it kills when it has."""

    accepted: list[Message] = field(default_factory=list)
    kills: str = ""
    """"before its reply" or "after its reply"; the victim is stopped first, so it never sees the reply."""
    victim: Future[Child] = field(default_factory=Future)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.original_content
        self.accepted.append(email.message_from_bytes(content if isinstance(content, bytes) else b""))
        if self.kills == "before its reply":
            self.kill()
        elif self.kills == "after its reply":
            self.victim.result(PATIENCE).signal(signal.SIGSTOP)
        return "250 accepted"

    def kill(self) -> None:
        """Kill the victim and wait until it is dead."""
        child = self.victim.result(PATIENCE)
        child.signal(signal.SIGKILL)
        wait([child.process.sentinel], PATIENCE)
        self.kills, self.victim = "", Future()


class _Protocol(SMTP):
    async def push(self, status: str | bytes) -> None:
        await super().push(status)
        if self.event_handler.kills == "after its reply" and str(status).startswith("250 accepted"):
            self.event_handler.kill()


class Server(Controller):
    """A server on a port the system chose, bound before anybody asks for it."""

    def __init__(self, handler: Post) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(handler, hostname="127.0.0.1", port=self.listener.getsockname()[1])

    def factory(self) -> SMTP:
        return _Protocol(self.handler, **self.SMTP_kwargs)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.listener, ssl=self.ssl_context)


# What is left --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """Everything durable about one run, and whether the audit chain is whole."""

    run: Run | None
    effects: list[Effect]
    approvals: list[Approval]
    votes: list[Vote]
    entries: list[dict[str, Any]]

    def check_whole(self) -> None:
        """One run that is done, at most one effect per visit begun, each vote once, one approval consumed each."""
        assert self.run is not None
        assert (self.run.status, self.run.error) == ("done", None)
        begun = [row for row in self.effects if row.state in ("intent", "in_doubt", "executed", "verified")]
        assert len(begun) == 1
        assert begun[0].state in ("executed", "verified")
        votes = Counter((vote.approval_id, vote.person) for vote in self.votes)
        assert set(votes.values()) <= {1}
        events = Counter(entry["event"] for entry in self.entries)
        assert events["run.created"] == events["run.done"] == 1
        assert events["approval.consumed"] == len([row for row in self.effects if row.attempt])


def look(home: Path, run: str = "", root: Path = REPOSITORY, **settings: Any) -> Left:
    """Open the home as a new process would, and read what is left of its only (or the named) run."""
    project = open_project(home, root, **settings)
    engine = Engine(project)
    try:
        assert engine.audit_fault(None) is None
        runs = [row for row in engine.services.runs.list() if not run or row.id == run]
        if not runs:
            return Left(None, [], [], [], [])
        assert len(runs) == 1
        found = runs[0]
        assert off_the_drawing(project, found) == []
        approvals = list(engine.services.approvals.of_run(found.id))
        votes = [vote for row in approvals for vote in engine.services.approvals.votes(row.id)]
        return Left(found, list(engine.services.ledger.of_run(found.id)), approvals, votes, engine.history(found.id))
    finally:
        engine.services.database.engine.dispose()


def outbox(home: Path) -> list[Message]:
    """The messages delivered to the Maildir outbox."""
    return [email.message_from_bytes(path.read_bytes()) for path in sorted(home.glob("outbox/new/*"))]


# A run that is killed ------------------------------------------------------------------------------


@dataclass
class Scene:
    """One run in one home, and the processes that work on it."""

    spawn: Spawn
    home: Path
    root: Path = REPOSITORY
    graph: str = "polish_and_send"
    values: dict[str, Any] = field(default_factory=lambda: dict(VALUES))
    settings: dict[str, Any] = field(default_factory=dict)
    people: tuple[str, ...] = ("reviewer",)
    """Who approves, in turn."""
    run: str = ""

    def begin(self, verb: str, **more: Any) -> Child:
        """Start a process that does `verb` on the run."""
        job = Job(verb, self.home, self.root, graph=self.graph, values=self.values, run=self.run)
        return self.spawn(replace(job, **{"settings": self.settings} | more))

    def do(self, verb: str, **more: Any) -> dict[str, Any]:
        """Let a process do `verb` to its end; how it saw the run then."""
        return self.begin(verb, **more).told()

    def park(self) -> None:
        """Start the run and let it come to its question."""
        told = self.do("start")
        self.run = told["run"]
        assert told["status"] == "waiting"

    def die(self, point: str) -> None:
        """Bring the run to `point`, and let the process die there."""
        if point in STARTING:
            child = self.begin("start", die=point)
            child.died()
            run = self.left().run
            self.run = run.id if run else ""
            return
        self.park()
        self.die_deciding(point)

    def die_after(self, commits: int, verb: str = "whole") -> None:
        """Let a process do `verb` and die after so many commits, the first of which accepted the run."""
        self.begin(verb, die_after_commit=commits).died()
        run = self.left().run
        assert run is not None
        self.run = run.id

    def die_deciding(self, point: str) -> None:
        """Decide the parked run's question; the last one who agrees dies at `point`."""
        for person in self.people[:-1]:
            self.do("approve", person=person)
        self.begin("approve", person=self.people[-1], die=point).died()

    def recover(self) -> dict[str, Any]:
        """Resume in new processes, approving when asked, until the run ends or something else is asked."""
        told = self.do("resume")
        for person in self.people:
            if told["status"] != "waiting" or told["waiting"][0]["kind"] != "action":
                break
            told = self.do("approve", person=person)
            if told.get("error") == "DecisionRefused":  # this person's vote was kept
                told = self.do("resume")
        return told

    def left(self) -> Left:
        """What is durable now; the audit chain is whole."""
        return look(self.home, self.run, self.root, **self.settings)
