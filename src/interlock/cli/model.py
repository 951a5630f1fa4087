"""`interlock lam`: the action model alone, without any graph."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interlock.cli import calibration
from interlock.cli.learning import learn, rollback
from interlock.cli.measuring import measure_set, the_set
from interlock.cli.progress import progress_bar
from interlock.errors import InputError, UsageError

if TYPE_CHECKING:  # torch takes seconds to import, and `--help` needs none of it
    from interlock.lam.protocol import ActionSchema, Decision
    from interlock.lam.requests import Example

app = typer.Typer(
    no_args_is_help=True,
    help="The action model: propose a call, train, evaluate, certify, learn from verdicts.",
)
app.command()(learn)
app.command()(rollback)
app.command()(calibration.calibrate)
app.command()(calibration.drift)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reference = Annotated[
    str | None,
    typer.Option(
        "--model", help="Folder of trained weights, hf:FOLDER, or URL of an endpoint; the packaged ones if omitted."
    ),
]


def _space(tools: Path | None) -> list[ActionSchema]:
    from interlock.lam.functions import read_tools_file
    from interlock.lam.protocol import ActionSchema

    if tools is not None and not tools.is_dir():
        return read_tools_file(tools)
    from interlock.tools.drawer import read_actions

    folder = tools or Path("tools")
    if not folder.is_dir():
        raise UsageError("There is no tools/ drawer here; give a JSON list of functions with --tools FILE.")
    actions = read_actions(folder).values()
    if not actions:
        raise InputError(f"The drawer {folder} declares no action; declare one with @action, or use --tools FILE.")
    return [ActionSchema(name=a.name, description=a.description, parameters=a.parameters()) for a in actions]


def _pairs(values: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in values or []:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--source takes NAME=TEXT or NAME=@FILE, not {pair!r}.")
        if text.startswith("@"):
            if not Path(text[1:]).is_file():
                raise UsageError(f"There is no file {text[1:]} for the source {name}.")
            text = Path(text[1:]).read_text(encoding="utf-8")
        found[name] = text
    return found


def _day(today: str | None) -> str:
    try:
        return date.fromisoformat(today).isoformat() if today else date.today().isoformat()
    except ValueError:
        raise UsageError(f"--today takes an ISO date such as 2026-03-04, not {today!r}.") from None


def _show(decision: Decision) -> None:
    console = Console(highlight=False)
    if decision.kind == "abstain":
        console.print(f"abstain: none of these actions fits (probability {decision.p_null:.2f}).")
        return
    action = decision.actions[0]
    console.print(f"{decision.kind}: {action.name}  (confidence {action.confidence:.2f})", markup=False)
    for name, value in action.arguments.items():
        evidence = action.evidence.get(name)
        origin = f"  <- {evidence.source}[{evidence.start}:{evidence.end}], {evidence.normaliser}" if evidence else ""
        console.print(f"  {name} = {json.dumps(value, ensure_ascii=False)}{origin}", markup=False)
    if decision.missing:
        console.print("  missing: " + ", ".join(decision.missing), markup=False)


@app.command()
def propose(
    text: Annotated[str | None, typer.Option("--text", help="The request.")] = None,
    tools: Annotated[
        Path | None, typer.Option("--tools", help="JSON list of functions; the drawer tools/ if omitted.")
    ] = None,
    batch: Annotated[Path | None, typer.Option("--batch", help="JSONL rows: id, text or messages, tools.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the results of a batch go, as JSONL.")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="A further text, NAME=TEXT or NAME=@FILE.")
    ] = None,
    today: Annotated[str | None, typer.Option("--today", help="ISO date that relative dates count from.")] = None,
    risk: Annotated[float, typer.Option("--risk", min=0, max=1, help="How wrong a call may be.")] = 0.5,
    model: Reference = None,
    as_json: Json = False,
) -> None:
    """Map a request and tools to one call, a question, or an abstention."""
    if (text is None) == (batch is None):
        raise UsageError("Give either --text or --batch.")
    if (batch is None) != (out is None):
        raise UsageError("--batch and --out go together.")
    from interlock.lam.protocol import Observation
    from interlock.lam.rows import read_rows, result_object

    day = _day(today)
    if batch is not None and out is not None:
        rows = list(read_rows(batch, _space(tools) if tools else None, day))
        from interlock.lam.load import open_action_model

        loaded = open_action_model(model)
        with out.open("w", encoding="utf-8") as lines, progress_bar() as bar:
            for row in bar.track(rows, description="proposing"):
                decision = loaded.decide(row.observation, row.space, risk=risk)
                lines.write(json.dumps(result_object(row.id, decision), ensure_ascii=False) + "\n")
        if as_json:
            typer.echo(json.dumps({"rows": len(rows), "out": str(out)}))
        return
    space = _space(tools)
    observation = Observation(sources={"request": text or "", **_pairs(source)}, today=day)
    from interlock.lam.load import open_action_model

    decision = open_action_model(model).decide(observation, space, risk=risk)
    if as_json:
        typer.echo(json.dumps(result_object(None, decision), ensure_ascii=False))
    else:
        _show(decision)


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="Folder for weights and checkpoints.")] = Path("lam-model"),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the data and of the training.")] = 1,
    examples: Annotated[int, typer.Option("--examples", min=32, help="Generated requests to train on.")] = 120_000,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of public training sets; the package's own words if omitted.")
    ] = None,
    start: Annotated[Path | None, typer.Option("--from", help="Folder of a trained model to train further.")] = None,
    rate: Annotated[float, typer.Option("--rate", min=0, help="Multiplies the learning rates.")] = 1.0,
    lower: Annotated[
        int, typer.Option("--lower", min=0, max=3, help="Lower layers of the encoder that are trained too.")
    ] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="CPU threads; another number gives other rounding.")
    ] = 2,
    device: Annotated[str, typer.Option("--device", help="Where to compute: cpu or cuda.")] = "cpu",
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32 or bfloat16; what is fastest here if omitted.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train the embedded model on generated requests, then calibrate its confidence."""
    # threads that wait by spinning burn a shared core: three times the CPU seconds for the same batches
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from interlock.lam.calibrate import REQUESTS, calibrate
    from interlock.lam.reader import halves
    from interlock.lam.train import Plan, use_threads
    from interlock.lam.train import train as run
    from interlock.lam.weights import Shape

    if precision not in (None, "float32", "bfloat16"):
        raise UsageError(f"--precision is float32 or bfloat16, not {precision!r}.")
    if data is not None and not data.is_dir():
        raise UsageError(f"There is no folder {data}; --data takes the folder that holds the public sets.")
    use_threads(threads)
    standard = Plan(
        seed=seed,
        examples=examples,
        data=str(data) if data else None,
        shape=Shape(lower=lower),
        precision=precision or ("bfloat16" if halves() else "float32"),
    )
    plan = replace(standard, head_rate=rate * standard.head_rate, encoder_rate=rate * standard.encoder_rate)
    with progress_bar() as bar:
        task = bar.add_task("training", total=plan.batches)
        run(
            out,
            plan,
            resume=resume,
            start=start,
            device=device,
            progress=lambda done, _, loss: bar.update(task, completed=done, description=f"training, loss {loss:.3f}"),
        )
        second = bar.add_task("calibrating", total=REQUESTS)
        document = calibrate(out, REQUESTS, lambda done: bar.update(second, completed=done), processes=threads)
    if as_json:
        typer.echo(json.dumps(document))
    else:
        Console(highlight=False).print(
            f"{document['model_id']} is in {out}; measure it: interlock lam eval --model {out}", markup=False
        )


@app.command("eval")
def evaluate(
    count: Annotated[int, typer.Option("--examples", min=1, help="Held-out requests to decide.")] = 2000,
    risk: Annotated[
        float, typer.Option("--risk", min=0, max=1, help="How wrong a call may be; 1 is the model's own word.")
    ] = 1.0,
    threads: Annotated[int, typer.Option("--threads", min=1, help="CPU threads.")] = 1,
    split: Annotated[
        str, typer.Option("--split", help="Words of the requests: heldout, or the harder idioms.")
    ] = "heldout",
    errors: Annotated[
        Path | None, typer.Option("--errors", "--wrong", help="Write the wrong decisions to this JSONL file.")
    ] = None,
    bfcl: Annotated[Path | None, typer.Option("--bfcl", help="Folder of BFCL columns: NAME.jsonl, answers.")] = None,
    snips: Annotated[Path | None, typer.Option("--snips", help="Folder of the SNIPS intents.")] = None,
    seal_tools: Annotated[Path | None, typer.Option("--seal-tools", help="Folder of Seal-Tools: dev, tool.")] = None,
    clinc: Annotated[Path | None, typer.Option("--clinc", help="Folder of the CLINC rows.")] = None,
    column: Annotated[list[str] | None, typer.Option("--column", help="Only this BFCL column; repeat it.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many rows of a public set (of each column).")
    ] = None,
    model: Reference = None,
    as_json: Json = False,
) -> None:
    """Measure the model: on held-out requests in other words than it was trained on, or on a public set."""
    chosen = the_set({"bfcl": bfcl, "snips": snips, "seal_tools": seal_tools, "clinc": clinc})
    if chosen is not None:
        measure_set(
            *chosen, column or [], limit, model=model, threads=threads, risk=risk,
            wrong=errors, as_json=as_json,
        )  # fmt: skip
        return
    if column or limit:
        raise UsageError("--column and --limit go with a public set, such as --bfcl FOLDER.")
    from interlock.lam.calibrate import held_out_error
    from interlock.lam.evaluate import held_out, measure
    from interlock.lam.load import load_action_model
    from interlock.lam.requests import to_json

    if split not in ("heldout", "idioms"):
        raise UsageError(f"--split is heldout or idioms, not {split!r}.")
    loaded = load_action_model(Path(model) if model else None, threads=threads)
    wrong: list[dict[str, Any]] = []

    def keep(example: Example, decision: Decision) -> None:
        wrong.append({"wanted": json.loads(to_json(example)), "got": decision.model_dump()})

    with progress_bar() as bar:
        task = bar.add_task("deciding", total=count)
        rows = list(held_out(count, split))
        report = measure(
            loaded, rows, risk=risk, wrong=keep, progress=lambda done: bar.update(task, completed=done)
        ).report()
        report |= {
            "model_id": loaded.model_id,
            "risk": risk,
            "split": split,
            "calibration_error": held_out_error(loaded, rows),
        }
    if errors is not None:
        errors.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in wrong), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report))
        return
    table = Table("figure", "value", title=f"{loaded.model_id} on {count} held-out requests")
    for name, value in report.items():
        table.add_row(name, json.dumps(value))
    Console().print(table)
