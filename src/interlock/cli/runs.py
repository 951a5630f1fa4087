"""`interlock run` and `interlock runs`: start, look, resume, cancel.  `travel` adds what looks back, and forks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli import completing
from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.inputs import EXAMPLES, InputFile, Inputs, read_inputs, read_text
from interlock.cli.observing import trace
from interlock.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    console,
    exit_code,
    next_step,
    print_json,
)
from interlock.engine.objects import effect_object, left, run_object, visit_object
from interlock.errors import InputError, RunBusy, UsageError

if TYPE_CHECKING:
    from interlock.engine.service import Engine, Standing

app = typer.Typer(no_args_is_help=True, help="Look at runs, resume, fork or cancel them.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who asks; default: you, by token or login.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]

STATUSES = ("created", "running", "waiting", "done", "failed", "cancelled")


def open_engine(as_json: bool) -> Engine:
    """The engine of the project around the current folder, telling of each node as it finishes."""
    from interlock.engine.project import Project
    from interlock.engine.service import Engine
    from interlock.tools.secret import scrub_logs

    scrub_logs()
    trace()
    return Engine(Project.at(), listener=print_json if as_json else _narrate)


def _narrate(event: dict[str, Any]) -> None:
    if event["event"] == "node" and event["node"] not in ("begin", "finish"):
        _, _, below = event["run"].partition(".")  # a child run: the step, the visit, and the branch or item
        console(stderr=True).print(f"  [dim]done[/dim] {below + '/' if below else ''}{event['node']}")


def run(
    graph: Annotated[
        str,
        typer.Argument(
            metavar="GRAPH",
            help="Graph file, or the name of a graph of the project.",
            autocompletion=completing.graphs,
        ),
    ],
    inputs: Inputs = None,
    input_file: InputFile = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Only accept the run; a worker or `runs resume` drives it.")
    ] = False,
    as_json: AsJson = False,
    person: As = None,
    token: TokenFile = None,
) -> None:
    """Start a run and drive it until it ends or waits for a person."""
    from interlock.engine.service import DECISION_PATIENCE

    engine = open_engine(as_json)
    workflow = engine.project.workflow(engine.project.graph_file(graph))
    values = read_inputs(workflow.spec, inputs or [], input_file)
    started = engine.start(workflow, values, acting_as(engine.services, person, token))
    if not as_json:
        console(stderr=True).print(f"run [bold]{started.id}[/bold] of {started.graph}")
    if detach:
        if not as_json:
            then = (
                "A worker goes on with it."
                if engine.project.jobs.wanted
                else f"Drive it: interlock runs resume {started.id}"
            )
            console().print(f"{started.id} is accepted. {then}")
        raise typer.Exit(EXIT_DONE)
    try:  # where workers serve, one may have taken the run already
        standing = engine.drive(started.id, patience=DECISION_PATIENCE)
    except RunBusy:
        standing = engine.standing(started.id)
    finish(standing, as_json)


def finish(standing: Standing, as_json: bool) -> None:
    """Tell how the run stands and exit with its code."""
    if not as_json:
        tell(standing)
    raise typer.Exit(exit_code(standing.run))


def tell(standing: Standing) -> None:
    """How a run stands, in a few lines that end with the next command."""
    out, run = console(), standing.run
    match run.status:
        case "done":
            out.print(f"[green]done[/green] {run.id}: {run.outcome}")
            if run.error:
                out.print(run.error, markup=False)
            if run.output:
                out.print(json.dumps(run.output, ensure_ascii=False, indent=2), markup=False)
        case "failed":
            out.print(f"[red]failed[/red] {run.id}: {run.outcome}")
            out.print(run.error or "", markup=False)
            out.print(f"What happened: interlock runs history {run.id}")
        case "cancelled":
            out.print(f"cancelled {run.id}")
        case _ if standing.waiting:
            out.print(f"[yellow]waiting[/yellow] {run.id} waits for a person:")
            for approval in standing.waiting:
                asked = "Did this happen? " if approval.kind == "doubt" else ""
                out.print(f"  {asked}{approval.request.get('title')}", markup=False)
                out.print(f"  Look:    interlock review show {approval.id}", markup=False)
                out.print(f"  Decide:  {next_step(approval)}", markup=False)
            tell_pauses(standing)
        case _ if standing.pauses:
            out.print(f"[yellow]waiting[/yellow] {run.id} waits:")
            tell_pauses(standing)
        case _:
            out.print(f"{run.id} is {run.status}. Go on: interlock runs resume {run.id}")


def tell_pauses(standing: Standing) -> None:
    """The moments and events that a run waits for, each with the command that gets it on."""
    out = console()
    for pause in standing.pauses:
        until = f"{pause.due_at:%Y-%m-%d %H:%M} UTC"
        if pause.event is None:
            out.print(f"  {pause.step}: until {until}", markup=False)
            out.print("  Then:    interlock runs resume --due", markup=False)
        else:
            out.print(f"  {pause.step}: for the event {pause.event}, until {until}", markup=False)
            data = f" --data '{_example(pause.payload_schema)}'" if pause.payload_schema.get("properties") else ""
            out.print(f"  Send:    interlock runs send {standing.run.id} {pause.event}{data}", markup=False)


def _example(schema: dict[str, Any]) -> str:
    """Data that the event may have: what is typed is accepted as it stands where no field is bounded further."""
    fields = schema.get("properties", {})
    return json.dumps({name: field.get("enum", [EXAMPLES.get(field.get("type"))])[0] for name, field in fields.items()})


@app.command("list")
def list_runs(
    status: Annotated[str | None, typer.Option(help="Only runs of this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    from rich.table import Table

    if status not in (None, *STATUSES):
        raise UsageError(f"there is no status {status}; a run is {', '.join(STATUSES)}.")
    engine = open_engine(as_json)
    found = engine.services.runs.list(status=status, limit=limit)
    if as_json:
        print_json({"runs": [run_object(row) for row in found]})
        return
    if not found:
        console().print("No runs yet. Start one: interlock run graphs/polish_and_send.yaml -i draft=@FILE ...")
        return
    table = Table("run", "graph", "status", "outcome", "steps", "started", box=None)
    for row in found:
        started = f"{row.created_at:%Y-%m-%d %H:%M}"
        table.add_row(row.id, row.graph, row.status, row.outcome or "", str(row.steps), started)
    console().print(table)


@app.command()
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: its steps, its effects, and what it waits for."""
    from interlock.engine.settling import forks_of
    from interlock.engine.shown import run_shown

    engine = open_engine(as_json)
    standing = engine.standing(run_id)
    fork = forks_of(engine.services).of_run(run_id)
    if as_json:
        print_json(run_shown(engine, run_id))
        return
    out = console()
    out.print(f"{standing.run.graph}, asked for by {standing.run.requester}", markup=False)
    if standing.run.scheduled_for is not None:
        moment = f"{standing.run.scheduled_for:%Y-%m-%d %H:%M} UTC"
        out.print(f"started by the schedule {standing.run.schedule} for {moment}", markup=False)
    if fork is not None:
        out.print(f"forked from {fork.origin} at {fork.named}", markup=False)
        for _, effect in engine.services.ledger.inherited(run_id):
            out.print(f"  inherited effect {effect.id}: {effect.action} is {effect.state}", markup=False)
    _show_steps(run_id, engine, "  ")
    for approval in standing.waiting:
        time_left = left(approval.decide_before, engine.services.clock())
        out.print(f"  {approval.id}: {time_left} left, then refused", markup=False)
    tell(standing)


PROPOSED_BY = {
    "lam": "proposed by the action model",
    "model": "proposed by the chat model",
    "person": "left to a person",
}
"""Who proposed the action of a step with `model: auto`."""


def _show_steps(run_id: str, engine: Engine, indent: str) -> None:
    """The steps of a run, under each those of its child runs, and what they performed."""
    out = console()
    for visit in engine.services.runs.visits(run_id):
        note = f"  {visit.note}" if visit.note else ""
        out.print(f"{indent}{visit.step:<20} {visit.outcome or 'open'}{note}", markup=False)
        for child in engine.services.runs.children(run_id, visit.step, visit.visit):
            out.print(f"{indent}  {child.id} is {child.status}", markup=False)
            _show_steps(child.id, engine, indent + "    ")
    for effect in engine.services.ledger.of_run(run_id):
        out.print(f"{indent}effect {effect.id}: {effect.action} is {effect.state}", markup=False)
        if routed := effect.model.get("routed"):
            out.print(f"{indent}  {PROPOSED_BY[routed['by']]}: {routed['because']}", markup=False)


@app.command()
def resume(
    run_id: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Id of the run.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="All schedules and runs whose moment has come or whose event was sent.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a run from its last checkpoint, or with all that are due."""
    if (run_id is None) == (not due):
        raise UsageError("resume takes the id of a run, or --due.")
    engine = open_engine(as_json)
    if run_id is not None:
        finish(engine.drive(run_id), as_json)
    started = [] if engine.project.jobs.wanted else [each.id for each in engine.start_due()]  # else workers do it
    found = [engine.drive(each) for each in (*started, *engine.due())]
    if as_json:
        print_json({"runs": [run_object(standing.run) for standing in found]})
    for standing in () if as_json else found:
        tell(standing)
    if not found and not as_json:
        console().print("No run is due.")
    raise typer.Exit(EXIT_FAILED if any(exit_code(standing.run) == EXIT_FAILED for standing in found) else EXIT_DONE)


@app.command()
def send(
    run_id: RunId,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Name of the event.")],
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON", help="The event's data, an object; @FILE reads a file.")
    ] = None,
    as_json: AsJson = False,
    person: As = None,
    token: TokenFile = None,
) -> None:
    """Send a run an event that it waits for; one that comes early is kept."""
    engine = open_engine(as_json)
    text = read_text(Path(data[1:])) if data and data.startswith("@") else data or "{}"
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise InputError(f"--data is not JSON: {error}.") from None
    if not isinstance(payload, dict):
        raise InputError('--data holds no JSON object; write {"KEY": VALUE}.')
    taken = engine.send(run_id, event, payload, acting_as(engine.services, person, token))
    if as_json:
        told = {"step": taken.step, "run": taken.run_id} if taken else None
        print_json({"run": run_id, "event": event, "taken": told, "kept": taken is None})
        return
    if taken is None:
        console().print(f"{event} is kept until {run_id} waits for it.")
    else:
        console().print(f"{event} is taken by {taken.step}. Go on: interlock runs resume {run_id}")


@app.command()
def cancel(run_id: RunId, as_json: AsJson = False, person: As = None, token: TokenFile = None) -> None:
    """Cancel a run: nothing more is done; what was done stays done and is listed.

    A step that another process is in comes to its end, and that process ends the run.
    """
    from interlock.engine.shown import standing_effects
    from interlock.store.spend import ENDED

    engine = open_engine(as_json)
    cancelled = engine.cancel(run_id, acting_as(engine.services, person, token))
    done = standing_effects(engine, run_id)
    if as_json:
        print_json(run_object(cancelled) | {"effects": [effect_object(row) for row in done]})
        return
    out = console()
    if cancelled.status in ENDED:
        out.print(f"{cancelled.status} {run_id}")  # it may have come to a limit before it could be cancelled
    else:
        out.print(f"{run_id} is told to end: no further step begins. The process that drives it ends it.")
    known = engine.project.actions
    for row in done:
        if row.action in known and not known[row.action].consequential:
            continue  # a read leaves nothing behind
        out.print(f"  {row.action} stays {row.state}: {row.id}", markup=False)


@app.command()
def history(run_id: RunId, as_json: AsJson = False) -> None:
    """Everything that happened to a run, from the audit."""
    engine = open_engine(as_json)
    engine.services.runs.get(run_id)
    entries = engine.history(run_id)
    if as_json:
        visits = [visit_object(visit) for visit in engine.services.runs.visits(run_id)]
        print_json({"run": run_id, "visits": visits, "entries": entries})
        return
    for entry in entries:
        data = ", ".join(f"{name} {value}" for name, value in entry["data"].items() if value not in (None, "", {}))
        short = data if len(data) <= 160 else data[:157] + "..."
        console().print(f"{entry['at']:%H:%M:%S} {entry['actor']:<10} {entry['event']:<20} {short}", markup=False)
