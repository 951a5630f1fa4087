"""`interlock check`: everything that is wrong with the graphs, before anything runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.checking import DRAWERS, check_paths, files_of, project_of
from interlock.cli.output import EXIT_DONE, EXIT_FAILED

if TYPE_CHECKING:
    from interlock.cli.report import Report

FORMATS = ("text", "json", "github", "sarif")


def _usd(text: str) -> Decimal:
    """An amount given on the command line."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter(f"{text!r} is not an amount such as 0.50")
    return amount


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Graph files or folders of them; default is this project's graphs/.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, json, github or sarif")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file of the project changes.")] = False,
    max_steps: Annotated[int | None, typer.Option(min=0, help="Fail where a run can take more steps.")] = None,
    max_model_calls: Annotated[
        int | None, typer.Option(min=0, help="Fail where a run can make more chat-model calls.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=0, help="Fail where a run can use more tokens.")] = None,
    max_cost: Annotated[
        Decimal | None, typer.Option(parser=_usd, metavar="USD", help="Fail where a run can cost more.")
    ] = None,
) -> None:
    """Check graph files, and the cards, tools and policies they use, before anything runs."""
    form = "json" if as_json else form
    if form not in FORMATS:
        raise typer.BadParameter(f"--format is one of {', '.join(FORMATS)}")
    most = {"steps": max_steps, "model_calls": max_model_calls, "tokens": max_tokens, "cost": max_cost}
    allowed = {name: value for name, value in most.items() if value is not None}
    wanted = paths or [Path("graphs") if Path("graphs").is_dir() else Path(".")]

    def once() -> int:
        report = check_paths(wanted, allowed)
        typer.echo(written(report, form))
        return EXIT_DONE if report.ok else EXIT_FAILED

    try:
        code = _again_and_again(once, wanted) if watch else once()
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error)) from None
    if code != EXIT_DONE:
        raise typer.Exit(code)


def written(report: Report, form: str) -> str:
    """A report in one of the formats; text has colours at a terminal."""
    from interlock.cli.formats import github, sarif

    match form:
        case "json":
            return json.dumps(report.json(), ensure_ascii=False)
        case "github":
            return github(report)
        case "sarif":
            return json.dumps(sarif(report), ensure_ascii=False)
    return report.text(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)


def _again_and_again(once: Callable[[], int], paths: list[Path]) -> int:
    """Check now and after every change until the keyboard interrupts; the exit code of the last check."""
    from watchfiles import watch

    # The watcher is there before the first check, so that it misses no change made during it.
    changes = watch(
        *_folders(paths), watch_filter=_of_a_project, recursive=False, debounce=200, yield_on_timeout=True,
        rust_timeout=200,
    )  # fmt: skip
    code = EXIT_DONE
    try:
        next(changes)
        while True:
            if sys.stdout.isatty():
                typer.echo("\x1b[2J\x1b[H", nl=False)
            try:
                code = once()
            except FileNotFoundError as error:  # the file may come back; until then this is what is wrong
                typer.echo(f"error: {error}", err=True)
                code = EXIT_FAILED
            typer.echo("\nWaiting for a change; Ctrl-C ends.", err=True)
            while not next(changes):
                pass
    except KeyboardInterrupt:
        return code


def _folders(paths: list[Path]) -> list[Path]:
    """The folders whose files a check of `paths` reads."""
    folders: list[Path] = []
    for path in files_of(paths):
        root = project_of(path)
        folders += [path.resolve().parent, *(root / name for name in DRAWERS if (root / name).is_dir())]
    return list(dict.fromkeys(folders))


def _of_a_project(_change: object, path: str) -> bool:
    return path.endswith((".yaml", ".yml", ".py", ".lock.json"))
