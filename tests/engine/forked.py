"""Workflows that are forked, and how."""

from __future__ import annotations

from typing import Any

from interlock.engine.forking import fork
from interlock.engine.project import Project
from interlock.engine.service import Engine

ADD = """
graph: add
version: 1
input:
  amount: {type: integer}
  why: {type: string, default: none}
steps:
  think: {node: think, reads: [why], writes: thought}
  add: {call: counter.add, bind: {amount: $.amount, note: $.why}, writes: receipt}
  look: {call: counter.look, writes: seen}
edges:
  - START -> think
  - think -> add
  - add -> look
  - look -> END
  - {from: look, on: failed, to: END, outcome: unseen, keeps: [add]}
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
output: [receipt, seen]
"""

TWO_WAYS = """
graph: ways
version: 1
input: {amount: {type: integer}}
steps:
  look: {call: counter.look, writes: seen}
  small: {call: counter.add, bind: {amount: $.amount}, writes: receipt}
  large: {approve: "Really so much?", form: {really: {type: boolean}}, reads: [amount], writes: word}
  big: {call: counter.add, bind: {amount: $.amount}, writes: receipt}
edges:
  - START -> look
  - {from: look, to: small, when: {$.amount: {le: 5}}}
  - {from: look, to: large, else: true}
  - {from: large, on: approved, to: big}
  - {from: large, on: [rejected, expired], to: END, outcome: refused}
  - {from: small, on: [rejected, expired, denied], to: END, outcome: refused}
  - {from: big, on: [rejected, expired, denied], to: END, outcome: refused}
  - small -> END
  - big -> END
output: [receipt]
"""

UNDO = """
graph: undo
version: 1
input: {amount: {type: integer}}
steps:
  add: {call: counter.put, bind: {amount: $.amount}, writes: receipt}
  look: {call: counter.look, writes: seen}
  take_back: {compensate: add}
edges:
  - START -> add
  - add -> look
  - look -> take_back
  - {from: look, on: failed, to: take_back}
  - take_back -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
  - {from: take_back, on: [rejected, expired, denied, failed], to: END, outcome: stays, keeps: [add]}
"""

EACH = """
graph: each
version: 1
input: {amounts: {type: array, items: {type: integer}}}
steps:
  look: {call: counter.look, writes: seen}
  adds: {map: {over: $.amounts, as: amount, graph: item, at_most: 3}, writes: receipts}
  after: {call: counter.look, writes: seen}
edges:
  - START -> look
  - look -> adds
  - adds -> after
  - {from: adds, on: failed, to: END, outcome: odd, keeps: [adds]}
  - {from: after, on: failed, to: END, outcome: odd, keeps: [adds]}
  - after -> END
output: [receipts]
"""

ITEM = """
graph: item
version: 1
input: {amount: {type: integer}}
steps:
  add: {call: counter.add, bind: {amount: $.amount}, writes: receipt}
edges:
  - START -> add
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
output: [receipt]
"""

BRANCHES = """
graph: branches
version: 1
input: {amount: {type: integer}}
steps:
  both: {fork: [adding, looking]}
  add: {call: counter.add, bind: {amount: $.amount}, writes: receipt}
  look: {call: counter.look, writes: seen}
  meet: {join: both}
edges:
  - START -> both
  - {from: both, on: adding, to: add}
  - {from: both, on: looking, to: look}
  - {from: add, on: [done, rejected, expired, denied], to: meet}
  - look -> meet
  - meet -> END
  - {from: meet, on: failed, to: END, outcome: odd, keeps: [add]}
output: [receipt]
"""

PUT = '''
"""What can be put and taken back."""

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Put(Arguments):
    amount: int = about("How much.")


class Done(Result):
    amount: int


def _note(context: ActionContext, amount: int) -> Done:
    with (context.home / "counter.txt").open("a") as file:
        file.write(f"{context.key} {amount} \\n")
    return Done(amount=amount)


@action("counter.put", effect="keyed", risk="low", compensate="counter.take")
def put(arguments: Put, context: ActionContext) -> Done:
    """Put it there."""
    return _note(context, arguments.amount)


@action("counter.take", effect="keyed", risk="low")
def take(arguments: Put, context: ActionContext) -> Done:
    """Take it back."""
    return _note(context, -arguments.amount)
'''

PUT_POLICY = """
policy: put
version: 1
applies_to: [counter.put, counter.take]
inputs: {amount: {type: int}}
rules:
  - {id: any, when: {amount: {ge: 0}}, then: auto, because: any}
"""

THINK_WHY = """
node: think
kind: reason
goal: Think.
prompt: "Why $why?"
output: {text: {type: string}}
repairs: 0
"""

GRAPHS = {"add": ADD, "ways": TWO_WAYS, "undo": UNDO, "each": EACH, "item": ITEM, "branches": BRANCHES}


def forked(project: Project, run: str, at: str, **edits: Any) -> str:
    """A fork of a run, by somebody who asked for nothing before; its id."""
    return fork(project, run, at, edits, "fay").id


def settled(engine: Engine, run: str) -> str:
    """Drive a run to its end, with a yes to whatever is asked; how it ended."""
    for _ in range(9):
        standing = engine.drive(run)
        if not standing.waiting:
            return standing.run.status
        for row in standing.waiting:
            answer = {"really": True} if row.kind == "form" else None
            engine.approve(row.id, "zoe", answer=answer)
    raise AssertionError("it asks again and again")
