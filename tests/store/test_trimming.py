"""What a run keeps of its past positions is bounded, and what it needs to go on stays whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver

from interlock.store.trimming import KEPT, MOST_BYTES, trim
from tests.store.keepers import KEY, Keeper, keeper

BIG = "x" * 500_000


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    """A fresh database of checkpoints, of each kind."""
    with keeper(request.param, tmp_path) as found:
        yield found


def walk(saver: BaseCheckpointSaver[str], run_id: str, steps: int) -> list[Any]:
    """The configs of so many checkpoints with a big value that changes and a small one that never does."""
    config: Any = {"configurable": {"thread_id": run_id, "checkpoint_ns": ""}}
    found, versions = [], {"small": saver.get_next_version(None, None)}
    for step in range(steps):
        version = saver.get_next_version(versions.get("big"), None)
        new = {"big": version} if step else {"big": version, **versions}
        versions["big"] = version
        checkpoint = empty_checkpoint() | {
            "channel_values": {"big": f"{step}{BIG}", "small": "first"},
            "channel_versions": dict(versions),
        }
        config = saver.put(config, checkpoint, {"source": "loop", "step": step, "parents": {}}, new)  # type: ignore[arg-type]
        saver.put_writes(config, [("big", f"{step}{BIG}")], f"task-{step}")
        found.append(config)
    return found


@pytest.mark.parametrize("keys", [(), (KEY,)], ids=["in clear", "sealed"])
def test_old_positions_are_forgotten_and_the_newest_stay_whole(kept: Keeper, keys: tuple[bytes, ...]) -> None:
    """Past the bound only the newest are left, with values that only older ones had written, and another run's all."""
    saver = kept.saver(*keys)
    others = walk(saver, "run-2", 3)
    places = walk(saver, "run-1", 12)
    assert saver.stored("run-1") > MOST_BYTES
    assert trim(saver, "run-1")
    left = list(saver.list(places[0] | {"configurable": {"thread_id": "run-1"}}))
    assert [found.config["configurable"]["checkpoint_id"] for found in left] == [
        place["configurable"]["checkpoint_id"] for place in reversed(places[-KEPT:])
    ]
    for step, found in zip(range(11, 11 - KEPT, -1), left, strict=True):
        assert found.checkpoint["channel_values"] == {"big": f"{step}{BIG}", "small": "first"}
        assert [write[1:] for write in found.pending_writes or []] == [("big", f"{step}{BIG}")]
    assert saver.stored("run-1") < 2 * KEPT * 600_000
    assert all(saver.get_tuple(place) for place in others)
    assert len(list(saver.list(others[0] | {"configurable": {"thread_id": "run-2"}}))) == 3


def test_what_is_small_is_kept_whole(kept: Keeper) -> None:
    """Below the bound nothing is forgotten, so a usual run can be looked at from its first step on."""
    saver = kept.saver()
    walk(saver, "run-1", 3)
    assert not trim(saver, "run-1")
    assert len(list(saver.list({"configurable": {"thread_id": "run-1"}}))) == 3
    assert not trim(saver, "run-of-nobody")


def test_a_saver_of_somebody_else_is_left_alone() -> None:
    """What a program brings of its own it also cleans up itself."""
    saver = InMemorySaver()
    walk(saver, "run-1", 12)
    assert not trim(saver, "run-1")
