"""`interlock audit`: is the record whole?"""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.output import EXIT_FAILED, console, print_json
from interlock.cli.runs import open_engine
from interlock.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Verify the audit chain, or export its head.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def head(as_json: AsJson = False) -> None:
    """Print the head: keep it elsewhere, it shows a truncated chain."""
    found = open_engine(False).audit_head()
    if as_json:
        print_json({"entries": found.entries, "mac": found.mac})
    else:
        console().print(f"{found.entries}:{found.mac}")


@app.command()
def verify(
    expected: Annotated[str | None, typer.Option("--head", metavar="COUNT:MAC", help="A head exported before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every link of the chain; exit 1 at the first fault."""
    count, _, mac = (expected or "").partition(":")
    if expected and not (count.isdigit() and len(mac) == 64):
        raise UsageError("--head takes COUNT:MAC as printed by `interlock audit head`.")
    engine = open_engine(False)
    fault = engine.audit_fault((int(count), mac) if expected else None)
    found = engine.audit_head()
    if as_json:
        told = {"seq": fault.seq, "because": fault.because} if fault else None
        print_json({"ok": fault is None, "entries": found.entries, "fault": told})
    elif fault:
        console().print(f"[red]broken[/red] at entry {fault.seq}: {fault.because}")
    else:
        console().print(f"whole: {found.entries} entries")
    if fault:
        raise typer.Exit(EXIT_FAILED)
