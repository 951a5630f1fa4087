"""`interlock policy`: what the rules decide, before they decide anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli import simulate
from interlock.cli.output import EXIT_DONE, EXIT_FAILED, print_json

if TYPE_CHECKING:
    from interlock.cli.report import Report

app = typer.Typer(no_args_is_help=True, help="Check the rules, and compare two versions of them.")

app.command()(simulate.simulate)
app.command("history")(simulate.write_history)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Policy files, or folders of them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check policies, without the graphs that use them; without a path, those of `policies/`."""
    report = checked(paths or [Path("policies")])
    if as_json:
        print_json({"ok": report.ok, "findings": report.json()["findings"]})
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        typer.echo(report.text(colour=colour) or "ok; nothing was found")
    raise typer.Exit(EXIT_DONE if report.ok else EXIT_FAILED)


def checked(paths: Iterable[Path]) -> Report:
    """What is wrong with policy files: a file is read with all of its folder, and told alone.

    The actions are those of `tools/` beside the folder, where there are any.
    """
    from interlock.cli.report import Report
    from interlock.policies.drawer import inspect_policies, policy_findings
    from interlock.tools.drawer import inspect_actions

    findings, documents = [], []
    for folder, files in _folders(paths).items():
        drawer, found = inspect_policies(folder)
        tools = folder.parent / "tools"
        if tools.is_dir():
            actions, faults = inspect_actions(tools)
            found = [*found, *faults, *(() if faults else policy_findings(drawer, actions))]
        findings += [finding for finding in found if not files or Path(finding.file).resolve() in files]
        documents += list(drawer.documents.values())
    return Report(findings, {}, documents)


def _folders(paths: Iterable[Path]) -> dict[Path, set[Path]]:
    """The drawers that `paths` mean, each with the files that are asked about; none means all of them.

    Raises:
        BadParameter: a path does not exist.
    """
    found: dict[Path, set[Path]] = {}
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist")
        if path.is_dir():
            found[path / "policies" if (path / "policies").is_dir() else path] = set()
        elif found.get(path.parent) != set():
            found.setdefault(path.parent, set()).add(path.resolve())
    return found
