"""`interlock tools`: what actions there are, and looking at what others offer before it becomes one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.output import console, print_json
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.tools.toolsets.pinning import Change

app = typer.Typer(no_args_is_help=True, help="List the actions there are, and pin the tools that others offer.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_tools(
    family: Annotated[str | None, typer.Argument(metavar="FAMILY", help="Only those called FAMILY.….")] = None,
    as_json: AsJson = False,
) -> None:
    """List the actions of tools/: effect, risk, and what each does."""
    from interlock.engine.project import find_project
    from interlock.tools.drawer import read_actions

    drawer = read_actions(find_project(Path.cwd()) / "tools")
    actions = {name: one for name, one in drawer.items() if family is None or name.startswith(f"{family}.")}
    if as_json:
        rows = [
            {
                "name": action.name,
                "description": action.description,
                "effect": action.effect,
                "risk": action.risk,
                "parameters": action.parameters(),
            }
            for action in actions.values()
        ]
        print_json({"tools": rows})
        return
    for action in actions.values():
        console().print(f"{action.name}  {action.effect}, {action.risk}  {action.description}", markup=False)


@app.command()
def pin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The toolset tools/NAME.yaml.")],
    yes: Annotated[bool, typer.Option("--yes", help="Pin what changed without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at the tools that a server or a document offers now, and pin them as they are."""
    from interlock.engine.project import anchored, find_project
    from interlock.settings import load_settings
    from interlock.tools.toolsets.pinning import offered, write_pins

    root = find_project(Path.cwd())
    offer = offered(root / "tools", name, anchored(load_settings(), root))
    changed = [change for change in offer.changes if change.what != "same"]
    if not as_json:
        for change in offer.changes:
            _show(change)
    earlier = [change for change in changed if change.what in ("changed", "gone")]
    if earlier and not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{len(earlier)} tools are not what was pinned; look at them, then add --yes.")
        typer.confirm("Pin them as they are now?", abort=True, err=True)
    if changed:
        write_pins(offer)
    if as_json:
        rows = [{"tool": change.tool, "what": change.what, "says": change.says} for change in offer.changes]
        print_json({"toolset": name, "file": str(offer.file), "written": bool(changed), "changes": rows})
    elif changed:
        console().print(f"wrote {offer.file}. Next: interlock check", markup=False)
    else:
        console().print(f"{offer.file} is up to date.", markup=False)


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What the file is: openapi.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OpenAPI document in the project.")],
    name: Annotated[str | None, typer.Option("--name", help="Family of the actions; default: the file's name.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where the service stands; default: what FILE says.")] = None,
    private: Annotated[
        bool, typer.Option("--private", help="It stands on this machine or in a private network.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a toolset from an OpenAPI document: GET and HEAD read, the rest may change something until you say more."""
    from interlock.engine.project import find_project
    from interlock.tools.toolsets.declared import NAME
    from interlock.tools.toolsets.importing import import_openapi

    if kind != "openapi":
        raise UsageError(f"there is nothing to import from `{kind}`; there is openapi.")
    family = name or re.sub(r"[^a-z0-9]+", "_", file.name.lower().removesuffix(file.suffix)).strip("_")
    if not re.fullmatch(NAME, family):
        raise UsageError(f"{family!r} is no name of a family: small letters, digits and _. Give one with --name.")
    made = import_openapi(find_project(Path.cwd()), file, family, url, private)
    if as_json:
        left_out = [{"operation": operation, "because": because} for operation, because in made.left_out]
        print_json({"toolset": family, "file": str(made.file), "tools": made.tools, "left_out": left_out})
        return
    for operation, because in made.left_out:
        console(stderr=True).print(f"left out {operation}: {because}", markup=False)
    console().print(
        f"wrote {made.file}: {len(made.tools)} actions, pinned as they are. Next: interlock check", markup=False
    )


def _show(change: Change) -> None:
    console().print(f"{change.what:<8}{change.tool}", markup=False)
    for line in change.says if change.what != "same" else []:
        console().print(f"        {line}", markup=False)
