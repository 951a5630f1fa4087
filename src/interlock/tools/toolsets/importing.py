"""A toolset written from an OpenAPI document: every operation that can be expressed, each as it counts undeclared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from interlock.errors import ProjectError
from interlock.tools.toolsets.declared import Fault
from interlock.tools.toolsets.lock import lock_file, pinned, write_lock
from interlock.tools.toolsets.openapi import ServiceFields, check_server, tool_name
from interlock.tools.toolsets.operations import READS, Operation, form_of, operations, read_openapi
from interlock.tools.toolsets.schemas import Unfit


@dataclass(frozen=True)
class Imported:
    """What was written, and what was left out of it."""

    file: Path
    tools: list[str]
    left_out: list[tuple[str, str]]
    """Each operation that cannot be expressed, and why."""


def import_openapi(root: Path, document: Path, family: str, url: str | None, private: bool) -> Imported:
    """Write `tools/FAMILY.yaml` and its pins from a document of the project.

    Args:
        url: where the service stands; without it, the first address that the document lists.

    Raises:
        ProjectError: the document cannot be used, nothing says where the service stands, or the file exists.
    """
    path = root / "tools" / f"{family}.yaml"
    if path.exists():
        raise ProjectError(f"{path} exists; nothing was written.")
    if not document.resolve().is_relative_to(root.resolve()):
        raise ProjectError(f"{document} does not stand in the project; copy it there, then import it.")
    whole = read_openapi(document)
    listed = whole.get("servers")
    first = listed[0].get("url") if isinstance(listed, list) and listed and isinstance(listed[0], dict) else None
    where = url or (first if isinstance(first, str) else None)
    if where is None:
        raise ProjectError("the document does not say where the service stands; add --url.")
    offers, lines, left_out = {}, [], []
    for operation in operations(whole):
        try:
            offers[operation.name] = pinned(form_of(operation, whole).offer(operation))
            lines.append((tool_name(operation), operation))
        except Unfit as fault:
            left_out.append((operation.name, str(fault)))
    names = [name for name, _ in lines]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ProjectError(f"two operations would be called {twice}; give one of them another `operationId`.")
    if not lines:
        raise ProjectError(f"{document} has no operation that can be expressed; nothing was written.")
    try:
        check_server(ServiceFields(url=where, private=private))
    except Fault as fault:
        raise ProjectError(f"{fault}; add --private if it is meant.") from None
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        _text(family, document.resolve().relative_to(root.resolve()), where, private, lines), encoding="utf-8"
    )
    write_lock(lock_file(path), family, offers)
    return Imported(path, names, left_out)


def _text(family: str, document: Path, url: str, private: bool, lines: list[tuple[str, Operation]]) -> str:
    inside = ", private: true" if private else ""
    head = [
        "# yaml-language-server: $schema=../docs/schema/toolset.schema.json",
        f"openapi: {family}",
        f"document: {json.dumps(document.as_posix())}",
        f"server: {{url: {json.dumps(url)}{inside}}}",
        "tools:",
    ]
    for name, operation in lines:
        reads = operation.method in READS
        about = "" if reads else "   # undeclared: it may change something, nobody can look, high risk"
        head.append(f"  {name}: {{operation: {json.dumps(operation.name)}}}{about}")
    return "\n".join(head) + "\n"
