"""`interlock explain`: the page of a code, at the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.errors import UsageError


def explain(
    codes: Annotated[list[str] | None, typer.Argument(help="Codes such as G201; without any, all are listed.")] = None,
) -> None:
    """Say what a code of `interlock check` means, why it matters, and what to do."""
    from interlock.graphs.catalogue.codes import CODES
    from interlock.graphs.catalogue.pages import page

    if not codes:
        typer.echo("\n".join(f"{code}  {about.title}" for code, about in CODES.items()))
        return
    wanted = [code.upper() for code in codes]
    for code, given in zip(wanted, codes, strict=True):
        if code not in CODES:
            raise UsageError(f"there is no code {given}; `interlock explain` lists all.")
    typer.echo("\n\n".join(page(code).rstrip() for code in wanted))
