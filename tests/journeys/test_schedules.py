"""`interlock schedules`: made, listed, paused, resumed and removed; what was started says so."""

from __future__ import annotations

import json

import pytest

from interlock.engine.project import Project
from interlock.engine.schedules import Scheduling
from interlock.store.tables import Schedule
from tests.journeys.terminal import REPOSITORY, Desk

CLERK = ("--as", "clerk")
WEEKDAYS = ("--cron", "0 7 * * 1-5", "--timezone", "Europe/Berlin")
DRAFT = ("-i", "request=Polish it.", "-i", "draft=helo", "-i", "to=anna@example.com")


@pytest.mark.usefixtures("home")
def test_a_schedule_from_its_making_to_its_end(desk: Desk) -> None:
    """Each change is on record; programs read all of it, and people the next command."""
    assert desk.interlock("schedules", "list", "--json").json() == {"schedules": []}
    assert "interlock schedules add" in desk.interlock("schedules", "list").out
    said = desk.interlock("schedules", "add", "mornings", "polish_and_send", *WEEKDAYS, *DRAFT, *CLERK)
    assert "mornings starts its next run of polish_and_send at 20" in said.out
    assert "07:00 Europe/Berlin." in said.out
    [row] = desk.interlock("schedules", "list", "--json").json()["schedules"]
    assert {name: row[name] for name in ("name", "graph", "cron", "timezone", "missed", "overlap", "requester")} == {
        "name": "mornings", "graph": "polish_and_send", "cron": "0 7 * * 1-5", "timezone": "Europe/Berlin",
        "missed": "skip", "overlap": "allow", "requester": "clerk",
    }  # fmt: skip
    assert row["input"] == {"request": "Polish it.", "draft": "helo", "to": "anna@example.com"}
    assert (row["last_run"], row["error"], row["paused_by"]) == (None, None, None)
    assert "interlock schedules resume mornings" in desk.interlock("schedules", "pause", "mornings", *CLERK).out
    [paused] = desk.interlock("schedules", "list", "--json").json()["schedules"]
    assert (paused["paused_by"], paused["next_at"]) == ("clerk", None)
    assert "paused by clerk" in desk.interlock("schedules", "list").out
    resumed = desk.interlock("schedules", "resume", "mornings", "--json", *CLERK).json()["schedule"]
    assert resumed["next_at"] == row["next_at"]
    assert "its runs stay" in desk.interlock("schedules", "remove", "mornings", *CLERK).out
    assert desk.interlock("schedules", "list", "--json").json() == {"schedules": []}
    assert desk.interlock("audit", "verify", "--json").json()["entries"] == 4


@pytest.mark.usefixtures("home")
def test_what_is_wrong_is_told_in_one_sentence(desk: Desk) -> None:
    """With what is wrong, and nothing is kept."""
    add = ("schedules", "add", "mornings")
    graph = "polish_and_send"
    desk.interlock(*add, graph, "--cron", "0 7 * *", *DRAFT, *CLERK).refused("4 fields")
    desk.interlock(*add, graph, "--cron", "@daily", "--timezone", "Berlin", *DRAFT, *CLERK).refused("Berlin")
    desk.interlock(*add, graph, "--cron", "@daily", *DRAFT[:2], *CLERK).refused("missing")
    desk.interlock(*add, "polish", "--cron", "@daily", *CLERK).refused("polish")
    desk.interlock(*add, graph, "--cron", "@daily", "--missed", "all", *DRAFT, *CLERK).refused("all", code=2)
    desk.interlock("schedules", "pause", "mornings", *CLERK).refused("no schedule mornings")
    assert json.loads(desk.interlock("schedules", "list", "--json").out) == {"schedules": []}


@pytest.mark.usefixtures("home")
def test_what_is_due_is_started_by_hand_where_no_worker_serves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; the run says what started it, to people and to programs, and the schedule which run it was."""
    monkeypatch.chdir(REPOSITORY / "examples" / "pay_invoice")
    project = Project.at()
    due = Schedule(
        name="yearly", graph="pay_invoice", cron="0 0 1 1 *", timezone="UTC", missed="once", overlap="allow",
        input={"payee": "Payee 1", "amount": 480, "invoice": "1"}, requester="clerk", next_at=project.clock(),
    )  # fmt: skip
    Scheduling(project).rows.add(due)
    [run] = json.loads(desk.interlock("runs", "resume", "--due", "--json").out.splitlines()[-1])["runs"]
    assert (run["schedule"], run["requester"], run["status"]) == ("yearly", "clerk", "waiting")
    assert "No run is due." in desk.interlock("runs", "resume", "--due").out
    assert f"started by the schedule yearly for {due.next_at:%Y-%m-%d %H:%M} UTC" in (
        desk.interlock("runs", "show", run["id"]).out
    )
    [row] = desk.interlock("schedules", "list", "--json").json()["schedules"]
    assert row["last_run"] == {"id": run["id"], "status": "waiting", "scheduled_for": run["scheduled_for"]}
    assert run["id"] in desk.interlock("schedules", "list").out
