"""`interlock runs states`, `state` and `fork`: where a run was, what it held there, and a new run from there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.output import EXIT_DONE, console, print_json
from interlock.cli.runs import As, AsJson, RunId, finish, open_engine
from interlock.engine.objects import difference_object, position_object, run_object, state_object
from interlock.errors import InputError, RunBusy, UsageError

if TYPE_CHECKING:
    from interlock.engine.service import Engine
    from interlock.engine.states import Difference, State
    from interlock.store.tables import Run

Detach = Annotated[bool, typer.Option("--detach", help="Only accept the run; a worker or `runs resume` drives it.")]
At = Annotated[str, typer.Option("--at", metavar="POSITION", help="A position, as `runs states` lists them.")]

LONGEST = 160
"""Characters of a value that are shown to people; programs get all of it."""


def states(run_id: RunId, as_json: AsJson = False) -> None:
    """List the positions of a run: each visit of a step, and each wait in one."""
    from rich.table import Table

    from interlock.engine.states import States

    engine = open_engine(as_json)
    found = States(engine.project).positions(run_id)
    if as_json:
        print_json({"run": run_id, "positions": [position_object(position) for position in found]})
        return
    table = Table("position", "step", "outcome", "at", "changed", box=None)
    for position in found:
        outcome = f"waits: {position.waits}" if position.waits else "open" if position.outcome is None else None
        table.add_row(
            position.name, position.step, outcome or position.outcome, f"{position.moment:%Y-%m-%d %H:%M}",
            ", ".join(position.changed),
        )  # fmt: skip
    console().print(table)


def state(
    run_id: RunId,
    at: At,
    diff: Annotated[
        str | None, typer.Option("--diff", metavar="OTHER", help="Only what is not the same at this other position.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the state of a run at a position, and how it differs from that at another."""
    from interlock.engine.states import States, difference

    engine = open_engine(as_json)
    found = States(engine.project)
    here = found.at(run_id, at)
    changes = difference(found.at(run_id, diff), here) if diff is not None else None
    if as_json:
        told = state_object(run_id, here)
        if changes is not None:
            told |= {"diff": diff, "differences": [difference_object(each) for each in changes]}
        print_json(told)
        return
    if changes is None:
        _tell_state(here)
    else:
        _tell_differences(changes, str(diff), at)


def fork(
    run_id: RunId,
    at: At,
    edits: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=JSON", help="A value to begin with in place of that of the state."),
    ] = None,
    detach: Detach = False,
    as_json: AsJson = False,
    person: As = None,
    token: TokenFile = None,
) -> None:
    """Begin a new run where this one was; what was done before is not done again unless a person agrees."""
    engine = open_engine(as_json)
    made = engine.fork(run_id, at, read_edits(edits or []), acting_as(engine.services, person, token))
    if not as_json:
        console(stderr=True).print(f"run [bold]{made.id}[/bold] of {made.graph}, from {run_id} at {at}")
    _drive(engine, made, detach, as_json)


def retry(
    run_id: RunId,
    detach: Detach = False,
    as_json: AsJson = False,
    person: As = None,
    token: TokenFile = None,
) -> None:
    """Try a failed run again: a new run begins right before the step at which it failed."""
    engine = open_engine(as_json)
    made = engine.retry(run_id, acting_as(engine.services, person, token))
    if not as_json:
        console(stderr=True).print(f"run [bold]{made.id}[/bold] of {made.graph} tries {run_id} again")
    _drive(engine, made, detach, as_json)


def _drive(engine: Engine, made: Run, detach: bool, as_json: bool) -> None:
    """Drive a new run until it ends or waits, unless it is only to be accepted."""
    from interlock.engine.service import DECISION_PATIENCE

    if detach:
        if as_json:
            print_json(run_object(made))
        else:
            console().print(f"{made.id} is accepted. Go on: interlock runs resume {made.id}")
        raise typer.Exit(EXIT_DONE)
    try:  # where workers serve, one may have taken the run already
        standing = engine.drive(made.id, patience=DECISION_PATIENCE)
    except RunBusy:
        standing = engine.standing(made.id)
    finish(standing, as_json)


def read_edits(pairs: list[str]) -> dict[str, Any]:
    """`KEY=JSON` pairs.

    Raises:
        UsageError: a pair has no `=`, or a key is set twice.
        InputError: a value is not JSON.
    """
    edits: dict[str, Any] = {}
    for pair in pairs:
        key, found, text = pair.partition("=")
        if not found or not key:
            raise UsageError(f"--set takes KEY=JSON, not {pair!r}.")
        if key in edits:
            raise UsageError(f"--set {key} is given twice.")
        try:
            edits[key] = json.loads(text)
        except ValueError:
            shown = json.dumps(text[:60], ensure_ascii=False)
            raise InputError(f"--set {key} takes JSON; a text stands in quotes: --set '{key}={shown}'.") from None
    return edits


def _tell_state(state: State) -> None:
    out = console()
    for key, value in state.values.items():
        source = state.sources.get(key)
        out.print(f"{key} = {_short(value)}", markup=False)
        if source is not None:
            label, origin = source.at()
            out.print(f"  {label}: {origin.words()}", markup=False)
    for key, row in state.forgotten.items():
        label, origin = state.sources[key].at()
        out.print(f"{key} was forgotten with its checkpoint; written at {row.position}, {row.digest}", markup=False)
        out.print(f"  {label}: {origin.words()}", markup=False)
    if not state.values and not state.forgotten:
        out.print("Nothing was written yet.")


def _tell_differences(changes: list[Difference], before: str, after: str) -> None:
    out = console()
    for each in changes:
        out.print(each.key, markup=False)
        if not each.known:
            out.print("  changed; a value was forgotten with its checkpoint", markup=False)
            continue
        out.print(f"  {before}: {_short(each.before)}", markup=False)
        out.print(f"  {after}: {_short(each.after)}", markup=False)
    if not changes:
        out.print(f"The state is the same at {before} and {after}.", markup=False)


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
