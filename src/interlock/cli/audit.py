"""`interlock audit`: is the record whole, here and in an export of it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.output import EXIT_FAILED, console, print_json
from interlock.cli.runs import open_engine
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.store.chain import Fault, Head

app = typer.Typer(no_args_is_help=True, help="Verify the audit chain; export it, or its head.")

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
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="An export; default: the database of this project.")
    ] = None,
    expected: Annotated[
        list[str] | None, typer.Option("--head", metavar="COUNT:MAC", help="A head exported before.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The key of an export; default: that of this project.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every link of the chain; exit 1 at the first fault."""
    heads = [_head(text) for text in expected or []]
    if file is None and key is not None:
        raise UsageError("--key is for an export; name its file, or leave the key out.")
    if file is None:
        engine = open_engine(False)
        fault, found = engine.audit_fault(*heads), engine.audit_head()
    else:
        fault, found = _verify_export(file, key, heads)
    if as_json:
        told = {"seq": fault.seq, "because": fault.because} if fault else None
        print_json({"ok": fault is None, "entries": found.entries, "fault": told})
    elif fault:
        console().print(f"[red]broken[/red] at entry {fault.seq}: {fault.because}")
    else:
        console().print(f"whole: {found.entries} entries")
    if fault:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Write there.")],
    as_json: AsJson = False,
) -> None:
    """Write every entry to a file, one a line, to be kept and verified elsewhere."""
    from interlock.store.audit_key import KEY_FILE

    engine = open_engine(False)
    try:
        with output.open("wb") as file:
            file.writelines(engine.audit_lines())
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None
    fault, found = _verify_export(output, engine.project.home / KEY_FILE, [])
    if as_json:
        told = {"seq": fault.seq, "because": fault.because} if fault else None
        print_json({"file": str(output), "entries": found.entries, "mac": found.mac, "fault": told})
    else:
        console().print(f"{output}: {found.entries} entries, head {found.entries}:{found.mac}", markup=False)
    if fault:
        console(stderr=True).print(f"broken at entry {fault.seq}: {fault.because}", markup=False)
        raise typer.Exit(EXIT_FAILED)


def _head(text: str) -> Head:
    from interlock.store.witness import read_head

    found = read_head(text)
    if found is None:
        raise UsageError("--head takes COUNT:MAC as printed by `interlock audit head`.")
    return found


def _verify_export(file: Path, key: Path | None, heads: list[Head]) -> tuple[Fault | None, Head]:
    """Whether an export is whole, and its head as far as it is."""
    from interlock.store.audit_export import read
    from interlock.store.audit_key import KEY_FILE, read_key
    from interlock.store.chain import first_fault

    secret = read_key(key or open_engine(False).project.home / KEY_FILE)
    try:
        with file.open("rb") as lines:
            return first_fault(secret, read(lines), heads)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
