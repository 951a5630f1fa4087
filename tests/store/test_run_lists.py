"""Lists of runs, on every backend: filters, pages that hold still, and counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.store.run_lists import RunFilter, RunLists
from interlock.store.runs import Child
from tests.store.stores import SPEC, Stores


def filled(stores: Stores) -> RunLists:
    """Seven runs an hour apart: r0 the oldest; two have ended, and r6 waits for a person in a child run."""
    for number in range(7):
        stores.run(f"run-{number}")
        stores.clock.advance(timedelta(hours=1))
    stores.runs.end("run-0", "done", outcome="paid")
    stores.runs.end("run-1", "failed", outcome="failed", error="the till is broken")
    for number in (2, 6):
        stores.runs.status(f"run-{number}", "waiting")
    stores.asked("run-2")
    child = Child("run-6.pay.1", {**SPEC, "graph": "below"}, "sha256:below", {"amount": 1})
    stores.runs.create_children(stores.runs.get("run-6"), "pay", 1, [child], "requester")
    stores.asked("run-6.pay.1", kind="doubt")
    return RunLists(stores.database)


def ids(lists: RunLists, **wanted: object) -> list[str]:
    return [run.id.removeprefix("run-") for run in lists.page(RunFilter(**wanted)).runs]  # type: ignore[arg-type]


def test_filters_choose(stores: Stores) -> None:
    """Each filter leaves the runs that it names, newest first, and child runs stand under their parent only."""
    lists = filled(stores)
    start = stores.clock() - timedelta(hours=7)
    assert ids(lists) == ["6", "5", "4", "3", "2", "1", "0"]
    assert ids(lists, status="waiting") == ["6", "2"]
    assert ids(lists, graph="below") == []
    assert ids(lists, parent="run-6") == ["6.pay.1"]
    assert ids(lists, specs=["sha256:none"]) == []
    assert ids(lists, requester="nobody") == []
    assert ids(lists, since=start + timedelta(hours=5)) == ["6", "5"]
    assert ids(lists, before=start + timedelta(hours=1)) == ["0"]
    assert ids(lists, waits="person") == ["2"]
    assert ids(lists, waits="doubt") == ["6"]
    assert ids(lists, waits="event") == []
    assert ids(lists, text="TILL") == ["1"]
    assert ids(lists, text="run-4") == ["4"]
    assert ids(lists, text="%") == []


def test_pages_hold_still(stores: Stores) -> None:
    """A page begins after the last run of the one before, and the way back leads to the very same page."""
    lists = filled(stores)
    first = lists.page(RunFilter(), limit=3)
    assert ([run.id for run in first.runs], first.newer, first.older) == (["run-6", "run-5", "run-4"], None, "run-4")
    stores.run("run-7")
    second = lists.page(RunFilter(), after=first.older, limit=3)
    assert ([run.id for run in second.runs], second.older) == (["run-3", "run-2", "run-1"], "run-1")
    last = lists.page(RunFilter(), after=second.older, limit=3)
    assert ([run.id for run in last.runs], last.older, last.newer) == (["run-0"], None, "run-0")
    back = lists.page(RunFilter(), before=second.newer, limit=3)
    assert [run.id for run in back.runs] == [run.id for run in first.runs]
    assert back.newer == "run-6"
    assert [run.id for run in lists.page(RunFilter(), after="run-x", limit=1).runs] == ["run-7"]


def test_counts_tell_what_each_status_would_list(stores: Stores) -> None:
    """Counts follow every filter but the status."""
    lists = filled(stores)
    assert lists.counts(RunFilter(status="done")) == {
        "created": 3, "running": 0, "waiting": 2, "done": 1, "failed": 1, "cancelled": 0,
    }  # fmt: skip
    assert lists.counts(RunFilter(waits="doubt"))["waiting"] == 1


def test_counting_ends(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is more than can be counted is not counted on."""
    monkeypatch.setattr("interlock.store.run_lists.COUNTED", 2)
    assert filled(stores).counts(RunFilter())["created"] == 3


def test_what_a_run_waits_for(stores: Stores) -> None:
    """Its own questions and pauses are told, those of its child runs are not."""
    found = filled(stores).waits(["run-2", "run-3", "run-6"])
    assert {run: [row.state for row in rows] for run, rows in found.items()} == {"run-2": ["waiting"]}
