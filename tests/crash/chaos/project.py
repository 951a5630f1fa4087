"""The project that is put through chaos, and the providers outside of it, whose own records tell what happened.

One run pays (a keyed action), books (one that can be looked up) and sends (a blind one); before that a chat model
writes, a person names the sum, and in between it waits for a moment and for an event.  A child run notes it at the end.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TOOLS = '''
"""Providers that keep records of their own, outside of the home, as other people's machines do."""

import os
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from interlock.tools.action import ActionContext, Arguments, Probe, Result, about, action
from interlock.tools.connect import files

OUTSIDE = Path(__file__).parents[1] / "outside"


class Payment(Arguments):
    order: str = about("Which order.")
    sum: int = about("How much.")


class Order(Arguments):
    order: str = about("Which order.")


class Letter(Arguments):
    order: str = about("Which order.")
    mark: str = about("What came.")


class Done(Result):
    order: str


def _pay(kind: str, order: str, sum: int, key: str) -> None:
    """One more line, unless there is one of this key."""
    with closing(sqlite3.connect(OUTSIDE / "payments.db", timeout=30)) as ledger, ledger:
        ledger.execute(
            "INSERT INTO payments VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (KEY, kind, order, sum)
        )


def _booked(arguments: Order, context: ActionContext) -> Probe:
    found = any((OUTSIDE / "desk").glob(f"{arguments.order}~*"))
    return Probe("happened", Done(order=arguments.order)) if found else Probe("did_not_happen")


@action("provider.pay", effect="keyed", risk="high", title="{sum} for {order}")
def pay(arguments: Payment, context: ActionContext) -> Done:
    """Pay; the provider drops a repeat that carries the same key."""
    _pay("payment", arguments.order, arguments.sum, context.key)
    return Done(order=arguments.order)


@action("provider.note", effect="keyed", risk="low")
def note(arguments: Order, context: ActionContext) -> Done:
    """Note that all is done; the provider drops a repeat that carries the same key."""
    _pay("note", arguments.order, 0, context.key)
    return Done(order=arguments.order)


@action("provider.book", effect="queryable", risk="low", probe=_booked)
def book(arguments: Order, context: ActionContext) -> Done:
    """Book each time that it is asked; whether it was can be looked up."""
    os.close(os.open(OUTSIDE / "desk" / f"{arguments.order}~{uuid.uuid4().hex}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    return Done(order=arguments.order)


@action("provider.send", effect="blind", risk="high", title="{mark} to {order}")
def send(arguments: Letter, context: ActionContext) -> Done:
    """Put a letter into the outbox each time that it is asked; no program can look there."""
    staged = OUTSIDE / "outbox" / "tmp" / uuid.uuid4().hex
    files.stage(staged, arguments.mark.encode())
    files.publish(staged, OUTSIDE / "outbox" / "new" / f"{arguments.order}~{staged.name}")
    return Done(order=arguments.order)
'''

GRAPH = """
graph: errand
version: 1
input:
  order: {type: string, max_length: 40}
  request: {type: string, max_length: 400}
steps:
  think: {node: write_down, reads: [request], writes: words, retry: {attempts: 3}}
  agree:
    approve: How much shall be paid?
    reads: [order, words]
    form: {sum: {type: integer, minimum: 1, maximum: 1000}}
    requires: {count: 1, within: 2d}
    writes: agreed
  pay: {call: provider.pay, bind: {order: $.order, sum: $.agreed.sum}, writes: paid, retry: {attempts: 9}}
  rest: {wait: 1s}
  write: {call: provider.book, bind: {order: $.order}, writes: booked, retry: {attempts: 9}}
  arrived: {wait: {event: arrived, within: 3d, payload: {mark: {type: string, max_length: 60}}}, writes: news}
  send: {call: provider.send, bind: {order: $.order, mark: $.news.mark}, writes: sent}
  after: {graph: aftercare, bind: {order: $.order}, writes: cared}
edges:
  - START -> think
  - think -> agree
  - {from: think, on: failed, to: END, outcome: broken}
  - {from: agree, on: approved, to: pay}
  - {from: agree, on: [rejected, expired], to: END, outcome: not_agreed}
  - pay -> rest
  - {from: pay, on: [rejected, expired, denied], to: END, outcome: not_paid}
  - {from: pay, on: failed, to: END, outcome: broken}
  - rest -> write
  - write -> arrived
  - {from: write, on: [rejected, expired, denied], to: END, outcome: broken}
  - {from: write, on: failed, to: END, outcome: broken, keeps: [pay]}
  - arrived -> send
  - {from: arrived, on: expired, to: END, outcome: broken}
  - send -> after
  - {from: send, on: [rejected, expired, denied], to: END, outcome: broken}
  - {from: send, on: failed, to: END, outcome: broken, keeps: [pay, write]}
  - {from: after, to: END, outcome: whole}
  - {from: after, on: not_noted, to: END, outcome: broken}
  - {from: after, on: failed, to: END, outcome: broken, keeps: [pay, write, send]}
output: [agreed, news]
"""

CHILD = """
graph: aftercare
version: 1
input: {order: {type: string, max_length: 40}}
steps:
  moment: {wait: 1s}
  note: {call: provider.note, bind: {order: $.order}, writes: noted, retry: {attempts: 9}}
edges:
  - START -> moment
  - moment -> note
  - note -> END
  - {from: note, on: [rejected, expired, denied, failed], to: END, outcome: not_noted}
output: [noted]
"""

CARD = """
node: write_down
kind: reason
goal: Put the request into one sentence.
prompt: |
  Write the request down.

  <request>
  $request
  </request>
output:
  sentence: {type: string, min_length: 1, max_length: 400}
"""

POLICY = """
policy: provider
version: 1
applies_to: [provider.*]
approvals:
  one: {count: 1, within: 2d, execute_within: 2d}
inputs: {action: {type: string}}
rules:
  - {id: asked, when: {action: {in: [provider.pay, provider.send]}}, then: {approve: one}, because: it cannot be undone}
  - {id: free, when: {action: {in: [provider.book, provider.note]}}, then: auto, because: it costs nothing}
"""

FORGETFUL = "uuid.uuid4().hex"
"""The key that a provider uses which forgets the one that it was given."""

Fate = Literal["whole", "refused", "unanswered", "uninformed"]
"""What becomes of an order: all of it; its payment is refused; nobody answers its first question; nothing arrives."""


def fate(order: str) -> Fate:
    """What people and the world do about an order; the same at any time, whoever asks."""
    match zlib.crc32(order.encode()) % 12:
        case 0 | 1:
            return "refused"
        case 2:
            return "unanswered"
        case 3:
            return "uninformed"
    return "whole"


def sum_of(order: str) -> int:
    """What a person names for an order."""
    return 1 + zlib.crc32(order[::-1].encode()) % 1000


def mark_of(order: str) -> str:
    """What arrives for an order."""
    return f"mark of {order}"


@dataclass(frozen=True)
class Outside:
    """The providers' own records of one project."""

    folder: Path

    def payments(self, kind: str) -> dict[str, list[int]]:
        """The sums of each order's payments, or notes."""
        found: dict[str, list[int]] = {}
        connection = sqlite3.connect(self.folder / "payments.db", timeout=30)
        for order, paid in connection.execute("SELECT order_id, sum FROM payments WHERE kind = ?", (kind,)):
            found.setdefault(order, []).append(paid)
        connection.close()
        return found

    def booked(self) -> Counter[str]:
        """How often each order was booked."""
        return Counter(path.name.partition("~")[0] for path in (self.folder / "desk").iterdir())

    def letters(self) -> dict[str, list[str]]:
        """What was sent for each order."""
        found: dict[str, list[str]] = {}
        for path in (self.folder / "outbox" / "new").iterdir():
            found.setdefault(path.name.partition("~")[0], []).append(path.read_text(encoding="utf-8"))
        return found

    def sent(self, order: str) -> bool:
        """Whether a letter of an order lies in the outbox: what a person sees who looks."""
        return any((self.folder / "outbox" / "new").glob(f"{order}~*"))


def build(root: Path, *, key: str = "key") -> Outside:
    """Make the project, and the providers with nothing in their records.

    Args:
        key: the key under which a provider keeps payments; `FORGETFUL` makes it no key at all.
    """
    files = {
        "tools/provider.py": TOOLS.replace("KEY", key),
        "policies/provider.yaml": POLICY,
        "nodes/write_down.yaml": CARD,
        "graphs/errand.yaml": GRAPH,
        "graphs/aftercare.yaml": CHILD,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    outside = root / "outside"
    for name in ("desk", "outbox/new", "outbox/tmp"):
        (outside / name).mkdir(parents=True)
    ledger = sqlite3.connect(outside / "payments.db")
    ledger.execute("CREATE TABLE payments (key TEXT PRIMARY KEY, kind TEXT, order_id TEXT, sum INTEGER)")
    ledger.commit()
    ledger.close()
    return Outside(outside)
