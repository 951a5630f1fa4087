"""F15: under strict msgpack plain LangGraph loses the class of what it stored; here only JSON types are ever stored."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

import ormsgpack
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Interrupt, interrupt
from pydantic import BaseModel

from interlock.digest import plain
from interlock.store.sealed import Row, typed
from interlock.store.threads import OF_A_THREAD
from interlock.testing import ScriptedChatModel
from tests.attacks.house import House, Run

TOOLS = '''
"""Reads of a catalogue, with results of every kind that pydantic knows."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Colour(Enum):
    RED = "red"


class Item(BaseModel):
    name: str
    price: Decimal
    pair: tuple[int, int]


class What(Arguments):
    what: str = about("What to look for.")


class Found(Result):
    item: Item
    items: list[Item]
    price: Decimal
    day: date
    at: datetime
    noon: time
    colour: Colour
    anything: Any = None


def _found(anything: Any) -> Found:
    item = Item(name="chair", price=Decimal("10.10"), pair=(1, 2))
    return Found(
        item=item, items=[item, item], price=Decimal("0.10"), day=date(2026, 1, 5), noon=time(12, 0),
        at=datetime(2026, 1, 5, 9, tzinfo=UTC), colour=Colour.RED, anything=anything,
    )


ODD = {
    "a model": Item(name="x", price=Decimal("1"), pair=(1, 2)),
    "bytes": b"x",
    "a set": {1},
    "a class": Item,
    "an object": object(),
    "a complex number": 1j,
    "a span": timedelta(1),
    "no number": float("nan"),
    "no end": [float("inf")],
    "a mapping by numbers": {1: 2},
}


@action("catalogue.find", effect="read")
def find(arguments: What, context: ActionContext) -> Found:
    """Look into the catalogue."""
    return _found(ODD.get(arguments.what))
'''

GRAPH = """
graph: every_value
version: 1
input: {amount: {type: integer}, to: {type: string, default: anna}, what: {type: string, default: chair}}
steps:
  find: {call: catalogue.find, bind: {what: $.what}, writes: found}
  think: {node: think, reads: [to], writes: thought}
  hear:
    wait: {event: paid, within: 1d, payload: {sum: {type: number}, day: {type: string, format: date}}}
    writes: heard
  ask:
    approve: May it be noted?
    reads: [found, heard]
    form: {seats: {type: integer}, sure: {type: boolean}}
    writes: told
  note: {call: shop.note, bind: {amount: $.told.seats, to: $.found.price}}
edges:
  - START -> find
  - find -> think
  - {from: find, on: [rejected, expired, denied, failed], to: END, outcome: not_found}
  - think -> hear
  - hear -> ask
  - {from: hear, on: expired, to: END, outcome: not_heard}
  - ask -> note
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
  - note -> END
  - {from: note, on: [rejected, expired, denied], to: END, outcome: not_noted}
output: [found, thought, heard, told]
"""

FOUND = {
    "item": {"name": "chair", "price": "10.10", "pair": [1, 2]},
    "items": [{"name": "chair", "price": "10.10", "pair": [1, 2]}] * 2,
    "price": "0.10",
    "day": "2026-01-05",
    "at": "2026-01-05T09:00:00+00:00",
    "noon": "12:00:00",
    "colour": "red",
    "anything": None,
}


@pytest.fixture
def rich(house: House) -> House:
    """The shop with a catalogue."""
    house.write("tools/catalogue.py", TOOLS)
    house.write("graphs/every_value.yaml", GRAPH)
    return house


class Money(BaseModel):
    sum: int


def test_plain_langgraph_gives_a_dict_where_a_model_was() -> None:
    """The attack works where nothing stands in its way: in a field and in an interrupt, the class is lost."""
    given: list[Any] = []

    def ask(state: dict[str, Any]) -> dict[str, Any]:
        given.append(state["money"])
        interrupt(Money(sum=1))
        return {}

    builder: StateGraph[Any] = StateGraph(TypedDict("State", {"money": Any}, total=False))  # type: ignore[operator]
    builder.add_node("pay", lambda state: {"money": Money(sum=1)})
    builder.add_node("ask", ask)
    builder.add_edge(START, "pay")
    builder.add_edge("pay", "ask")
    builder.add_edge("ask", END)
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    graph, config = builder.compile(checkpointer=saver), {"configurable": {"thread_id": "1"}}
    graph.invoke({}, config)  # type: ignore[call-overload]
    graph.invoke(None, config)  # type: ignore[call-overload]
    assert given == [Money(sum=1), {"sum": 1}]
    assert graph.get_state(config).tasks[0].interrupts[0].value == {"sum": 1}  # type: ignore[arg-type]


def classes(home: Path) -> set[tuple[str, ...]]:
    """The module and name of every object in every row of checkpoints, however deep."""
    found: set[tuple[str, ...]] = set()

    def look(code: int, data: bytes) -> Any:
        item = ormsgpack.unpackb(data, ext_hook=look, option=ormsgpack.OPT_NON_STR_KEYS)
        found.add(tuple(item[:2]) if isinstance(item, list) else (str(code),))
        return None

    with closing(sqlite3.connect(home / "interlock.db")) as connection:
        kept = [data for table in OF_A_THREAD for (data,) in connection.execute(f"SELECT data FROM {table}")]
    for row in map(Row.unpacked, kept):
        kind, data = typed(row.content or b"null\0")
        assert kind in ("msgpack", "null"), kind
        if kind == "msgpack":
            ormsgpack.unpackb(data, ext_hook=look, option=ormsgpack.OPT_NON_STR_KEYS)
    return found


def state(run: Run) -> dict[str, Any]:
    """The state as a new process reads it."""
    return {name: value for name, value in run.raw().get_state(run.config).values.items() if not name.startswith("_")}


def test_every_value_comes_back_as_it_was_after_every_restart(rich: House) -> None:
    """What tools, models, events and people give is equal in each new process, and no class is ever stored."""
    model = ScriptedChatModel([{"text": "somebody"}], loop=True)
    run = rich.begun("every_value", rich.engine(chat=model))
    wanted: dict[str, Any] = {"amount": 10, "to": "anna", "what": "chair", "found": FOUND}
    wanted |= {"thought": {"text": "somebody"}}
    assert state(run) == wanted
    run.engine.send(run.id, "paid", {"sum": 10.5, "day": "2026-01-05"}, "bank")
    run = Run(rich, rich.engine(), run.id)
    run.drive()
    wanted |= {"heard": {"sum": 10.5, "day": "2026-01-05"}}
    assert state(run) == wanted
    assert run.asked.request["shown"] == {"found": FOUND, "heard": wanted["heard"]}
    run = Run(rich, rich.engine(), run.id)
    run.engine.approve(run.asked.id, "bob", answer={"seats": 2, "sure": True})
    run.drive()
    assert rich.effects == ["note 2 0.10"]
    told = {"decision": "approved", "comment": "", "by": "bob", "seats": 2, "sure": True}
    output = run.engine.services.runs.get(run.id).output
    assert output == {key: wanted[key] for key in ("found", "thought", "heard")} | {"told": told}
    assert classes(rich.home) <= {(Interrupt.__module__, Interrupt.__name__)}
    for saved in run.raw().get_state_history(run.config):
        assert plain(saved.values) == saved.values
        assert json.loads(json.dumps(saved.values, allow_nan=False)) == saved.values
    assert run.whole()


@pytest.mark.parametrize(
    ("what", "stored"),
    [
        ("a model", {"name": "x", "price": "1", "pair": [1, 2]}),
        ("bytes", None),
        ("a set", None),
        ("a class", None),
        ("an object", None),
        ("a complex number", None),
        ("a span", None),
        ("no number", None),
        ("no end", None),
        ("a mapping by numbers", None),
    ],
)
def test_what_has_no_json_form_is_no_result(rich: House, what: str, stored: Any) -> None:
    """A tool that returns something else has not answered: the step fails, and nothing of it is in a checkpoint."""
    run = rich.begun("every_value", what=what)
    if stored is None:
        assert (run.status, run.outcome) == ("failed", "not_found")
        assert "found" not in state(run)
    else:
        assert state(run)["found"]["anything"] == stored
    assert classes(rich.home) <= {(Interrupt.__module__, Interrupt.__name__)}
    assert run.whole()
