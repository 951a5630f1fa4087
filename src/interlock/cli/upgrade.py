"""`interlock upgrade`: move waiting runs to another version of their workflow, after seeing what that would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.output import EXIT_DONE, EXIT_FAILED, console, print_json
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.engine.outlook import Outlook
    from interlock.engine.upgrade import Upgrading

app = typer.Typer(no_args_is_help=True, help="Move waiting runs to another version of their workflow.")

Old = Annotated[str, typer.Argument(metavar="OLD", help="What the runs go by: digest, graph@version, graph or file.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="What they are to go by: graph, file, digest, graph@version.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", metavar="FILE", help="What old steps and keys are called now.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

WORDS = {
    "safe": "[green]safe[/green]",
    "voids_approval": "[yellow]would void an approval[/yellow]",
    "needs_mapping": "[red]needs mapping[/red]",
    "impossible": "[red]impossible[/red]",
}


@app.command()
def plan(old: Old, new: New, mapping: MappingFile = None, as_json: AsJson = False) -> None:
    """List the runs that have not ended, what would become of each, and why; nothing is changed."""
    upgrading = _upgrading(old, new, mapping)
    found = upgrading.plan()
    ready = all(outlook.movable for outlook in found)
    if as_json:
        from interlock.graphs.upgrades.differences import differences

        told = differences(upgrading.old.spec, upgrading.new.spec, upgrading.mapping)
        print_json(_sides(upgrading) | {"differences": told, "runs": [_outlook(each) for each in found]})
    else:
        _tell(upgrading, found)
        _next(old, new, mapping, found)
    raise typer.Exit(EXIT_DONE if ready else EXIT_FAILED)


@app.command()
def apply(
    old: Old,
    new: New,
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="Who moves them.")],
    token: TokenFile = None,
    mapping: MappingFile = None,
    run: Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="Only this one; repeatable.")] = None,
    void_approvals: Annotated[
        bool, typer.Option("--void-approvals", help="Withdraw approvals that wait or were given; they are asked again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Change the runs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move the runs that the plan calls safe; each goes on under the new version when it is resumed."""
    if not yes:
        raise UsageError("this changes runs; look at `interlock upgrade plan` first, then add --yes.")
    upgrading = _upgrading(old, new, mapping)
    person = acting_as(upgrading.services, person, token)
    moved = upgrading.apply(person, runs=run or None, voiding=void_approvals)
    if as_json:
        rows = [{"run": each.run, "moved": each.moved, "reason": each.reason, "voided": each.voided} for each in moved]
        print_json(_sides(upgrading) | {"runs": rows})
    else:
        out = console()
        for each in moved:
            word = "[green]moved[/green]" if each.moved else "[red]left[/red]"
            out.print(f"{word} {each.run}: ", end="")
            out.print(each.reason, markup=False)
            if each.voided:
                out.print(f"  withdrawn: {', '.join(each.voided)}", markup=False)
            if each.moved:
                out.print(f"  Go on: interlock runs resume {each.run}", markup=False)
        if not moved:
            out.print("No run of the old version waits; there is nothing to move.")
    raise typer.Exit(EXIT_DONE if all(each.moved for each in moved) else EXIT_FAILED)


def _upgrading(old: str, new: str, file: Path | None) -> Upgrading:
    from interlock.engine.naming import proven, workflow_named
    from interlock.engine.project import Project
    from interlock.engine.upgrade import Upgrading
    from interlock.graphs.upgrades.mapping import SpecMapping, read_mapping

    project = Project.at()
    before, after = workflow_named(project, old), proven(workflow_named(project, new))
    mapping = SpecMapping() if file is None else read_mapping(file, before.spec, after.spec, project.actions)
    upgrading = Upgrading(before, after, mapping)
    if upgrading.old_digest == upgrading.new_digest:
        raise UsageError(f"{old} and {new} are the same version; there is nothing to move.")
    return upgrading


def _sides(upgrading: Upgrading) -> dict[str, Any]:
    return {"old": upgrading.old_digest, "new": upgrading.new_digest}


def _outlook(outlook: Outlook) -> dict[str, Any]:
    bounds = outlook.judged.bounds if outlook.judged else None
    return {
        "run": outlook.run.id,
        "graph": outlook.run.graph,
        "status": outlook.run.status,
        "step": outlook.step,
        "verdict": outlook.word,
        "reason": outlook.reason,
        "becomes": outlook.becomes,
        "voids": outlook.voids,
        "then": outlook.then,
        "bounds": bounds.model_dump(mode="json") if bounds else None,
    }


def _tell(upgrading: Upgrading, found: list[Outlook]) -> None:
    from interlock.graphs.upgrades.differences import differences

    out = console()
    sides = ((upgrading.old.spec, upgrading.old_digest), (upgrading.new.spec, upgrading.new_digest))
    alike = upgrading.old.spec.version == upgrading.new.spec.version
    for side, (spec, digest) in zip(("from", "to"), sides, strict=True):
        told = f", {digest[:19]}" if alike else ""
        out.print(f"{side:<5}{spec.graph} version {spec.version}{told}", markup=False)
    for sentence in differences(upgrading.old.spec, upgrading.new.spec, upgrading.mapping):
        out.print(f"  {sentence}", markup=False)
    for outlook in found:
        where = f" at {outlook.step}" if outlook.step else ""
        out.print(f"{outlook.run.id}, {outlook.run.status}{where}: {WORDS[outlook.word]}")
        out.print(f"  {outlook.reason}", markup=False)
        if outlook.then:
            out.print(f"  tried on a copy: next it {outlook.then}", markup=False)
    if not found:
        out.print("No run of the old version waits; there is nothing to move.")


def _next(old: str, new: str, mapping: Path | None, found: list[Outlook]) -> None:
    movable = [outlook for outlook in found if outlook.movable]
    if not movable:
        return
    option = f" --mapping {mapping}" if mapping else ""
    void = " --void-approvals" if any(outlook.voids for outlook in movable) else ""
    few = "" if len(movable) == len(found) else "".join(f" --run {outlook.run.id}" for outlook in movable)
    console().print(f"Move: interlock upgrade apply {old} {new}{option}{few}{void} --as NAME --yes", markup=False)
