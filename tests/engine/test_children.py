"""Steps that run other graphs: subgraphs, maps, and the branches of a fork."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.engine.service import Engine
from interlock.errors import Refused
from interlock.testing import ScriptedChatModel
from tests.engine.conftest import Make, counted, start

INNER = """
graph: inner
version: 1
input:
  sum: {type: integer}
  why: {type: string, default: no reason}
steps:
  add: {call: counter.add, bind: {amount: $.sum, note: $.why}, writes: receipt}
edges:
  - START -> add
  - {from: add, to: END}
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
output: [receipt]
"""

OUTER = """
graph: outer
version: 1
input:
  amount: {type: integer}
steps:
  nested: {graph: inner, bind: {sum: $.amount}, writes: result}
  look: {call: counter.look, writes: total}
edges:
  - START -> nested
  - nested -> look
  - {from: nested, on: refused, to: END, outcome: nothing}
  - {from: look, on: done, to: END}
  - {from: look, on: failed, to: END, outcome: unseen, keeps: [nested]}
output: [result, total]
"""

EACH = """
graph: each
version: 1
input:
  sums: {type: array, items: {type: integer}}
steps:
  all: {map: {over: $.sums, as: sum, graph: inner, at_most: 3, concurrency: 2}, bind: {why: each}, writes: results}
edges:
  - START -> all
  - all -> END
  - {from: all, on: failed, to: END, outcome: none, keeps: [all]}
output: [results]
"""

FORKED = """
graph: forked
version: 1
input:
  small: {type: integer}
  large: {type: integer}
  marks: {type: array, items: {type: string}}
steps:
  split: {fork: [one, other]}
  one: {call: counter.add, bind: {amount: $.small}, writes: first}
  other: {call: counter.add, bind: {amount: $.large}, writes: second}
  gather: {join: split}
  look: {call: counter.look, writes: total}
edges:
  - START -> split
  - {from: split, on: one, to: one}
  - {from: split, on: other, to: other}
  - {from: one, on: [done, rejected, expired, denied], to: gather}
  - {from: other, on: [done, rejected, expired, denied], to: gather}
  - gather -> look
  - {from: gather, on: failed, to: END, outcome: broken, keeps: [one, other]}
  - {from: look, to: END}
  - {from: look, on: failed, to: END, outcome: unseen, keeps: [one, other]}
output: [first, second, total]
"""


def test_a_subgraph_is_one_step(make: Make) -> None:
    """It runs as a child run, gets only what is bound, and hands back its output under one key."""
    project = make({"inner": INNER, "outer": OUTER})
    engine, run = start(project, "outer", amount=3)
    ended = engine.standing(run).run
    assert (ended.status, ended.outcome) == ("done", "done")
    assert ended.output == {"result": {"receipt": {"total": 3}}, "total": {"total": 3}}
    child = engine.services.runs.get(f"{run}.nested.1")
    assert (child.parent_id, child.graph, child.input) == (run, "inner", {"sum": 3, "why": "no reason"})
    assert ended.steps == 3
    assert counted(project) == [3]


def test_a_question_inside_a_subgraph_waits_for_the_whole_run(make: Make) -> None:
    """The run shows the child's question as its own; its answer, and no process in between, lets both go on."""
    engine, run = start(make({"inner": INNER, "outer": OUTER}), "outer", amount=50)
    waiting = engine.standing(run)
    assert waiting.run.status == "waiting"
    assert [row.run_id for row in waiting.waiting] == [f"{run}.nested.1"]
    after = Engine(make())
    after.approve(waiting.waiting[0].id, "fay")
    after.drive(waiting.waiting[0].run_id)
    assert after.standing(run).run.status == "done"
    assert counted(after.project) == [50]


def test_a_subgraph_leaves_by_the_name_of_its_end(make: Make) -> None:
    """A named end of the inner graph is an outcome of the step."""
    engine, run = start(make({"inner": INNER, "outer": OUTER}), "outer", amount=1000)
    ended = engine.standing(run).run
    assert (ended.status, ended.outcome) == ("done", "nothing")
    assert [visit.outcome for visit in engine.services.runs.visits(run)] == ["refused"]


def test_a_map_keeps_the_order_of_its_items(make: Make) -> None:
    """Some at once, each a child run; the results stand in the order of the list."""
    project = make({"inner": INNER, "each": EACH})
    engine, run = start(project, "each", sums=[1, 1000, 3])
    output = engine.standing(run).run.output["results"]
    assert [item["outcome"] for item in output] == ["done", "refused", "done"]
    assert output[1]["output"] == {}
    assert sorted(counted(project)) == [1, 3]


@pytest.mark.parametrize(("sums", "why"), [([1, 2, 3, 4], "at most 3 are allowed"), ([1, "x"], "input sum")])
def test_a_map_that_does_not_fit_starts_nothing(make: Make, sums: list[Any], why: str) -> None:
    """Too many items, or one that its graph does not take: the step fails before any child exists."""
    project = make({"inner": INNER, "each": EACH.replace("items: {type: integer}", "items: {type: any}")})
    if why == "input sum":
        project = make({"each": EACH.replace("{type: array, items: {type: integer}}", "{type: any}")})
    engine, run = start(project, "each", sums=sums)
    ended = engine.standing(run).run
    assert (ended.outcome, engine.services.runs.children(run)) == ("none", [])
    assert why in (ended.error or "")
    assert counted(project) == []


def test_an_empty_list_is_done_at_once(make: Make) -> None:
    """No items, no child runs, an empty result."""
    engine, run = start(make({"inner": INNER, "each": EACH}), "each", sums=[])
    assert engine.standing(run).run.output == {"results": []}


def test_branches_wait_and_go_on_apart(make: Make) -> None:
    """One branch acts while the other waits for a person; the join waits for both."""
    project = make({"forked": FORKED})
    engine, run = start(project, "forked", small=2, large=70, marks=[])
    standing = engine.standing(run)
    assert counted(project) == [2]
    assert [row.run_id for row in standing.waiting] == [f"{run}.split.1.other"]
    assert engine.services.runs.get(f"{run}.split.1.one").status == "done"
    engine.approve(standing.waiting[0].id, "fay")
    engine.drive(run)
    ended = engine.standing(run).run
    assert ended.output == {"first": {"total": 2}, "second": {"total": 72}, "total": {"total": 72}}
    assert [visit.step for visit in engine.services.runs.visits(run)] == ["split", "gather", "look"]
    assert counted(project) == [2, 70]


def test_a_failed_branch_fails_the_join(make: Make) -> None:
    """The other branch still ends by itself, and what it did is not undone in silence."""
    to_join, odd = "other, on: [done, rejected, expired, denied], to: ", "{node: think, reads: [marks], writes: said}"
    text = FORKED.replace(f"{{from: {to_join}gather}}", f"{{from: {to_join}odd}}\n  - odd -> gather")
    text = text.replace("  gather: {join: split}", f"  odd: {odd}\n  gather: {{join: split}}")
    project = make({"forked": text}, nodes_think=THINK_OF_MARKS, chat=ScriptedChatModel(["no json"] * 9))
    engine, run = start(project, "forked", small=1, large=2, marks=["a"])
    ended = engine.standing(run).run
    assert (ended.status, ended.outcome) == ("failed", "broken")
    assert "1 of 2 branches failed (other: " in (ended.error or "")
    assert sorted(counted(project)) == [1, 2]


THINK_OF_MARKS = """
node: think
kind: reason
goal: Mark.
prompt: "Marks: $marks"
output: {marks: {type: array, items: {type: string}}, ok: {type: boolean}, score: {type: number}}
repairs: 0
"""

REDUCED = """
graph: reduced
version: 1
input: {marks: {type: array, items: {type: string}}}
steps:
  split: {fork: [left, right]}
  left: {node: think, reads: [marks], writes: said}
  right: {node: think, reads: [marks], writes: said}
  gather: {join: split, reduce: {said: merge}}
edges:
  - START -> split
  - {from: split, on: left, to: left}
  - {from: split, on: right, to: right}
  - left -> gather
  - right -> gather
  - gather -> END
output: [said]
"""


def test_a_reducer_makes_one_value_of_two(make: Make) -> None:
    """Equal fields merge; what the branches only copied from before the fork is not counted twice."""
    chat = ScriptedChatModel([{"marks": ["a"], "ok": True, "score": 1.5}] * 2)
    engine, run = start(make({"reduced": REDUCED}, nodes_think=THINK_OF_MARKS, chat=chat), "reduced", marks=["a"])
    assert engine.standing(run).run.output == {"said": {"marks": ["a"], "ok": True, "score": 1.5}}


def test_values_that_cannot_be_reduced_fail_the_join(make: Make) -> None:
    """Two branches that disagree are never settled by chance."""
    chat = ScriptedChatModel([{"marks": [mark], "ok": True, "score": 1} for mark in "ab"])
    engine, run = start(make({"reduced": REDUCED}, nodes_think=THINK_OF_MARKS, chat=chat), "reduced", marks=[])
    ended = engine.standing(run).run
    assert ended.status == "failed"
    assert "two values differ in marks" in (ended.error or "")


def test_limits_of_a_run_hold_for_what_runs_below_it(make: Make) -> None:
    """The third step of the family is the one too many, whichever run would take it; all of it ends."""
    project = make({"inner": INNER, "each": EACH.replace("output:", "limits: {steps: 3}\noutput:")})
    engine, run = start(project, "each", sums=[1, 2, 3])
    family = engine.services.runs.family(run)
    assert [each.status for each in family[:1]] == ["failed"]
    assert family[0].outcome == "limit"
    assert all(each.status in ("done", "failed") for each in family)
    assert family[0].steps == 3
    assert len(counted(project)) == 2


def test_a_child_is_cancelled_with_its_run_only(make: Make) -> None:
    """Its question is withdrawn with the whole; alone it cannot be cancelled."""
    engine, run = start(make({"inner": INNER, "outer": OUTER}), "outer", amount=50)
    question = engine.standing(run).waiting[0].id
    with pytest.raises(Refused, match=f"is part of {run}; cancel {run}"):
        engine.cancel(f"{run}.nested.1", "me")
    engine.cancel(run, "me")
    assert engine.services.runs.get(f"{run}.nested.1").status == "cancelled"
    assert engine.services.approvals.get(question).state != "waiting"
    assert [each.id for each in engine.services.runs.list()] == [run]
