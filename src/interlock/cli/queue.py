"""`interlock queue`: how the runs of each graph are handed to workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.output import console, print_json
from interlock.cli.runs import As, AsJson, open_engine
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.store.tables import QueueSettings

app = typer.Typer(no_args_is_help=True, help="How many runs of a graph go at a time, begin in a while, and go first.")

LONGEST = 86_400.0
"""Seconds of the longest period: what workers did before that is forgotten."""


@app.command("list")
def list_queues(as_json: AsJson = False) -> None:
    """List the graphs for which something is set."""
    from rich.table import Table

    engine = open_engine(as_json)
    found = engine.project.queues.list()
    if as_json:
        print_json({"queues": [queue_object(row) for row in found]})
        return
    if not found:
        console().print("Nothing is set. Limit a graph: interlock queue set GRAPH --at-once N --rate N/PERIOD")
        return
    table = Table("graph", "at once", "rate", "priority", box=None)
    for row in found:
        table.add_row(row.graph, str(row.at_once or "any"), rate_text(row) or "any", str(row.priority))
    console().print(table)


@app.command("set")
def set_queue(
    graph: Annotated[str, typer.Argument(metavar="GRAPH", help="Name of a graph of the project.")],
    at_once: Annotated[
        str | None,
        typer.Option("--at-once", metavar="N", help="Runs that are advanced at a time over all workers; or `any`."),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option("--rate", metavar="N/PERIOD", help="Runs begun in a while, over all workers: 30/1m; or `any`."),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(min=-1000, max=1000, help="Whose runs get a worker's next free place: the highest first; else 0."),
    ] = None,
    person: As = None,
    token: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Set how the runs of a graph are handed to workers; those that serve heed it within seconds."""
    changes: dict[str, Any] = {}
    if at_once is not None:
        changes["at_once"] = read_at_once(at_once)
    if rate is not None:
        changes["rate"], changes["period"] = read_rate(rate)
    if priority is not None:
        changes["priority"] = priority
    if not changes:
        raise UsageError("queue set takes --at-once, --rate or --priority; interlock queue list shows what is set.")
    engine = open_engine(as_json)
    known = {path.stem for path in (engine.project.root / "graphs").glob("*.yaml")}
    if graph not in {*known, *engine.services.runs.graphs()}:
        raise UsageError(f"there is no graph {graph}; there are: {', '.join(sorted(known)) or 'none'}.")
    row = engine.project.queues.set(graph, acting_as(engine.services, person, token), **changes)
    if as_json:
        print_json({"queue": queue_object(row)})
        return
    console().print(
        f"{graph}: {row.at_once or 'any number'} at once, begun at {rate_text(row) or 'any rate'}, "
        f"priority {row.priority}.",
        markup=False,
    )


@app.command()
def clear(
    graph: Annotated[str, typer.Argument(metavar="GRAPH", help="Name of the graph.")],
    person: As = None,
    token: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Take back everything that is set for a graph."""
    engine = open_engine(as_json)
    engine.project.queues.clear(graph, acting_as(engine.services, person, token))
    if as_json:
        print_json({"queue": None})
        return
    console().print(f"{graph}: nothing is set any more.", markup=False)


def read_at_once(text: str) -> int | None:
    """How many at a time; None for `any`.

    Raises:
        UsageError: it is no number from 1.
    """
    if text == "any":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100_000):
        raise UsageError(f"--at-once takes a number from 1, or `any`, not {text!r}.")
    return int(text)


def read_rate(text: str) -> tuple[int | None, float | None]:
    """How many in how many seconds; None for `any`.

    Raises:
        UsageError: it is no rate, or its period is longer than a day.
    """
    from interlock.policies.declared import duration

    if text == "any":
        return None, None
    number, _, span = text.partition("/")
    try:
        period = duration(span).total_seconds()
    except ValueError:
        period = 0.0
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 1_000_000 and 0 < period <= LONGEST):
        raise UsageError(f"--rate takes N/PERIOD such as 30/1m or 5/1h, at most a day, or `any`, not {text!r}.")
    return int(number), period


def rate_text(row: QueueSettings) -> str | None:
    """The rate as it is set on the command line; None where there is none."""
    from datetime import timedelta

    from interlock.policies.declared import duration_text

    if row.rate is None or row.period is None:
        return None
    return f"{row.rate}/{duration_text(timedelta(seconds=row.period))}"


def queue_object(row: QueueSettings) -> dict[str, Any]:
    """The settings of a graph as JSON."""
    return {"graph": row.graph, "at_once": row.at_once, "rate": rate_text(row), "priority": row.priority}
