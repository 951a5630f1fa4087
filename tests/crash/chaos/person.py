"""Whoever starts the runs, decides what they ask and tells them what arrived; it remembers what was acknowledged.

It is a process of its own that uses the public API and drives nothing.  It may be killed too: what it was told before
that stands in a file, a line each.  What it did not see acknowledged it looks at again, as people do.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.errors import Conflict, DecisionRefused, Refused, StoreUnavailable
from interlock.store.spend import ENDED
from interlock.store.tables import Approval
from tests.crash.chaos.hand import breaks, settle_in
from tests.crash.chaos.place import Place
from tests.crash.chaos.plan import Life
from tests.crash.chaos.project import Outside, fate, mark_of, sum_of
from tests.crash.harness import _context

GLANCE = 0.25
"""Seconds between two looks at what waits."""
DOUBT = 1.0
"""Seconds that somebody takes to look into the outbox: a call that was under way is over by then."""
MANY = 10_000
"""More runs than any round has."""


@dataclass
class Memory:
    """What was acknowledged, in the order of its lines."""

    runs: dict[str, str] = field(default_factory=dict)
    """The order of each run that was accepted."""
    decided: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The run and the decision of each request."""
    sent: set[str] = field(default_factory=set)
    """The runs that were told what arrived."""
    doubts: dict[str, str] = field(default_factory=dict)
    """The action of each effect that somebody was asked about."""
    began: int = 0
    """How many processes have remembered here."""

    @classmethod
    def read(cls, path: Path) -> Memory:
        """What a file remembers; a line that was cut short was not acknowledged."""
        memory = cls()
        for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else ():
            memory.learn(*json.loads(line))
        return memory

    def learn(self, word: str, about: str = "", *more: str) -> None:
        """Take in one line."""
        match word:
            case "began":
                self.began += 1
            case "accepted":
                self.runs[about] = more[0]
            case "decided":
                self.decided[about] = more[0], more[1]
            case "sent":
                self.sent.add(about)
            case "doubted":
                self.doubts[about] = more[0]


class Person:
    """The process of a person, and its end of the wire."""

    def __init__(self, place: Place, outside: Outside, life: Life, memory: Path, at_once: int) -> None:
        self.life = life
        self.wire, theirs = _context.Pipe()
        self.process: ForkServerProcess = _context.Process(
            target=act, args=(place, outside, life, memory, at_once, theirs), daemon=True
        )
        self.process.start()
        theirs.close()

    def start_no_more(self) -> None:
        """From now on only what was started is looked after."""
        with suppress(OSError):
            self.wire.send("no more")

    def end(self) -> None:
        """Kill it, if it still lives."""
        self.process.kill()
        self.process.join()
        self.wire.close()


def act(place: Place, outside: Outside, life: Life, path: Path, at_once: int, wire: Connection) -> None:
    """What the process does until it is killed."""
    settle_in(place, path.with_suffix(".log"))
    if life.point:
        breaks(life)
    memory = Memory.read(path)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def remember(*line: str) -> None:
        os.write(file, json.dumps(line).encode() + b"\n")
        memory.learn(*line)

    remember("began")
    _Acting(place, outside, memory, remember, at_once, wire).go_on()


class _Acting:
    def __init__(
        self, place: Place, outside: Outside, memory: Memory, remember: Any, at_once: int, wire: Connection
    ) -> None:
        self.place, self.outside, self.memory, self.remember = place, outside, memory, remember
        self.at_once, self.wire = at_once, wire
        self.number = 0
        self.starting = True
        self.asked: dict[str, float] = {}
        self.orders: dict[str, str] = {}

    def go_on(self) -> None:
        """Do what is to be done, again and again; a database that cannot be used now is tried later."""
        engine: Engine | None = None
        while True:
            if self.wire.poll(GLANCE):
                try:
                    self.starting = self.wire.recv() != "no more"
                except EOFError:
                    return
            try:
                engine = engine or Engine(Project.at(self.place.project))
                self.look(engine)
            except (StoreUnavailable, Conflict) as error:
                print(f"{time.time():.3f} {error.message}", flush=True)

    def look(self, engine: Engine) -> None:
        """Start what there is room for, decide what is asked, and send what has arrived."""
        runs = [run for run in engine.services.runs.list(limit=MANY) if run.status not in ENDED]
        busy = [run for run in runs if fate(run.input["order"]) in ("whole", "refused")]
        if self.starting and len(busy) < self.at_once:
            self.start(engine)
        for approval in engine.services.approvals.waiting():
            with suppress(DecisionRefused):  # it was decided by a process that was killed before it knew
                self.decide(engine, approval)
        for run in runs:
            if run.id not in self.memory.sent and fate(run.input["order"]) == "whole":
                early = sum_of(run.input["order"]) % 2 == 0
                if early or any(pause.event for pause in engine.services.pauses.waiting([run.id])):
                    self.send(engine, run.id, run.input["order"])

    def start(self, engine: Engine) -> None:
        """Have one more run accepted."""
        self.number += 1
        order = f"order-{self.memory.began}-{self.number}"
        workflow = engine.project.workflow(engine.project.graph_file("errand"))
        values = {"order": order, "request": f"Please see to {order}."}
        self.remember("accepted", engine.start(workflow, values, "clerk").id, order)

    def decide(self, engine: Engine, approval: Approval) -> None:
        """Decide a request as its order has it."""
        order = self.order_of(engine, approval.run_id)
        what = fate(order)
        match approval.kind:
            case "doubt":
                self.resolve(engine, approval, order)
                return
            case "form" if what == "unanswered":
                return
            case "form":
                engine.approve(approval.id, "reviewer", answer={"sum": sum_of(order)})
                word = "approve"
            case "action" if what == "refused":
                engine.services.approvals.reject(approval.id, "reviewer", comment="not this one")
                word = "reject"
            case _:
                engine.approve(approval.id, "reviewer")
                word = "approve"
        self.remember("decided", approval.id, approval.run_id, word)

    def resolve(self, engine: Engine, approval: Approval, order: str) -> None:
        """Say whether a letter was sent, after a look into the outbox."""
        if approval.id not in self.asked:
            self.asked[approval.id] = time.monotonic()
            assert approval.effect_id is not None
            self.remember("doubted", approval.effect_id, engine.services.ledger.get(approval.effect_id).action)
        if time.monotonic() - self.asked[approval.id] > DOUBT:
            happened = self.outside.sent(order)
            engine.services.approvals.respond(approval.id, "reviewer", happened=happened)
            self.remember("decided", approval.id, approval.run_id, "happened" if happened else "did_not_happen")

    def send(self, engine: Engine, run_id: str, order: str) -> None:
        """Tell a run what arrived."""
        try:
            engine.send(run_id, "arrived", {"mark": mark_of(order)}, "carrier")
        except Refused as error:  # it has what it needs: a process that was killed had sent it
            print(f"{time.time():.3f} {error.message}", flush=True)
        self.remember("sent", run_id)

    def order_of(self, engine: Engine, run_id: str) -> str:
        """The order that a run, or the run above it, is about."""
        if run_id not in self.orders:
            self.orders[run_id] = str(engine.services.runs.root(run_id).input["order"])
        return self.orders[run_id]
