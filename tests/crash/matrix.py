"""The crash matrix: a run is killed at every boundary of its one effect, and other processes bring it to its end.

A cell is a boundary, a kind of tool, a database, one kill or two, and one recovering process or three at once.
With a server the three live in homes of their own, as on three machines; the third of them drives the bare
LangGraph object, past the run's lock.  What counts as a violation is read from the ledger, the approvals, the
whole audit chain, and the provider's own record, which the processes cannot correct.
"""

from __future__ import annotations

import shutil
import signal
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import cycle, product
from pathlib import Path
from typing import Any

from interlock.store.audit_key import audit_key
from tests import postgres
from tests.crash.harness import PATIENCE, Child, Left, Scene, Spawn
from tests.crash.record import off_the_record
from tests.crash.worker import Job

TOOLS = '''
"""A provider that keeps a record of its own: one file for each time that something happened."""

import os
import uuid
from pathlib import Path

from interlock.tools.action import ActionContext, Arguments, Probe, Result, about, action

RECORD = Path(__file__).parents[1] / "provider"


class Order(Arguments):
    amount: int = about("How much.")


class Done(Result):
    amount: int


def _happen(name: str, order: Order) -> Done:
    os.close(os.open(RECORD / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    return Done(amount=order.amount)


def _look(order: Order, context: ActionContext) -> Probe:
    found = list(RECORD.glob(f"{context.key}*"))
    return Probe("happened", result=Done(amount=order.amount)) if found else Probe("did_not_happen")


@action("provider.keyed", effect="keyed", risk="high", probe=_look, title="{amount}")
def keyed(order: Order, context: ActionContext) -> Done:
    """Happens once for each key, however often it is asked."""
    try:
        return _happen(context.key, order)
    except FileExistsError:
        return Done(amount=order.amount)


@action("provider.queryable", effect="queryable", risk="high", probe=_look, title="{amount}")
def queryable(order: Order, context: ActionContext) -> Done:
    """Happens each time that it is asked; whether it did can be looked up."""
    return _happen(f"{context.key}-{uuid.uuid4().hex}", order)


@action("provider.blind", effect="blind", risk="high", title="{amount}")
def blind(order: Order, context: ActionContext) -> Done:
    """Happens each time that it is asked, and nobody can look."""
    return _happen(uuid.uuid4().hex, order)
'''

GRAPH = """
graph: TOOL
version: 1
input: {amount: {type: integer}}
steps:
  pay: {call: provider.TOOL, bind: {amount: $.amount}, writes: receipt}
edges:
  - START -> pay
  - {from: pay, on: [rejected, expired, denied], to: END, outcome: not_done}
  - pay -> END
output: [receipt]
"""

POLICY = """
policy: provider
version: 1
applies_to: [provider.*]
inputs: {amount: {type: int}}
rules:
  - {id: all, when: {amount: {ge: 0}}, then: {approve: {count: 1}}, because: it cannot be taken back}
"""

KINDS = ("keyed", "queryable", "blind")

BOUNDARIES: dict[str, dict[str, tuple[str, ...]]] = {
    "before anything": dict.fromkeys(KINDS, ("after the run is accepted", "before propose")),
    "proposed": dict.fromkeys(KINDS, ("after propose", "before the gate")),
    "gated": dict.fromkeys(KINDS, ("after the gate", "after the request is filed")),
    "approved": dict.fromkeys(KINDS, ("after approval", "after the answer is read")),
    "intent": {
        "keyed": ("after intent", "after intent"),
        "queryable": ("after intent", "after intent"),
        "blind": ("after intent", "after the doubt"),
    },
    "answer lost": {
        "keyed": ("after the tool", "after the tool"),
        "queryable": ("after the tool", "after the look"),
        "blind": ("after the tool", "after the doubt"),
    },
    "executed": dict.fromkeys(KINDS, ("after execution", "before leaving the step")),
    "in doubt": {
        "keyed": ("after the tool", "after the doubt", "after intent"),
        "queryable": ("after the tool", "after the doubt", "after verification"),
        "blind": ("after the tool", "after the doubt", "after the question is filed"),
    },
    "verified": dict.fromkeys(KINDS[:2], ("after verification", "before leaving the step")),
}
"""Where each process dies, in turn, by boundary and kind of tool: the last one only where it is killed twice.

A doubt is only there after a death, so its cells have one more.  What is blind is never verified.
"""

DATABASES = ("sqlite", "postgresql")

ROUNDS = 8
"""Times that processes are started to bring a run to its end; more means that it does not get there."""


@dataclass(frozen=True)
class Cell:
    """One place of the matrix."""

    database: str
    boundary: str
    tool: str
    times: int
    workers: int

    def __str__(self) -> str:
        return f"{self.boundary}, {self.tool}, killed {self.times}x, {self.workers} recovering, {self.database}"

    @property
    def points(self) -> tuple[str, ...]:
        """Where its processes die, in turn."""
        points = BOUNDARIES[self.boundary][self.tool]
        return points if self.times == 2 else points[:-1]


@dataclass
class Played:
    """What came of a cell."""

    cell: Cell
    kills: int = 0
    violations: list[str] = field(default_factory=list)
    asked: bool = False
    """Whether a person had to say if it happened."""


def cells(databases: tuple[str, ...] = DATABASES) -> Iterator[Cell]:
    """The whole matrix."""
    for boundary, tools in BOUNDARIES.items():
        for tool, times, workers, database in product(tools, (1, 2), (1, 3), databases):
            yield Cell(database, boundary, tool, times, workers)


def sample() -> Iterator[Cell]:
    """Each boundary of each kind of tool once, over the other choices in turn."""
    choices = cycle(product(DATABASES, (1, 2), (3, 1)))
    for boundary, tools in BOUNDARIES.items():
        for tool in tools:
            database, times, workers = next(choices)
            yield Cell(database, boundary, tool, times, workers)


def play(cell: Cell, folder: Path, spawn: Spawn) -> Played:
    """Kill, recover, and look at what is left; what is wrong is told, not raised."""
    played = Played(cell)
    made: AbstractContextManager[str | None] = postgres.database() if cell.database == "postgresql" else nullcontext()
    with made as url:
        game = _Game(cell, folder, spawn, {"database_url": url} if url else {}, played)
        try:
            game.play()
        except AssertionError as wrong:
            *_, place = traceback.extract_tb(wrong.__traceback__)
            played.violations.append(str(wrong) or f"{place.line} ({place.name})")
    shutil.rmtree(folder, ignore_errors=True)
    return played


class _Game:
    def __init__(self, cell: Cell, folder: Path, spawn: Spawn, settings: dict[str, Any], played: Played) -> None:
        self.cell, self.played = cell, played
        self.root = _project(folder / "project", cell.tool)
        homes = [folder / f"home-{number}" for number in range(cell.workers if settings else 1)]
        for home in homes:
            home.mkdir(mode=0o700)
        audit_key(homes[0])
        for home in homes[1:]:
            shutil.copy(homes[0] / "audit.key", home)
        scene = Scene(spawn, homes[0], self.root, graph=cell.tool, values={"amount": 7}, settings=settings)
        self.scene = scene
        self.homes = [homes[number % len(homes)] for number in range(cell.workers)]

    def play(self) -> None:
        first, *more = self.cell.points
        self.scene.die(first)
        self.played.kills += 1
        for point in more:
            self._together("resume", die=point)
        standing = self._to_an_end()
        if standing["status"] == "waiting":
            self._answer_the_doubt()
            standing = self._to_an_end()
        assert standing["status"] == "done", f"it ended {standing['status']}"
        self._check(self.scene.left())

    def _together(self, verb: str, *, die: str | None = None) -> list[dict[str, Any]]:
        """Let the recovering processes do `verb` at once; what those tell that came to an end."""
        children = []
        for number, home in enumerate(self.homes):
            past = number == 2 and verb == "resume"
            job = Job("compiled" if past else verb, home, self.root, graph=self.cell.tool, run=self.scene.run)
            job = replace(job, die=die, settings=self.scene.settings, person=f"reviewer{number}", patience=PATIENCE)
            children.append(self.scene.spawn(job))
        told = [found for child in children if (found := _ended(child)) is not None]
        dead = sum(child.process.exitcode == -signal.SIGKILL for child in children)
        self.played.kills += dead
        others_got_on = self.cell.workers > 1 and self.played.kills >= self.cell.times  # past the point, after a death
        assert dead or not die or others_got_on, f"no process came to {die!r}: {told}"
        return told

    def _to_an_end(self) -> dict[str, Any]:
        """Resume, and approve when asked, until the run is done or a person has to say what happened."""
        verb = "resume"
        for _ in range(ROUNDS):
            standings = [told for told in self._together(verb) if "status" in told]
            kinds = {row["kind"] for told in standings for row in told["waiting"]}
            if any(told["status"] == "done" for told in standings):
                return {"status": "done"}
            if "doubt" in kinds:
                return {"status": "waiting"}
            verb = "approve" if kinds else "resume"
        return {"status": "never"}

    def _answer_the_doubt(self) -> None:
        assert self.cell.tool == "blind", f"a person was asked about a {self.cell.tool} action"
        self.played.asked = True
        happened = self._record()
        assert happened <= 1, f"it happened {happened} times before anybody was asked"
        states = [row.state for row in self.scene.left().effects]
        assert states == ["in_doubt"], f"it is asked about while it is {states}"
        self.scene.do("respond", person="reviewer0", happened=bool(happened))

    def _record(self) -> int:
        """How often it happened, as the provider has it."""
        return len(list((self.root / "provider").iterdir()))

    def _check(self, left: Left) -> None:
        """Raises AssertionError for what must never be."""
        happened = self._record()
        assert happened == 1, f"it happened {happened} times"
        left.check_whole()
        consumed = Counter(entry["subject"] for entry in left.entries if entry["event"] == "approval.consumed")
        assert consumed, "it happened without an approval"
        wrong = list(off_the_record(left.effects, left.entries))
        assert not wrong, "; ".join(wrong)
        executed = [entry["subject"] for entry in left.entries if entry["event"] == "effect.executed"]
        assert len(executed) == 1, f"{len(executed)} executions are recorded"


def _ended(child: Child) -> dict[str, Any] | None:
    """What the child told at its end; None where it was killed, or fell over something of LangGraph's."""
    while child._listen(PATIENCE):
        pass
    child.process.join(PATIENCE)
    told: dict[str, Any] | None = child.heard.get("told")
    return told


def _project(root: Path, tool: str) -> Path:
    files = {
        "tools/provider.py": TOOLS,
        "policies/provider.yaml": POLICY,
        f"graphs/{tool}.yaml": GRAPH.replace("TOOL", tool),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "nodes").mkdir()
    (root / "provider").mkdir()
    return root
