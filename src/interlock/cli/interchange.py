"""`interlock export` and `interlock import`: graphs to and from other formats, saying what is not carried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli import completing
from interlock.cli.output import EXIT_FAILED, console
from interlock.errors import ProjectError

if TYPE_CHECKING:
    from interlock.graphs.agent_spec.importing import Imported
    from interlock.graphs.agent_spec.vocabulary import Loss

FORMATS = ("agent-spec",)


def _format(value: str) -> str:
    if value not in FORMATS:
        raise typer.BadParameter(f"{value!r} is not a format that is known here; there is {', '.join(FORMATS)}")
    return value


Format = Annotated[str, typer.Option(help="The format: agent-spec (Open Agent Spec).", callback=_format)]


def export(
    graph: Annotated[
        str,
        typer.Argument(help="A graph file, or the name of a graph in this project.", autocompletion=completing.graphs),
    ],
    to: Format,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write: JSON, or YAML by its name; else stdout.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object: what was written, and what is lost.")] = False,
) -> None:
    """Write a graph as a flow of another format, and say what another runtime will not do."""
    from interlock.cli.checking import project_of
    from interlock.graphs.agent_spec.exporting import export as exported
    from interlock.graphs.authored import shared
    from interlock.graphs.loader import read_spec
    from interlock.nodes.drawer import read_cards
    from interlock.policies.drawer import read_policies
    from interlock.tools.drawer import read_actions

    path = _graph_file(graph)
    root = project_of(path)
    actions = read_actions(root / "tools")
    spec = read_spec(path, read_cards(root / "nodes").cards, actions, read_policies(root / "policies"))
    made = exported(spec, actions)
    if output is not None and output.suffix in (".yaml", ".yml"):
        text = shared(made.document)
    else:
        text = json.dumps(made.document, ensure_ascii=False, indent=2) + "\n"
    if output is not None:
        _write(output, text)
    losses = [{"step": loss.step, "message": loss.message, "guard": loss.guard} for loss in made.losses]
    if as_json:
        where: dict[str, Any] = {"document": made.document} if output is None else {"file": str(output)}
        typer.echo(json.dumps({"graph": spec.graph, **where, "losses": losses}, ensure_ascii=False))
        return
    if output is None:
        typer.echo(text, nl=False)
    _say_losses(made.losses)
    if output is not None:
        typer.echo(f"Wrote {output}; `interlock import` restores the graph from it whole.")


def _graph_file(name: str) -> Path:
    for path in (Path(name), Path("graphs") / f"{name}.yaml"):
        if path.is_file():
            return path
    raise ProjectError(f"there is no graph {name}; give its file, or a name of graphs/.")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror}.") from None


def _say_losses(losses: list[Loss]) -> None:
    guards = [loss.text() for loss in losses if loss.guard]
    others = [loss.text() for loss in losses if not loss.guard]
    say = console(stderr=True)
    for title, lines in (("GUARDS THAT ARE LOST in any other runtime:", guards), ("Also not carried:", others)):
        if lines:
            say.print(title, markup=False)
            for line in lines:
                say.print(f"  - {line}", markup=False)


def import_(
    file: Annotated[Path, typer.Argument(help="The document: JSON (*.json) or YAML.")],
    folder: Annotated[Path, typer.Argument(help="The project whose drawers receive the files.")] = Path("."),
    from_: Annotated[
        str, typer.Option("--from", help="The format: agent-spec (Open Agent Spec).", callback=_format)
    ] = FORMATS[0],
    plain: Annotated[
        bool, typer.Option("--plain", help="Take the flow as it stands, without what our own export kept of it.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One object: the files, and what is still to be done.")
    ] = False,
) -> None:
    """Make a graph and its cards from a flow of another format, and check them."""
    from interlock.cli.checking import check_paths
    from interlock.graphs.agent_spec.importing import KnownAction, import_document
    from interlock.graphs.agent_spec.reader import read_data
    from interlock.policies.drawer import read_policies
    from interlock.tools.drawer import read_actions

    actions = read_actions(folder / "tools")
    policies = read_policies(folder / "policies")
    known = {name: KnownAction(action.consequential, bool(policies.covering(name))) for name, action in actions.items()}
    made = import_document(read_data(file), known, policies.approvals, plain=plain)
    _put(made, folder)
    report = check_paths([folder / "graphs" / f"{made.graph}.yaml"])
    if as_json:
        needed = [
            {"what": item.what, "name": item.name, "about": item.about, "inputs": item.inputs, "outputs": item.outputs}
            for item in made.needed
        ]
        found = {"graph": made.graph, "restored": made.restored, "files": sorted(made.files), "needed": needed}
        typer.echo(
            json.dumps({"ok": report.ok, **found, "notes": made.notes, "check": report.json()}, ensure_ascii=False)
        )
    else:
        _say(made, folder)
        typer.echo(report.text())
    if not report.ok:
        raise typer.Exit(EXIT_FAILED)


def _put(made: Imported, folder: Path) -> None:
    """Write the files, or none of them where one would overwrite another text.

    Raises:
        ProjectError: a file of that name says something else, or cannot be written.
    """
    for name, text in made.files.items():
        path = folder / name
        if path.exists() and (not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text):
            raise ProjectError(f"{path} is there already and says something else; nothing was written. Move it first.")
    for name, text in made.files.items():
        _write(folder / name, text)
    (folder / "nodes").mkdir(exist_ok=True)


def _say(made: Imported, folder: Path) -> None:
    how = "restored as it was exported" if made.restored else "translated"
    typer.echo(f"{made.graph}: {how}")
    for name in made.files:
        typer.echo(f"  wrote {folder / name}")
    for note in made.notes:
        typer.echo(f"  note: {note}")
    for item in made.needed:
        drawer = {"action": "tools/", "function": "nodes/", "approval": "policies/"}[item.what]
        typer.echo(f"  to be written in {drawer}: the {item.what} `{item.name}`: {item.about}")
        for title, properties in (("takes", item.inputs), ("returns", item.outputs)):
            if properties:
                typer.echo(f"    it {title} {json.dumps(properties, ensure_ascii=False)}")
        if item.what == "action":
            typer.echo("    declare its effect and risk there; nothing was guessed, and until then nothing calls it")
