"""`interlock lam learn` and `interlock lam rollback`: a model that learns from what reviewers decided."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from interlock.cli.progress import progress_bar
from interlock.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def learn(
    verdicts: Annotated[Path, typer.Option("--verdicts", help="Trajectories with verdicts, as JSONL.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the model that learns; made if it is not there.")],
    base: Annotated[
        Path | None,
        typer.Option("--base", help="Folder of the model to begin with; the one in --out, or the packaged one."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the batches and of the trial.")] = 1,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Batches; by the number of verdicts.")] = None,
    development: Annotated[
        int, typer.Option("--development", min=50, help="Generated requests that the candidate must hold.")
    ] = 400,
    calibration: Annotated[
        int | None, typer.Option("--calibration", min=1, help="Requests that a promoted model is certified on.")
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="CPU threads; another number gives other rounding.")
    ] = 2,
    as_json: Json = False,
) -> None:
    """Train further on reviewers' verdicts; a candidate that is not better is refused, and nothing changes.

    Ends with 0 when it was promoted, and with 1 when it was refused.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from interlock.lam.learn.learning import STAGES, Course
    from interlock.lam.learn.learning import learn as run
    from interlock.lam.learn.tuning import Tuning
    from interlock.lam.train import use_threads

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; give a folder.")
    use_threads(threads)
    course = Course(verdicts, out, base, Tuning(seed=seed, steps=steps), development)
    if calibration is not None:
        course = replace(course, calibration=calibration)
    with progress_bar() as bar:
        tasks = {stage: bar.add_task(stage, total=None, start=False) for stage in STAGES}

        def tell(stage: str, done: int, of: int) -> None:
            if done <= 1:
                bar.start_task(tasks[stage])
            bar.update(tasks[stage], completed=done, total=of)

        report = run(course, tell).report(out)
    typer.echo(json.dumps(report)) if as_json else _show(report)
    raise typer.Exit(0 if report["promoted"] else 1)


def rollback(
    folder: Annotated[Path, typer.Argument(help="Folder of a model that was learnt from verdicts.")],
    as_json: Json = False,
) -> None:
    """Let the model serve again that the last promotion replaced, with its own certificates."""
    from interlock.lam.learn.keeping import metadata_of, roll_back

    before = metadata_of(folder)["model_id"]
    now = roll_back(folder)["model_id"]
    if as_json:
        typer.echo(json.dumps({"model_id": now, "taken_back": before, "folder": str(folder)}))
    else:
        Console(highlight=False).print(
            f"{now} serves in {folder} again; {before} is kept in {folder}/earlier.", markup=False
        )


def _show(report: dict[str, Any]) -> None:
    console, counts = Console(highlight=False), report["verdicts"]
    judged = ", ".join(f"{counts[rule]} {rule}" for rule in ("approved", "edited", "rejected"))
    console.print(f"verdicts: {judged}; {counts['held_back']} of them held back for the trial", markup=False)
    if counts["arguments_found_nowhere"]:
        console.print(f"  {counts['arguments_found_nowhere']} values stand nowhere in what was read", markup=False)
    for reason, count in counts["skipped"].items():
        console.print(f"  left out: {count}, {reason}", markup=False)
    word = "promoted" if report["promoted"] else "refused"
    console.print(f"{word}: {report['because']}.", markup=False)
    if report["promoted"]:
        console.print(
            f"{report['model_id']} serves in {report['out']}; take it back: interlock lam rollback {report['out']}",
            markup=False,
        )
