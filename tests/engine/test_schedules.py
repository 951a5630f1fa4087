"""What schedules start: by a worker, by a server or by hand; what they pass over, and what they cannot start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.engine.project import Project
from interlock.engine.schedules import LATE, Scheduling
from interlock.engine.service import Engine
from interlock.engine.worker import Ended, Pace, Worker
from interlock.errors import DecisionRefused, InputError, InterlockError, ProjectError, UsageError
from interlock.store.tables import Schedule
from interlock.testing import FakeClock
from interlock.web.driving import Driving
from interlock.web.rounds import Rounds
from tests.engine.conftest import Make, counted
from tests.engine.test_runs import ADD
from tests.engine.test_worker import Told, serving

QUARTER = timedelta(minutes=15)
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def planned(project: Project, **named: Any) -> Scheduling:
    """The schedules of a project, with one that adds two every quarter of an hour."""
    scheduling = Scheduling(project)
    scheduling.add("often", "add", "*/15 * * * *", "Europe/Berlin", {"amount": 2}, "Fay", **named)
    return scheduling


def row(scheduling: Scheduling) -> Schedule:
    """That schedule."""
    return scheduling.rows.get("often")


def told(project: Project) -> list[tuple[str, dict[str, Any]]]:
    """What the audit holds of schedules."""
    services = project.services
    with services.database.read() as session:
        links = list(services.audit.links(session))
    return [(link.event, link.data or {}) for link in links if link.event.startswith("schedule.")]


def test_a_worker_starts_what_is_due_and_drives_it(make: Make, clock: FakeClock) -> None:
    """One run for each moment, asked for by whoever made the schedule; its history says what started it."""
    heard, ended = Told(), list[Ended]()
    engine = Engine(make({"add": ADD}), heard.events.put)
    scheduling = planned(engine.project)
    with serving(Worker(engine, Pace(poll=0.05, sweep=0.05)), ended):
        clock.advance(QUARTER)
        [first] = heard.until("done", 1)
        clock.advance(QUARTER)
        [second] = heard.until("done", 1)
    runs = [engine.services.runs.get(each) for each in (first, second)]
    assert [run.scheduled_for for run in runs] == [NINE + QUARTER, NINE + 2 * QUARTER]
    assert {(run.schedule, run.requester) for run in runs} == {("often", "fay")}
    assert counted(engine.project) == [2, 2]
    created = engine.history(first)[0]
    assert (created["event"], created["data"]["schedule"]) == ("run.created", "often")
    last = scheduling.rows.last_run("often")
    assert last is not None
    assert last.id == second
    assert [event for event, _ in told(engine.project)] == ["schedule.added", "schedule.started", "schedule.started"]


def test_a_server_starts_and_drives_what_is_due_where_no_worker_does(make: Make, clock: FakeClock) -> None:
    """Where one does, the server leaves it to that."""
    heard = Told()
    engine = Engine(make({"add": ADD}), heard.events.put)
    scheduling = planned(engine.project)
    clock.advance(QUARTER)
    driving = Driving(engine)
    rounds = Rounds(engine, driving)
    rounds.start()
    heard.until("done", 1)
    rounds.close()
    driving.close()
    assert counted(engine.project) == [2]
    clock.advance(QUARTER)
    engine.project.jobs.serve()
    rounds._start_due()
    assert row(scheduling).next_at == NINE + 2 * QUARTER


def test_what_is_due_is_started_once_the_database_is_there_again(make: Make, clock: FakeClock) -> None:
    """Up to five minutes late it is on time; nothing is started before it is due."""
    engine = Engine(make({"add": ADD}))
    scheduling = planned(engine.project)
    clock.advance(QUARTER - timedelta(microseconds=1))
    assert engine.start_due() == []
    clock.advance(LATE)
    [run] = engine.start_due()
    assert run.scheduled_for == NINE + QUARTER
    assert engine.start_due() == []
    assert row(scheduling).next_at == NINE + 2 * QUARTER


@pytest.mark.parametrize(("missed", "runs"), [("skip", 0), ("once", 1)])
def test_moments_at_which_nobody_was_there(make: Make, clock: FakeClock, missed: str, runs: int) -> None:
    """They start nothing, or one run in the place of all of them; the audit says since when; the next is on time."""
    engine = Engine(make({"add": ADD}))
    scheduling = planned(engine.project, missed=missed)
    clock.advance(4 * QUARTER + LATE + timedelta(seconds=1))
    started = engine.start_due()
    assert [run.scheduled_for for run in started] == [NINE + 4 * QUARTER] * runs
    event, data = told(engine.project)[-1]
    assert event == ("schedule.started" if runs else "schedule.skipped")
    assert data["missed_since"] == (NINE + QUARTER).isoformat()
    assert row(scheduling).next_at == NINE + 5 * QUARTER
    clock.advance(QUARTER - LATE)
    assert len(engine.start_due()) == 1


def test_what_passed_while_it_was_paused_is_not_made_up_for(make: Make, clock: FakeClock) -> None:
    """Not even where missed moments are."""
    engine = Engine(make({"add": ADD}))
    scheduling = planned(engine.project, missed="once")
    scheduling.rows.pause("often", "boss")
    clock.advance(2 * QUARTER + timedelta(minutes=1))
    assert engine.start_due() == []
    assert scheduling.resume("often", "boss").next_at == NINE + 3 * QUARTER
    assert engine.start_due() == []


def test_a_run_goes_by_the_graph_as_it_is_when_it_is_started(make: Make, clock: FakeClock) -> None:
    """What cannot be started then is told with the schedule, and the next moment is another chance."""
    project = make({"add": ADD})
    engine, file = Engine(project), project.root / "graphs" / "add.yaml"
    scheduling = planned(project)
    for text, because in (
        (ADD.replace("amount: {type: integer}", "amount: {type: integer}, why: {type: string}"), "why is missing"),
        (ADD.replace("- START -> add", "- START -> ad"), "ad"),
        (None, "there is no graph add"),
    ):
        file.unlink() if text is None else file.write_text(text)
        clock.advance(QUARTER)
        assert engine.start_due() == []
        assert because in (row(scheduling).error or "")
        assert told(project)[-1][0] == "schedule.failed"
    file.write_text(ADD.replace("version: 1", "version: 2"))
    clock.advance(QUARTER)
    [run] = engine.start_due()
    assert engine.drive(run.id).run.status == "done"
    assert run.spec_digest == project.workflow(file).spec.digest()
    assert row(scheduling).error is None


def test_one_schedule_that_cannot_be_read_keeps_no_other(make: Make, clock: FakeClock) -> None:
    """As where another release wrote an expression that this one does not know."""
    engine = Engine(make({"add": ADD}))
    scheduling = planned(engine.project)
    strange = Schedule(
        name="strange", graph="add", cron="@fortnightly", timezone="UTC", input={"amount": 1}, missed="skip",
        overlap="allow", requester="fay", next_at=NINE,
    )  # fmt: skip
    scheduling.rows.add(strange)
    clock.advance(QUARTER)
    assert [run.schedule for run in engine.start_due()] == ["often"]
    assert scheduling.rows.get("strange").next_at == NINE


@pytest.mark.parametrize(
    ("changed", "error", "because"),
    [
        ({"name": "Often!"}, UsageError, "no name of a schedule"),
        ({"graph": "ad"}, ProjectError, "there is no graph ad"),
        ({"graph": "graphs/add.yaml"}, UsageError, "the name of a graph"),
        ({"cron": "0 7 * *"}, InputError, "has 4 fields"),
        ({"timezone": "Middle/Earth"}, InputError, "no time zone"),
        ({"values": {}}, InputError, "amount is missing"),
        ({"values": {"amount": "two"}}, InputError, "amount"),
        ({"person": "no body"}, DecisionRefused, "no body"),
        ({"missed": "all"}, UsageError, "skip, once"),
        ({"overlap": "once"}, UsageError, "allow, skip"),
    ],
)
def test_what_can_start_nothing_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], error: type[InterlockError], because: str
) -> None:
    """When it is made, with what is wrong with it; nothing is kept."""
    scheduling = Scheduling(make({"add": ADD}))
    monkeypatch.chdir(scheduling._project.root)
    given: dict[str, Any] = {
        "name": "often", "graph": "add", "cron": "@daily", "timezone": "UTC", "values": {"amount": 1}, "person": "fay",
    } | changed  # fmt: skip
    with pytest.raises(error, match=because):
        scheduling.add(**given)
    assert scheduling.rows.list() == []
