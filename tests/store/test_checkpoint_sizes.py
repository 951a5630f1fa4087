"""What checkpoints take grows with what is new, and one writer writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint

from interlock.errors import Superseded
from interlock.store.checkpoints import Checkpoints
from interlock.store.fencing import alone
from interlock.store.trimming import MOST_BYTES, trim
from tests.store.keepers import KEY, Keeper, keeper

START: Any = {"configurable": {"thread_id": "run-1", "checkpoint_ns": ""}}


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    """A fresh database of checkpoints, of each kind."""
    with keeper(request.param, tmp_path) as found:
        yield found


def put(saver: BaseCheckpointSaver[str], config: Any, version: str | None, **values: Any) -> tuple[Any, str]:
    """One more checkpoint, of which every value is new; its config and version."""
    version = saver.get_next_version(version, None)
    versions: Any = dict.fromkeys(values, version)
    checkpoint: Any = {**empty_checkpoint(), "channel_values": values, "channel_versions": versions}
    return saver.put(config, checkpoint, {"source": "loop", "step": 1}, versions), version


def grown(saver: Checkpoints, steps: int, item: Any) -> list[Any]:
    """A list that gets one more item in each of so many steps, as LangGraph's loop writes it."""
    config, version, items = START, None, []
    for number in range(steps):
        if number:
            saver.put_writes(config, [("items", [item(number)])], f"task-{number}")
        items = [*items, item(number)]
        config, version = put(saver, config, version, items=items)
    return items


@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["in clear", "sealed"])
@pytest.mark.parametrize(
    "item",
    [lambda number: f"{number:1000}", lambda number: {"said": f"{number:980}"}],
    ids=["texts", "objects"],
)
def test_a_list_that_grows_takes_what_it_grew_by(kept: Keeper, keys: tuple[bytes, ...], item: Any) -> None:
    """Of 1 kB a step at most 2.5 kB are stored, the pending write of it included, however long the list is."""
    saver = kept.saver(*keys)
    items = grown(saver, 60, item)
    assert saver.stored("run-1") < 60 * 2_500
    found = kept.saver(*keys).get_tuple(START)
    assert found is not None
    assert found.checkpoint["channel_values"]["items"] == items


@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["in clear", "sealed"])
def test_a_new_process_goes_on_where_the_last_one_left_a_list(kept: Keeper, keys: tuple[bytes, ...]) -> None:
    """It has read the list, so it writes what is new, and not all of it once more."""
    items = grown(kept.saver(*keys), 40, lambda number: f"{number:1000}")
    again = kept.saver(*keys)
    found = again.get_tuple(START)
    assert found is not None
    before = again.stored("run-1")
    version = str(found.checkpoint["channel_versions"]["items"])
    longer = [*found.checkpoint["channel_values"]["items"], "one more"]
    put(again, found.config, version, items=longer)
    assert again.stored("run-1") - before < 1_000
    last = kept.saver(*keys).get_tuple(START)
    assert last is not None
    assert last.checkpoint["channel_values"]["items"] == [*items, "one more"]


@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["in clear", "sealed"])
def test_a_large_value_is_stored_once(kept: Keeper, keys: tuple[bytes, ...]) -> None:
    """Written anew under each version, and in another channel, and as a pending write, it stands there once."""
    saver, large = kept.saver(*keys), "x" * 200_000
    config, version = START, None
    for _ in range(10):
        config, version = put(saver, config, version, one=large, two=large)
        saver.put_writes(config, [("one", large)], "task")
    assert len(kept.contents("run-1")) == 1
    assert saver.stored("run-1") < 230_000
    saver.delete_thread("run-1")
    assert (kept.contents("run-1"), saver.stored("run-1")) == ([], 0)


def test_what_is_needed_is_not_looked_through_again_at_each_step(kept: Keeper) -> None:
    """Where the newest checkpoints alone are past the bound, old ones are forgotten once as much again has come."""
    saver = kept.saver()
    config, version, items = START, None, []
    for number in range(20):
        items = [*items, f"{number}" + "x" * 300_000]
        config, version = put(saver, config, version, items=items)
    assert saver.stored("run-1") > MOST_BYTES
    assert trim(saver, "run-1")
    assert saver.needed("run-1") == saver.stored("run-1") > MOST_BYTES
    config, version = put(saver, config, version, items=[*items, "more"])
    assert not trim(saver, "run-1")
    found = kept.saver().get_tuple(START)
    assert found is not None
    assert found.checkpoint["channel_values"]["items"] == [*items, "more"]


def test_whoever_was_superseded_writes_nothing(kept: Keeper) -> None:
    """Neither a checkpoint nor a pending write, nor does it delete or forget; the one that took over writes on."""
    first, second = kept.saver(), kept.saver()
    with alone(first, "run-1"):
        config, version = put(first, START, None, text="x" * 100)
        with alone(second, "run-1"):
            before = kept.ids("run-1")
            for write in (
                lambda: put(first, config, version, text="y" * 100),
                lambda: first.put_writes(config, [("text", "y")], "task"),
                lambda: first.delete_thread("run-1"),
                lambda: first.forget("run-1", 1),
            ):
                with pytest.raises(Superseded, match="another process went on with run-1"):
                    write()
            assert (kept.ids("run-1"), kept.writes("run-1", "text")) == (before, [])
            put(second, config, version, text="z" * 100)
    found = first.get_tuple(START)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"text": "z" * 100}
    put(first, found.config, version, text="w" * 100)  # it claims nothing any more


def test_another_thread_is_not_superseded(kept: Keeper) -> None:
    """Taking over one run leaves the writers of others alone, also after its checkpoints were deleted."""
    first, second = kept.saver(), kept.saver()
    with alone(first, "run-1"), alone(second, "run-2"):
        first.delete_thread("run-1")
        put(first, START, None, text="x")
    assert first.get_tuple(START) is not None
