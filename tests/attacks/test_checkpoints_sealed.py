"""Sealed checkpoints against somebody who holds the database: what they can read, and what they can change."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

import ormsgpack
import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from interlock.errors import Refused
from interlock.store.checkpoints import Checkpoints
from interlock.store.plain import PlainSerializer
from interlock.store.threads import OF_A_THREAD
from tests import postgres
from tests.attacks.house import House, attempt
from tests.store.keepers import KEY, OTHER_KEY, Keeper, keeper

SECRET, NUMBER, ASIDE = "kermit-the-secret-of-the-swamp", 7_340_033_190_577, "said-aside-to-the-graph"


class State(TypedDict, total=False):
    text: str
    other: str
    number: int
    nested: dict[str, Any]
    yes: bool


def run(saver: Checkpoints, thread: str, text: str = SECRET) -> None:
    """A graph that writes every kind of value, and then asks something about them."""

    def first(state: State) -> State:
        return {"number": NUMBER, "nested": {"deep": [text, NUMBER]}, "other": f"other {text}"}

    def second(state: State) -> State:
        return {"text": f"second {text}", "yes": True}

    def ask(state: State) -> State:
        interrupt({"question": text})
        return {}

    builder = StateGraph(State)
    for node in (first, second, ask):
        builder.add_node(node.__name__, node)
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    builder.add_edge("second", "ask")
    builder.add_edge("ask", END)
    graph: Any = builder.compile(checkpointer=saver)
    graph.invoke({"text": text}, {"configurable": {"thread_id": thread}, "metadata": {"aside": ASIDE}})


def config(thread: str) -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    """A database in which two threads wait, sealed with `KEY`."""
    with keeper(request.param, tmp_path) as found:
        saver = found.saver(KEY)
        run(saver, "one")
        run(saver, "two", f"{SECRET}-2")
        yield found


def state(kept: Keeper, thread: str, *keys: bytes) -> Any:
    found = kept.saver(*keys or (KEY,)).get_tuple(config(thread))
    assert found is not None
    return found


# Reading ----------------------------------------------------------------------------------------


def test_no_value_of_a_run_is_found_in_the_bytes_of_the_database(kept: Keeper) -> None:
    """No text, number or question of a state, in no file, row or log; in clear, each of them is found."""
    assert state(kept, "one").checkpoint["channel_values"]["nested"] == {"deep": [SECRET, NUMBER]}
    assert (state(kept, "one").metadata["aside"], state(kept, "one").metadata["source"]) == (ASIDE, "loop")
    wanted = {"text": SECRET.encode(), "digits": str(NUMBER).encode(), "metadata": ASIDE.encode()}
    wanted |= {"number": NUMBER.to_bytes(8, "big")}
    assert [name for name, content in wanted.items() if content in kept.raw()] == []
    run(kept.saver(), "three")
    found = {name for name, content in wanted.items() if content in kept.raw()}
    assert found >= {"text", "metadata", "digits" if "number" not in found else "number"}


def test_a_runs_values_are_not_in_its_checkpoints(tmp_path: Path) -> None:
    """A whole workflow through the engine, on either database: what it was given stands in our tables alone."""
    with postgres.database() as url:
        for place in ({}, {"database_url": url}):
            house = House(tmp_path / str(len(place))).build()
            begun = house.begun("pay", house.engine(checkpoint_key=KEY.hex(), **place), to=SECRET, amount=777)
            begun.approve()
            assert begun.drive().run.status == "done"
            for table in OF_A_THREAD:
                query = f"SELECT * FROM {table}"
                if place:
                    rows = postgres.sql(query, database=postgres.name_of(url))
                else:
                    with closing(sqlite3.connect(house.home / "interlock.db")) as connection:
                        rows = connection.execute(query).fetchall()
                assert rows or table == "thread_contents"
                assert SECRET not in str(rows)
                assert not [1 for row in rows for item in row if isinstance(item, bytes) and SECRET.encode() in item]


# Changing ---------------------------------------------------------------------------------------


def from_another_thread(kept: Keeper) -> None:
    kept.put_value("one", "text", kept.value("two", "text"))


def from_another_channel(kept: Keeper) -> None:
    kept.put_value("one", "text", kept.value("one", "other"))


def older_value(kept: Keeper) -> None:
    first = kept.value("one", "text", back=1)
    assert first != kept.value("one", "text")
    kept.put_value("one", "text", first)


def flipped_value(kept: Keeper) -> None:
    content = bytearray(kept.value("one", "nested"))
    content[-20] ^= 1
    kept.put_value("one", "nested", bytes(content))


def cut_value(kept: Keeper) -> None:
    kept.put_value("one", "nested", kept.value("one", "nested")[:-1])


def emptied_value(kept: Keeper) -> None:
    kept.put_value("one", "nested", b"")


def value_left_out(kept: Keeper) -> None:
    kept.put_value("one", "nested", None)


def value_in_clear(kept: Keeper) -> None:
    kept.put_value("one", "text", JsonPlusSerializer().dumps_typed("paid")[1])


def older_version_named(kept: Keeper) -> None:
    *_, older, newest = kept.versions("one", "text")
    kept.put_value("one", "text", None)
    kept.sql("UPDATE thread_values SET version = :newest WHERE thread_id = 'one' AND channel = 'text'"
             " AND version = :older", newest=newest, older=older)  # fmt: skip


def older_manifest(kept: Keeper) -> None:
    kept.put_manifest("one", kept.manifest("one", back=1))


def manifest_of_another_thread(kept: Keeper) -> None:
    kept.put_manifest("one", kept.manifest("two"))


def flipped_manifest(kept: Keeper) -> None:
    content = bytearray(kept.manifest("one"))
    content[40] ^= 128
    kept.put_manifest("one", bytes(content))


def manifest_in_clear(kept: Keeper) -> None:
    run(kept.saver(), "four")
    kept.put_manifest("one", kept.manifest("four"))


def another_parent(kept: Keeper) -> None:
    newest, _, _, older, *_ = kept.ids("one")
    kept.sql("UPDATE thread_checkpoints SET parent_id = :older WHERE checkpoint_id = :newest",
             older=older, newest=newest)  # fmt: skip


def row_of_another_thread(kept: Keeper) -> None:
    for table in OF_A_THREAD:
        kept.sql(f"DELETE FROM {table} WHERE thread_id = 'one'")
        kept.sql(f"UPDATE {table} SET thread_id = 'one' WHERE thread_id = 'two'")


def row_under_a_newer_id(kept: Keeper) -> None:
    older = kept.ids("one")[2]
    kept.sql("UPDATE thread_checkpoints SET checkpoint_id = '2' WHERE thread_id = 'one' AND checkpoint_id = :older",
             older=older)  # fmt: skip


def checkpoint_in_clear(kept: Keeper) -> None:
    run(kept.saver(), "four")
    for table in OF_A_THREAD:
        kept.sql(f"DELETE FROM {table} WHERE thread_id = 'one'")
        kept.sql(f"UPDATE {table} SET thread_id = 'one' WHERE thread_id = 'four'")


def write_in_clear(kept: Keeper) -> None:
    [place] = kept.writes("one", "__interrupt__")
    kept.put_write("one", place, JsonPlusSerializer().dumps_typed("paid")[1])


def write_of_another_thread(kept: Keeper) -> None:
    [place], [other] = kept.writes("one", "__interrupt__"), kept.writes("two", "__interrupt__")
    kept.put_write("one", place, other[3])


def write_under_another_channel(kept: Keeper) -> None:
    kept.sql("UPDATE thread_writes SET channel = 'text' WHERE thread_id = 'one' AND channel = '__interrupt__'")


def write_of_another_task(kept: Keeper) -> None:
    kept.sql("UPDATE thread_writes SET task_id = 'other' WHERE thread_id = 'one' AND channel = '__interrupt__'")


def write_of_an_older_checkpoint(kept: Keeper) -> None:
    newest = kept.ids("one")[0]
    *_, place = [each for each in kept.writes("one", "text") if each[0] != newest]
    kept.sql("UPDATE thread_writes SET checkpoint_id = :newest"
             " WHERE thread_id = 'one' AND checkpoint_id = :at AND task_id = :task AND channel = 'text'",
             newest=newest, at=place[0], task=place[1])  # fmt: skip


def writes_in_another_order(kept: Keeper) -> None:
    at = state(kept, "one").config
    kept.saver(KEY).put_writes(at, [("x", "first"), ("x", "second")], "task")
    first, second = kept.writes("one", "x")
    kept.put_write("one", first, second[3])
    kept.put_write("one", second, first[3])


def a_write_twice(kept: Keeper) -> None:
    at = state(kept, "one").config
    kept.saver(KEY).put_writes(at, [("x", "first"), ("x", "second")], "task")
    first, second = kept.writes("one", "x")
    kept.put_write("one", second, first[3])


CHANGES: list[Callable[[Keeper], None]] = [
    from_another_thread, from_another_channel, older_value, flipped_value, cut_value, emptied_value, value_left_out,
    value_in_clear, older_version_named, older_manifest, manifest_of_another_thread,
    flipped_manifest, manifest_in_clear, another_parent, row_of_another_thread, row_under_a_newer_id,
    checkpoint_in_clear, write_in_clear, write_of_another_thread, write_under_another_channel,
    write_of_another_task, write_of_an_older_checkpoint, writes_in_another_order, a_write_twice,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_was_changed_or_moved_is_refused(kept: Keeper, change: Callable[[Keeper], None]) -> None:
    """Whatever is not where it was written is not read, by either way of reading; other threads are as they were."""
    change(kept)
    for read in (lambda: state(kept, "one"), lambda: list(kept.saver(KEY).list(config("one")))):
        with pytest.raises(Refused, match="the checkpoints of one"):
            read()
    if "another_thread" not in change.__name__ or change in (from_another_thread, write_of_another_thread):
        assert state(kept, "two").checkpoint["channel_values"]["text"] == f"second {SECRET}-2"


def test_what_was_done_away_with_is_not_noticed(kept: Keeper) -> None:
    """A newest checkpoint that is deleted, or a pending write: the seal cannot know; the store does, see below."""
    kept.sql("DELETE FROM thread_checkpoints WHERE checkpoint_id = :newest", newest=kept.ids("one")[0])
    assert state(kept, "one").checkpoint["channel_values"]["text"] == SECRET
    kept.sql("DELETE FROM thread_writes WHERE thread_id = 'two'")
    assert state(kept, "two").pending_writes == []


@pytest.mark.parametrize("server", [False, True], ids=["sqlite", "postgresql"])
def test_a_run_whose_newest_checkpoints_are_gone_pays_no_second_time(server: bool, tmp_path: Path) -> None:
    """Taken back to before its payment, a run is found where the store says it is, and the payment stays one."""
    with postgres.database() as url:
        house = House(tmp_path).build()
        settings = {"checkpoint_key": KEY.hex()} | ({"database_url": url} if server else {})
        begun = house.begun("chain", house.engine(**settings))
        begun.approve()
        begun.drive()
        assert house.effects == ["pay 10 anna"]
        saver: Any = house.engine(**settings).project.checkpoints
        for found in list(saver.list(config(begun.id)))[:-3]:
            at = found.config["configurable"]["checkpoint_id"]
            _delete(saver, begun.id, at)
        again = house.engine(**settings)
        attempt(lambda: again.drive(begun.id))
        assert house.effects == ["pay 10 anna"]
        assert begun.whole() if not server else again.audit_fault(None) is None


def _delete(saver: Any, thread: str, at: str) -> None:
    with saver.tables.writing() as transaction:
        for table in ("thread_checkpoints", "thread_writes"):
            transaction.change(f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id = ?", thread, at)


# Keys -------------------------------------------------------------------------------------------


def test_another_key_opens_nothing(kept: Keeper) -> None:
    """The key that is wanted is named by its id; without any key, that there is a seal is told."""
    with pytest.raises(Refused, match=r"are sealed with the key [0-9a-f]{16}, which is not among those"):
        state(kept, "one", OTHER_KEY)
    with pytest.raises(Refused, match=r"are sealed; nothing was done\. Set INTERLOCK_CHECKPOINT_KEY"):
        kept.saver().get_tuple(config("one"))
    with pytest.raises(Refused, match="are sealed"):
        list(kept.saver().list(None))


def test_a_key_is_replaced_by_putting_a_new_one_before_it(kept: Keeper) -> None:
    """What the earlier key sealed still opens, what is written from then on needs the new one alone."""
    run(kept.saver(OTHER_KEY, KEY), "five")
    assert state(kept, "one", OTHER_KEY, KEY).checkpoint["channel_values"]["number"] == NUMBER
    assert state(kept, "five", OTHER_KEY).checkpoint["channel_values"]["number"] == NUMBER
    with pytest.raises(Refused, match="is not among those"):
        state(kept, "five", KEY)


def test_a_run_that_began_in_clear_is_refused_once_there_is_a_key(tmp_path: Path) -> None:
    """It stays as it is, nothing is done, and it goes on without the key."""
    house = House(tmp_path).build()
    begun = house.begun("pay")
    begun.approve()
    with pytest.raises(Refused, match="let such a run end without it"):
        house.engine(checkpoint_key=KEY.hex()).drive(begun.id)
    assert house.effects == []
    assert house.engine().drive(begun.id).run.status == "done"


# Classes ----------------------------------------------------------------------------------------


class Forging(PlainSerializer):
    """Writes every object as one that names the class `trap.Spring`, in one of LangGraph's ways."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        named = ormsgpack.packb(["trap", "Spring", {"text": "x"}, "model_validate_json"])
        return "msgpack", ormsgpack.packb(obj, default=lambda _: ormsgpack.Ext(self.code, named))


@pytest.mark.parametrize("sealed", [False, True], ids=["in clear", "sealed"])
def test_a_class_path_in_a_checkpoint_never_loads(
    kept: Keeper, sealed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Forged in a row, even by somebody with the key, it is data: its module is not imported, nothing is called."""
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    keys = (KEY,) if sealed else ()
    for code in range(7):
        forging, version = kept.saver(*keys), f"{code}"
        values: Any = {"channel_values": {"x": object()}, "channel_versions": {"x": version}}
        with monkeypatch.context() as patch:
            patch.setattr(forging, "serde", Forging(code))
            forging.put(config(f"forged-{code}"), empty_checkpoint() | values, {}, {"x": version})
        found = kept.saver(*keys).get_tuple(config(f"forged-{code}"))
        assert found is not None
        assert found.checkpoint["channel_values"]["x"] == {"text": "x"}
        assert "trap" not in sys.modules


@pytest.mark.parametrize("type_", ["json", "pickle", "bytearray", "msgpack+aes", ""])
def test_a_row_of_another_type_is_not_read(type_: str) -> None:
    """LangGraph's JSON and pickle, which can name classes to build, are refused before they are read."""
    with pytest.raises(Refused, match="which is not read"):
        PlainSerializer().loads_typed(
            (type_, b'{"lc": 2, "type": "constructor", "id": ["trap", "Spring"], "kwargs": {}}')
        )
