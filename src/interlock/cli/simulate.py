"""`interlock policy simulate` and `policy history`: recorded decisions under other rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.output import EXIT_DONE, EXIT_FAILED, console, print_json
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.engine.project import Project
    from interlock.policies.drawer import PolicyDrawer
    from interlock.policies.replay import Changed, Replay

SHOWN = 20
"""How many actions of a kind the text names; `--json` has them all."""


def simulate(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A policy file, or a folder of them.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A history that `policy history` wrote; default: this home's."),
    ] = None,
    past: Annotated[
        bool, typer.Option("--history", help="Replay the recorded decisions; this is what is done.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay every recorded decision against other policies; exit 1 if what people rejected would now pass."""
    from interlock.engine.history import history, read_history
    from interlock.engine.project import Project
    from interlock.policies.replay import replay

    project = Project.at()
    drawer = policies_of(new, project)
    found = replay(read_history(file) if file else history(project.services), drawer.policies, drawer.approvals)
    if as_json:
        print_json(replay_object(found))
    else:
        _tell(found)
    raise typer.Exit(EXIT_FAILED if found.passing("rejected") else EXIT_DONE)


def policies_of(new: Path, project: Project) -> PolicyDrawer:
    """The policies of a folder; of a file, the project's with that one in the place of the one of its name.

    Raises:
        UsageError: there is no such file or folder.
        SourceError: a file has faults; each with its position.
    """
    from interlock.policies.drawer import policy_findings, read_policies, with_policy
    from interlock.source import SourceError

    if not new.exists():
        raise UsageError(f"there is no file or folder {new}.")
    folder = new / "policies" if (new / "policies").is_dir() else new
    drawer = read_policies(folder) if new.is_dir() else with_policy(project.policies, new)
    faults = [finding for finding in policy_findings(drawer, project.actions) if finding.fatal]
    if faults:
        raise SourceError(faults, drawer.documents.values())
    return drawer


def write_history(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write there; default: standard output.")
    ] = None,
) -> None:
    """Write every recorded decision, one JSON object a line, for `policy simulate` elsewhere or later."""
    from interlock.engine.history import history
    from interlock.engine.project import Project

    lines = [f"{row.model_dump_json()}\n" for row in history(Project.at().services)]
    if output is None:
        typer.echo("".join(lines), nl=False)
        return
    try:
        output.write_text("".join(lines), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None
    console(stderr=True).print(f"{len(lines)} decisions in {output}", markup=False)


def replay_object(found: Replay) -> dict[str, Any]:
    """A replay as JSON."""
    words = ("auto", "approve", "deny")
    return {
        "decisions": found.decisions,
        "before": {word: found.before[word] for word in words},
        "after": {word: found.after[word] for word in words},
        "questions": found.questions,
        "rejected_would_pass": [_object(each) for each in found.passing("rejected")],
        "edited_would_pass": [_object(each) for each in found.passing("edited")],
        "automatic_would_stop": [_object(each) for each in found.stopped],
        "missing": dict(sorted(found.missing.items())),
        "derived": {"as_recorded": sorted(found.as_kept), "computed_anew": sorted(found.anew)},
    }


def _object(changed: Changed) -> dict[str, Any]:
    row = changed.recorded
    return {
        "effect": row.effect,
        "run": row.run,
        "at": row.at,
        "headline": row.headline,
        "before": row.decided,
        "after": changed.after,
        "reasons": [reason.model_dump() for reason in changed.reasons],
        "people": row.people.model_dump() if row.people is not None else None,
    }


def _tell(found: Replay) -> None:
    out = console()
    out.print(f"{found.decisions} decisions, before and under these policies:", markup=False)
    for word, what in (("auto", "go by themselves"), ("approve", "ask people"), ("deny", "are denied")):
        out.print(f"  {found.before[word]:>6} -> {found.after[word]:<6} {what}", markup=False)
    more = found.questions
    told = f"{abs(more)} {'more' if more > 0 else 'fewer'}" if more else "as many"
    out.print(f"{told} questions to people", markup=False)
    _list("Rejected by people, and would now pass:", found.passing("rejected"))
    _list("Changed by people, and would now pass as first proposed:", found.passing("edited"))
    _list("Went automatically, and would now stop:", found.stopped)
    if found.missing:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(found.missing.items()))
        out.print(f"Not recorded, so missing: {names}", markup=False)
    if found.anew:
        out.print(f"Computed anew from the history: {', '.join(sorted(found.anew))}", markup=False)


def _list(title: str, changes: list[Changed]) -> None:
    if not changes:
        return
    out = console()
    out.print(f"\n{title}", markup=False)
    for each in changes[:SHOWN]:
        row, first = each.recorded, each.reasons[0]
        out.print(f"  {row.effect}  {row.headline}", markup=False)
        if row.people is not None and row.people.decision in ("rejected", "edited"):
            said = f": {row.people.comment}" if row.people.comment else ""
            out.print(f"    {row.people.decision} by {row.people.by}{said}", markup=False)
        out.print(f"    {row.decided} -> {each.after}, {first.rule}: {first.because}", markup=False)
    if len(changes) > SHOWN:
        out.print(f"  and {len(changes) - SHOWN} more: --json has them all", markup=False)
