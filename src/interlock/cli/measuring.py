"""`interlock lam eval` on public sets: what it reads, prints and writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from interlock.cli.progress import progress_bar
from interlock.errors import UsageError


def the_set(folders: Mapping[str, Path | None]) -> tuple[str, Path] | None:
    """The one public set whose folder was given, or none.

    Raises:
        UsageError: more than one was given.
    """
    given = [(name, folder) for name, folder in folders.items() if folder is not None]
    if len(given) > 1:
        options = " and ".join("--" + name.replace("_", "-") for name, _ in given)
        raise UsageError(f"{options} do not go together; measure one set at a time.")
    return given[0] if given else None


def measure_set(
    name: str, folder: Path, columns: Sequence[str], limit: int | None, *, model: str | None, threads: int, risk: float,
    wrong: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Decide the rows of a public set, print its figures, and write what went wrong."""
    from interlock.lam.confidence.certificate import thresholds_of
    from interlock.lam.load import open_action_model
    from interlock.lam.measures.outcomes import run
    from interlock.lam.measures.sets import SETS, report
    from interlock.lam.train import use_threads

    if columns and name != "bfcl":
        raise UsageError("--column goes with --bfcl.")
    cases = SETS[name].read(folder, [part for word in columns for part in word.split(",") if part], limit)
    use_threads(threads)
    loaded = open_action_model(model)
    with progress_bar() as bar:
        task = bar.add_task("deciding", total=len(cases))
        outcomes = run(loaded, cases, risk=risk, progress=lambda done: bar.update(task, completed=done))
    figures = report(name, outcomes, thresholds_of(loaded))
    figures |= {"set": name, "model_id": outcomes[0].decision.model_id if outcomes else None, "risk": risk}
    if wrong is not None:
        rows = [json.dumps(outcome.row(), ensure_ascii=False) + "\n" for outcome in outcomes if not outcome.right]
        wrong.write_text("".join(rows), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(figures))
        return
    _show(figures)


def _show(figures: dict[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table("column", "n", "accuracy", "acted", "asked", "abstained", title=f"{figures['model_id']}, percent")
    for name, row in figures["columns"].items():
        table.add_row(name, *(str(row[key]) for key in ("n", "accuracy", "acted", "asked", "abstained")))
    console.print(table)
    rest = Table("over all", "value")
    for name, value in figures.items():
        if name not in ("columns", "selective"):
            rest.add_row(name, json.dumps(value))
    console.print(rest)
    selective = Table("confidence at least", "coverage", "acted", "accuracy", title="acting only when sure, percent")
    for row in figures["selective"]["thresholds"]:
        selective.add_row(*(str(row[key]) for key in ("threshold", "coverage", "acted", "accuracy")))
    console.print(selective)
