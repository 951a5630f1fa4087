"""Adding a person to the file of people: one line in the text that is there, and nothing else changed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from interlock.errors import ProjectError
from interlock.policies.declared import NAME
from interlock.policies.drawer import PEOPLE
from interlock.source import SourceError, parse_document, read_document

_PLAIN = re.compile(r"[a-z][a-z0-9_.-]*")
"""Names that mean themselves without quotes."""


def add_person(folder: Path, name: str, roles: Sequence[str]) -> Path:
    """Write a person with their roles into the drawer's file of people, which is made where there is none.

    Returns:
        the file.

    Raises:
        ProjectError: the file has faults, the person stands in it already, a role is no name, or the text is
            written in a way that a line cannot be added to; nothing was changed.
    """
    path = folder / PEOPLE
    for role in roles:
        if not re.fullmatch(NAME, role):
            raise ProjectError(f"{role!r} is no role's name; use small letters, digits and _.")
    word = name if _PLAIN.fullmatch(name) and name not in ("true", "false", "null") else json.dumps(name)
    entry = f"{word}: [{', '.join(roles)}]"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _replace(path, f"people:\n  {entry}\n")
        return path
    document = read_document(path)
    people = document.data.get("people")
    if not isinstance(people, dict):
        raise ProjectError(f"{path} has no `people`; `interlock check` names what is wrong with it.")
    if name in people:
        raise ProjectError(f"{name} stands in {path} already; change their roles there.")
    lines = document.text.split("\n")
    last = max((span.value.line for loc, span in document.spans.items() if loc[:1] == ("people",)), default=0)
    first = min((document.mark(("people", each), key=True) for each in people), default=None)
    indent = " " * (first.column - 1 if first else 2)
    text = "\n".join([*lines[:last], indent + entry, *lines[last:]])
    wanted = document.data | {"people": people | {name: list(roles)}}
    try:
        written = parse_document(text, str(path)).data
    except SourceError:
        written = {}
    if written != wanted:
        raise ProjectError(f"a line cannot be added to {path} as it is written; add by hand, under `people`: {entry}")
    _replace(path, text)
    return path


def _replace(path: Path, text: str) -> None:
    """Put a whole file in place at once, so that no reader ever sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        draft.write_text(text, encoding="utf-8")
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror}; nothing was changed.") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
