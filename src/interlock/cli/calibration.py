"""`interlock lam calibrate` and `interlock lam drift`: what a confidence is good for, and until when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interlock.cli.progress import progress_bar
from interlock.errors import ModelError, UsageError

if TYPE_CHECKING:
    from interlock.lam.confidence.certificate import Certificate
    from interlock.lam.confidence.verdicts import Verdicted

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of trained weights; the one in use if omitted.")]
Verdicts = Annotated[
    Path | None, typer.Option("--verdicts", help="JSONL of trajectories with verdicts (`interlock trajectories`).")
]


def calibrate(
    model: Model = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write a copy of the model here instead.")] = None,
    verdicts: Verdicts = None,
    requests: Annotated[int, typer.Option("--requests", min=100, help="Generated requests to decide.")] = 9_000,
    processes: Annotated[int, typer.Option("--processes", min=1, help="Processes that share the requests.")] = 1,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw the reliability diagram into this file.")] = None,
    as_json: Json = False,
) -> None:
    """Fit and certify the confidence above which the model may act without a person.

    From generated requests, or with --verdicts from what people said of logged decisions. Without --model and
    --out the figures of the model in use are printed and nothing is written.
    """
    folder = _folder(model)
    target = out or model
    if verdicts is not None:
        report = _from_verdicts(folder, target, verdicts)
    else:
        report = _from_requests(folder, target, requests, processes)
    report["written"] = str(target) if target else None
    if svg is not None:
        from interlock.lam.confidence.reliability import Bin, diagram

        lines = [(f"{c['group']} {c['risk_class']}", c["threshold"]) for c in report["certificates"]]
        title = f"Reliability of {report['model_id']}"
        svg.write_text(diagram([Bin(**row) for row in report["reliability"]], title, lines), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report))
    else:
        _show(report)


def _folder(model: Path | None) -> Path:
    """The folder of an embedded model: the given one, that of the settings, or the packaged one.

    Raises:
        UsageError: the model in use is none whose confidence can be certified.
    """
    from interlock.lam.weights import packaged_folder

    if model is not None:
        return model
    from interlock.settings import load_settings

    named = load_settings().action_model
    if named is None:
        return packaged_folder()
    if not Path(named).is_dir():
        raise UsageError(
            f"{named} is no folder of embedded weights: nothing can be certified for it, so what it proposes is "
            "always asked about. Give a folder with --model."
        )
    return Path(named)


def _from_requests(folder: Path, target: Path | None, requests: int, processes: int) -> dict[str, Any]:
    from interlock.lam.calibrate import calibrated, observed
    from interlock.lam.weights import copy_to, read_metadata

    metadata = read_metadata(folder)
    with progress_bar() as bar:
        task = bar.add_task("deciding", total=requests)
        parts = observed(folder, requests, processes, lambda done: bar.update(task, completed=done))
    document, report = calibrated(metadata, parts, requests)
    if target is not None:
        copy_to(folder, target, document)
    return report


def _from_verdicts(folder: Path, target: Path | None, verdicts: Path) -> dict[str, Any]:
    from interlock.lam.confidence.recertify import recertified
    from interlock.lam.confidence.seal import check_seal
    from interlock.lam.trajectories.files import read_trajectories
    from interlock.lam.weights import METADATA, copy_to, read_metadata

    metadata = read_metadata(folder)
    check_seal(metadata, folder / METADATA)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    document, report = recertified(metadata, read_trajectories(verdicts), verdicts.name, made)
    if target is not None:
        copy_to(folder, target, document)
    return report


def _show(report: dict[str, Any]) -> None:
    console = Console(highlight=False)
    error = report["calibration_error"]
    console.print(
        f"{report['model_id']}: {sum(report['decisions'].values())} decisions, {report['right']:.1%} of those held "
        f"back are right, calibration error {error['check']:.3f} on them.",
        markup=False,
    )
    table = Table("group", "class", "alpha", "threshold", "decisions", "wrong", "p-value", title="certified")
    for row in report["certificates"]:
        table.add_row(
            row["group"], row["risk_class"], f"{row['alpha']:g}", f"{row['threshold']:.3f}",
            f"{row['n']} of {row['decisions']}", str(row["wrong"]), f"{row['p_value']:.3f}",
        )  # fmt: skip
    if report["certificates"]:
        console.print(table)
    for row in report["refused"]:
        console.print(
            f"{row['group']} {row['risk_class']}: nothing is certified, so a person is asked ({row['because']}).",
            markup=False,
        )
    for row in report["checked"]:
        console.print(
            f"{row['group']} {row['risk_class']}: of {row['decisions']} decisions held back {row['acted']} would go on "
            f"alone ({row['coverage']:.0%}), {row['wrong']:.1%} of them wrong.",
            markup=False,
        )
    console.print("irreversible actions: always a person.", markup=False)
    console.print(f"seal {report['seal']}", markup=False)
    if report["written"] is None:
        console.print("Nothing was written; give --model FOLDER or --out FOLDER to keep it.", markup=False)


def drift(
    verdicts: Annotated[Path, typer.Option("--verdicts", help="JSONL of trajectories with verdicts, oldest first.")],
    model: Model = None,
    level: Annotated[float, typer.Option("--level", min=1e-6, max=0.5, help="How likely a false alarm may be.")] = 0.01,
    dry: Annotated[bool, typer.Option("--dry-run", help="Suspend nothing.")] = False,
    lift: Annotated[
        str | None, typer.Option("--lift", help="Instead: put the suspended certificates of this group in force again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold logged decisions against the certificates, and suspend those that no longer fit.

    Ends with 1 when something drifted: the model then asks a person until verdicts certify it again.
    """
    from interlock.lam.confidence.certificate import Certificates
    from interlock.lam.confidence.seal import check_seal
    from interlock.lam.confidence.suspension import lift as put_in_force
    from interlock.lam.confidence.verdicts import read_verdicts
    from interlock.lam.trajectories.files import read_trajectories
    from interlock.lam.weights import METADATA, read_metadata
    from interlock.settings import load_settings

    folder, home = _folder(model), load_settings().home
    metadata = read_metadata(folder)
    check_seal(metadata, folder / METADATA)
    if "certificates" not in metadata:
        raise ModelError(f"Nothing is certified for {metadata['model_id']}; run `interlock lam calibrate` first.")
    model_id = str(metadata["model_id"])
    if lift is not None:
        lifted = put_in_force(home, model_id, lift)
        _say(
            as_json,
            {"lifted": [row.model_dump() for row in lifted]},
            [f"{len(lifted)} certificates are in force again."],
        )
        return
    certificates = Certificates.of(metadata["certificates"])
    rows = list(read_verdicts(read_trajectories(verdicts), model_id, certificates))
    tested = [_tested(c, rows, metadata.get("references") or {}, level) for c in certificates.held]
    tested = [one for one in tested if one["n"] or one["p_values"]]
    drifted = [one for one in tested if one["drifted"]]
    if not dry:
        _suspend(home, model_id, drifted)
    said = [f"{one['group']} {one['risk_class']}: {one['because']}." for one in tested]
    if not tested:
        said = [f"{verdicts} holds no decision of {model_id} with a verdict that a certificate is about."]
    if drifted:
        kept = "would be suspended" if dry else f"are suspended in {home}: the model asks a person"
        said.append(
            f"{len(drifted)} certificates {kept}. Look at the decisions, then certify again from verdicts: "
            f"interlock lam calibrate --verdicts {verdicts} --model FOLDER"
        )
    _say(as_json, {"model_id": model_id, "decisions": len(rows), "tested": tested, "drifted": bool(drifted)}, said)
    if drifted:
        raise typer.Exit(1)


def _tested(
    certificate: Certificate, rows: Sequence[Verdicted], references: dict[str, Any], level: float
) -> dict[str, Any]:
    from interlock.lam.confidence.drift import drift as held_against
    from interlock.lam.confidence.verdicts import series

    own = [row for row in rows if row.group == certificate.group]
    wrong = [row.wrong for row in own if row.confidence >= certificate.threshold]
    found = held_against(wrong, certificate.alpha, references.get(certificate.group, {}), series(own), level)
    return {"group": certificate.group, "risk_class": certificate.risk_class, **found.document()}


def _suspend(home: Path, model_id: str, drifted: Sequence[dict[str, Any]]) -> None:
    from interlock.lam.confidence.suspension import Suspension, suspend

    since = datetime.now(UTC).isoformat(timespec="seconds")
    for one in drifted:
        suspend(
            home,
            Suspension(
                model_id=model_id, group=one["group"], risk_class=one["risk_class"], since=since, because=one["because"]
            ),
        )


def _say(as_json: bool, document: dict[str, Any], lines: Sequence[str]) -> None:
    if as_json:
        typer.echo(json.dumps(document))
        return
    console = Console(highlight=False)
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
