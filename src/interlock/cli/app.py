"""The command `interlock`: thin verbs over the engine, and errors turned into exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from interlock.cli import (
    ask,
    audit,
    author,
    check,
    claiming,
    compare,
    delegation,
    doctor,
    draw,
    explain,
    interchange,
    model,
    notify,
    people,
    policy,
    queue,
    review,
    runs,
    schedules,
    schema,
    serve,
    tools,
    trajectories,
    travel,
    upgrade,
    users,
    work,
)
from interlock.cli.output import EXIT_FAILED, EXIT_USAGE, console
from interlock.errors import InterlockError, SettingsError, UsageError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="AI workflows whose risky actions pass rules and people first, and happen once.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console().print(version("interlock"))
        raise typer.Exit


@app.callback()
def _interlock(
    _wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Declare workflows in graphs/, check them, run them, decide what waits."""


app.command()(check.check)
app.command()(explain.explain)
app.command()(draw.draw)
app.command()(schema.schema)
app.command()(author.init)
app.command()(doctor.doctor)
app.command()(interchange.export)
app.command("import")(interchange.import_)
app.command()(runs.run)
app.command()(compare.compare)
app.command()(serve.serve)
app.command()(work.work)
app.command()(notify.notify)
runs.app.command()(work.workers)
runs.app.command()(travel.states)
runs.app.command()(travel.state)
runs.app.command()(travel.fork)
runs.app.command()(travel.retry)
app.add_typer(runs.app, name="runs")
app.add_typer(queue.app, name="queue")
app.add_typer(schedules.app, name="schedules")
review.app.command()(ask.ask)
review.app.command()(claiming.claim)
review.app.command()(claiming.release)
review.app.command()(delegation.delegate)
review.app.command()(delegation.delegations)
review.app.command()(delegation.revoke)
app.add_typer(review.app, name="review")
app.add_typer(model.app, name="lam")
app.add_typer(trajectories.app, name="trajectories")
app.add_typer(tools.app, name="tools")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(people.app, name="people")
app.add_typer(users.app, name="users")
app.add_typer(upgrade.app, name="upgrade")


def main() -> None:
    """Run the command; every foreseen error is one clear sentence on stderr."""
    try:
        app(standalone_mode=True)
    except InterlockError as error:
        said = error.message if error.message.startswith("error[") else f"error: {error.message}"
        console(stderr=True).print(said, markup=False)
        sys.exit(EXIT_USAGE if isinstance(error, UsageError | SettingsError) else EXIT_FAILED)
    except KeyboardInterrupt:
        console(stderr=True).print("\nstopped; nothing was lost. Go on: interlock runs list, interlock runs resume RUN")
        sys.exit(130)
