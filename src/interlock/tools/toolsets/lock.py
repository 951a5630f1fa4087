"""Pins: what people looked at of a server's tools, or of a document, in a file beside the toolset's.

`tools/notes.yaml` has `tools/notes.lock.json`.  What is offered later and is not what was pinned is refused, until
somebody looks at it and pins it anew.  The file is made by `interlock tools pin`, and belongs into version control:
there a change of it is seen like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.digest import Json, fingerprint
from interlock.errors import ProjectError

MOST = 5_000_000
"""Bytes of a file of pins, and of a document."""


def lock_file(toolset: Path) -> Path:
    """The file of a toolset's pins."""
    return toolset.with_name(f"{toolset.stem}.lock.json")


def pinned(offer: Mapping[str, Json]) -> dict[str, Json]:
    """What is written down of one tool: all that was offered, and its digest."""
    return {"digest": fingerprint(dict(offer)), **offer}


def read_lock(path: Path, family: str) -> dict[str, dict[str, Any]] | None:
    """The pins of a toolset by the tool's own name; None where nothing has been pinned.

    Raises:
        ProjectError: the file is not one of pins, or was changed by other means than pinning.
    """
    try:
        if path.stat().st_size > MOST:
            raise ProjectError(f"{path.name} is larger than {MOST:,} bytes")
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ProjectError(f"{path.name} cannot be read: {type(error).__name__}") from None
    if not isinstance(data, dict) or data.get("toolset") != family or not isinstance(data.get("tools"), dict):
        raise ProjectError(f"{path.name} holds no pins of `{family}`")
    for name, pin in data["tools"].items():
        offer = {key: value for key, value in pin.items() if key != "digest"} if isinstance(pin, dict) else {}
        if not offer or pin.get("digest") != fingerprint(offer):
            raise ProjectError(f"{path.name}: what it says of `{name}` is not what was pinned")
    tools: dict[str, dict[str, Any]] = data["tools"]
    return tools


def write_lock(path: Path, family: str, tools: Mapping[str, Mapping[str, Json]]) -> None:
    """Write the pins of a toolset."""
    whole = {"toolset": family, "tools": {name: dict(tools[name]) for name in sorted(tools)}}
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
