"""Whether the mixture repeats what measuring uses: names of tools, and whole requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError
from interlock.lam.examples import Example
from interlock.lam.generator.names import digest, words_of
from interlock.lam.requests import utterance


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a benchmark's folder, its answers and its retired `exec_*` sets left out.

    Raises:
        UsageError: there are no rows.
        InputError: a file is not JSONL.
    """
    paths = [p for p in sorted(folder.glob("*.jsonl")) if ".answers" not in p.name and not p.name.startswith("exec_")]
    if not paths:
        raise UsageError(f"There are no *.jsonl files in {folder}; give the folder of the development rows.")
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path.name}, line {number}: not JSON ({error.msg}).") from error


def _functions(row: dict[str, Any]) -> list[dict[str, Any]]:
    found = row.get("function") or []
    return found if isinstance(found, list) else [found]


def fingerprints(folder: Path) -> list[str]:
    """Fingerprints of the tool names of the rows."""
    return sorted({digest(str(function.get("name"))) for row in rows_of(folder) for function in _functions(row)})


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def clashes(folder: Path, examples: Iterable[Example]) -> tuple[list[str], list[str]]:
    """Names of tools, and requests, that stand both in the rows and in the examples."""
    names: set[str] = set()
    said: set[str] = set()
    for row in rows_of(folder):
        names |= {words_of(str(function.get("name"))) for function in _functions(row)}
        turns = row.get("question") or []
        said |= {_plain(str(m.get("content"))) for turn in turns for m in (turn if isinstance(turn, list) else [turn])}
    shared_names: set[str] = set()
    shared_requests: set[str] = set()
    for example in examples:
        shared_names |= {words_of(schema.name) for schema in example.space} & names
        shared_requests |= {utterance(example)} & said
    return sorted(shared_names), sorted(shared_requests)
