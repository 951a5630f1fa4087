"""`interlock draw`: a graph as a picture, also one with errors, and how far a run has come in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli import completing
from interlock.cli.checking import project_of
from interlock.cli.output import EXIT_FAILED
from interlock.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.graphs.loader import Loaded
    from interlock.graphs.pictures.figure import Figure, Marks
    from interlock.graphs.spec import Spec
    from interlock.source import Finding

FORMATS = ("svg", "mermaid", "text")


def draw(
    graph: Annotated[
        str | None,
        typer.Argument(
            metavar="GRAPH",
            help="Graph file, or the name of a graph of the project.",
            autocompletion=completing.graphs,
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="svg, mermaid or text")] = "svg",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write there; default is stdout.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="The graph this run is pinned to, and how far it has come."),
    ] = None,
    path: Annotated[
        str | None, typer.Option("--path", metavar="START,A,B", help="Mark a path, its steps with commas between.")
    ] = None,
    finding: Annotated[
        str | None, typer.Option("--finding", metavar="CODE", help="Mark the path of the finding with this code.")
    ] = None,
    expand: Annotated[bool, typer.Option("--expand", help="Draw the graphs that run as a step inside it.")] = False,
    style: Annotated[bool, typer.Option("--style/--no-style", help="Whether the SVG holds its stylesheet.")] = True,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="The text form in plain ASCII.")] = False,
) -> None:
    """Draw a graph as SVG, Mermaid or text; one with errors too, with the path of the first that has one."""
    from interlock.graphs.pictures.depiction import depicted
    from interlock.graphs.pictures.figure import Marks

    if form not in FORMATS:
        raise UsageError(f"--format is svg, mermaid or text, not {form}.")
    if run is not None and (path is not None or finding is not None):
        raise UsageError("--run marks what a run did; it does not go with --path or --finding.")
    if path is not None and finding is not None:
        raise UsageError("--path and --finding both say which path is marked; give one.")
    if graph is None and run is None:
        raise UsageError("say which graph is drawn: interlock draw GRAPH, or interlock draw --run RUN.")
    findings: Sequence[Finding] = ()
    if run is not None:
        spec, marks = _of_run(run, graph)
        figure = depicted(spec, expand=expand)
    else:
        assert graph is not None
        loaded = _loaded(graph)
        findings = loaded.findings
        if loaded.partial is None:
            raise InputError(f"{graph} holds nothing that could be drawn. See why: interlock check {graph}.")
        figure = depicted(loaded.partial, expand=expand)
        marks = Marks(path=_path(figure, findings, path, finding))
    text = _rendered(figure, marks, form, style=style, ascii_only=ascii_only or not _unicode(output))
    _write(text, output)
    errors = sum(item.fatal for item in findings)
    if errors:
        noun = "error" if errors == 1 else "errors"
        typer.echo(f"{graph} has {errors} {noun}; what could be read is drawn. See: interlock check {graph}", err=True)
        raise typer.Exit(EXIT_FAILED)


def _loaded(graph: str) -> Loaded:
    """What a graph file holds, read with the drawers of its project, faulty ones as far as they can be read."""
    from interlock.graphs.loader import load_spec
    from interlock.nodes.drawer import inspect_cards
    from interlock.policies.drawer import inspect_policies
    from interlock.tools.drawer import inspect_actions

    file = Path(graph)
    if not file.is_file():
        from interlock.engine.project import Project

        file = Project.at().graph_file(graph)
    root = project_of(file)
    actions, _ = inspect_actions(root / "tools")
    cards, _ = inspect_cards(root / "nodes")
    policies, _ = inspect_policies(root / "policies")
    return load_spec(file, cards.cards, actions, policies)


def _path(figure: Figure, findings: Sequence[Finding], path: str | None, code: str | None) -> tuple[str, ...]:
    """The path to be marked: as given, or of the finding with that code, or of the first error that has one."""
    if path is not None:
        names = tuple(name.strip() for name in path.split(","))
        known = {node.name for node in figure.nodes} | {"END"}
        for name in names:
            if name not in known:
                from interlock.source import hint_for

                told = sorted(known - {name for name in known if name.startswith("END:")})
                hint = hint_for(name, told) or "see them: interlock draw GRAPH --format text"
                raise InputError(f"there is no step {name} on the graph; {hint.rstrip('?')}.")
        return names
    if code is not None:
        found = [item for item in findings if item.code == code]
        if not any(item.path for item in found):
            why = "has no path" if found else "was not found"
            raise InputError(f"the finding {code} {why} in this graph. See: interlock check.")
        return next(tuple(item.path) for item in found if item.path)
    return next((tuple(item.path) for item in findings if item.fatal and item.path), ())


# Runs -------------------------------------------------------------------------------------------


def _of_run(run_id: str, graph: str | None) -> tuple[Spec, Marks]:
    """The spec a run is pinned to, whatever became of its file, and how far the run has come in it."""
    from interlock.engine.progress import progress
    from interlock.engine.project import Project

    runs = Project.at().services.runs
    spec, marks = progress(runs, run_id)
    if graph is not None and Path(graph).stem != spec.graph:
        raise UsageError(f"run {run_id} is of {spec.graph}, not of {graph}; leave GRAPH out.")
    return spec, marks


# Output -----------------------------------------------------------------------------------------


def _rendered(figure: Figure, marks: Marks, form: str, *, style: bool, ascii_only: bool) -> str:
    if form == "svg":
        from interlock.graphs.pictures.drawing import drawn

        return drawn(figure, marks, style=style)
    if form == "mermaid":
        from interlock.graphs.pictures.mermaid import flowchart

        return flowchart(figure, marks)
    from interlock.graphs.pictures.outline import ASCII, UNICODE, outline

    return outline(figure, marks, ASCII if ascii_only else UNICODE)


def _unicode(output: Path | None) -> bool:
    """Whether what is written to can show more than ASCII."""
    return output is not None or (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}.") from None
