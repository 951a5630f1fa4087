"""`interlock compare`: the same request through a chat model, an agentic loop, and the guarded workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli import completing
from interlock.cli.inputs import read_inputs
from interlock.cli.output import console, print_json

if TYPE_CHECKING:
    from interlock.engine.compare import Column

TITLES = {"chat": "chat model alone", "agent": "agentic loop", "guarded": "LLM + guarded LAM"}


def compare(
    graph: Annotated[
        str,
        typer.Argument(
            metavar="GRAPH",
            help="Graph file, or the name of a graph of the project.",
            autocompletion=completing.graphs,
        ),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option("-i", metavar="KEY=VALUE", help="One input; KEY=@FILE reads a text file."),
    ] = None,
    input_file: Annotated[
        Path | None, typer.Option("--input", metavar="FILE.json", help="All inputs as one JSON object.")
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(metavar="PROVIDER", help="The loop's model, such as scripted:wrong_tool; default: the project's."),
    ] = None,
    approver: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Approve, as NAME, what waits in the comparison.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run one request three ways, in a home that is thrown away: nothing leaves this machine."""
    from interlock.engine.compare import compare as run_three
    from interlock.engine.project import Project

    project = Project.at()
    workflow = project.workflow(project.graph_file(graph))
    columns = run_three(workflow, read_inputs(workflow.spec, inputs or [], input_file), agent=agent, approver=approver)
    if as_json:
        print_json({"graph": workflow.spec.graph, "ways": [column.json() for column in columns]})
    else:
        _table(columns)


def _table(columns: list[Column]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=True)
    table.add_column("")
    for column in columns:
        table.add_column(f"{TITLES[column.way]}\n[dim]{escape(column.model)}[/dim]", ratio=1)
    table.add_row("said", *(escape(_short(column.text)) for column in columns))
    table.add_row("proposed", *(escape("\n".join(map(_call, column.calls))) or "nothing" for column in columns))
    table.add_row("happened", *(escape("\n".join(column.effects)) or "nothing" for column in columns))
    table.add_row("ended", *(escape(column.ended) for column in columns))
    table.add_row("stopped by", *(escape(column.stopped_by) or "-" for column in columns))
    table.add_row("model calls", *(str(column.model_calls) for column in columns))
    out = console()
    out.soft_wrap = False
    out.print(table)


def _call(call: dict[str, object]) -> str:
    arguments = json.dumps(call["arguments"], ensure_ascii=False)
    return f"{call['action']} {_short(arguments, 200)}\n  -> {call['became']}: {call['because']}"


def _short(text: str, most: int = 400) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
