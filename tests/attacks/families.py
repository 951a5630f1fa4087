"""Workflows of the shop whose steps run other graphs, and what tests of their child runs share."""

from __future__ import annotations

from typing import Any

from langgraph.graph.state import CompiledStateGraph

from interlock.engine.service import Engine
from tests.attacks.house import BIND, MONEY, OTHER, House, Run

GRAPHS = {
    "nested": f"""
graph: nested
version: 1
{MONEY}
steps:
  ask: {{approve: May it begin?, reads: [amount]}}
  inner: {{graph: pay, {BIND}, writes: result}}
  again: {{call: shop.pay, bind: {{amount: $.amount, to: $.result.receipt.line}}}}
edges:
  - START -> ask
  - ask -> inner
  - {{from: ask, on: [rejected, expired], to: END, outcome: refused}}
  - inner -> again
  - {{from: inner, on: not_paid, to: END, outcome: nothing}}
  - again -> END
  - {{from: again, on: {OTHER}, to: END, outcome: once}}
  - {{from: again, on: failed, to: END, outcome: broken, keeps: [inner]}}
""",
    "twins": f"""
graph: twins
version: 1
{MONEY}
steps:
  split: {{fork: [left, right]}}
  left: {{call: shop.pay, {BIND}, writes: first}}
  right: {{call: shop.pay, {BIND}, writes: second}}
  gather: {{join: split}}
  again: {{call: shop.pay, {BIND}}}
edges:
  - START -> split
  - {{from: split, on: left, to: left}}
  - {{from: split, on: right, to: right}}
  - {{from: left, on: [done, rejected, expired, denied], to: gather}}
  - {{from: right, on: [done, rejected, expired, denied], to: gather}}
  - gather -> again
  - {{from: gather, on: failed, to: END, outcome: broken, keeps: [left, right]}}
  - again -> END
  - {{from: again, on: {OTHER}, to: END, outcome: twice}}
  - {{from: again, on: failed, to: END, outcome: broken, keeps: [left, right]}}
output: [first, second]
""",
    "rounds": f"""
graph: rounds
version: 1
{MONEY}
steps:
  look: {{call: shop.look, bind: {{what: $.to}}, visits: 2}}
  split: {{fork: [left, right]}}
  left: {{call: shop.pay, {BIND}, writes: first}}
  right: {{call: shop.note, {BIND}, writes: second}}
  gather: {{join: split}}
edges:
  - START -> look
  - look -> split
  - {{from: look, on: [exhausted, failed], to: END, outcome: over, keeps: [left, right]}}
  - {{from: split, on: left, to: left}}
  - {{from: split, on: right, to: right}}
  - {{from: left, on: [done, rejected, expired, denied], to: gather}}
  - {{from: right, on: [done, rejected, expired, denied], to: gather}}
  - gather -> look
  - {{from: gather, on: failed, to: END, outcome: broken, keeps: [left, right]}}
""",
    "each": """
graph: each
version: 1
input: {amount: {type: integer}, names: {type: array, items: {type: string}}}
steps:
  all:
    map: {over: $.names, as: to, graph: pay, at_most: 9, concurrency: 4}
    bind: {amount: $.amount}
    writes: paid
edges:
  - START -> all
  - all -> END
  - {from: all, on: failed, to: END, outcome: some, keeps: [all]}
output: [paid]
""",
    "deep": """
graph: deep
version: 1
input: {amount: {type: integer}, names: {type: array, items: {type: string}}}
steps:
  split: {fork: [many, one]}
  all: {map: {over: $.names, as: to, graph: around, at_most: 3}, bind: {amount: $.amount}, writes: paid}
  one: {call: shop.note, bind: {amount: $.amount, to: once}, writes: noted}
  gather: {join: split}
edges:
  - START -> split
  - {from: split, on: many, to: all}
  - {from: split, on: one, to: one}
  - all -> gather
  - {from: one, on: [done, rejected, expired, denied], to: gather}
  - gather -> END
  - {from: gather, on: failed, to: END, outcome: broken, keeps: [all, one]}
output: [paid, noted]
""",
    "around": f"""
graph: around
version: 1
{MONEY}
steps:
  inner: {{graph: pay, {BIND}, writes: result}}
edges:
  - START -> inner
  - inner -> END
  - {{from: inner, on: not_paid, to: END, outcome: unpaid}}
output: [result]
""",
    "deepest": """
graph: deepest
version: 1
input: {amount: {type: integer}, names: {type: array, items: {type: string}}}
steps:
  down: {graph: deep, bind: {amount: $.amount, names: $.names}, writes: result}
edges:
  - START -> down
  - down -> END
  - {from: down, on: broken, to: END, outcome: broken}
output: [result]
""",
    "hearsay": """
graph: hearsay
version: 1
input:
  amount: {type: integer}
  names: {type: array, items: {type: string}, provenance: untrusted}
  to: {type: string}
steps:
  look: {call: shop.look, bind: {what: $.to}, writes: seen}
  split: {fork: [left, right]}
  left: {graph: around, bind: {amount: $.amount, to: $.seen.line}, writes: first}
  right: {map: {over: $.names, as: to, graph: pay, at_most: 1}, bind: {amount: $.amount}, writes: second}
  gather: {join: split}
edges:
  - START -> look
  - look -> split
  - {from: split, on: left, to: left}
  - {from: split, on: right, to: right}
  - {from: left, on: [done, unpaid], to: gather}
  - right -> gather
  - gather -> END
  - {from: gather, on: failed, to: END, outcome: broken, keeps: [left, right]}
""",
}


def built(house: House) -> House:
    """The shop with these workflows in its drawer."""
    for name, text in GRAPHS.items():
        house.write(f"graphs/{name}.yaml", text)
    return house


def below(run: Run, tail: str, engine: Engine | None = None) -> Run:
    """A run below another one, by what its id adds."""
    return Run(run.house, engine or run.engine, f"{run.id}.{tail}")


def raw(run: Run) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled graph of the very spec that a run is pinned to, in another process."""
    project = run.house.project()
    return project.driver.graph(project.services.runs.get(run.id).spec_digest)[0]


def statuses(run: Run) -> dict[str, str]:
    """How each run of the family stands, by what its id adds to the first one's."""
    family = run.house.engine().services.runs.family(run.id)
    return {each.id.removeprefix(run.id): each.status for each in family}


def finish(run: Run, person: str = "bob", most: int = 20) -> None:
    """Approve whatever is asked until nothing is."""
    for _ in range(most):
        asked = run.engine.standing(run.id).waiting
        if not asked:
            return
        for row in asked:
            run.engine.approve(row.id, person)
        run.drive()
    raise AssertionError(f"{run.id} asks on")
