"""F14: plain LangGraph stores the square of what a graph says; here a run's past positions are bounded in bytes."""

from __future__ import annotations

import operator
import sqlite3
from contextlib import closing
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from interlock.store.threads import OF_A_THREAD
from interlock.store.trimming import KEPT, MOST_BYTES
from tests.attacks.house import House, Run, attempt

MESSAGE = "x" * 2_000
STEPS = 200
STATE = STEPS * 2_100
"""Bytes of the largest state, once every message is in it."""

MOST = MOST_BYTES + 2 * STATE * (KEPT + 4)
"""What a run may keep at most: each state stands in its checkpoint and in the writes before it."""

NODES = '''
"""Keeps what is said."""

from interlock import Result, Values, node


class Log(Result):
    log: list[str]


class Begin(Values):
    message: str


class Said(Values):
    message: str
    kept: Log


class Last(Result):
    text: str


@node("none")
def none(values: Begin) -> Log:
    """Nothing was said yet."""
    return Log(log=[])


@node("all_said")
def all_said(values: Said) -> Log:
    """All that was said so far."""
    return Log(log=[*values.kept.log, values.message])


@node("last_said")
def last_said(values: Begin) -> Last:
    """What was said last."""
    return Last(text=values.message)
'''

GRAPH = """
graph: chat
version: 1
input: {message: {type: string}, amount: {type: integer}}
steps:
  first: {node: none, reads: [message], writes: kept}
  say: {node: SAY, visits: STEPS}
  note: {call: shop.note, bind: {amount: $.amount, to: anna}}
edges:
  - START -> first
  - first -> say
  - say -> say
  - {from: say, on: failed, to: END, outcome: broken}
  - {from: say, on: exhausted, to: note}
  - note -> END
  - {from: note, on: [rejected, expired, denied], to: END, outcome: not_noted}
"""
GROWING = "all_said, reads: [message, kept], writes: kept"
STEADY = "last_said, reads: [message], writes: last"


def stored(connection: sqlite3.Connection, thread: str) -> int:
    """Bytes of a thread's checkpoints and pending writes."""
    (size,) = connection.execute(
        "SELECT (SELECT coalesce(sum(length(checkpoint)), 0) FROM checkpoints WHERE thread_id = :run)"
        " + (SELECT coalesce(sum(length(value)), 0) FROM writes WHERE thread_id = :run)",
        {"run": thread},
    ).fetchone()
    return int(size)


def of_run(run: Run) -> int:
    """Bytes of what the rows of a run's checkpoints hold."""
    query = " + ".join(
        f"(SELECT coalesce(sum(length(data)), 0) FROM {table} WHERE thread_id = :run)" for table in OF_A_THREAD
    )
    with closing(sqlite3.connect(run.house.home / "interlock.db")) as connection:
        (size,) = connection.execute(f"SELECT {query}", {"run": run.id}).fetchone()
    return int(size)


def said(house: House, say: str, steps: int) -> Run:
    """A run in which a step says the message so often."""
    house.write("nodes/chat.py", NODES)
    house.write("graphs/chat.yaml", GRAPH.replace("SAY", say).replace("STEPS", str(steps)))
    return house.begun("chat", message=MESSAGE)


class Chat(TypedDict):
    messages: Annotated[list[str], operator.add]


def plain(steps: int) -> int:
    """What plain LangGraph stores of a loop that says the message so often, with the usual reducer."""
    builder = StateGraph(Chat)
    builder.add_node("say", lambda state: {"messages": [MESSAGE]})
    builder.add_edge(START, "say")
    builder.add_conditional_edges("say", lambda state: END if len(state["messages"]) >= steps else "say")
    with SqliteSaver.from_conn_string(":memory:") as saver:
        graph = builder.compile(checkpointer=saver)
        graph.invoke({"messages": []}, {"configurable": {"thread_id": "chat"}, "recursion_limit": steps + 5})
        return stored(saver.conn, "chat")


def test_plain_langgraph_stores_the_square_of_what_is_said() -> None:
    """The attack works where nothing stands in its way: twice as many messages take four times the room."""
    half, whole = plain(STEPS // 2), plain(STEPS)
    assert whole > 40_000_000
    assert 3.5 < whole / half < 4.5


@pytest.mark.slow
def test_a_state_that_grows_with_each_step_is_kept_in_bounded_room(house: House) -> None:
    """Two hundred messages of 2 kB in one key: what is stored is bounded, and the run acts once at its end."""
    run = said(house, GROWING, STEPS)  # the figure that is published for plain LangGraph is of as many steps
    assert of_run(run) < MOST < 13_000_000
    assert (run.status, house.effects) == ("done", ["note 10 anna"])
    assert len(run.position()) == STEPS + 3
    assert run.whole()


def test_a_state_that_does_not_grow_takes_as_much_again_for_each_step(house: House) -> None:
    """Where a step says its message anew, room is linear in the steps: at most 11 kB for each message of 2 kB."""
    fifth, half = (of_run(said(house, STEADY, steps)) for steps in (STEPS // 5, STEPS // 2))
    assert half < STEPS // 2 * 11_000
    assert 2 < half / fifth < 3


@pytest.mark.parametrize("forged", [3, 2 * KEPT])
def test_positions_forged_to_drive_out_the_true_one_do_not(house: House, forged: int) -> None:
    """Whoever writes more positions than are kept, each with a big state, loses no question and causes nothing."""
    run = house.begun("pay")
    graph = run.raw()
    for number in range(forged):
        big = {"to": str(number) * 1_000_000, "_next": "pay.perform"}
        attempt(lambda big=big: graph.update_state(run.config, big, as_node="pay.gate"))
        attempt(lambda: graph.invoke(None, run.config))
        attempt(lambda: graph.invoke(Command(resume="yes"), run.config))
        run.drive()
    assert (house.effects, house.tries, run.asked.state) == ([], 0, "waiting")
    run.approve()
    run.drive()
    assert (house.effects, run.status, run.outcome) == (["pay 10 anna"], "done", "done")
    assert run.whole()


def test_a_run_that_is_trimmed_is_still_resumed_by_another_process(house: House) -> None:
    """What is kept is enough to go on from: after the loop a person is asked, and a new process acts on the answer."""
    house.write("policies/shop.yaml", (house.root / "policies/shop.yaml").read_text().replace(
        "when: {action: shop.note, amount: {le: 1000}}, then: auto",
        "when: {action: shop.note, amount: {le: 1000}}, then: {approve: one}",
    ))  # fmt: skip
    run = said(house, GROWING, STEPS // 3)
    positions: list[Any] = list(run.raw().get_state_history(run.config))
    assert len(positions) < STEPS // 6
    again = Run(house, house.engine(), run.id)
    again.approve()
    again.drive()
    assert (house.effects, again.status) == (["note 10 anna"], "done")
