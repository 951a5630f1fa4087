"""The input of runs from the command line: `-i KEY=VALUE`, `-i KEY=@FILE` and `--input FILE.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.errors import InputError, UsageError

if TYPE_CHECKING:
    from interlock.graphs.spec import Spec

Inputs = Annotated[
    list[str] | None, typer.Option("-i", metavar="KEY=VALUE", help="One input; KEY=@FILE reads a text file.")
]
InputFile = Annotated[Path | None, typer.Option("--input", metavar="FILE.json", help="All inputs as one JSON object.")]

EXAMPLES = {"string": "...", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}
"""A value of each type, as it is written on the command line."""

MAX_INPUT_FILE = 1_000_000
"""Bytes of one input file; longer texts do not belong in a state."""


def read_inputs(spec: Spec, pairs: list[str], file: Path | None) -> dict[str, Any]:
    """The inputs of a run from the command line.

    Raises:
        InputError: a file or value cannot be read; the message names it.
        UsageError: an option is not KEY=VALUE.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            read = json.loads(sys.stdin.read() if str(file) == "-" else read_text(file))
        except ValueError as error:
            raise InputError(f"{file} is not JSON: {error}.") from None
        if not isinstance(read, dict):
            raise InputError(f'{file} holds no JSON object; write {{"KEY": VALUE}}.')
        values |= read
    for pair in pairs:
        name, found, text = pair.partition("=")
        if not found or not name:
            raise UsageError(f"-i takes KEY=VALUE or KEY=@FILE, not {pair!r}.")
        values[name] = _typed(spec, name, read_text(Path(text[1:])) if text.startswith("@") else text)
    return values


def _typed(spec: Spec, name: str, text: str) -> Any:
    schema = spec.input.get(name)
    if schema is None or schema.type == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        example = json.dumps(EXAMPLES.get(schema.type))
        message = f"input {name} is read as JSON and holds none: {text[:60]!r}; write it like -i '{name}={example}'."
        raise InputError(message) from None


def read_text(path: Path) -> str:
    """A text file.

    Raises:
        InputError: missing, unreadable, empty, too large or not text.
    """
    try:
        if path.stat().st_size > MAX_INPUT_FILE:
            raise InputError(f"{path} has {path.stat().st_size} bytes; at most {MAX_INPUT_FILE} are read.")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text: byte {error.start} is not UTF-8.") from None
    control = next((char for char in text if ord(char) < 32 and char not in "\t\n\r"), None)
    if control is not None:
        raise InputError(f"{path} is not text: it holds the control character U+{ord(control):04X}.")
    if not text.strip():
        raise InputError(f"{path} is empty.")
    return text
