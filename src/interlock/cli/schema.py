"""`interlock schema`: the JSON Schemas by which editors judge the files of a project, and the document of the API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.graphs.schema import Names

FOLDER = Path("docs/schema")
"""Where the schemas of a project stand; the first line of each of its files says so to editors."""

API = "openapi.json"
"""The file of the document that describes the HTTP API."""


def schema(
    kind: Annotated[
        str | None, typer.Argument(help="graph, node, policy, people or toolset, or api: print that one.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write there: all of them, or the one named.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a file in DIR (docs/schema) is not up to date.")
    ] = False,
    project: Annotated[
        bool, typer.Option("--project", help="With the names of this project, for editors to offer.")
    ] = False,
) -> None:
    """Print or write the JSON Schemas of graph, node, policy, people and toolset files, or the document of the API."""
    from interlock.graphs.schema import KINDS

    if kind is not None and kind not in (*KINDS, "api"):
        raise UsageError(f"there is no schema `{kind}`; there are {', '.join(KINDS)}, and api.")
    if kind is None and output is None and not check:
        raise UsageError(f"name one of {', '.join(KINDS)} to print it, or write all with `-o {FOLDER.as_posix()}`.")
    folder = output or FOLDER
    found = schema_files(_names() if project else None) if kind != "api" else {}
    if kind == "api" or (kind is None and check and (folder / API).is_file()):
        found |= {API: _document()}
    elif kind is not None:
        found = {name: text for name, text in found.items() if name == f"{kind}.schema.json"}
    if check:
        _compare(folder, found, again=f"interlock schema {'--project ' if project else ''}-o {folder.as_posix()}")
    elif output is None:
        typer.echo("".join(found.values()), nl=False)
    else:
        write_files(folder, found)


def schema_files(names: Names | None = None) -> dict[str, str]:
    """The text of each schema by its file name."""
    from interlock.graphs.schema import KINDS, file_name
    from interlock.graphs.schema import schema as schema_of
    from interlock.source.schema import written

    return {file_name(kind): written(schema_of(kind, names)) for kind in KINDS}


def _document() -> str:
    from interlock.web.api.documents import text

    return text()


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write each file, and tell of those that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            typer.echo(f"wrote {path}")


def _compare(folder: Path, files: dict[str, str], again: str) -> None:
    """Exit with 1 where a file differs from what this version makes."""
    faults = [
        f"{folder / name} is {'not up to date' if (folder / name).is_file() else 'missing'}"
        for name, text in files.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
    if faults:
        typer.echo("\n".join([*faults, f"write it anew: {again}"]), err=True)
        raise typer.Exit(1)


def _names() -> Names:
    """What the project of the current folder declares; a file with faults is left out."""
    from interlock.cli.checking import project_of
    from interlock.graphs.schema import Names
    from interlock.nodes.drawer import inspect_cards
    from interlock.policies.drawer import inspect_policies
    from interlock.tools.drawer import inspect_actions

    root = project_of(Path.cwd() / "graphs" / "any.yaml")
    actions, _ = inspect_actions(root / "tools")
    cards, _ = inspect_cards(root / "nodes")
    policies, _ = inspect_policies(root / "policies")
    return Names(
        graphs=sorted(path.stem for path in (root / "graphs").glob("*.yaml")),
        nodes=sorted(cards),
        actions=sorted(actions),
        approvals=sorted(policies.approvals),
        roles=sorted({role for roles in policies.people.people.values() for role in roles}),
    )
