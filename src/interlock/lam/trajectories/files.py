"""Trajectories in files: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from interlock.errors import InputError, UsageError
from interlock.lam.jsonl import read_objects
from interlock.lam.trajectories.trajectory import Trajectory


def read_trajectories(path: Path) -> Iterator[Trajectory]:
    """The trajectories of a file, in order.

    Raises:
        UsageError: there is no such file.
        InputError: a line is no trajectory; the message names file and line, and the field that is wrong.
    """
    for where, document in read_objects(path):
        yield trajectory_of(document, where)


def trajectory_of(document: dict[str, Any], where: str) -> Trajectory:
    """A document as a trajectory.

    Raises:
        InputError: it is none; the message begins with `where` and names the field.
    """
    try:
        return Trajectory.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the row"
        raise InputError(f"{where}: {place}: {first['msg']}.") from None


def line_of(document: dict[str, Any]) -> str:
    """One line of a file."""
    return json.dumps(document, ensure_ascii=False) + "\n"


def document_of(trajectory: Trajectory) -> dict[str, Any]:
    """A trajectory as JSON, without the fields that say nothing; what a call holds is left as it is."""
    document = _pruned(trajectory.model_dump(mode="json"), ("unique_trajectory_id", "task_instruction", "tools"))
    document["conversation"] = [_message(message) for message in document["conversation"]]
    return document


def _message(message: dict[str, Any]) -> dict[str, Any]:
    made = _pruned(message, ("role", "content"))
    if "tool_calls" in made:
        made["tool_calls"] = [_pruned(call, ("function",)) for call in made["tool_calls"]]
    if "lam" in made:
        made["lam"] = _pruned(made["lam"], ("backend", "model_id", "decision", "confidence"))
    return made


def _pruned(fields: dict[str, Any], kept: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in kept or value not in (None, [], {}, "")}


def write_lines(documents: Iterable[dict[str, Any]], path: Path) -> int:
    """Write documents, one a line; returns how many.

    Raises:
        UsageError: the file cannot be written.
    """
    count = 0
    try:
        with path.open("w", encoding="utf-8") as lines:
            for document in documents:
                lines.write(line_of(document))
                count += 1
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return count


def read_documents(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a file that is JSONL, or one JSON list of objects, each with what to call it in an error.

    Raises:
        UsageError: there is no such file.
        InputError: it is neither; the message names the file and the line or place.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}; give the path of a JSONL file.")
    with path.open("rb") as file:
        begins = file.read(1024).lstrip()[:1]
    if begins != b"[":
        yield from read_objects(path)
        return
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} begins like a JSON list and is none ({error}).") from error
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        if not isinstance(row, dict):
            raise InputError(f"{where}: a row is a JSON object, not {type(row).__name__}.")
        yield where, row
