"""`interlock review ask`: the queue as a conversation at the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.output import EXIT_DONE, EXIT_WAITING, console, form_fields
from interlock.cli.review import describe, drive_on
from interlock.cli.runs import open_engine, tell
from interlock.errors import InterlockError, UsageError

if TYPE_CHECKING:
    from interlock.engine.service import Engine
    from interlock.store.tables import Approval

CHOICES = {
    "action": "a approve, e edit, r reject, s skip",
    "question": "e answer, r reject, s skip",
    "form": "a answer, r reject, s skip",
    "doubt": "h happened, n did not happen, s skip",
}


def ask(
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="Who decides.")],
    token: TokenFile = None,
) -> None:
    """Go through what waits, here at the terminal: approve, edit, reject or skip each."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; decide with `interlock review approve|edit|reject`.")
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    seen: set[str] = set()
    while waiting := [row for row in engine.services.approvals.waiting() if row.id not in seen]:
        row = waiting[0]
        seen.add(row.id)
        describe(row, engine)
        while not _decided(engine, row, person):
            pass
    left_over = len(engine.services.approvals.waiting())
    raise typer.Exit(EXIT_WAITING if left_over else EXIT_DONE)


def _decided(engine: Engine, row: Approval, person: str) -> bool:
    """Ask once; whether the request is dealt with."""
    choices = CHOICES[row.kind]
    word = typer.prompt(f"\n{choices}").strip().lower()[:1]
    if word not in [choice.split()[0] for choice in choices.split(", ")]:
        return False
    if word == "s":
        return True
    try:
        _decide(engine, row, person, word)
    except InterlockError as error:
        console().print(error.message, markup=False, style="red")
        return False
    tell(drive_on(engine, row.run_id))
    return True


def _decide(engine: Engine, row: Approval, person: str, word: str) -> None:
    approvals = engine.services.approvals
    match word:
        case "a":
            answer = {name: typer.prompt(name) for name in form_fields(row)}
            engine.approve(row.id, person, revision=row.revision, answer=answer)
        case "e":
            names = row.request.get("missing") or [typer.prompt("which argument")]
            engine.edit(row.id, person, {name: typer.prompt(name) for name in names}, revision=row.revision)
        case "r":
            approvals.reject(row.id, person, comment=typer.prompt("why"), revision=row.revision)
        case _:
            approvals.respond(row.id, person, happened=word == "h")
