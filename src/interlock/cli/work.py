"""`interlock work` and `interlock runs workers`: a worker that advances runs, and a look at all of them."""

from __future__ import annotations

import logging
import os
import signal
import sys
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.observing import log
from interlock.cli.output import EXIT_FAILED, console, print_json, worker_object
from interlock.cli.runs import AsJson, open_engine
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.store.tables import Worker as Row


def work(
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=256, help="Runs that it advances at a time.")] = 4,
    poll: Annotated[
        float,
        typer.Option("--poll", min=0.02, max=60, help="Seconds that a job may lie in the queue before it is seen."),
    ] = 0.2,
    dead_after: Annotated[
        float,
        typer.Option(
            "--dead-after", min=1, max=3600, help="Seconds without a sign of life after which others take over."
        ),
    ] = 6.0,
    grace: Annotated[
        float, typer.Option("--grace", min=0, max=3600, help="Seconds for runs to come to rest when it is told to end.")
    ] = 30.0,
    metrics: Annotated[
        int | None,
        typer.Option("--metrics", min=1, max=65535, help="Port of this machine where Prometheus reads its counts."),
    ] = None,
) -> None:
    """Advance runs until told to end: those that were started, those that people decided on, those that are due."""
    try:
        from interlock.engine.worker import Pace, Worker
    except ImportError as error:
        raise UsageError(f"a worker needs {error.name}: pip install 'interlock[work]'.") from None
    engine = open_engine(False)
    log(engine.project.settings)
    if metrics is not None:
        _count(metrics)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    pace = Pace(at_once=at_once, poll=poll, beat=min(1.0, dead_after / 4), dead_after=dead_after, grace=grace,
                sweep=min(2.0, dead_after / 2))  # fmt: skip

    def ready(me: Row) -> None:
        console().print(f"Worker {me.id} advances {at_once} at a time. Ctrl-C or SIGTERM ends it.", markup=False)

    ended = Worker(engine, pace).serve(stop, ready)
    if not ended.given_up and not ended.left:
        console().print("Ended; nothing was left half done.")
        return
    if ended.given_up:
        console().print("Others gave this worker up and go on with its runs. Start it again: interlock work")
    else:
        console().print(f"Ended while it advanced {', '.join(ended.left)}; others go on from the last checkpoint.")
    logging.shutdown()
    sys.stdout.flush()
    os._exit(EXIT_FAILED)  # the threads that still advance runs must not outlive what others were told


def _count(port: int) -> None:
    """Serve this process's counts to Prometheus.

    Raises:
        UsageError: the port is taken.
    """
    from prometheus_client import start_http_server

    try:
        start_http_server(port, addr="127.0.0.1")
    except OSError as error:
        raise UsageError(f"--metrics: port {port} cannot be listened at: {error.strerror}. Take another.") from None


def workers(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 50, as_json: AsJson = False
) -> None:
    """List the workers that advance runs, the living first."""
    from rich.table import Table

    from interlock.store.workers import Workers

    engine = open_engine(as_json)
    found = Workers(engine.services.database).list(limit)
    if as_json:
        print_json({"workers": [worker_object(row) for row in found]})
        return
    if not found:
        console().print("No worker ever served here. Start one: interlock work")
        return
    table = Table("worker", "state", "at once", "last heard of", box=None)
    for row in found:
        table.add_row(row.id, row.state, str(row.at_once), f"{row.beat_at:%Y-%m-%d %H:%M:%S}")
    console().print(table)
