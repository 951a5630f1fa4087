"""`interlock trajectories`: runs as training data, and public data as trajectories."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.output import console, print_json
from interlock.cli.runs import open_engine
from interlock.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Runs as training data: export them, import public formats.")

Out = Annotated[Path | None, typer.Option("-o", "--out", help="Write to this file; to standard output if omitted.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object about what was written; needs --out.")]
Licence = Annotated[str | None, typer.Option("--licence", help="Licence of the data, such as an SPDX name.")]


@app.command()
def export(
    run: Annotated[list[str] | None, typer.Option("--run", help="This run, with its child runs; repeat it.")] = None,
    form: Annotated[str, typer.Option("--format", help="unified, actionstudio, openai or dpo.")] = "unified",
    out: Out = None,
    redact: Annotated[
        list[str] | None, typer.Option("--redact", help="Take out the values of this argument; repeat it.")
    ] = None,
    licence: Licence = None,
    as_json: Json = False,
) -> None:
    """Write runs as trajectories: all of the project, oldest first, or those named."""
    from interlock.engine.trajectories import trajectories
    from interlock.lam.trajectories.exporting import FORMS, export_rows
    from interlock.lam.trajectories.redaction import redact as redacted

    if form not in FORMS:
        raise UsageError(f"--format is one of {', '.join(FORMS)}, not {form!r}.")
    services = open_engine(False).services
    runs = run or [each.id for each in reversed(services.runs.list(limit=1_000_000))]
    found = (each.model_copy(update={"licence": licence}) for each in trajectories(services, runs))
    _write(export_rows((redacted(each, redact or []) for each in found), form), out, as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSONL rows, or one JSON list of them.")],
    form: Annotated[str, typer.Option("--format", help="unified (ActionStudio 2.0), xlam, openai or bfcl.")],
    out: Out = None,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="For bfcl: the right calls; NAME.answers.jsonl if omitted.")
    ] = None,
    licence: Licence = None,
    as_json: Json = False,
) -> None:
    """Write rows of a public format as trajectories."""
    from interlock.lam.trajectories.files import document_of
    from interlock.lam.trajectories.importing import Source, import_rows

    found = import_rows(Source(file, licence, answers), form)
    _write((document_of(each) for each in found), out, as_json)


def _write(rows: Iterable[dict[str, Any]], out: Path | None, as_json: bool) -> None:
    from interlock.lam.trajectories.files import line_of, write_lines

    if as_json and out is None:
        raise UsageError("--json tells what was written to a file; name it with --out.")
    if out is None:
        for row in rows:
            typer.echo(line_of(row), nl=False)
        return
    kept = list(rows)  # so that a fault in a later row leaves no half a file
    count = write_lines(kept, out)
    if as_json:
        print_json({"rows": count, "out": str(out)})
    else:
        console(stderr=True).print(f"{count} rows in {out}", markup=False, highlight=False)
