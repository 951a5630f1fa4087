"""`interlock schedules`: what starts runs by itself, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.inputs import InputFile, Inputs, read_inputs
from interlock.cli.output import console, print_json
from interlock.cli.runs import As, AsJson, open_engine

if TYPE_CHECKING:
    from interlock.store.tables import Run, Schedule

app = typer.Typer(no_args_is_help=True, help="Start runs of a graph by themselves, by a clock.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]


@app.command("list")
def list_schedules(as_json: AsJson = False) -> None:
    """List the schedules: when each starts its next run, and what became of the last moment."""
    from rich.table import Table

    from interlock.engine.schedules import Scheduling

    engine = open_engine(as_json)
    rows = Scheduling(engine.project).rows
    found = [(row, rows.last_run(row.name)) for row in rows.list()]
    if as_json:
        print_json({"schedules": [schedule_object(row, last) for row, last in found]})
        return
    if not found:
        console().print("There are no schedules. Make one: interlock schedules add NAME GRAPH --cron '0 7 * * 1-5'")
        return
    table = Table("schedule", "graph", "when", "next", "last run", box=None)
    for row, last in found:
        told = f"{last.id} {last.status}" if last else ""
        when = f"paused by {row.paused_by}" if row.paused_by else next_text(row)
        table.add_row(row.name, row.graph, row.cron, when, told)
    console().print(table)
    for row, _ in found:
        if row.error:
            console().print(f"{row.name} could not start its last run: {row.error}", markup=False)


@app.command()
def add(
    name: Name,
    graph: Annotated[str, typer.Argument(metavar="GRAPH", help="Name of a graph of the project.")],
    cron: Annotated[
        str,
        typer.Option(
            "--cron", metavar="EXPRESSION", help="Minute, hour, day, month, weekday: '0 7 * * 1-5', or @daily."
        ),
    ],
    timezone: Annotated[
        str, typer.Option("--timezone", metavar="ZONE", help="Whose clock: a name such as Europe/Berlin; else UTC.")
    ] = "UTC",
    inputs: Inputs = None,
    input_file: InputFile = None,
    missed: Annotated[
        str,
        typer.Option(metavar="skip|once", help="Moments at which nobody was there: none, or one run for all of them."),
    ] = "skip",
    overlap: Annotated[
        str,
        typer.Option(metavar="allow|skip", help="While the run before has not ended: start one all the same, or none."),
    ] = "allow",
    person: As = None,
    token: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Start runs of a graph whenever the clock comes to a time; workers do it."""
    from interlock.engine.schedules import Scheduling

    engine = open_engine(as_json)
    scheduling = Scheduling(engine.project)
    values = read_inputs(scheduling.workflow(graph).spec, inputs or [], input_file)
    asked = acting_as(engine.services, person, token)
    _tell(scheduling.add(name, graph, cron, timezone, values, asked, missed=missed, overlap=overlap), as_json)


@app.command()
def remove(name: Name, person: As = None, token: TokenFile = None, as_json: AsJson = False) -> None:
    """Forget a schedule; the runs that it started stay."""
    from interlock.engine.schedules import Scheduling

    engine = open_engine(as_json)
    Scheduling(engine.project).rows.remove(name, acting_as(engine.services, person, token))
    if as_json:
        print_json({"schedule": None})
        return
    console().print(f"{name} is removed; its runs stay.", markup=False)


@app.command()
def pause(name: Name, person: As = None, token: TokenFile = None, as_json: AsJson = False) -> None:
    """Let a schedule start nothing until it is resumed."""
    from interlock.engine.schedules import Scheduling

    engine = open_engine(as_json)
    _tell(Scheduling(engine.project).rows.pause(name, acting_as(engine.services, person, token)), as_json)


@app.command()
def resume(name: Name, person: As = None, token: TokenFile = None, as_json: AsJson = False) -> None:
    """Let a paused schedule go on; what passed meanwhile is not made up for."""
    from interlock.engine.schedules import Scheduling

    engine = open_engine(as_json)
    _tell(Scheduling(engine.project).resume(name, acting_as(engine.services, person, token)), as_json)


def _tell(row: Schedule, as_json: bool) -> None:
    if as_json:
        print_json({"schedule": schedule_object(row, None)})
    elif row.paused_by is not None:
        console().print(f"{row.name} is paused. Go on: interlock schedules resume {row.name}", markup=False)
    else:
        console().print(f"{row.name} starts its next run of {row.graph} at {next_text(row)}.", markup=False)


def next_text(row: Schedule) -> str:
    """The next moment on the clock of the schedule's time zone."""
    from zoneinfo import ZoneInfo

    return f"{row.next_at.astimezone(ZoneInfo(row.timezone)):%Y-%m-%d %H:%M} {row.timezone}"


def schedule_object(row: Schedule, last: Run | None) -> dict[str, Any]:
    """A schedule as JSON."""
    return {
        "name": row.name,
        "graph": row.graph,
        "cron": row.cron,
        "timezone": row.timezone,
        "input": row.input,
        "missed": row.missed,
        "overlap": row.overlap,
        "requester": row.requester,
        "paused_by": row.paused_by,
        "next_at": None if row.paused_by else row.next_at,
        "last_run": {"id": last.id, "status": last.status, "scheduled_for": last.scheduled_for} if last else None,
        "error": row.error,
        "created_at": row.created_at,
    }
