"""Checkpoints that the first release wrote are moved once, and its runs go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.types import Interrupt

from interlock.errors import Refused
from interlock.store.checkpoints import checkpointer, shared_checkpointer
from interlock.store.database import Database
from interlock.store.sealing import Ring
from tests import postgres
from tests.attacks.house import House
from tests.store.first_release import FirstRelease, first_release
from tests.store.keepers import KEY
from tests.store.stores import Stores

RING = Ring([KEY])
SEALS = [pytest.param(None, id="in clear"), pytest.param(RING, id="sealed")]
SERVERS = [pytest.param(False, id="sqlite"), pytest.param(True, id="postgresql")]


@contextmanager
def place(server: bool) -> Iterator[str | None]:
    """The URL of a fresh server's database, or none for a file."""
    if not server:
        yield None
        return
    with postgres.database() as url:
        yield url


@pytest.mark.parametrize("ring", SEALS)
@pytest.mark.parametrize("server", SERVERS)
def test_a_run_that_waits_since_the_first_release_goes_on(server: bool, ring: Ring | None, tmp_path: Path) -> None:
    """It was asked about there, is approved here, and pays once."""
    with place(server) as url:
        house = House(tmp_path).build()
        settings: dict[str, Any] = {"database_url": url} if url else {}
        settings |= {"checkpoint_key": KEY.hex()} if ring else {}
        old = house.engine(**settings)
        with first_release(house.home, url, ring) as saver:
            old.project.__dict__["checkpoints"] = saver
            begun = house.begun("pay", old)
        assert begun.asked.state == "waiting"
        new = house.engine(**settings)
        new.approve(begun.asked.id, "fay")
        assert new.drive(begun.id).run.status == "done"
        assert house.effects == ["pay 10 anna"]
        assert not (house.home / "checkpoints.db").exists()


def walked(saver: FirstRelease, thread: str) -> list[Any]:
    """What a thread of the first release held at each of its checkpoints, oldest first."""
    config: Any = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    found, version, items = [], None, []
    for step in range(4):
        version = saver.get_next_version(version, None)
        items = [*items, {"said": "x" * 600, "step": step}]
        values = {"items": items, "step": step, "text": "", "nothing": None, "part": 0.5, "raw": b"\0"}
        checkpoint: Any = {**empty_checkpoint(), "channel_values": values}
        checkpoint["channel_versions"] = dict.fromkeys(values, version)
        config = saver.put(config, checkpoint, {"source": "loop", "step": step}, checkpoint["channel_versions"])
        asked = [Interrupt(value={"question": step}, id="i")]
        saver.put_writes(config, [("items", items), ("step", step)], "task", "~path")
        saver.put_writes(config, [("__interrupt__", asked)], "task")
        found.append((values, [("task", "__interrupt__", asked), ("task", "items", items), ("task", "step", step)]))
    return found


@pytest.mark.parametrize("ring", SEALS)
@pytest.mark.parametrize("server", SERVERS)
def test_every_checkpoint_is_moved_as_it_was(server: bool, ring: Ring | None, tmp_path: Path) -> None:
    """Values, parents, metadata and pending writes, of each checkpoint of a run."""
    with place(server) as url:
        with first_release(tmp_path, url, ring) as saver:
            wanted = walked(saver, "run-1")
        if url:
            database = Database(url)
            Stores(database).run("run-1")
            moved = shared_checkpointer(database, ring=ring)
        else:
            moved = checkpointer(tmp_path / "new.db", ring=ring, earlier=tmp_path / "checkpoints.db")
        found = list(moved.list({"configurable": {"thread_id": "run-1"}}))[::-1]
        assert [each.checkpoint["channel_values"] for each in found] == [values for values, _ in wanted]
        assert [sorted(each.pending_writes or [], key=str) for each in found] == [
            sorted(writes, key=str) for _, writes in wanted
        ]
        assert [each.metadata["step"] for each in found] == [0, 1, 2, 3]
        assert [each.parent_config for each in found] == [None, *(each.config for each in found[:-1])]
        if url:
            for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
                assert postgres.sql(f"SELECT * FROM {table}", database=postgres.name_of(url)) == []
            database.engine.dispose()


def test_threads_of_another_program_stay_where_they_are() -> None:
    """The official tables of a server may hold threads that are no runs of ours; these are not touched."""
    with postgres.database() as url:
        with first_release(Path(), url) as saver:
            walked(saver, "somebody-elses")
        database = Database(url)
        moved = shared_checkpointer(database)
        assert list(moved.list(None)) == []
        [[left]] = postgres.sql("SELECT count(*) FROM checkpoints", database=postgres.name_of(url))
        assert left == 4
        database.engine.dispose()


def test_what_was_moved_before_a_process_died_is_not_moved_again(tmp_path: Path) -> None:
    """The old file is still there, the run has gone on since: it stays where it is, and the file goes."""
    with first_release(tmp_path) as saver:
        walked(saver, "run-1")
    kept = (tmp_path / "checkpoints.db").read_bytes()
    first = checkpointer(tmp_path / "new.db", earlier=tmp_path / "checkpoints.db")
    first.forget("run-1", 1)
    (tmp_path / "checkpoints.db").write_bytes(kept)
    again = checkpointer(tmp_path / "new.db", earlier=tmp_path / "checkpoints.db")
    assert len(list(again.list({"configurable": {"thread_id": "run-1"}}))) == 1
    assert not (tmp_path / "checkpoints.db").exists()


def test_a_file_is_moved_within_itself(tmp_path: Path) -> None:
    """Where the file itself goes on being the file of checkpoints, its old tables go."""
    with first_release(tmp_path) as saver:
        wanted = walked(saver, "run-1")
    path = tmp_path / "checkpoints.db"
    moved = checkpointer(path).get_tuple({"configurable": {"thread_id": "run-1"}})
    assert moved is not None
    assert moved.checkpoint["channel_values"] == wanted[-1][0]
    with sqlite3.connect(path) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert not names & {"checkpoints", "writes"}


def test_what_was_sealed_there_needs_its_key_here(tmp_path: Path) -> None:
    """It is moved without a key, and not read without it."""
    with first_release(tmp_path, ring=RING) as saver:
        walked(saver, "run-1")
    moved = checkpointer(tmp_path / "new.db", earlier=tmp_path / "checkpoints.db")
    with pytest.raises(Refused, match=r"are sealed; nothing was done\. Set INTERLOCK_CHECKPOINT_KEY"):
        moved.get_tuple({"configurable": {"thread_id": "run-1"}})
