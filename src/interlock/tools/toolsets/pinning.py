"""Looking at what a toolset's server or document offers now, beside what was pinned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from interlock.digest import Json
from interlock.errors import ProjectError
from interlock.settings import Settings
from interlock.source import SourceError, hint_for, read_document, validate
from interlock.source.rendering import FORBIDDEN
from interlock.tools.action import ActionContext
from interlock.tools.toolsets import mcp, openapi
from interlock.tools.toolsets.lock import lock_file, pinned, read_lock, write_lock


@dataclass(frozen=True)
class Change:
    """How one tool stands to what was pinned, and what is said of it now."""

    tool: str
    what: Literal["new", "changed", "gone", "same"]
    says: list[str]


@dataclass(frozen=True)
class Offered:
    """All that a toolset's server or document offers."""

    family: str
    file: Path
    tools: dict[str, dict[str, Json]]
    changes: list[Change]


def offered(drawer: Path, name: str, settings: Settings) -> Offered:
    """What the toolset `tools/NAME.yaml` offers now.

    Raises:
        ProjectError: there is no such toolset, or it has nothing that is pinned.
        SourceError: its file has faults.
        EffectNotDone: its server cannot be reached.
        EffectFailed: its server may not be reached.
    """
    path = _file(drawer, name)
    document = read_document(path)
    kinds = [kind for kind in _OFFERS if kind in document.data]
    if len(kinds) != 1:
        raise ProjectError(f"{path.name} has nothing that is pinned.")
    fields, findings = validate(_FIELDS[kinds[0]], document, "C")
    if fields is None or findings:
        raise SourceError(findings, [document])
    found = {tool: pinned(offer) for tool, offer in _OFFERS[kinds[0]](fields, path, settings).items()}
    family = str(document.data[kinds[0]])
    try:
        before = read_lock(lock_file(path), family) or {}
    except ProjectError:
        before = {}  # it is written anew; every tool is told as new
    return Offered(family, lock_file(path), found, _changes(before, found))


def _of_server(fields: Any, path: Path, settings: Settings) -> dict[str, dict[str, Json]]:
    context = ActionContext(key="", run="", settings=settings, now=datetime.now(UTC))
    return mcp.offers(fields, path, context)


def _of_document(fields: Any, path: Path, settings: Settings) -> dict[str, dict[str, Json]]:
    return openapi.offers(fields, path)


_FIELDS: dict[str, type[BaseModel]] = {"mcp": mcp.McpFields, "openapi": openapi.OpenApiFields}
_OFFERS = {"mcp": _of_server, "openapi": _of_document}
"""What a toolset's tools are now, by its first key."""


def write_pins(offer: Offered) -> None:
    """Pin what is offered."""
    write_lock(offer.file, offer.family, offer.tools)


def _file(drawer: Path, name: str) -> Path:
    known = sorted(path.stem for path in drawer.glob("*.yaml"))
    if name not in known:
        raise ProjectError(f"there is no toolset {name}; {hint_for(name, known) or 'tools/ has no *.yaml'}.")
    return drawer / f"{name}.yaml"


def _changes(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    found = []
    for tool in sorted({*before, *now}):
        if tool not in now:
            found.append(Change(tool, "gone", []))
        elif tool not in before:
            found.append(Change(tool, "new", _says(now[tool])))
        elif before[tool]["digest"] != now[tool]["digest"]:
            found.append(Change(tool, "changed", _differs(before[tool], now[tool])))
        else:
            found.append(Change(tool, "same", []))
    return found


def _says(offer: Mapping[str, Any]) -> list[str]:
    return [f"{part}: {_text(offer[part])}" for part in offer if part not in ("digest", "name") and offer[part]]


def _differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{part}: {_text(before.get(part))} -> {_text(now.get(part))}"
        for part in dict.fromkeys([*before, *now])
        if part != "digest" and before.get(part) != now.get(part)
    ]


def _text(value: Any) -> str:
    """A value as people can look at it: nothing of it moves the cursor, and what cannot be seen is shown."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return FORBIDDEN.sub("\ufffd", " ".join(text.split()))
