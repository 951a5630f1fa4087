"""`interlock review approve ID@REVISION ID@REVISION …`: several requests that are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import typer

from interlock.cli.output import EXIT_DONE, EXIT_FAILED, console, print_json
from interlock.engine.objects import approval_object
from interlock.errors import DrivenElsewhere, RunBusy, UsageError

if TYPE_CHECKING:
    from interlock.engine.batches import Seen, Taken
    from interlock.engine.service import Engine


def seen(written: str) -> tuple[str, int | None]:
    """`ID` or `ID@REVISION` as its two parts.

    Raises:
        UsageError: the revision is no number.
    """
    name, at, revision = written.partition("@")
    if at and not (revision.isascii() and revision.isdigit()):
        raise UsageError(f"write ID@REVISION, with the revision that `interlock review show` tells, not {written!r}.")
    return name, int(revision) if at else None


def read_batch(written: list[str]) -> list[Seen]:
    """The requests of a batch, each with the revision that was read.

    Raises:
        UsageError: one has no revision.
    """
    from interlock.engine.batches import Seen

    items = []
    for text in written:
        name, revision = seen(text)
        if revision is None:
            raise UsageError(f"of several requests each is written ID@REVISION: {name}@N, as you read it.")
        items.append(Seen(name, revision))
    return items


def conclude_batch(engine: Engine, taken: list[Taken], detach: bool, as_json: bool) -> NoReturn:
    """Drive each run on, tell how each request stands, and exit: 1 when one was refused."""
    from interlock.cli.review import drive_on

    for run_id in dict.fromkeys(item.approval.run_id for item in taken if item.refused is None):
        if not detach:
            try:
                drive_on(engine, run_id)
            except (RunBusy, DrivenElsewhere):
                continue  # the decision is stored; the run's driver goes on with it
    rows = [engine.services.approvals.get(item.approval.id) for item in taken]
    if as_json:
        print_json(
            {
                "decisions": [
                    {"approval": approval_object(row), "refused": item.refused}
                    for row, item in zip(rows, taken, strict=True)
                ]
            }
        )
    else:
        for row, item in zip(rows, taken, strict=True):
            console().print(
                f"{row.id} {f'was refused: {item.refused}' if item.refused else f'is {row.state}.'}", markup=False
            )
    raise typer.Exit(EXIT_FAILED if any(item.refused for item in taken) else EXIT_DONE)
