"""Whatever channels go through, what is read back is what LangGraph's saver in memory gives."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver

from interlock.store.plain import PlainSerializer
from tests.store.keepers import KEY, Keeper, Postgres, Sqlite

CHANNELS = ("a", "b")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.integers(0, 3).map(lambda number: str(number) * 700),
)
ITEMS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
CHANGES = st.one_of(
    st.tuples(st.just("append"), st.lists(ITEMS, max_size=4)),
    st.tuples(st.just("append"), st.lists(st.text(min_size=300, max_size=400), min_size=1, max_size=4)),
    st.tuples(st.just("shrink"), st.integers(0, 5)),
    st.tuples(st.just("change"), st.tuples(st.integers(0, 5), ITEMS)),
    st.tuples(st.just("mutate"), ITEMS),
    st.tuples(st.just("copy"), st.none()),
    st.tuples(st.just("replace"), ITEMS),
    st.tuples(st.just("drop"), st.none()),
)
STEPS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(CHANNELS), CHANGES),
        st.booleans(),  # a new process
        st.none() | st.integers(0, 20),  # go on from an earlier checkpoint
        st.none() | st.integers(1, 3),  # forget all but so many
    ),
    min_size=1,
    max_size=12,
)


def applied(value: Any, how: str, what: Any) -> Any:
    """The next value of a channel; lists are new objects, or changed where they stand, as nodes may do it."""
    items = value if isinstance(value, list) else []
    match how:
        case "append":
            return [*items, *what]
        case "shrink":
            return items[: max(len(items) - what, 0)]
        case "change":
            place, item = what
            return [item if number == place else each for number, each in enumerate(items)] or [item]
        case "mutate":
            for each in items:
                if isinstance(each, dict):
                    each["mutated"] = what
            return items
        case "copy":
            return PlainSerializer().loads_typed(PlainSerializer().dumps_typed(items))
    return what


def compare(kept: Keeper, keys: tuple[bytes, ...], steps: Any) -> None:
    """Put the same into both savers, and read each checkpoint back from each."""
    memory, ours = InMemorySaver(serde=PlainSerializer()), kept.saver(*keys)
    start: Any = {"configurable": {"thread_id": "run-1", "checkpoint_ns": ""}}
    config, values, versions = start, {}, {}
    places: list[Any] = []
    for number, (changes, restart, back, forget) in enumerate(steps):
        if restart:
            ours.close()
            ours = kept.saver(*keys)
        if back is not None and places:
            config = places[back % len(places)]
            found = ours.get_tuple(config)
            assert found is not None
            values, versions = found.checkpoint["channel_values"], dict(found.checkpoint["channel_versions"])
        new = {}
        for channel, (how, what) in changes.items():
            new[channel] = ours.get_next_version(max(versions.values(), default=None), None)
            if how == "drop":
                values.pop(channel, None)
            else:
                values[channel] = applied(values.get(channel), how, what)
        versions = versions | new
        checkpoint: Any = {**empty_checkpoint(), "channel_values": dict(values), "channel_versions": dict(versions)}
        for saver in (memory, ours):
            following = saver.put(config, checkpoint, {"source": "loop", "step": number}, new)
            saver.put_writes(following, [*values.items(), ("n", number)], "task", "path")
        config = following
        places.append(config)
        if forget is not None:
            ours.forget("run-1", forget)
            places = places[-forget:]
        for place in places:
            mine, theirs = ours.get_tuple(place), memory.get_tuple(place)
            assert mine is not None
            assert theirs is not None
            same(mine.checkpoint["channel_values"], theirs.checkpoint["channel_values"])
            assert mine.checkpoint["channel_versions"] == theirs.checkpoint["channel_versions"]
            same(mine.pending_writes, theirs.pending_writes)
        listed = list(kept.saver(*keys).list(start))
        assert [each.config for each in listed] == places[::-1]
        values = dict(values)


def same(mine: Any, theirs: Any) -> None:
    """The same to the byte: 1, 1.0 and true are three values."""
    dumps = PlainSerializer().dumps_typed
    if isinstance(mine, dict):
        assert mine.keys() == theirs.keys()
        mine, theirs = sorted(mine.items()), sorted(theirs.items())
    assert dumps([list(each) for each in mine]) == dumps([list(each) for each in theirs])


@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["in clear", "sealed"])
@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_any_history_of_a_file_reads_back_as_from_memory(keys: tuple[bytes, ...], steps: Any) -> None:
    """Lists that grow, shrink, change, mutate and fork, processes that come and go, old checkpoints forgotten."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Sqlite(Path(folder) / "checkpoints.db")
        try:
            compare(kept, keys, steps)
        finally:
            kept.close()


@pytest.mark.slow  # each history has a database of a server
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_any_history_of_a_server_reads_back_as_from_memory(steps: Any) -> None:
    """The same rows over the other database."""
    from tests import postgres

    with ExitStack() as stack:
        kept = Postgres(stack.enter_context(postgres.database()))
        stack.callback(kept.database.engine.dispose)
        compare(kept, (), steps)
