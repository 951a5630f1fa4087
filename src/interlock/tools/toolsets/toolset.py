"""A toolset: a YAML file of the drawer `tools/` that makes actions of tools which somebody else wrote.

Its first key says where they come from, and names the family of the actions::

    mcp: notes                 # the tools of an MCP server
    openapi: shop              # the operations of an OpenAPI document
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from interlock.source import Document, Finding, SourceError, hint_for, read_document
from interlock.tools.action import Action
from interlock.tools.toolsets import browser, mcp, openapi, sql

Read = Callable[[Document, Path], tuple[list[Action], list[Finding]]]

KINDS: dict[str, Read] = {"mcp": mcp.read, "openapi": openapi.read, "browser": browser.read, "sql": sql.read}
"""What reads a toolset, by its first key."""


def inspect_toolset(path: Path) -> tuple[list[Action], list[Finding], Document | None]:
    """The actions of one file, and what is wrong with it; never raises for a faulty file."""
    try:
        document = read_document(path)
    except SourceError as error:
        return [], error.findings, None
    kinds = [kind for kind in KINDS if kind in document.data]
    if len(kinds) != 1:
        first = next(iter(document.data))
        message = f"the file does not say what tools it has: one of the keys {', '.join(f'`{k}`' for k in KINDS)}"
        return [], [document.finding("C001", message, (first,), key=True, hint=hint_for(first, KINDS))], document
    actions, findings = KINDS[kinds[0]](document, path)
    return actions, findings, document
