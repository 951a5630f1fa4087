"""Reads JSONL files of objects, every fault with its file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of a JSONL file with what to call it in an error: `FILE, line N`; blank lines are skipped.

    Raises:
        UsageError: there is no such file.
        InputError: a line is not UTF-8, not JSON, or not an object; the message names file and line.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}; give the path of a JSONL file.")
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                document = json.loads(line.decode())
            except UnicodeDecodeError as error:
                raise InputError(f"{where}: not UTF-8 (byte {error.start}).") from error
            except json.JSONDecodeError as error:
                raise InputError(f"{where}: not JSON ({error.msg}, column {error.colno}).") from error
            except RecursionError as error:
                raise InputError(f"{where}: nested too deeply.") from error
            if not isinstance(document, dict):
                raise InputError(f"{where}: a row is a JSON object, not {type(document).__name__}.")
            yield where, document


def text_in(document: dict[str, Any], name: str, where: str) -> str:
    """The text a row must have under a name.

    Raises:
        InputError: it has none, or something else stands there.
    """
    value = document.get(name)
    if not isinstance(value, str):
        raise InputError(f'{where}: the row needs a text under "{name}".')
    return value
