"""A list is kept in pieces: whoever holds the database cannot leave one out, exchange or move it unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from interlock.errors import Refused
from interlock.store.checkpoints import Checkpoints
from tests.store.keepers import KEY, Keeper, keeper


def said(saver: Checkpoints, thread: str, steps: int = 6) -> list[str]:
    """A thread whose list grows by a large text a step, the last of which is pending too."""
    config: Any = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    version, items = None, []
    for number in range(steps):
        items = [*items, f"{thread} {number} " + "x" * 700]
        version = saver.get_next_version(version, None)
        checkpoint: Any = {**empty_checkpoint(), "channel_values": {"items": items}}
        checkpoint["channel_versions"] = {"items": version}
        config = saver.put(config, checkpoint, {"source": "loop", "step": number}, {"items": version})
    saver.put_writes(config, [("items", [*items, "y" * 700])], "task")
    return items


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    """A database in which two threads said something, sealed with `KEY`."""
    with keeper(request.param, tmp_path) as found:
        saver = found.saver(KEY)
        said(saver, "one")
        said(saver, "two")
        yield found


def a_piece_left_out(kept: Keeper) -> None:
    kept.put_value("one", "items", None, back=2)


def the_first_piece_left_out(kept: Keeper) -> None:
    kept.put_value("one", "items", None, back=5)


def a_piece_under_another_version(kept: Keeper) -> None:
    kept.put_value("one", "items", kept.value("one", "items", back=3), back=1)


def a_piece_of_another_thread(kept: Keeper) -> None:
    kept.put_value("one", "items", kept.value("two", "items", back=2), back=2)


def pieces_exchanged(kept: Keeper) -> None:
    first, second = kept.value("one", "items", back=1), kept.value("one", "items", back=2)
    kept.put_value("one", "items", second, back=1)
    kept.put_value("one", "items", first, back=2)


def a_content_left_out(kept: Keeper) -> None:
    kept.sql("DELETE FROM thread_contents WHERE thread_id = 'one'")


def contents_exchanged(kept: Keeper) -> None:
    (first, one), (second, another), *_ = kept.contents("one")
    kept.put_content("one", first, another)
    kept.put_content("one", second, one)


def a_content_flipped(kept: Keeper) -> None:
    address, content = kept.contents("one")[0]
    kept.put_content("one", address, content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])


def the_contents_of_another_thread(kept: Keeper) -> None:
    for (address, _), (_, content) in zip(kept.contents("one"), kept.contents("two"), strict=True):
        kept.put_content("one", address, content)


SEALED: list[Callable[[Keeper], None]] = [
    a_piece_left_out, the_first_piece_left_out, a_piece_under_another_version, a_piece_of_another_thread,
    pieces_exchanged, a_content_left_out, contents_exchanged, a_content_flipped, the_contents_of_another_thread,
]  # fmt: skip
IN_CLEAR = [
    a_piece_left_out, the_first_piece_left_out, a_content_left_out, contents_exchanged, a_content_flipped,
    the_contents_of_another_thread,
]  # fmt: skip


@pytest.mark.parametrize("change", SEALED, ids=lambda change: change.__name__)
def test_a_sealed_list_whose_pieces_were_changed_is_refused(kept: Keeper, change: Callable[[Keeper], None]) -> None:
    """By either way of reading; another thread is as it was."""
    change(kept)
    one: Any = {"configurable": {"thread_id": "one", "checkpoint_ns": ""}}
    for read in (lambda: kept.saver(KEY).get_tuple(one), lambda: list(kept.saver(KEY).list(one))):
        with pytest.raises(Refused, match="the checkpoints of one"):
            read()
    found = kept.saver(KEY).get_tuple({"configurable": {"thread_id": "two"}})
    assert found is not None
    assert len(found.checkpoint["channel_values"]["items"]) == 6


@pytest.mark.parametrize("change", IN_CLEAR, ids=lambda change: change.__name__)
def test_a_list_in_clear_that_is_not_whole_is_refused(change: Callable[[Keeper], None], tmp_path: Path) -> None:
    """Without a key, whoever can write the database can write values; what is broken is noticed all the same."""
    with keeper("sqlite", tmp_path) as kept:
        said(kept.saver(), "one")
        said(kept.saver(), "two")
        change(kept)
        with pytest.raises(Refused, match="the checkpoints of one"):
            kept.saver().get_tuple({"configurable": {"thread_id": "one"}})


@pytest.mark.parametrize("column", ["after", "address"])
def test_what_stands_in_clear_for_finding_rows_decides_nothing(kept: Keeper, column: str) -> None:
    """Changed, it leads to no other value: what a row says of itself is sealed."""
    wanted = kept.saver(KEY).get_tuple({"configurable": {"thread_id": "one"}})
    for table in ("thread_values", "thread_writes"):
        kept.sql(f"UPDATE {table} SET {column} = NULL WHERE thread_id = 'one'")
    assert kept.saver(KEY).get_tuple({"configurable": {"thread_id": "one"}}) == wanted


def test_pieces_that_go_round_in_a_circle_are_refused(tmp_path: Path) -> None:
    """Written by hand, two pieces that each go on from the other end in a sentence, not in a loop."""
    with keeper("sqlite", tmp_path) as kept:
        said(kept.saver(), "one", 3)
        first, second, _ = kept.versions("one", "items")
        data = kept.value("one", "items", back=1)
        kept.put_value("one", "items", data.replace(first.encode(), second.encode()), back=1)
        with pytest.raises(Refused, match="the checkpoints of one"):
            kept.saver().get_tuple({"configurable": {"thread_id": "one"}})
