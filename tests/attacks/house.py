"""A small shop in a temporary folder, whose effects are lines of a file: each one that happens is counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from interlock.engine.project import Project
from interlock.engine.service import Engine, Standing
from interlock.settings import load_settings
from interlock.store.tables import Approval, Effect
from interlock.testing import FakeClock, ScriptedChatModel

REPOSITORY = Path(__file__).parents[2]
CONSOLE_SCRIPT = Path(sys.executable).with_name("interlock")

TOOLS = '''
"""Effects of a shop: each appends a line, unless the file `trouble` says otherwise."""

from pathlib import Path

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Money(Arguments):
    amount: int = about("How much.")
    to: str = about("Who receives it.")


class Look(Arguments):
    what: str = about("What to look at.")


class Receipt(Result):
    line: str


def _happen(name: str, arguments: Money, context: ActionContext) -> Receipt:
    trouble = Path(context.home, "trouble")
    word = trouble.read_text() if trouble.exists() else ""
    with Path(context.home, "tries").open("a") as tries:
        tries.write(name + "\\n")
    if word == "not_done":
        raise EffectNotDone("the till is closed")
    if word == "failed":
        raise EffectFailed("the till is broken")
    line = f"{name} {arguments.amount} {arguments.to}"
    with Path(context.home, "effects").open("a") as effects:
        effects.write(line + "\\n")
    if word == "lost":
        raise OSError("the answer was lost")
    return Receipt(line=line)


@action("shop.pay", effect="keyed", risk="high", targets=["to"], title="{amount} to {to}")
def pay(arguments: Money, context: ActionContext) -> Receipt:
    """Pay money."""
    return _happen("pay", arguments, context)


@action("shop.refund", effect="blind", risk="high", targets=["to"], title="{amount} to {to}")
def refund(arguments: Money, context: ActionContext) -> Receipt:
    """Give money back."""
    return _happen("refund", arguments, context)


@action("shop.ship", effect="blind", risk="medium", targets=["to"], title="{amount} to {to}")
def ship(arguments: Money, context: ActionContext) -> Receipt:
    """Ship goods."""
    return _happen("ship", arguments, context)


@action("shop.note", effect="keyed", risk="low", title="{amount} to {to}")
def note(arguments: Money, context: ActionContext) -> Receipt:
    """Note a sum."""
    return _happen("note", arguments, context)


@action("shop.look", effect="read")
def look(arguments: Look, context: ActionContext) -> Receipt:
    """Look at the shop."""
    return Receipt(line=arguments.what)
'''

POLICY = """
policy: shop
version: 1
applies_to: [shop.pay, shop.refund, shop.note]
approvals:
  one: {count: 1, within: 1h, execute_within: 5m}
  two: {count: 2, role: finance, within: 1h, execute_within: 5m}
inputs: {action: {type: string}, amount: {type: int}}
rules:
  - {id: note, when: {action: shop.note, amount: {le: 1000}}, then: auto, because: a note changes little}
  - {id: small, when: {action: {ne: shop.note}, amount: {gt: 0, le: 1000}}, then: {approve: one}, because: money leaves}
  - {id: large, when: {amount: {gt: 1000, le: 9000}}, then: {approve: two}, because: two people over 1000}
"""

PEOPLE = "people:\n  fay: [finance]\n  finn: [finance]\n"

MONEY = "input: {amount: {type: integer}, to: {type: string, default: anna}}"
BIND = "bind: {amount: $.amount, to: $.to}"
OTHER = "[rejected, expired, denied]"

GRAPHS = {
    "pay": f"""
graph: pay
version: 1
{MONEY}
steps:
  pay: {{call: shop.pay, {BIND}, writes: receipt, retry: {{attempts: 3, backoff: 1s}}}}
edges:
  - START -> pay
  - pay -> END
  - {{from: pay, on: {OTHER}, to: END, outcome: not_paid}}
output: [receipt]
""",
    "chain": f"""
graph: chain
version: 1
{MONEY}
steps:
  pay: {{call: shop.pay, {BIND}, writes: receipt}}
  refund: {{call: shop.refund, {BIND}}}
edges:
  - START -> pay
  - pay -> refund
  - {{from: pay, on: {OTHER}, to: END, outcome: not_paid}}
  - refund -> END
  - {{from: refund, on: {OTHER}, to: END, outcome: not_refunded}}
  - {{from: refund, on: failed, to: END, outcome: not_refunded, keeps: [pay]}}
""",
    "ahead": f"""
graph: ahead
version: 1
{MONEY}
steps:
  ask: {{approve: Ship this?, requires: {{count: 2, role: finance, within: 1h, execute_within: 5m}}, covers: ship}}
  look: {{call: shop.look, bind: {{what: $.to}}, writes: seen}}
  ship: {{call: shop.ship, {BIND}}}
edges:
  - START -> ask
  - ask -> look
  - look -> ship
  - {{from: ask, on: [rejected, expired], to: END, outcome: refused}}
  - ship -> END
  - {{from: ship, on: {OTHER}, to: END, outcome: not_shipped}}
""",
    "ahead_of_note": f"""
graph: ahead_of_note
version: 1
{MONEY}
steps:
  ask: {{approve: Note this?, covers: note}}
  note: {{call: shop.note, {BIND}}}
edges:
  - START -> ask
  - ask -> note
  - {{from: ask, on: [rejected, expired], to: END, outcome: refused}}
  - note -> END
  - {{from: note, on: {OTHER}, to: END, outcome: not_noted}}
""",
    "edged": f"""
graph: edged
version: 1
{MONEY}
steps:
  ship: {{call: shop.ship, {BIND}}}
edges:
  - {{from: START, to: ship, approval: one}}
  - ship -> END
  - {{from: ship, on: {OTHER}, to: END, outcome: not_shipped}}
""",
    "note": f"""
graph: note
version: 1
{MONEY}
steps:
  note: {{call: shop.note, {BIND}, retry: {{attempts: 3, backoff: 1s}}}}
edges:
  - START -> note
  - note -> END
  - {{from: note, on: {OTHER}, to: END, outcome: not_noted}}
""",
    "form": f"""
graph: form
version: 1
{MONEY}
steps:
  ask: {{approve: May it be noted?, reads: [amount]}}
  note: {{call: shop.note, {BIND}}}
edges:
  - {{from: START, to: ask, when: {{$.amount: {{gt: 100}}}}}}
  - {{from: START, to: note, else: true}}
  - ask -> note
  - {{from: ask, on: [rejected, expired], to: END, outcome: refused}}
  - note -> END
  - {{from: note, on: {OTHER}, to: END, outcome: not_noted}}
""",
    "think": f"""
graph: think
version: 1
{MONEY}
steps:
  think: {{node: think, reads: [to], writes: thought, retry: {{attempts: 3, backoff: 1s}}}}
  note: {{call: shop.note, {BIND}}}
edges:
  - START -> think
  - think -> note
  - note -> END
  - {{from: note, on: {OTHER}, to: END, outcome: not_noted}}
limits: {{steps: 2, model_calls: 2, cost: {{usd: 0.001}}}}
output: [thought]
""",
}

THINK = """
node: think
kind: reason
goal: Think.
prompt: "Who is $to?"
output: {text: {type: string}}
repairs: 0
"""


@dataclass
class House:
    """The shop on disk; each `project` or `engine` is a new process as far as the stores can tell."""

    root: Path
    clock: Any = field(default_factory=FakeClock)
    slept: list[float] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.root / ".interlock"

    def build(self) -> House:
        files = {"tools/shop.py": TOOLS, "policies/shop.yaml": POLICY, "policies/people.yaml": PEOPLE}
        files |= {f"graphs/{name}.yaml": text for name, text in GRAPHS.items()} | {"nodes/think.yaml": THINK}
        for name, text in files.items():
            self.write(name, text)
        return self

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def project(self, *, chat: Any = None, sleep: Callable[[float], None] | None = None, **settings: Any) -> Project:
        return Project(
            root=self.root,
            settings=load_settings(**({"home": self.home, "busy_timeout": 5.0} | settings)),
            clock=self.clock,
            sleep=sleep or self.slept.append,
            make_chat_model=lambda provider: chat or ScriptedChatModel([{"text": "somebody"}], loop=True),
        )

    def engine(self, **changes: Any) -> Engine:
        return Engine(self.project(**changes))

    def begun(self, graph: str, engine: Engine | None = None, **values: Any) -> Run:
        """A run driven to its first wait or its end."""
        engine = engine or self.engine()
        workflow = engine.project.workflow(self.root / "graphs" / f"{graph}.yaml")
        run = engine.start(workflow, {"amount": 10} | values, "requester")
        engine.drive(run.id)
        return Run(self, engine, run.id)

    def raw(self, graph: str) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The compiled graph in another process, over the same checkpoints as the engine."""
        project = self.project()
        return project.workflow(self.root / "graphs" / f"{graph}.yaml").compile(project.checkpoints)

    @property
    def effects(self) -> list[str]:
        """What happened, one line an effect."""
        path = self.home / "effects"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def tries(self) -> int:
        path = self.home / "tries"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def trouble(self, word: str) -> None:
        """not_done, failed, lost (it happens, then the answer is lost), or nothing."""
        (self.home / "trouble").write_text(word)

    def cli(self, *arguments: str) -> subprocess.Popen[str]:
        """The real console script in this project, started and not waited for."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        return subprocess.Popen(
            [CONSOLE_SCRIPT, *arguments], cwd=self.root, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def command(self, *arguments: str) -> Ended:
        """The console script, run to its end."""
        return ended(self.cli(*arguments))


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out.strip().splitlines()[-1])


def ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out, err)


@dataclass(frozen=True)
class Run:
    """One run, as tests speak of it."""

    house: House
    engine: Engine
    id: str

    @property
    def config(self) -> Any:
        return {"configurable": {"thread_id": self.id}}

    @property
    def status(self) -> str:
        return self.engine.services.runs.get(self.id).status

    @property
    def outcome(self) -> str | None:
        return self.engine.services.runs.get(self.id).outcome

    @property
    def asked(self) -> Approval:
        """The one request that is open."""
        (approval,) = self.engine.services.approvals.waiting(self.id)
        return approval

    @property
    def effect(self) -> Effect:
        """The newest proposal."""
        return max(self.engine.services.ledger.of_run(self.id), key=lambda row: (row.created_at, row.slot))

    def approve(self, *people: str, **more: Any) -> None:
        for person in people or ("bob",):
            self.engine.approve(self.asked.id, person, **more)

    def drive(self) -> Standing:
        return self.engine.drive(self.id)

    def raw(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        return self.house.raw(self.engine.services.runs.get(self.id).graph)

    def position(self, engine: Engine | None = None) -> list[tuple[str, str | None]]:
        return [(visit.step, visit.outcome) for visit in self.engine.services.runs.visits(self.id)]

    def whole(self) -> bool:
        """Whether the audit chain verifies, as a new process sees it."""
        return self.house.engine().audit_fault(None) is None


def attempt(attack: Callable[[], Any]) -> Exception | Any:
    """What an attack gives, an error included: what counts is what it did."""
    try:
        return attack()
    except Exception as error:
        return error.with_traceback(None)
