"""Writes that wait for a commit are kept by it, or by their own; whoever wrote them goes on no earlier."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from interlock.store.checkpoints import Checkpoints, checkpointer
from interlock.store.threads import Thread
from interlock.store.together import Together

PLACE = ("run-1", "")
START: Any = {"configurable": {"thread_id": "run-1", "checkpoint_ns": ""}}
LONG = 60.0


@pytest.fixture
def saver(tmp_path: Path) -> Iterator[Checkpoints]:
    """A saver over a new file."""
    found = checkpointer(tmp_path / "checkpoints.db")
    yield found
    found.close()


class Noticed(Together):
    """One that tells when something waits."""

    def __init__(self, patience: float) -> None:
        super().__init__(patience)
        self.waits = threading.Semaphore(0)

    def committed(self, place: Any, work: Any) -> bool:
        with self._lock:
            before = self._waiting.setdefault(place, [])
            self._waiting[place] = Telling(before, self.waits)
        return super().committed(place, work)


class Telling(list[Any]):
    """A list that tells of each item."""

    def __init__(self, items: list[Any], told: threading.Semaphore) -> None:
        super().__init__(items)
        self._told = told

    def append(self, item: Any) -> None:
        super().append(item)
        self._told.release()


def pending(saver: Checkpoints, config: Any) -> list[Any]:
    """What another process finds pending."""
    again = checkpointer(saver.tables.path)  # type: ignore[attr-defined]  # a file's
    found = again.get_tuple(config)
    again.close()
    assert found is not None
    return list(found.pending_writes or [])


def put(saver: Checkpoints, config: Any) -> Any:
    """One more checkpoint."""
    return saver.put(config, empty_checkpoint(), {"source": "loop", "step": 1}, {})


def test_writes_without_company_are_committed_alone(saver: Checkpoints) -> None:
    """A task's writes are in the file when the call comes back, though no checkpoint follows."""
    config = put(saver, START)
    saver.put_writes(config, [("text", "written")], "task")
    assert pending(saver, config) == [("task", "text", "written")]


def test_a_checkpoint_takes_waiting_writes_along(saver: Checkpoints) -> None:
    """Both are in the file after one commit, and the writer of the first comes back only then."""
    config = put(saver, START)
    saver._together = together = Noticed(LONG)
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(saver.put_writes, config, [("text", "written")], "task")
        assert together.waits.acquire(timeout=LONG)
        assert not writing.done()
        assert pending(saver, config) == []
        put(saver, config)
        writing.result(timeout=LONG)
    assert pending(saver, config) == [("task", "text", "written")]


def test_writes_outlive_the_failure_of_what_took_them_along(saver: Checkpoints) -> None:
    """Where that commit fails nothing of them is kept by it, and they are committed alone."""
    config = put(saver, START)
    saver._together = together = Noticed(LONG)
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(saver.put_writes, config, [("text", "written")], "task")
        assert together.waits.acquire(timeout=LONG)
        with pytest.raises(ZeroDivisionError), saver._writing(saver._envelope(*PLACE)):
            raise ZeroDivisionError
        writing.result(timeout=LONG)
    assert pending(saver, config) == [("task", "text", "written")]


def test_what_nobody_takes_is_given_back() -> None:
    """Whoever waited longer than its patience commits for itself, and nobody else does so later."""
    together = Together(patience=0.0)

    def never(thread_rows: Thread) -> None:
        raise AssertionError

    assert not together.committed(PLACE, never)
    assert together.taken(PLACE) == []
