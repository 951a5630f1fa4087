"""What every saver of checkpoints must promise, sealed or not: LangGraph's own conformance suite, and ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate

from interlock.errors import SettingsError, StoreUnavailable
from interlock.settings import load_settings
from interlock.store.checkpoints import Checkpoints, shared_checkpointer
from interlock.store.database import Database
from interlock.store.sealing import ring_of
from tests import postgres
from tests.store.keepers import KEY, Keeper, keeper

CONFIG: Any = {"configurable": {"thread_id": "run-1", "checkpoint_ns": ""}}


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    """A fresh database of checkpoints, of each kind."""
    with keeper(request.param, tmp_path) as found:
        yield found


class Awaited(BaseCheckpointSaver[str]):
    """A saver whose calls can be awaited, for a suite that awaits them."""

    def __init__(self, saver: Checkpoints) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver

    async def aget_tuple(self, config: Any) -> Any:
        return self.saver.get_tuple(config)

    async def alist(self, config: Any, **more: Any) -> AsyncIterator[Any]:
        for found in self.saver.list(config, **more):
            yield found

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        return self.saver.put(config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config: Any, writes: Sequence[Any], task_id: str, task_path: str = "") -> None:
        self.saver.put_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        self.saver.delete_thread(thread_id)


@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["in clear", "sealed"])
def test_a_saver_passes_the_conformance_suite_of_langgraph(kept: Keeper, keys: tuple[bytes, ...]) -> None:
    """Put, pending writes, reading, listing with filters and limits, and deleting, as the suite has them."""

    async def make() -> AsyncIterator[Any]:
        yield Awaited(kept.saver(*keys))

    report = asyncio.run(validate(checkpointer_test(name="ours")(make)))
    tried = {name: result for name, result in report.results.items() if result.detected}
    assert {name: result.failures for name, result in tried.items() if not result.passed} == {}
    assert set(tried) == {"put", "put_writes", "get_tuple", "list", "delete_thread"}
    assert sum(result.tests_passed for result in tried.values()) > 40


@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["in clear", "sealed"])
@pytest.mark.parametrize(
    "value", ["", "a\x00b", "ä\u2028\U0001f600", 2**60, -0.5, True, None, [], {"a": [{}]}], ids=repr
)
def test_a_value_comes_back_as_it_was(kept: Keeper, keys: tuple[bytes, ...], value: Any) -> None:
    """Every JSON type, texts with a zero character included, in the state and in a pending write."""
    saver = kept.saver(*keys)
    version = saver.get_next_version(None, None)
    checkpoint: Any = empty_checkpoint() | {"channel_values": {"x": value}, "channel_versions": {"x": version}}
    at = saver.put(CONFIG, checkpoint, {"source": "loop", "step": 1}, {"x": version})
    saver.put_writes(at, [("x", value)], "task-1")
    found = kept.saver(*keys).get_tuple(CONFIG)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"x": value}
    assert type(found.checkpoint["channel_values"]["x"]) is type(value)
    assert found.pending_writes == [("task-1", "x", value)]


def test_many_processes_that_begin_at_once_make_the_tables_once() -> None:
    """On a server, whichever comes first makes them, and all can write."""
    with postgres.database(empty=True) as url:
        databases = [Database(url) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            savers = list(pool.map(shared_checkpointer, databases))
        for saver in savers:
            saver.put(CONFIG, empty_checkpoint(), {}, {})
        assert len(list(savers[0].list(CONFIG))) == 4


def test_a_server_that_is_gone_says_so_and_one_that_is_back_serves() -> None:
    """Its connections ended under the saver: the next call makes new ones, or tells what to do."""
    with postgres.database() as url:
        saver = shared_checkpointer(Database(url))
        saver.put(CONFIG, empty_checkpoint(), {}, {})
        postgres.end_connections(url)
        assert saver.get_tuple(CONFIG) is not None
        postgres.drop(url)
        with pytest.raises(StoreUnavailable, match="cannot be used"):
            saver.get_tuple(CONFIG)


# Keys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  ", "short", "x" * 64, "ab" * 31, "ab" * 32 + " cd"])
def test_a_key_that_is_none_is_refused_without_being_shown(text: str) -> None:
    """The setting is named, and how to make a key; what was there is not repeated."""
    with pytest.raises(SettingsError, match="INTERLOCK_CHECKPOINT_KEY does not hold a key") as refused:
        ring_of(load_settings(checkpoint_key=text))
    assert not text.strip() or text not in str(refused.value)


def test_a_key_can_stand_in_a_file(tmp_path: Path) -> None:
    """With a line end behind it; a missing file, and a key given twice, are refused by name."""
    path = tmp_path / "key"
    path.write_text("ab" * 32 + "\n")
    assert ring_of(load_settings(checkpoint_key_file=path)) is not None
    assert ring_of(load_settings()) is None
    with pytest.raises(SettingsError, match="are both set"):
        ring_of(load_settings(checkpoint_key_file=path, checkpoint_key="ab" * 32))
    with pytest.raises(SettingsError, match=r"INTERLOCK_CHECKPOINT_KEY_FILE: .* cannot be read"):
        ring_of(load_settings(checkpoint_key_file=tmp_path / "none"))
    assert "abab" not in repr(load_settings(checkpoint_key="ab" * 32))
