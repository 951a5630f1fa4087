"""`interlock notify`: deliver what people outside are to be told."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.output import EXIT_DONE, EXIT_FAILED, console, print_json
from interlock.cli.runs import open_engine
from interlock.errors import UsageError


def notify(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Deliver the notices that are due: each to its webhook or address, until it is taken or given up.

    Driving a run does the same at its end, and a server twice a minute; without one call this from a timer, so
    that what failed is tried again, and what escalates or expires is told.
    Exit 1 when something could not be delivered now.
    """
    engine = open_engine(as_json)
    if not engine.project.notices.wanted:
        raise UsageError("nobody is to be told: set INTERLOCK_NOTIFY_WEBHOOK or INTERLOCK_NOTIFY_MAIL.")
    done = engine.notify()
    if as_json:
        print_json({"sent": done.sent, "again": done.again, "given_up": done.given_up})
    else:
        console().print(f"{done.sent} delivered, {done.again} to be tried again, {done.given_up} given up")
        for notice in engine.project.notices.list("due"):
            if notice.error:
                console().print(f"  {notice.id}: {notice.error}", markup=False)
    raise typer.Exit(EXIT_FAILED if done.again or done.given_up else EXIT_DONE)
